//! The command line as whoever runs it sees it: stdout, stderr and exit codes of the binary.
#![expect(clippy::disallowed_methods, reason = "these tests run a program over files of their own")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use ocelet_testkit::rootfs::{debian, tar_bytes, tree};
use ocelet_testkit::{Said, said};
use serde_json::Value;

const RECIPE: &str = "image = 'x'\ntag = 'v1{-flavor}'\nplatforms = ['linux/amd64']\n[parameters.root]\nhelp = 'a root file system'\ndefault = 'root.tar'\n\
    [source.host]\nrootfs = '{root}'\n[flavor.a]\ncommands = ['mount', 'zsh?']\nenv = { PATH = '/usr/bin' }\nrules = ['os-release']\n[flavor.b]\ncommands = ['dash']\n";

/// A directory with a recipe, a root file system, and whatever commands leave in it.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().expect("a directory"));
        place.write("recipe.toml", RECIPE.as_bytes());
        place.write("root.tar", &tar_bytes(&tree(&debian("amd64"))));
        place
    }

    /// With the recipe's images in `out`.
    fn assembled() -> Self {
        let place = Self::new();
        let said = place.run(&["assemble", "recipe.toml", "--output", "out"]);
        assert_eq!(said.code, 0, "{}", said.err);
        place
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let at = self.path().join(name);
        std::fs::write(&at, bytes).expect("a file");
        at
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ocelet"));
        command.args(arguments).current_dir(self.path()).env_remove("SOURCE_DATE_EPOCH").stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Said {
        said(&mut self.command(arguments))
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let said = self.run(arguments);
        assert_eq!(said.code, 0, "{arguments:?}: {}", said.err);
        serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {}", said.out))
    }
}

#[test]
fn help_names_every_command() {
    let place = Place::new();
    let help = place.run(&["--help"]);
    assert_eq!((help.code, help.err.as_str()), (0, ""));
    for command in [
        "assemble",
        "closure",
        "why",
        "inspect",
        "sizes",
        "diff",
        "sbom",
        "verify",
        "export",
        "launch",
        "schema",
        "completions",
    ] {
        assert!(
            help.out.lines().any(|line| line.trim_start().starts_with(&format!("{command} "))),
            "{command}"
        );
        let own = place.run(&[command, "--help"]);
        assert_eq!(own.code, 0, "{command}");
        assert!(own.out.contains(&format!("Usage: ocelet {command}")), "{}", own.out);
    }
}

