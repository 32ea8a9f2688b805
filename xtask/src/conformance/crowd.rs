//! Twenty processes at once lock and assemble one recipe, with one cache and into one layout, and some of them are
//! killed at any moment: whoever lives gives the digests of a lone run, and nothing is left broken.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::bundle::{Bundle, assembled, cached, digests};
use crate::Outcome;
use crate::shell::{command, output, read, read_text, variable};

/// How many processes there are at a time.
const CROWD: usize = 20;
/// How many crowds come one after the other, each to a fresh cache and layout.
const ROUNDS: u64 = 2;
/// Every how many of them only locks; the others assemble.
const LOCKS: usize = 5;
/// The seed of the moments of death, unless `OCELET_SEED` gives another.
const SEED: u64 = 20_260_801;
/// How long one crowd may take at most.
const PATIENCE: Duration = Duration::from_secs(600);

/// The digest of each tag.
type Digests = BTreeMap<String, String>;

/// Runs every crowd.
pub(super) fn run(ocelet: &str) -> Outcome {
    let bundle = Bundle::copy()?;
    let (wanted, alone) = lone(ocelet, &bundle)?;
    let lock = read(&bundle.lock())?;
    let seed = match variable("OCELET_SEED") {
        Some(text) => text.parse().map_err(|error| format!("OCELET_SEED is \"{text}\": {error}"))?,
        None => SEED,
    };
    let mut killed = 0;
    for round in 0..ROUNDS {
        let crowd = Crowd {
            ocelet,
            bundle: &bundle,
            cache: bundle.place(&format!("cache-{round}")),
            layout: bundle.place(&format!("layout-{round}")),
        };
        let mut chance = Chance(seed.wrapping_add(round).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        killed += crowd
            .live(&mut chance, alone, &wanted, round)
            .map_err(|error| format!("{error}\nOCELET_SEED={seed}, round {round}"))?;
        if read(&bundle.lock())? != lock {
            return Err(format!("the lock is another one after round {round}, OCELET_SEED={seed}"));
        }
    }
    if killed == 0 {
        return Err(format!(
            "nobody was killed in {ROUNDS} rounds, which proves nothing; OCELET_SEED={seed}"
        ));
    }
    Ok(())
}

/// What one process alone gives, and how long it takes.
fn lone(ocelet: &str, bundle: &Bundle) -> Result<(Digests, Duration), String> {
    let cache = bundle.place("lone-cache");
    output(cached(ocelet, &cache).args(bundle.lock_words()))?;
    let began = Instant::now();
    let cache = bundle.place("another-lone-cache");
    let wanted = assembled(cached(ocelet, &cache).args(bundle.assemble_words(&bundle.place("lone-layout"))))?;
    Ok((wanted, began.elapsed()))
}

/// One crowd.
struct Crowd<'run> {
    ocelet: &'run str,
    bundle: &'run Bundle,
    cache: PathBuf,
    layout: PathBuf,
}

/// One process of it.
struct Member {
    number: usize,
    locks: bool,
    child: Child,
    state: State,
}

/// How a process is.
#[derive(Clone, Copy)]
enum State {
    /// It works, and is killed at a moment or never.
    Alive(Option<Instant>),
    /// It came to its end.
    Ended(ExitStatus),
    Killed,
}

impl Crowd<'_> {
    /// Gives how many were killed.
    fn live(
        &self,
        chance: &mut Chance,
        alone: Duration,
        wanted: &Digests,
        round: u64,
    ) -> Result<usize, String> {
        // So many at once are slower than one alone; the deaths are to be spread over the time that all take.
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let all = alone * u32::try_from(CROWD.div_ceil(processors)).expect("a small number");
        let mut members = Vec::new();
        for number in 0..CROWD {
            members.push(self.start(number, chance, all)?);
        }
        let ended = wait(&mut members);
        for member in &mut members {
            // Whatever happened, nobody is left behind; an error says that it has ended already.
            let _ = member.child.kill();
            let _ = member.child.wait();
        }
        ended?;
        let killed = self.judge(&members, wanted)?;
        self.aftermath(wanted)?;
        println!(
            "round {round}: {} processes of {CROWD} lived, {killed} were killed; all agree",
            CROWD - killed
        );
        Ok(killed)
    }

    fn start(&self, number: usize, chance: &mut Chance, all: Duration) -> Result<Member, String> {
        let locks = number % LOCKS == LOCKS - 1;
        let words = if locks { self.bundle.lock_words() } else { self.bundle.assemble_words(&self.layout) };
        let mut process = cached(self.ocelet, &self.cache);
        process
            .args(words)
            .stdin(Stdio::null())
            .stdout(self.stream(number, "out")?)
            .stderr(self.stream(number, "err")?);
        let child = process.spawn().map_err(|error| format!("cannot start {}: {error}", self.ocelet))?;
        // The first is never killed: somebody has to live.
        let dies = number > 0 && chance.below(2) == 0;
        let share = f64::from(u32::try_from(chance.below(1000)).expect("below 1000")) / 1000.0;
        // Squared: most is written early, and whoever comes late finds it done.
        let death = dies.then(|| Instant::now() + all.mul_f64(share * share));
        Ok(Member { number, locks, child, state: State::Alive(death) })
    }

    fn place(&self, number: usize, stream: &str) -> PathBuf {
        let mut name = self.layout.clone().into_os_string();
        name.push(format!("-{number}.{stream}"));
        name.into()
    }

    fn stream(&self, number: usize, stream: &str) -> Result<File, String> {
        let place = self.place(number, stream);
        File::create(&place).map_err(|error| format!("cannot write {}: {error}", place.display()))
    }

    /// Everybody who was not killed has succeeded, with the digests of the lone run. Gives how many were killed.
    fn judge(&self, members: &[Member], wanted: &Digests) -> Result<usize, String> {
        let (mut failures, mut killed) = (Vec::new(), 0);
        for member in members {
            let State::Ended(ended) = member.state else {
                killed += 1;
                continue;
            };
            let told = |stream| read_text(&self.place(member.number, stream));
            if !ended.success() {
                failures.push(format!("process {} ended with {ended}:\n{}", member.number, told("err")?));
            } else if !member.locks {
                match digests(&told("out")?) {
                    Ok(got) if got == *wanted => {}
                    Ok(got) => {
                        failures.push(format!("process {}: wanted {wanted:?}, got {got:?}", member.number));
                    }
                    Err(error) => failures.push(format!("process {}: {error}", member.number)),
                }
            }
        }
        if failures.is_empty() { Ok(killed) } else { Err(failures.join("\n")) }
    }

    /// The layout and the cache are sound, and one more run gives what the lone one gave.
    fn aftermath(&self, wanted: &Digests) -> Outcome {
        self.sound(&self.layout)?;
        let again =
            assembled(cached(self.ocelet, &self.cache).args(self.bundle.assemble_words(&self.layout)))?;
        if again != *wanted {
            return Err(format!("the next run: wanted {wanted:?}, got {again:?}"));
        }
        self.sound(&self.layout)
    }

    fn sound(&self, layout: &Path) -> Outcome {
        output(command(self.ocelet).args(["verify", "--quiet"]).arg(layout))?;
        output(cached(self.ocelet, &self.cache).args(["cache", "verify", "--quiet"])).map(drop)
    }
}

