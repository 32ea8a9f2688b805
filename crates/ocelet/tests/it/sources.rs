//! Several sources as one: merged and split roots, files of the recipe, owners that do not agree.

use ocelet::finished;
use ocelet_testkit::rootfs::{alpine, debian};

use crate::scenario::{Scenario, check, image, path, sentence};

#[test]
fn musl_and_glibc_side_by_side() {
    let recipe = "source.debian.rootfs = \"debian.tar\"\nsource.alpine = { rootfs = \"alpine.tar\", exclude = [\"/etc/**\", \"/bin/sh\"] }\n\
        flavor.a.commands = [\"dash\", \"apk\"]";
    let expect = "v1 linux/amd64
        /lib link 0777 usr/lib 0:0 debian 0
        /lib64 link 0777 usr/lib64 0:0 debian 0
        /usr/bin/dash file 0755 elf 0:0 debian 0
        /usr/lib/ld-musl-x86_64.so.1 file 0755 elf 0:0 alpine 0
        /usr/lib/libz.so.1 file 0755 elf 0:0 alpine 0
        /usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2 file 0755 elf 0:0 debian 0
        /usr/lib/x86_64-linux-gnu/libc.so.6 file 0755 elf 0:0 debian 0
        /usr/lib64/ld-linux-x86-64.so.2 link 0777 ../lib/x86_64-linux-gnu/ld-linux-x86-64.so.2 0:0 debian 0
        /usr/sbin/apk file 0755 elf 0:0 alpine 0";
    let files = [("debian.tar", debian("amd64")), ("alpine.tar", alpine())];
    check("two tarballs", &Scenario::new(recipe, &files), expect);
    for (debian_at, alpine_at) in [("debian/", "alpine.tar"), ("debian.tar", "alpine/")] {
        let recipe = recipe
            .replace("debian.tar", debian_at.trim_end_matches('/'))
            .replace("alpine.tar", alpine_at.trim_end_matches('/'));
        let files = [(debian_at, debian("amd64")), (alpine_at, alpine())];
        if debian_at.ends_with('/') {
            check("a tarball over a directory", &Scenario::new(&recipe, &files), expect);
        } else {
            // The merged root is on top, and a split directory below: its own directories stand in the way.
            let outcome = Scenario::new(&recipe, &files).run();
            let error = sentence(&outcome.result.expect_err("/lib is a link and a directory"));
            assert!(error.contains("/lib is a symbolic link in debian and a directory in alpine"), "{error}");
        }
    }
}

#[test]
fn the_report_tells_whose_each_file_is() {
    let recipe = "source.debian.rootfs = 'debian.tar'\nsource.alpine = { rootfs = 'alpine.tar', exclude = ['/etc/**', '/bin/sh'] }\n\
        flavor.a.commands = ['dash', 'apk']\nflavor.b.commands = ['apk']";
    let outcome = Scenario::new(recipe, &[("debian.tar", debian("amd64")), ("alpine.tar", alpine())]).run();
    outcome.is_sound(true);
    let images = outcome.images();
    let glibc = "glibc /lib64/ld-linux-x86-64.so.2";
    let musl = "musl /lib/ld-musl-x86_64.so.1";
    let told = |tag: &str, at: &str| {
        let report = image(&images, tag).report.as_ref().expect("a report");
        let place = report.place(&path(at)).unwrap_or_else(|| path(at));
        let worlds = report.worlds_of(&place);
        worlds.iter().map(|(loader, world)| format!("{} {loader}", world.libc)).collect::<Vec<_>>()
    };
    for (tag, at, want) in [
        ("v1-a", "/usr/bin/dash", &[glibc][..]),
        ("v1-a", "/lib/x86_64-linux-gnu/libc.so.6", &[glibc]),
        ("v1-a", "/lib64/ld-linux-x86-64.so.2", &[glibc]),
        ("v1-a", "/usr/sbin/apk", &[musl]),
        ("v1-a", "/lib/libz.so.1", &[musl]),
        ("v1-a", "/lib/ld-musl-x86_64.so.1", &[musl]),
        ("v1-a", "/lib", &[]),
        ("v1-b", "/usr/sbin/apk", &[musl]),
        ("v1-b", "/usr/bin/dash", &[]),
    ] {
        assert_eq!(told(tag, at), want, "{tag} {at}");
    }
    let inspected = finished::inspect(&images);
    for (tag, want) in [
        (
            "v1-a",
            serde_json::json!([
                {"libc": "musl", "loader": "/lib/ld-musl-x86_64.so.1", "programs": 1, "libraries": 2},
                {"libc": "glibc", "loader": "/lib64/ld-linux-x86-64.so.2", "programs": 1, "libraries": 2},
            ]),
        ),
        (
            "v1-b",
            serde_json::json!([{"libc": "musl", "loader": "/lib/ld-musl-x86_64.so.1", "programs": 1, "libraries": 2}]),
        ),
    ] {
        let images = inspected["images"].as_array().expect("a list");
        let one = images.iter().find(|one| one["tag"] == tag).expect("the tag");
        assert_eq!(one["platforms"][0]["worlds"], want, "{tag}");
    }
}

