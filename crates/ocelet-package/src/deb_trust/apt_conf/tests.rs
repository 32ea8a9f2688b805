//! Configurations in both styles.

use super::{AptConfiguration, Proxy};

fn read(text: &str) -> AptConfiguration {
    let mut configuration = AptConfiguration::new();
    configuration.read("apt.conf", text).unwrap();
    configuration
}

fn check(text: &str, scheme: &str, host: &str, wanted: &Proxy) {
    assert_eq!(read(text).proxy(scheme, host), *wanted, "{text}");
}

#[test]
fn proxies_are_found_in_both_styles() {
    let via = |proxy: &str| Proxy::Via(proxy.to_owned());
    check("", "http", "a", &Proxy::Unset);
    check("Acquire::http::Proxy \"http://p:1/\";", "http", "a", &via("http://p:1/"));
    check("acquire::HTTP::proxy \"http://p:1/\";", "https", "a", &via("http://p:1/"));
    check(
        "Acquire::https::Proxy \"DIRECT\"; Acquire::http::Proxy \"http://p\";",
        "https",
        "a",
        &Proxy::Direct,
    );
    check(
        "Acquire { http { Proxy \"http://p\"; Proxy::a.example \"DIRECT\"; }; };",
        "http",
        "a.example",
        &Proxy::Direct,
    );
    check(
        "Acquire { http { Proxy \"http://p\"; Proxy::a.example \"DIRECT\"; }; };",
        "http",
        "b",
        &via("http://p"),
    );
    check("Acquire{http{Proxy{a.example \"http://q\";}}}", "http", "a.example", &via("http://q"));
    check("Acquire::http::Proxy \"\";", "http", "a", &Proxy::Unset);
    check(
        "// Acquire::http::Proxy \"x\";\n# y\n/* Acquire::http::Proxy \"z\";\n*/",
        "http",
        "a",
        &Proxy::Unset,
    );
    check("Acquire::http::Proxy \"x\";\n#clear Acquire::http;", "http", "a", &Proxy::Unset);
}

#[test]
fn what_the_dump_prints_is_read() {
    let text = "APT \"\";\nAPT::Architecture \"amd64\";\nAPT::Architectures \"\";\nAPT::Architectures:: \"amd64\";\nAPT::Architectures:: \"i386\";\nAcquire::Check-Valid-Until \"no\";\nDPkg::Post-Invoke:: \"rm -f /x || true; # not a comment\";\n";
    let read = read(text);
    assert_eq!((read.architecture(), read.is_archived()), (Some("amd64"), true));
    assert_eq!(read.architectures(), ["amd64", "i386"]);
    assert_eq!(read.get("dpkg::post-invoke"), None);
    assert_eq!(read.list("DPkg::Post-Invoke").len(), 1);
    let list = self::read("APT::Architectures { \"arm64\"; \"armhf\"; };\n#include \"/etc/other\";\n");
    assert_eq!(list.architectures(), ["arm64", "armhf"]);
    assert_eq!(list.includes(), ["/etc/other"]);
}

#[test]
fn what_is_no_configuration_is_refused_with_its_line() {
    for (text, line) in [
        ("A \"b", 1),
        ("\n/* x", 2),
        ("A \"b\"", 1),
        ("A { B \"c\";\n", 1),
        ("A \"b\";\n}", 2),
        ("\n{ A \"b\"; }", 2),
        (&"a{".repeat(100), 1),
    ] {
        let error = AptConfiguration::new().read("apt.conf", text).unwrap_err();
        assert_eq!(error.line, line, "{text}: {error}");
    }
}