/// Waits for all, and kills whose time has come.
fn wait(members: &mut [Member]) -> Outcome {
    let began = Instant::now();
    loop {
        let mut alive = 0;
        for member in members.iter_mut() {
            member.look().map_err(|error| format!("cannot wait for process {}: {error}", member.number))?;
            alive += usize::from(matches!(member.state, State::Alive(_)));
        }
        if alive == 0 {
            return Ok(());
        }
        if began.elapsed() > PATIENCE {
            return Err(format!("{alive} processes still run after {} seconds", PATIENCE.as_secs()));
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

impl Member {
    /// Sees how the process is, and kills it if its time has come. One that ends first is not killed.
    fn look(&mut self) -> std::io::Result<()> {
        let State::Alive(death) = self.state else { return Ok(()) };
        if let Some(ended) = self.child.try_wait()? {
            self.state = State::Ended(ended);
        } else if death.is_some_and(|death| Instant::now() >= death) {
            self.child.kill()?;
            let ended = self.child.wait()?;
            // It may have ended by itself between the look and the blow: then it has a code.
            self.state = if ended.code().is_some() { State::Ended(ended) } else { State::Killed };
        }
        Ok(())
    }
}

/// Numbers that the seed decides (xorshift64, Marsaglia 2003).
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % limit
    }
}

#[cfg(test)]
mod tests {
    use super::run;
    use crate::shell::{command, output, temporary};

    /// A crowd of a script in place of the program; `assemble` is what the script does when it shall assemble.
    fn check(assemble: &str, want: Option<&str>) {
        let work = temporary().expect("a temporary directory can be made");
        let script = work.path().join("program");
        let text = format!(
            "#!/bin/sh\ncase $1 in\nlock) echo decided > \"${{3%.toml}}.lock\" ;;\nassemble) sleep 0.1\n{assemble}\n;;\nesac\n"
        );
        // Written by another process: a file that this one has open for writing cannot be run meanwhile.
        let mut write = command("sh");
        write.args(["-c", "printf %s \"$1\" > \"$0\" && chmod +x \"$0\""]).arg(&script).arg(text);
        output(&mut write).expect("the script can be written");
        let done = run(&script.display().to_string());
        match want {
            None => done.unwrap_or_else(|error| panic!("{error}")),
            Some(want) => {
                let error = done.expect_err(want);
                assert!(error.contains(want) && error.contains("OCELET_SEED="), "{want}: {error}");
            }
        }
    }

    #[test]
    fn a_crowd_that_agrees_passes_and_all_others_do_not() {
        let tell = r#"echo "{\"tags\": [{\"tag\": \"t\", \"digest\": \"$digest\"}]}""#;
        check(&format!("digest=same\n{tell}"), None);
        check(
            &format!("case $OCELET_CACHE in *lone*) digest=same ;; *) digest=other ;; esac\n{tell}"),
            Some("wanted"),
        );
        let fails = "case $OCELET_CACHE in *lone*) digest=same ;; *) echo it broke >&2; exit 1 ;; esac";
        check(&format!("{fails}\n{tell}"), Some("it broke"));
        let alters = "case $OCELET_CACHE in *lone*) ;; *) echo other > \"${3%.toml}.lock\" ;; esac";
        check(&format!("digest=same\n{alters}\n{tell}"), Some("the lock is another one"));
    }
}