/// The arguments, the exit code, and words of stderr.
const FAILURES: &[(&[&str], i32, &[&str])] = &[
    (
        &["assemble", "typo.toml", "--output", "t"],
        1,
        &["\"dahs\" is in none of", "did you mean the command \"dash\"", "--allow-missing"],
    ),
    (&["why", "out:v1-a", "/usr/bin/dash"], 1, &["/usr/bin/dash is not in v1-a (linux/amd64)", "why --not"]),
    (
        &["closure", "--root", "root.tar", "--platform", "linux/amd64", "nothing"],
        1,
        &["command \"nothing\"", "1 thing is missing"],
    ),
    (&["nonsense"], 2, &["unrecognized subcommand", "Usage"]),
    (&["assemble"], 2, &["<RECIPE>"]),
    (&["assemble", "broken.toml"], 2, &["broken.toml:1", "broken.toml has"]),
    (&["assemble", "recipe.toml", "--flavor", "c"], 2, &["no flavor \"c\"", "it has a, b"]),
    (&["assemble", "recipe.toml", "--flavor", "NO!"], 2, &["NO!"]),
    (&["assemble", "recipe.toml", "--platform", "linux/amd46"], 2, &["amd46", "did you mean linux/amd64?"]),
    (
        &["assemble", "recipe.toml", "--platform", "linux/arm64"],
        2,
        &["not for \"linux/arm64\"; it is for linux/amd64"],
    ),
    (&["assemble", "recipe.toml", "--set", "root"], 2, &["--set wants NAME=VALUE, and got \"root\""]),
    (&["assemble", "recipe.toml", "--set", "root=a", "--set", "root=b"], 2, &["--set gives \"root\" twice"]),
    (&["assemble", "recipe.toml", "--set", "rot=a"], 2, &["rot", "root"]),
    (&["assemble", "recipe.toml", "--compression", "gzip:99"], 2, &["compression level \"99\""]),
    (
        &["assemble", "recipe.toml", "--compression", "zstd:19:256MiB"],
        2,
        &["window \"256MiB\"", "zstd:19:128MiB"],
    ),
    (&["assemble", "recipe.toml", "--profile", "fast"], 2, &["fast", "compat", "wire", "disk"]),
    (&["assemble", "recipe.toml", "--layers", "0"], 2, &["0"]),
    (&["sizes", "none"], 4, &["there is no layout or archive none"]),
    (&["sizes", "out", "--budget", "none.toml"], 4, &["none.toml"]),
    (
        &["sizes", "out", "--budget", "idle.toml"],
        2,
        &["idle.toml: the budget limits what is not there: \"v2*\"", "v1-a linux/amd64"],
    ),
    (&["sizes", "out", "--budget", "broken.toml"], 2, &["broken.toml: the budget is not read"]),
    (&["diff", "out", "none"], 4, &["there is no layout or archive none"]),
    (&["diff", "a.lock", "b.lock"], 4, &["there is no lock a.lock"]),
    (&["diff", "a.lock", "out"], 2, &["a.lock and out are not both images, nor both locks"]),
    (
        &["closure", "--root", "root.tar", "--rules", "xtable", "dash"],
        2,
        &["there is no rule pack xtable", "did you mean xtables?"],
    ),
    (&["why", "out", "/../x"], 2, &[".."]),
    (&["assemble", "recipe.toml", "--set", "root=cut.tar"], 3, &["cannot unpack source host", "cut.tar"]),
    (&["assemble", "none.toml"], 4, &["none.toml"]),
    (
        &["assemble", "recipe.toml", "--set", "root=none.tar"],
        4,
        &["source host", "none.tar", "relative to the recipe"],
    ),
    (&["inspect", "none"], 4, &["there is no layout or archive none"]),
    (&["sbom", "none"], 4, &["there is no layout or archive none"]),
    (&["sbom", "out"], 2, &["out has several images: v1-a for linux/amd64", "LAYOUT_DIR:TAG and --platform"]),
    (&["closure", "--root", "none", "dash"], 4, &["none"]),
];

/// Stdout is empty whenever a command fails.
#[test]
fn failures_have_their_exit_codes() {
    let place = Place::assembled();
    place.write("cut.tar", &tar_bytes(&tree(&debian("amd64")))[..3000]);
    place.write("typo.toml", RECIPE.replace("'dash'", "'dahs'").as_bytes());
    place.write("broken.toml", b"image = ");
    place.write("idle.toml", b"\"v2*\" = { compressed = \"1 MB\" }");
    for (arguments, code, words) in FAILURES {
        let said = place.run(arguments);
        assert_eq!(said.code, *code, "{arguments:?}: {}", said.err);
        for word in *words {
            assert!(said.err.contains(word), "{arguments:?}: \"{word}\" is not in: {}", said.err);
        }
        assert_eq!(said.out, "", "{arguments:?}");
        // The same as JSON lines, each of which can be parsed.
        if *code != 2 {
            let mut again = arguments.to_vec();
            again.extend(["--message-format", "json"]);
            let said = place.run(&again);
            assert_eq!(said.code, *code, "{arguments:?}");
            let last: Value = serde_json::from_str(said.err.lines().last().expect("a line")).expect("JSON");
            assert_eq!(
                (last["level"].as_str(), last["exit"].as_i64()),
                (Some("error"), Some((*code).into())),
                "{last}"
            );
        }
    }
    for absent in ["dist", "t"] {
        assert!(!place.path().join(absent).exists(), "{absent} was written by a command that failed");
    }
}

