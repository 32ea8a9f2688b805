//! Sources in both styles, and all that can be wrong with them.

use super::{AptSource, Method, SignedByOption, SourceFormat, SourceType, is_trusted_part, read};

fn one(text: &str, format: SourceFormat) -> AptSource {
    let mut read = read("test", text, format).unwrap();
    assert_eq!(read.len(), 1, "{text}");
    read.remove(0)
}

/// What a source says, in few words: types, addresses of Release files, components, architectures, options.
fn summary(source: &AptSource) -> String {
    let releases: Vec<String> = source.repositories("amd64").into_iter().map(|one| one.release).collect();
    let types: Vec<&str> =
        source.types.iter().map(|one| if *one == SourceType::Deb { "deb" } else { "deb-src" }).collect();
    let architectures = source.architectures.of(&["amd64".into(), "i386".into()]);
    format!(
        "{} | {} | {} | {}",
        types.join(" "),
        releases.join(" "),
        source.components.join(" "),
        architectures.join(" ")
    )
}

fn check(line: &str, wanted: &str) {
    assert_eq!(summary(&one(line, SourceFormat::OneLine)), wanted, "{line}");
}

#[test]
fn lines_are_read() {
    check(
        "deb http://a.example/debian bookworm main contrib",
        "deb | http://a.example/debian/dists/bookworm/ | main contrib | amd64 i386",
    );
    check(
        "  deb\thttps://a.example/debian/\tbookworm/updates  main # why",
        "deb | https://a.example/debian/dists/bookworm/updates/ | main | amd64 i386",
    );
    check(
        "deb-src [arch=arm64,armhf] http://a.example/ x main",
        "deb-src | http://a.example/dists/x/ | main | arm64 armhf",
    );
    check(
        "deb [ arch+=arm64 arch-=i386 ] http://a.example/ x main",
        "deb | http://a.example/dists/x/ | main | amd64 arm64",
    );
    check("deb http://a.example/r ./", "deb | http://a.example/r/ |  | amd64 i386");
    check("deb http://a.example/r /", "deb | http://a.example/r/ |  | amd64 i386");
    check("deb http://a.example/r stable/$(ARCH)/", "deb | http://a.example/r/stable/amd64/ |  | amd64 i386");
    check(
        "deb \"http://a.example/with%20space\" x main",
        "deb | http://a.example/with space/dists/x/ | main | amd64 i386",
    );
}

#[test]
fn options_are_read() {
    let text = "deb [signed-by=/usr/share/keyrings/x.gpg,4D64FEC119C2029067D6E791F8D2585B8783D481! trusted=yes check-valid-until=no by-hash=force] http://a.example x main";
    let source = one(text, SourceFormat::OneLine);
    let SignedByOption::Named { paths, keys } = &source.signed_by else { panic!("{source:?}") };
    assert_eq!((paths.len(), paths[0].as_str(), keys[0].exact), (1, "/usr/share/keyrings/x.gpg", true));
    assert_eq!((source.trusted, source.is_archived()), (Some(true), true));
    assert_eq!(source.options["by-hash"], "force");
    let plain = one("deb http://a.example x main", SourceFormat::OneLine);
    assert_eq!((plain.signed_by, plain.trusted), (SignedByOption::Trusted, None));
}

#[test]
fn stanzas_are_read() {
    let text = "# ours\nTypes: deb deb-src\nURIs: http://a.example/debian\n https://b.example\nSuites: x x-updates\nComponents: main\n contrib\nSigned-By: /usr/share/keyrings/x.gpg\nArchitectures-Add: arm64\nX-Repolib-Name: Ours\n\nEnabled: no\nTypes: rpm\n\n";
    let source = one(text, SourceFormat::Deb822);
    assert_eq!(
        summary(&source),
        "deb deb-src | http://a.example/debian/dists/x/ http://a.example/debian/dists/x-updates/ https://b.example/dists/x/ https://b.example/dists/x-updates/ | main contrib | amd64 i386 arm64"
    );
    assert_eq!(source.line, 2);
    let text = "Types: deb\nURIs: file:/srv/mirror\nSuites: ./\nSigned-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n AAAA\n -----END PGP PUBLIC KEY BLOCK-----\n";
    let source = one(text, SourceFormat::Deb822);
    let wanted = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n-----END PGP PUBLIC KEY BLOCK-----\n";
    assert_eq!(source.signed_by, SignedByOption::Embedded(wanted.into()));
    assert_eq!(source.repositories("amd64")[0].method, Method::File);
}

#[test]
fn methods_that_are_not_understood_are_named() {
    for (uri, wanted) in [
        ("http://a.example", Method::Http),
        ("HTTPS://a.example", Method::Https),
        ("copy:/srv/x", Method::File),
        ("mirror+file:/etc/apt/mirrors.txt", Method::Unsupported("mirror+file".into())),
        ("cdrom:[Debian 12 _x_ - amd64]/", Method::Unsupported("cdrom".into())),
        ("tor+http://a.example", Method::Unsupported("tor+http".into())),
    ] {
        let source = one(&format!("deb {uri} x main"), SourceFormat::OneLine);
        assert_eq!(source.repositories("amd64")[0].method, wanted, "{uri}");
    }
}

#[test]
fn all_problems_of_a_file_are_named() {
    let text = "rpm http://a.example x main\ndeb\ndeb http://a.example\ndeb [arch=amd64 http://a.example x main\ndeb [trusted] http://a.example x main\ndeb http://a.example x\ndeb http://a.example ./ main\ndeb a.example x main\ndeb [signed-by=x.gpg] http://a.example x main\ndeb [trusted=maybe] http://a.example x main\ndeb http://a.example ../x main\n";
    let error = read("test.list", text, SourceFormat::OneLine).unwrap_err();
    let mut lines: Vec<usize> = error.problems.iter().map(|problem| problem.line).collect();
    lines.dedup();
    assert_eq!(lines, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], "{error}");
    let text = "Types: deb\nURIs: http://a.example\nSuites: x\nTypes: deb\nwhat\n";
    let error = read("x.sources", text, SourceFormat::Deb822).unwrap_err().to_string();
    assert!(
        error.contains("line 4 has the field \"Types\" again") && error.contains("line 5 is no field"),
        "{error}"
    );
    let text = "Types: deb rpm\nURIs: http://a.example\nSuites: x\nComponents: main\nTrusted: perhaps\n";
    let error = read("x.sources", text, SourceFormat::Deb822).unwrap_err();
    assert_eq!(error.problems.len(), 2, "{error}");
}

#[test]
fn files_are_known_by_their_names() {
    for (name, wanted) in [
        ("debian.sources", Some(SourceFormat::Deb822)),
        ("my_x-1.list", Some(SourceFormat::OneLine)),
        ("old.list.save", None),
        ("x.list.disabled", None),
        (".list", None),
        ("a b.list", None),
        ("list", None),
    ] {
        assert_eq!(SourceFormat::of_part(name), wanted, "{name}");
    }
    assert!(is_trusted_part("debian.gpg") && is_trusted_part("a.asc") && !is_trusted_part("a.gpg~"));
}
