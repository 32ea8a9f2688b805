//! Two builds that differ in everything that must not matter give the same index digests: working directory, time
//! zone, umask, locale, home, number of threads and processors, the order in which directories list, the clock.

use std::path::Path;

use super::{need, skip};
use crate::Outcome;
use crate::shell::{command, output, read_text, root, temporary, write};

/// What is different, and how: words of a shell before the command.
const SURROUNDINGS: &[(&str, &str)] = &[
    ("the same once more", "exec"),
    (
        "directory, umask, time zone, locale, home",
        "cd / && umask 077 && exec env TZ=Asia/Kathmandu LC_ALL=C HOME=/nonexistent",
    ),
    (
        "the opposite of these",
        "cd /usr && umask 000 && exec env TZ=America/St_Johns LC_ALL=tr_TR.UTF-8 TMPDIR=/var/tmp",
    ),
    ("no environment", "exec env -i"),
    ("one processor", "exec taskset 1"),
];

/// Builds the image of this machine's tools, and one of a small root, in very different surroundings.
pub(super) fn run(ocelet: &str) -> Outcome {
    let work = temporary()?;
    let recipe = root().join("recipes/host-tools.toml");
    let build = Build { ocelet, recipe: &recipe, work: work.path() };
    let wanted = build.index("plain", "exec", &[])?;
    for (number, (what, words)) in SURROUNDINGS.iter().enumerate() {
        same(&wanted, &build.index(&format!("around-{number}"), words, &[])?, what)?;
    }
    for jobs in ["1", "2", "7"] {
        let index = build.index(&format!("jobs-{jobs}"), "exec", &["--jobs", jobs])?;
        same(&wanted, &index, &format!("{jobs} threads"))?;
    }
    if need("faketime")? {
        for clock in ["2001-02-03 04:05:06", "2037-12-31 23:59:59"] {
            let index = build.index(&format!("clock {clock}"), &format!("exec faketime '{clock}'"), &[])?;
            same(&wanted, &index, &format!("the clock at {clock}"))?;
        }
    }
    reordered(ocelet)
}

/// One recipe, assembled again and again.
struct Build<'run> {
    ocelet: &'run str,
    recipe: &'run Path,
    work: &'run Path,
}

impl Build<'_> {
    /// Assembles into a fresh layout, and gives its index.
    fn index(&self, name: &str, words: &str, flags: &[&str]) -> Result<String, String> {
        let layout = self.work.join(name);
        let script = format!("{words} \"$@\"");
        let mut shell = command("sh");
        shell.args(["-c", &script, "sh", self.ocelet, "assemble", "--quiet", "--allow-missing"]);
        output(shell.args(flags).arg(self.recipe).arg("--output").arg(&layout))?;
        read_text(&layout.join("index.json"))
    }
}

/// The same files, created in two orders in a file system that lists the newest first.
fn reordered(ocelet: &str) -> Outcome {
    let memory = Path::new("/dev/shm");
    let Ok(work) = tempfile::tempdir_in(memory) else {
        return skip("/dev/shm cannot be written");
    };
    let script = r#"
set -e
cd "$0"
for order in sort 'sort -r'; do
    root="$(echo "$order" | tr -d ' ')/root"
    mkdir -p "$root/bin" "$root/etc"
    for name in $(ls /usr/bin | head -60 | grep -v '\[' | $order); do
        if [ -f "/usr/bin/$name" ]; then cp -L "/usr/bin/$name" "$root/bin/$name"; echo "$name" > "$root/etc/$name"; fi
    done
    ls -U "$root/bin" "$root/etc" > "$root.order"
done
"#;
    output(command("sh").args(["-c", script]).arg(work.path()))?;
    let order = |name: &str| read_text(&work.path().join(name).join("root.order"));
    let (one, other) = (order("sort")?, order("sort-r")?);
    if one == other {
        return skip("/dev/shm lists directories in the same order, whatever the order of creation");
    }
    let mut indexes = Vec::new();
    for name in ["sort", "sort-r"] {
        let recipe = work.path().join(name).join("order.toml");
        let text = "image = \"order\"\nplatforms = [\"linux/amd64\"]\ntag = \"t\"\n[source.root]\nrootfs = \"root\"\n\
             [flavor.order]\nfiles = [\"/**\"]\n";
        write(&recipe, text.as_bytes())?;
        indexes.push(Build { ocelet, recipe: &recipe, work: work.path() }.index(
            &format!("{name}.out"),
            "exec",
            &[],
        )?);
    }
    same(&indexes[0], &indexes[1], "directories that list in another order")
}

fn same(wanted: &str, got: &str, what: &str) -> Outcome {
    if wanted == got {
        println!("same index: {what}");
        return Ok(());
    }
    Err(format!("another index: {what}\n{wanted}\n{got}"))
}