#[test]
fn six_mistakes_are_six_problems() {
    let place = Place::new();
    place.write("six.toml", b"image = \"tools\"\nplatforms = [\"linux/amd46\"]\ntag = \"v{tols}\"\n\n[versions]\ntools = \"1.0\"\n\n\
        [source.host]\nrootfs = \"/\"\nstabilty = \"base\"\n\n[flavor.tools]\ncomands = [\"mount\"]\nrules = [\"xtable\"]\n\n\
        [flavor.more]\nextends = \"tool\"\n");
    let want = r#"error: "linux/amd46" has the unknown architecture "amd46"
 --> six.toml:2:14
  |
2 | platforms = ["linux/amd46"]
  |              ^^^^^^^^^^^^^ did you mean "linux/amd64"?

error: unknown variable "tols"
 --> six.toml:3:9
  |
3 | tag = "v{tols}"
  |         ^^^^^^ did you mean "tools"?

error: unknown key "stabilty" in [source.host]
  --> six.toml:10:1
   |
10 | stabilty = "base"
   | ^^^^^^^^ did you mean "stability"?

error: unknown key "comands" in [flavor.tools]
  --> six.toml:13:1
   |
13 | comands = ["mount"]
   | ^^^^^^^ did you mean "commands"?

error: unknown rule pack "xtable"
  --> six.toml:14:10
   |
14 | rules = ["xtable"]
   |          ^^^^^^^^ did you mean "xtables"?

error: unknown flavor "tool"
  --> six.toml:17:11
   |
17 | extends = "tool"
   |           ^^^^^^ did you mean "tools"?
error: six.toml has 6 problems
"#;
    let said = place.run(&["assemble", "six.toml"]);
    assert_eq!((said.code, said.out.as_str(), said.err.as_str()), (2, "", want));
    let said = place.run(&["assemble", "six.toml", "--message-format", "json"]);
    let lines: Vec<Value> = said.err.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let nearest: Vec<&Value> =
        lines[0].as_array().expect("a list").iter().map(|one| &one["nearest"]).collect();
    assert_eq!(nearest, ["linux/amd64", "tools", "stability", "commands", "xtables", "tools"]);
    assert_eq!((said.code, lines.len()), (2, 2));
}

#[test]
fn data_is_on_stdout_and_talk_on_stderr() {
    let place = Place::new();
    let tags = place.json(&["assemble", "recipe.toml", "--output", "out", "--format", "json"]);
    assert_eq!(tags["layout"], "out");
    assert_eq!(tags["tags"].as_array().map(Vec::len), Some(2));
    let inspect = place.json(&["inspect", "out", "--format", "json"]);
    assert_eq!(inspect["images"][0]["tag"], "v1-a");
    assert_eq!(inspect["images"][0]["platforms"][0]["commands"], serde_json::json!(["mount"]));
    let verify = place.json(&["verify", "out", "--format", "json"]);
    assert_eq!((&verify["sound"], &verify["images"]), (&Value::from(true), &Value::from(2)));
    let why = place.json(&["why", "out:v1-a", "/lib/x86_64-linux-gnu/libblkid.so.1.1.0", "--format", "json"]);
    assert_eq!(why["images"][0]["chain"][0]["path"], "/usr/bin/mount");
    let not =
        place.json(&["why", "--not", "out:v1-b", "/usr/bin/mount", "--root", "root.tar", "--format", "json"]);
    assert!(not["images"][0]["reasons"].to_string().contains("flavor a has it"), "{not}");
    let schema = place.json(&["schema"]);
    for key in ["image", "platforms", "tag", "flavor", "source", "parameters", "versions", "epoch"] {
        assert!(schema["properties"][key].is_object(), "{key}");
    }
    let quiet = place.run(&["assemble", "recipe.toml", "--output", "out", "--quiet"]);
    assert_eq!((quiet.code, quiet.out.as_str(), quiet.err.as_str()), (0, "", ""));
}

