//! With and without a network: the same images, and a clear end where something is missing.

use std::io;

use crate::place::{Place, RECIPE, repository};
use crate::server::{Request, Server, Wire, respond, serve};

/// The embedded mirror as a web server has it: below its path, the hosts by their names.
fn upstream(request: &Request, wire: Wire) -> io::Result<()> {
    let path = request.line.split(' ').nth(1).unwrap_or("/").trim_start_matches('/');
    match std::fs::read(repository().join("fixtures/mirror").join(path)) {
        Ok(content) => serve(request, wire, &content, "\"v1\""),
        Err(_) => respond(wire, "404 Not Found", "Content-Length: 0\r\n", b""),
    }
}

/// The recipe of the embedded mirror with the server's address in place of the hosts.
fn place_for(server: &Server) -> Place {
    let place = Place::bundle();
    place.remove("fixtures/mirror");
    place.remove("recipes/bundle-node.lock");
    let recipe = place.text(RECIPE).replace("https://", &server.url("/"));
    place.write(RECIPE, recipe.as_bytes());
    place
}

#[test]
fn images_are_the_same_online_from_a_mirror_and_from_the_cache() {
    let server = Server::start(upstream);
    let place = place_for(&server);
    let assemble =
        ["assemble", RECIPE, "--format", "json", "--platform", "linux/arm64", "--platform", "linux/arm/v7"];
    let online = place.run(&[&assemble[..], &["--output", "online"]].concat()).succeeds().digests();
    assert_eq!(online.len(), 5, "{online:?}");
    let asked = server.requests().len();
    assert!(asked > 130, "{asked}");
    place.run(&["mirror", RECIPE, "--to", "m", "--locked"]).succeeds();
    let asked = server.requests().len();

    let offline = ["--offline", "--locked"];
    let cached = place.run(&[&assemble[..], &offline, &["--output", "cached"]].concat()).succeeds().digests();
    let mirrored = [&assemble[..], &offline, &["--mirror", "m", "--output", "mirrored"]].concat();
    let mirrored = place.run_afresh(&mirrored).succeeds().digests();
    assert_eq!((&cached, &mirrored), (&online, &online));
    // The lock may come from the mirror too, and is the same.
    let lock = place.text("recipes/bundle-node.lock");
    place.remove("recipes/bundle-node.lock");
    place.run_afresh(&["lock", RECIPE, "--offline", "--mirror", "m"]).succeeds();
    assert_eq!(place.text("recipes/bundle-node.lock"), lock);
    assert_eq!(server.requests().len(), asked, "offline, nobody was asked");

    // A mirror that is served over the web is asked before upstream.
    let files = place.path("m");
    let copy = Server::start(move |request, wire| {
        let path = request.line.split(' ').nth(1).unwrap_or("/").trim_start_matches('/');
        serve(request, wire, &std::fs::read(files.join(path)).unwrap_or_default(), "\"v1\"")
    });
    let copy = copy.url("");
    let arguments = [&assemble[..], &["--locked", "--mirror", &copy, "--output", "served"]].concat();
    assert_eq!(place.run_afresh(&arguments).succeeds().digests(), online);
    assert_eq!(server.requests().len(), asked, "upstream was not asked");
}

#[test]
fn offline_with_nothing_at_hand_says_what_to_do() {
    let server = Server::start(upstream);
    let place = place_for(&server);
    let hint = "offline: no mirror was given; run `ocelet mirror RECIPE --to DIR` where there is a network";
    let index = server.url("/packages.example.org/alpine/v3.22/main/x86_64/APKINDEX.tar.gz");
    for command in [&["lock"][..], &["assemble"], &["mirror", "--to", "m"], &["lock", "--plan"]] {
        let arguments = [command, &[RECIPE, "--offline"]].concat();
        place.run(&arguments).fails(4, &[hint, &index, "web addresses are not fetched"]);
    }
    place.run(&["lock", RECIPE]).succeeds();
    let asked = server.requests().len();
    let kubelet = server.url("/dl.example.org/release/v1.36.4/bin/linux/amd64/kubelet");
    for command in [&["assemble"][..], &["mirror", "--to", "m"]] {
        let arguments = [command, &[RECIPE, "--offline", "--locked"]].concat();
        place.run_afresh(&arguments).fails(4, &[hint, &kubelet, "files could not be brought home"]);
    }
    place.write("empty/x", b"");
    let arguments = ["assemble", RECIPE, "--offline", "--locked", "--mirror", "empty"];
    place.run_afresh(&arguments).fails(4, &["looked for in the cache and in", "empty", "no such file"]);
    assert_eq!(server.requests().len(), asked, "nobody was asked");
}
