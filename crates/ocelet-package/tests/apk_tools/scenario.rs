//! One scenario of `test/solver`: a command line, what it works on, and what it prints.

/// A scenario, in one of the two forms that apk-tools has had.
#[derive(Debug, Default)]
pub(crate) struct Scenario {
    /// The words of the command line.
    pub(crate) arguments: Vec<String>,
    /// Tag and file of each repository.
    pub(crate) repositories: Vec<(Option<String>, String)>,
    /// The file with the installed packages.
    pub(crate) installed: Option<String>,
    /// The file with the cached packages.
    pub(crate) cache: Option<String>,
    /// The terms of the world.
    pub(crate) world: Vec<String>,
    /// What apk prints.
    pub(crate) expect: String,
}

impl Scenario {
    /// Reads a scenario.
    pub(crate) fn parse(text: &str) -> Self {
        let mut scenario = Self::default();
        let mut in_arguments = false;
        let mut in_expect = false;
        for line in text.lines() {
            if in_expect {
                scenario.expect.push_str(line);
                scenario.expect.push('\n');
                continue;
            }
            let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
            match word {
                "@EXPECT" => in_expect = true,
                "@ARGS" => {
                    in_arguments = true;
                    scenario.arguments.extend(words(rest));
                }
                "@WORLD" => scenario.world = words(rest),
                "@INSTALLED" => scenario.installed = Some(rest.to_owned()),
                "@CACHE" => scenario.cache = Some(rest.to_owned()),
                "@REPO" => scenario.repositories.push(match rest.strip_prefix('@') {
                    Some(tagged) => {
                        let (tag, file) = tagged.split_once(' ').expect("a tag and a file");
                        (Some(tag.to_owned()), file.to_owned())
                    }
                    None => (None, rest.to_owned()),
                }),
                _ if in_arguments => scenario.old_form(line),
                _ => assert!(line.is_empty(), "a line of no known form: {line}"),
            }
        }
        scenario
    }

    /// A line below `@ARGS`, where apk-tools 2.x has its sources too.
    fn old_form(&mut self, line: &str) {
        let all = words(line);
        match all.first().map(String::as_str) {
            Some("--test-repo") => {
                let file = all[1].clone();
                self.repositories.push(match file.split_once(':') {
                    Some((tag, file)) => (Some(tag.trim_start_matches('@').to_owned()), file.to_owned()),
                    None => (None, file),
                });
            }
            Some("--test-instdb") => self.installed = Some(all[1].clone()),
            Some("--test-world") => self.world = words(&all[1]),
            _ => self.arguments.extend(all),
        }
    }
}

/// Words as a shell splits them, double quotes included.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (at, part) in line.split('"').enumerate() {
        if at % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}