#[test]
fn pages_for_people() {
    let place = Place::assembled();
    let root = ["closure", "--root", "root.tar", "--platform", "linux/amd64"];
    let with = |more: &[&'static str]| [&root[..], more].concat();
    let cases: Vec<(Vec<&str>, Vec<&str>)> = vec![
        (vec!["why", "out:v1-a", "/usr"], vec!["a directory, there for the"]),
        (
            vec!["why", "out:v1-a", "/usr/bin/mount"],
            vec![
                "v1-a (linux/amd64)",
                "  flavor a",
                "command mount (line 10)",
                "  owner  host",
                "  world: glibc, loader /lib64/ld-linux-x86-64.so.2",
                "  layer  ",
            ],
        ),
        (vec!["why", "--not", "out:v1-a", "/usr/bin/dash"], vec!["flavor b has it: command dash"]),
        (
            vec!["inspect", "out"],
            vec![
                "v1-a  linux/amd64  sha256:",
                "env         PATH=/usr/bin",
                "commands    mount",
                "world       glibc, loader /lib64/ld-linux-x86-64.so.2: 1 program, ",
                "v1-b  linux/amd64",
            ],
        ),
        (
            vec!["sbom", "out:v1-a"],
            vec!["\"spdxVersion\":\"SPDX-2.3\"", "\"name\":\"x:v1-a for linux/amd64\""],
        ),
        (vec!["sbom", "out:v1-a", "--format", "cyclonedx"], vec!["\"bomFormat\":\"CycloneDX\""]),
        (with(&["dash"]), vec!["/usr/bin/dash  (command dash)\n  /usr/lib/x86_64-linux-gnu/"]),
        (
            with(&["dash", "--format", "paths"]),
            vec![
                "/usr/bin/dash\n/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2\n/usr/lib/x86_64-linux-gnu/libc.so.6\n",
            ],
        ),
        (with(&["dash", "--format", "json"]), vec!["\"missing\": []", "\"/usr/bin/dash\": ["]),
        (
            with(&["dash", "--format", "dot"]),
            vec!["digraph closure {", "\"recipe\" -> \"/usr/bin/dash\" [label=\"command\"];", "}\n"],
        ),
        (with(&["--format", "paths"]), vec!["/usr/bin/greet\n", "/usr/bin/mount\n"]),
        (vec!["completions", "bash"], vec!["complete -F", "assemble"]),
    ];
    says(&place, cases);
}

#[test]
fn pages_of_sizes_and_differences() {
    let place = Place::assembled();
    let cases: Vec<(Vec<&str>, Vec<&str>)> = vec![
        (
            vec!["sizes", "out"],
            vec![
                "compressed / extracted",
                "linux/amd64\n",
                "\nv1-a  ",
                "\nv1-b  ",
                "out: ",
                " in all layers",
            ],
        ),
        (
            vec!["sizes", "out:v1-a"],
            vec!["\nout:v1-a v1-a linux/amd64\n", "package or source", "  programs  "],
        ),
        (
            vec!["sizes", "out", "--format", "markdown"],
            vec!["| compressed / extracted | linux/amd64 |\n|---|---:|\n| v1-a | "],
        ),
        (vec!["sizes", "out:v1-a", "out", "--details"], vec!["platform", " (1.00×) / ", "kind of file"]),
        (vec!["sizes", "out", "--format", "html"], vec!["<!DOCTYPE html>", "<td>programs</td>", "</html>\n"]),
        (vec!["diff", "out", "out", "--exit-code"], vec!["v1-a  linux/amd64\n  the same image\n"]),
        (
            vec!["diff", "out:v1-a", "out:v1-b"],
            vec![
                "v1-a -> v1-b  linux/amd64\n",
                "  + /usr/bin/dash  ",
                "  - /usr/bin/mount  ",
                "  - Env [\"PATH=/usr/bin\"]\n",
            ],
        ),
    ];
    says(&place, cases);
}

/// Commands that do well, and words of stdout.
fn says(place: &Place, cases: Vec<(Vec<&str>, Vec<&str>)>) {
    for (arguments, words) in cases {
        let said = place.run(&arguments);
        assert_eq!(said.code, 0, "{arguments:?}: {}", said.err);
        for word in words {
            assert!(said.out.contains(word), "{arguments:?}: {word:?} is not in: {}", said.out);
        }
    }
}

/// A budget that is kept says nothing; one that is not ends the command, after all data is out.
#[test]
fn budgets_and_differences_have_exit_codes() {
    let place = Place::assembled();
    place.write("kept.toml", b"\"*\" = { compressed = \"1 GB\", extracted = \"1 GiB\" }");
    place.write("tight.toml", b"\"*\" = { compressed = \"1 GB\" }\n\"*-a\" = { compressed = \"10 bytes\" }");
    let kept = place.run(&["sizes", "out", "--budget", "kept.toml"]);
    assert_eq!((kept.code, kept.err.as_str()), (0, ""));
    let tight = place.run(&["sizes", "out", "--budget", "tight.toml", "--format", "json"]);
    assert_eq!(tight.code, 1, "{}", tight.err);
    for word in [
        "v1-a for linux/amd64 has ",
        " bytes over the 10 B of \"*-a\"",
        "host: /usr",
        "1 size is over the budget",
    ] {
        assert!(tight.err.contains(word), "{word}: {}", tight.err);
    }
    let told: Value = serde_json::from_str(&tight.out).expect("JSON");
    assert_eq!(told["excesses"][0]["tag"], "v1-a");
    let image = &told["sets"][0]["images"][0];
    let sum = |part: &str| {
        let parts = image[part].as_array().expect("a list").iter();
        parts.map(|one| one["extracted"].as_u64().expect("a number")).sum::<u64>()
    };
    for part in ["layers", "owners", "classes"] {
        assert_eq!(Some(sum(part)), image["extracted"].as_u64(), "{part} are all of the image");
    }

    assert_eq!(place.run(&["diff", "out:v1-a", "out:v1-b", "--exit-code"]).code, 1);
    let equal = place.json(&["diff", "out", "out", "--format", "json"]);
    assert_eq!(
        (&equal["equal"], equal["differences"]["images"].as_array().map(Vec::len)),
        (&Value::Bool(true), Some(2))
    );
    // The same files in other layers are the same image in all that it holds.
    let said = place.run(&["assemble", "recipe.toml", "--profile", "wire", "--output", "wire"]);
    assert_eq!(said.code, 0, "{}", said.err);
    let said = place.run(&["diff", "out", "wire", "--exit-code"]);
    assert_eq!(said.code, 0, "{}", said.out);
    assert!(said.out.contains("the same files, packages and configuration"), "{}", said.out);
    assert_eq!(place.run(&["verify", "wire"]).code, 0);
    let other = place.json(&["diff", "out:v1-a", "out:v1-b", "--format", "json"]);
    assert_eq!(other["differences"]["images"][0]["configuration"]["Env"][1], Value::Null);
}

#[test]
fn exports_in_three_forms() {
    let place = Place::assembled();
    for form in ["docker-archive", "oci-archive", "rootfs"] {
        let said = place.run(&["export", "out:v1-a", "--format", form, "--to", form]);
        assert_eq!((said.code, said.out.as_str()), (0, ""), "{}", said.err);
        let said = place.run(&[
            "closure",
            "--root",
            form,
            "--platform",
            "linux/amd64",
            "mount",
            "--format",
            "paths",
        ]);
        assert!(said.code == 0 && said.out.contains("/usr/bin/mount\n"), "{form}: {}", said.err);
    }
    for (arguments, code, word) in [
        (&["export", "out", "--format", "rootfs", "--to", "r"][..], 2, "holds 2 images"),
        (&["export", "out:v9", "--format", "oci-archive", "--to", "r"], 4, "v9"),
        (&["export", "out:v1-a", "--format", "tape", "--to", "r"], 2, "rootfs"),
        (&["export", "out:v1-a", "--format", "rootfs", "--to", "no/such/place"], 1, "no/such/place"),
    ] {
        let said = place.run(arguments);
        assert_eq!(said.code, code, "{arguments:?}: {}", said.err);
        assert!(said.err.contains(word), "{arguments:?}: {}", said.err);
    }
    let names: Vec<_> = std::fs::read_dir(place.path())
        .expect("readable")
        .map(|entry| entry.expect("readable").file_name())
        .collect();
    assert!(!names.iter().any(|name| name == "r" || name.to_string_lossy().contains("partial")), "{names:?}");
}

#[test]
fn broken_images_are_told() {
    let place = Place::assembled();
    let digest = place.json(&["inspect", "out:v1-b", "--format", "json"])["images"][0]["platforms"][0]["layers"][0]["digest"].as_str().expect("a digest").to_owned();
    let blob = place.path().join("out/blobs/sha256").join(digest.trim_start_matches("sha256:"));
    let mut bytes = std::fs::read(&blob).expect("a blob");
    bytes[20] ^= 1;
    std::fs::write(&blob, bytes).expect("a blob");
    let said = place.run(&["verify", "out"]);
    assert_eq!(said.code, 1);
    assert!(said.err.contains(digest.trim_start_matches("sha256:")), "{}", said.err);
    let said = place.run(&["closure", "--root", "out:v1-b", "--platform", "linux/amd64", "dash"]);
    assert_eq!(said.code, 3, "{}", said.err);
    for form in ["docker-archive", "oci-archive", "rootfs"] {
        let said = place.run(&["export", "out:v1-b", "--format", form, "--to", "r"]);
        assert_eq!(said.code, 3, "{form}: {}", said.err);
        assert!(!place.path().join("r").exists(), "{form}");
    }
}

/// `| head` goes away before all is said, on stdout or on stderr: no panic, and the work is done.
#[test]
fn readers_that_go_away() {
    let place = Place::new();
    for (arguments, code) in [
        (&["schema"][..], 0),
        (&["assemble", "recipe.toml", "--output", "out"], 0),
        (&["inspect", "out"], 0),
        (&["assemble", "none.toml"], 4),
    ] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let mut command = place.command(arguments);
        command.stdout(writer.try_clone().expect("a pipe")).stderr(writer);
        assert_eq!(command.status().expect("it runs").code(), Some(code), "{arguments:?}");
    }
    assert!(place.path().join("out/index.json").exists());
}

#[test]
fn the_epoch_of_the_environment() {
    let place = Place::new();
    let created = |epoch: &str, output: &str| {
        let mut command = place.command(&["assemble", "recipe.toml", "--output", output]);
        let said = said(command.env("SOURCE_DATE_EPOCH", epoch));
        (said.code, said.err)
    };
    for wrong in ["yesterday", "1.5", "99999999999999999999"] {
        let (code, err) = created(wrong, "w");
        assert_eq!(code, 2, "{wrong}");
        assert!(err.contains(&format!("SOURCE_DATE_EPOCH is \"{wrong}\"")), "{err}");
    }
    for (epoch, want) in [("1700000000", "2023-11-14T22:13:20Z"), ("", "1970-01-01T00:00:01Z")] {
        assert_eq!(created(epoch, want).0, 0);
        let inspect = place.json(&["inspect", want, "--format", "json"]);
        assert_eq!(inspect["images"][0]["platforms"][0]["created"], want);
    }
}