#[test]
fn without_its_c_library_a_program_says_what_is_missing() {
    let recipe = "source.debian = { rootfs = 'debian.tar', exclude = ['/usr/lib/x86_64-linux-gnu/ld-*', '/usr/lib/x86_64-linux-gnu/libc.so.6'] }\n\
        source.alpine = { rootfs = 'alpine.tar', exclude = ['/etc/**', '/bin/sh'] }\n\
        flavor.a.commands = ['dash', 'apk']";
    let error = Scenario::new(recipe, &[("debian.tar", debian("amd64")), ("alpine.tar", alpine())])
        .run()
        .result
        .expect_err("there is no glibc");
    let said = sentence(&error);
    assert!(said.contains("/usr/bin/dash wants /lib64/ld-linux-x86-64.so.2, its loader"), "{said}");
    assert!(said.contains("1 thing is missing"), "{said}");
    assert!(error.hints().iter().any(|hint| hint.contains("the package libc6")), "{:?}", error.hints());
}

/// A link of one tree leads to a directory that only a third brings: pairwise merging cannot see that.
#[test]
fn three_trees_are_merged_at_once() {
    let orders = [["a", "b", "c"], ["c", "a", "b"], ["b", "c", "a"], ["c", "b", "a"]];
    for names in orders {
        let trees =
            ["/lib -> usr/lib\n", "/lib/x = from lib\n", "/usr/lib/y = from usr\n"].map(str::to_owned);
        let files: Vec<(&'static str, String)> =
            ["link.tar", "split.tar", "merged.tar"].into_iter().zip(trees).collect();
        let [link, split, merged] = names;
        let sources = format!(
            "source.{link}.rootfs = 'link.tar'\nsource.{split}.rootfs = 'split.tar'\nsource.{merged}.rootfs = 'merged.tar'\n"
        );
        let expect = format!(
            "v1 linux/amd64
            /lib link 0777 usr/lib 0:0 {link} 0
            /usr/lib/x file 0644 8 0:0 {split} 0
            /usr/lib/y file 0644 8 0:0 {merged} 0"
        );
        let recipe = format!("{sources}flavor.a.files = [\"/lib/x\", \"/lib/y\"]");
        check(&format!("{names:?}"), &Scenario::new(&recipe, &files), &expect);
    }
}

/// The name, the sources beside the root, and what is in the image or the words of the message.
type Replacing = (&'static str, &'static str, Result<&'static str, &'static [&'static str]>);

#[test]
fn files_replace_only_where_they_say_so() {
    let root = "/etc/motd = old\n/etc/zone -> ../run/zone\n/run/zone = x\n/lib -> usr/lib\n/usr/lib/os-release -> x\n/etc/dir/a = a\n";
    let wanted = "flavor.a.files = ['/etc/motd', '/etc/zone', '/usr/lib/os-release']";
    let cases: [Replacing; 7] = [
        (
            "a file",
            "source.motd = { text = 'new', install = '/etc/motd', replace = true }",
            Ok("/etc/motd file 0644 3 0:0 motd 1
            /etc/zone link 0777 ../run/zone 0:0 host 0
            /run/zone file 0644 1 0:0 host 0
            /usr/lib/os-release link 0777 x 0:0 host 0"),
        ),
        (
            "a link",
            "source.dns = { text = '', install = '/etc/zone', replace = true }\nsource.rel = { text = 'ID=x', install = '/lib/os-release', replace = true, mode = '0444', uid = 1, gid = 2 }",
            Ok("/etc/motd file 0644 3 0:0 host 0
            /etc/zone file 0644 0 0:0 dns 1
            /usr/lib/os-release file 0444 4 1:2 rel 1"),
        ),
        (
            "without a word",
            "source.motd = { text = 'new', install = '/etc/motd' }",
            Err(&["/etc/motd has other bytes in", "host", "motd"]),
        ),
        (
            "the same bytes",
            "source.motd = { text = 'old', install = '/etc/motd' }",
            Ok("/etc/motd file 0644 3 0:0 host 0
            /etc/zone link 0777 ../run/zone 0:0 host 0
            /run/zone file 0644 1 0:0 host 0
            /usr/lib/os-release link 0777 x 0:0 host 0"),
        ),
        (
            "another mode",
            "source.motd = { text = 'old', install = '/etc/motd', mode = '0600' }",
            Err(&["/etc/motd is ", "0644 0:0 in host", "0600 0:0 in motd"]),
        ),
        (
            "two that both replace",
            "source.m1 = { text = 'one', install = '/usr/lib/os-release', replace = true }\nsource.m2 = { text = 'two', install = '/lib/os-release', replace = true }",
            Err(&["/usr/lib/os-release has other bytes in m1 than in m2"]),
        ),
        (
            "a directory",
            "source.dir = { text = 'x', install = '/etc/dir', replace = true }\nflavor.b.files = ['/etc/dir']",
            Err(&["/etc/dir is a", "host", "dir"]),
        ),
    ];
    for (name, sources, expect) in cases {
        for place in ["root.tar", "root/"] {
            let lines =
                format!("source.host.rootfs = '{}'\n{sources}\n{wanted}\n", place.trim_end_matches('/'));
            // The dangling link is wanted as such.
            let mut scenario = Scenario::new(&lines, &[(place, format!("{root}/usr/lib/x = ID=y\n"))]);
            if lines.contains("flavor.b") {
                scenario = Scenario::new(&lines, &[(place, root.to_owned())]);
            }
            match expect {
                Ok(lines) => {
                    // Of two that are alike the first has the name in a merge; over a directory the recipe's has.
                    let lines = match (name, place) {
                        ("the same bytes", "root/") => lines.replace("3 0:0 host 0", "3 0:0 motd 1"),
                        _ => lines.to_owned(),
                    };
                    let x = if lines.contains("os-release link") {
                        "\n/usr/lib/x file 0644 4 0:0 host 0"
                    } else {
                        ""
                    };
                    check(&format!("{name} in {place}"), &scenario, &format!("v1 linux/amd64\n{lines}{x}"));
                }
                Err(words) => {
                    let outcome = scenario.run();
                    let error = sentence(outcome.result.as_ref().expect_err(name));
                    for word in words {
                        assert!(error.contains(word), "{name} in {place}: {error}");
                    }
                    assert!(!outcome.layout().exists(), "{name} in {place}");
                }
            }
        }
    }
}

#[test]
fn conflicts_name_both_owners() {
    let cases = [
        ("/etc/a = one", "/etc/a = two", "/etc/a has other bytes in one than in two"),
        ("0600 /etc/a = x", "/etc/a = x", "/etc/a is 0600 0:0 in one and 0644 0:0 in two"),
        ("/etc/a -> b", "/etc/a -> c", "/etc/a points to b in one and to c in two"),
        ("/etc/a = x", "/etc/a/b = x", "/etc/a is a file in one and a directory in two"),
        (
            "cap /etc/a = x",
            "/etc/a = x",
            "/etc/a is 0644 0:0 with file capabilities in one and 0644 0:0 in two",
        ),
    ];
    for (one, two, want) in cases {
        let recipe =
            "source.one.rootfs = 'one.tar'\nsource.two.rootfs = 'two.tar'\nflavor.a.files = ['/etc/a']";
        let files = [("one.tar", one.to_owned()), ("two.tar", two.to_owned())];
        let outcome = Scenario::new(recipe, &files).run();
        assert!(!outcome.layout().exists());
        let error = outcome.result.expect_err(want);
        assert!(sentence(&error).contains(want), "{error}");
        assert!(error.hints()[0].contains("exclude"), "{:?}", error.hints());
        assert_eq!(error.exit_code(), 1);
    }
}

#[test]
fn two_directories_are_refused_with_advice() {
    let recipe = "source.one.rootfs = 'one'\nsource.two.rootfs = 'two'\nflavor.a.files = ['/a']";
    let files = [("one/", "/a = x".to_owned()), ("two/", "/b = x".to_owned())];
    let error = Scenario::new(recipe, &files).run().result.expect_err("two directories");
    assert!(error.to_string().contains("sources one and two are both directories"), "{error}");
}
