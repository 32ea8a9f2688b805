//! Two C libraries in one tree, as Debian and Alpine lay them out: each program gets the libraries of its own.

use super::*;
use crate::{Loaded, World};

/// A machine and what the two distributions call things on it.
struct Machine {
    platform: &'static str,
    glibc: &'static str,
    musl: &'static str,
    /// The name by which Alpine's libraries need their C library.
    libc: &'static str,
    /// The file that tells musl where to look.
    path_file: &'static str,
    /// Debian's library directory.
    debian: &'static str,
}

const MACHINES: [Machine; 3] = [
    Machine {
        platform: "linux/amd64",
        glibc: "/lib64/ld-linux-x86-64.so.2",
        musl: "/lib/ld-musl-x86_64.so.1",
        libc: "libc.musl-x86_64.so.1",
        path_file: "/etc/ld-musl-x86_64.path",
        debian: "/lib/x86_64-linux-gnu",
    },
    Machine {
        platform: "linux/arm64",
        glibc: "/lib/ld-linux-aarch64.so.1",
        musl: "/lib/ld-musl-aarch64.so.1",
        libc: "libc.musl-aarch64.so.1",
        path_file: "/etc/ld-musl-aarch64.path",
        debian: "/lib/aarch64-linux-gnu",
    },
    Machine {
        platform: "linux/arm/v7",
        glibc: "/lib/ld-linux-armhf.so.3",
        musl: "/lib/ld-musl-armhf.so.1",
        libc: "libc.musl-armv7.so.1",
        path_file: "/etc/ld-musl-armhf.path",
        debian: "/lib/arm-linux-gnueabihf",
    },
];

impl Machine {
    /// A library or plugin of a distribution; nothing is one that needs no C library.
    fn library(&self, soname: &str, world: Option<World>) -> ElfBuilder {
        let library = ElfBuilder::library(self.platform, soname);
        match world {
            Some(World::Glibc) => library.needs("libc.so.6"),
            Some(World::Musl) => library.needs(self.libc),
            _ => library,
        }
    }

    fn program(&self, world: World) -> ElfBuilder {
        let (loader, libc) =
            if world == World::Glibc { (self.glibc, "libc.so.6") } else { (self.musl, self.libc) };
        ElfBuilder::program(self.platform).interpreter(loader).needs(libc)
    }

    /// Both C libraries, in which `{D}` of a path stands for Debian's directory, and these files.
    fn tree(&self, files: &[(&str, ElfBuilder)], lines: &[&str]) -> Tree {
        let mut tree = Tree::new();
        self.add_glibc(&mut tree);
        self.add_musl(&mut tree);
        self.fill(&mut tree, files, lines);
        tree
    }

    fn fill(&self, tree: &mut Tree, files: &[(&str, ElfBuilder)], lines: &[&str]) {
        for (at, builder) in files {
            add_bytes(tree, &at.replace("{D}", self.debian), builder.build());
        }
        for line in lines {
            add(tree, line);
        }
    }

    /// The loader tells Debian's directories, which end with the two that Alpine has as well.
    fn add_glibc(&self, tree: &mut Tree) {
        let name = self.glibc.rsplit('/').next().expect("a path");
        let mut loader = ElfBuilder::library(self.platform, name).build();
        loader.extend(format!("\0{0}/\0/usr{0}/\0/lib/\0/usr/lib/\0\0", self.debian).as_bytes());
        add_bytes(tree, &format!("{}/{name}", self.debian), loader);
        add(tree, &format!("{} -> {}/{name}", self.glibc, self.debian));
        let libc = ElfBuilder::library(self.platform, "libc.so.6").needs(name).defines_version("GLIBC_2.34");
        add_bytes(tree, &format!("{}/libc.so.6", self.debian), libc.build());
    }

    /// As Alpine has it: the C library is the loader, and a link beside it has the name that libraries need.
    fn add_musl(&self, tree: &mut Tree) {
        add_bytes(tree, self.musl, ElfBuilder::library(self.platform, self.libc).build());
        add(tree, &format!("/lib/{} -> {}", self.libc, self.musl.trim_start_matches("/lib/")));
    }

    fn close(&self, tree: &Tree, paths: &[&str], packs: &[&str]) -> Closure {
        let rules = RulePacks::embedded().choose(packs).expect("known");
        let target = Target::parse(self.platform).expect("known");
        close(tree, &roots(paths), &Options { rules, ..Options::new(target) })
    }

    /// The kept files beside the C libraries themselves, with Debian's directory as `{D}`.
    fn kept(&self, closure: &Closure) -> Vec<String> {
        let mut kept: Vec<String> = kept(closure).iter().map(|at| at.replace(self.debian, "{D}")).collect();
        kept.retain(|at| !at.contains("/ld-") && !at.contains("/libc."));
        kept
    }
}

const SHARED: [&str; 3] = ["libz.so.1", "libgcc_s.so.1", "libmnl.so.0"];

#[test]
fn one_soname_in_two_worlds() {
    for machine in &MACHINES {
        let mut files = vec![
            ("/usr/bin/g", SHARED.iter().fold(machine.program(World::Glibc), |g, name| g.needs(name))),
            ("/bin/m", SHARED.iter().fold(machine.program(World::Musl), |m, name| m.needs(name))),
        ];
        for (at, world, name) in [
            ("{D}/libz.so.1", World::Glibc, "libz.so.1"),
            ("{D}/libgcc_s.so.1", World::Glibc, "libgcc_s.so.1"),
            ("/usr{D}/libmnl.so.0", World::Glibc, "libmnl.so.0"),
            ("/lib/libz.so.1", World::Musl, "libz.so.1"),
            ("/usr/lib/libgcc_s.so.1", World::Musl, "libgcc_s.so.1"),
            ("/usr/lib/libmnl.so.0", World::Musl, "libmnl.so.0"),
        ] {
            files.push((at, machine.library(name, Some(world))));
        }
        let tree = machine.tree(&files, &[]);
        let closure = machine.close(&tree, &["/usr/bin/g", "/bin/m"], &[]);
        assert_eq!(told(&closure.problems), Vec::<String>::new(), "{}", machine.platform);
        let lives = |loader: &str| {
            let inhabitants = &closure.worlds[&Text::from(loader)];
            let beside: Vec<String> = inhabitants.libraries.iter().map(ToString::to_string).collect();
            (
                inhabitants.world,
                inhabitants.programs.iter().map(ToString::to_string).collect::<Vec<_>>(),
                beside,
            )
        };
        let loader = machine.glibc.rsplit('/').next().expect("a path");
        let glibc = [
            &format!("{{D}}/{loader}"),
            "{D}/libc.so.6",
            "{D}/libgcc_s.so.1",
            "{D}/libz.so.1",
            "/usr{D}/libmnl.so.0",
        ];
        let mut glibc = glibc.map(|at| at.replace("{D}", machine.debian));
        glibc.sort_unstable();
        let musl = [machine.musl, "/lib/libz.so.1", "/usr/lib/libgcc_s.so.1", "/usr/lib/libmnl.so.0"];
        assert_eq!(lives(machine.glibc), (World::Glibc, vec!["/usr/bin/g".to_owned()], glibc.to_vec()));
        assert_eq!(
            lives(machine.musl),
            (World::Musl, vec!["/bin/m".to_owned()], musl.map(ToString::to_string).to_vec())
        );
        assert_eq!(closure.worlds.len(), 2);
    }
}

/// A program of one world whose library only the other has: the problem, and that nothing of the other's is kept.
#[test]
fn a_library_of_the_other_world_is_refused() {
    for machine in &MACHINES {
        for (world, there, other) in [
            // glibc's loader looks in Alpine's directories last.
            (World::Glibc, "/usr/lib/libmnl.so.0", World::Musl),
            // musl's looks nowhere else.
            (World::Musl, "/usr/lib/libmnl.so.0", World::Glibc),
        ] {
            let files = [
                ("/bin/p", machine.program(world).needs("liba.so.1")),
                ("/o/liba.so.1", machine.library("liba.so.1", Some(world)).needs("libmnl.so.0")),
                (there, machine.library("libmnl.so.0", Some(other)).needs("libdeep.so.1")),
                ("/usr/lib/libdeep.so.1", machine.library("libdeep.so.1", Some(other))),
            ];
            let mut files = files.to_vec();
            files[0].1 = files[0].1.clone().rpath("/o");
            let closure = machine.close(&machine.tree(&files, &[]), &["/bin/p"], &[]);
            assert_eq!(
                told(&closure.problems),
                [format!(
                    "/o/liba.so.1 needs libmnl.so.0, and its loader takes {there}, which was linked against {other}; \
                     /bin/p is a {world} program"
                )],
                "{}",
                machine.platform
            );
            assert_eq!(machine.kept(&closure), ["/bin/p", "/o/liba.so.1"], "{}", machine.platform);
        }
        // Debian's own directories are none of musl's: there it is not even seen.
        let files = [
            ("/bin/p", machine.program(World::Musl).needs("libmnl.so.0")),
            ("{D}/libmnl.so.0", machine.library("libmnl.so.0", Some(World::Glibc))),
        ];
        let said = told(&machine.close(&machine.tree(&files, &[]), &["/bin/p"], &[]).problems);
        assert_eq!(
            said,
            ["/bin/p needs libmnl.so.0, which is in none of the directories that its loader searches: /lib"]
        );
    }
}

#[test]
fn a_version_of_glibc_marks_a_library_that_needs_nothing() {
    let machine = &MACHINES[0];
    let marked = machine.library("liba.so.1", None).needs_version("libc.so.6", "GLIBC_2.34", false);
    let files = [("/bin/p", machine.program(World::Musl).needs("liba.so.1")), ("/usr/lib/liba.so.1", marked)];
    let said = told(&machine.close(&machine.tree(&files, &[]), &["/bin/p"], &[]).problems);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains("takes /usr/lib/liba.so.1, which was linked against glibc"), "{said:?}");
}

#[test]
fn a_library_of_no_world_is_shared() {
    for machine in &MACHINES {
        let files = [
            ("/usr/bin/g", machine.program(World::Glibc).needs("libfree.so.1")),
            ("/bin/m", machine.program(World::Musl).needs("libfree.so.1")),
            ("/usr/lib/libfree.so.1", machine.library("libfree.so.1", None)),
        ];
        let closure = machine.close(&machine.tree(&files, &[]), &["/usr/bin/g", "/bin/m"], &[]);
        assert_eq!(told(&closure.problems), Vec::<String>::new());
        assert_eq!(machine.kept(&closure), ["/bin/m", "/usr/bin/g", "/usr/lib/libfree.so.1"]);
        let free = path("/usr/lib/libfree.so.1");
        assert!(closure.worlds.values().all(|inhabitants| inhabitants.libraries.contains(&free)));
    }
}

#[test]
fn a_program_between_the_worlds_is_told() {
    for (machine, linked, loader) in
        [(&MACHINES[0], World::Glibc, World::Musl), (&MACHINES[1], World::Musl, World::Glibc)]
    {
        let asked = if loader == World::Glibc { machine.glibc } else { machine.musl };
        let files = [("/bin/p", machine.program(linked).interpreter(asked))];
        let said = told(&machine.close(&machine.tree(&files, &[]), &["/bin/p"], &[]).problems);
        let want = format!(
            "/bin/p was linked against {linked}, and asks for the loader {asked}, which is of {loader}"
        );
        assert!(said.contains(&want), "{said:?}");
    }
}

#[test]
fn without_its_loader_a_program_says_what_it_wants() {
    for machine in &MACHINES {
        let files = [
            (
                "/usr/bin/kubelet",
                machine.program(World::Glibc).needs("libseccomp.so.2").needs("libpthread.so.0"),
            ),
            ("{D}/libseccomp.so.2", machine.library("libseccomp.so.2", Some(World::Glibc))),
            ("/bin/m", machine.program(World::Musl)),
        ];
        let mut tree = Tree::new();
        machine.add_musl(&mut tree);
        machine.fill(&mut tree, &files, &[]);
        // One thing is missing, and one is told: not each of its parts.
        let closure = machine.close(&tree, &["/usr/bin/kubelet", "/bin/m"], &[]);
        let want = format!("/usr/bin/kubelet wants {}, its loader, which no source provides", machine.glibc);
        assert_eq!(told(&closure.problems), [want]);
        let mut tree = Tree::new();
        machine.add_glibc(&mut tree);
        machine.fill(&mut tree, &files, &[]);
        let closure = machine.close(&tree, &["/usr/bin/kubelet", "/bin/m"], &[]);
        // libpthread.so.0 is a part of glibc, and an empty one.
        let said = told(&closure.problems);
        assert_eq!(said.len(), 2, "{said:?}");
        assert_eq!(said[0], format!("/bin/m wants {}, its loader, which no source provides", machine.musl));
        assert!(
            said[1].starts_with("/usr/bin/kubelet needs libpthread.so.0, which is in none of"),
            "{said:?}"
        );
    }
}

#[test]
fn each_loader_reads_its_own_configuration() {
    for machine in &MACHINES {
        let files = [
            ("/usr/bin/g", machine.program(World::Glibc).needs("liba.so.1")),
            ("/bin/m", machine.program(World::Musl).needs("liba.so.1")),
            ("/opt/g/liba.so.1", machine.library("liba.so.1", Some(World::Glibc))),
            ("/opt/m/liba.so.1", machine.library("liba.so.1", Some(World::Musl))),
        ];
        let told_by = format!("{} = /lib:/opt/m\\n", machine.path_file);
        let lines = [
            "/etc/ld.so.conf = include /etc/ld.so.conf.d/*.conf\\n",
            "/etc/ld.so.conf.d/o.conf = /opt/g\\n",
            &told_by,
        ];
        let closure = machine.close(&machine.tree(&files, &lines), &["/usr/bin/g", "/bin/m"], &[]);
        assert_eq!(told(&closure.problems), Vec::<String>::new(), "{}", machine.platform);
        let mut want =
            ["/bin/m", "/opt/g/liba.so.1", "/opt/m/liba.so.1", "/usr/bin/g"].map(str::to_owned).to_vec();
        assert!(closure.files.contains_key(&path(machine.path_file)), "{}", machine.platform);
        want.sort_unstable();
        assert_eq!(machine.kept(&closure), want);
        // What the cache tells is glibc's alone.
        let cache =
            crate::LoaderCache::read(closure.loader_cache().expect("needed"), crate::Endianness::Little);
        let entries = cache.expect("ours").entries;
        let paths: Vec<String> = entries.iter().map(|entry| entry.path.to_string()).collect();
        assert_eq!(paths, ["/opt/g/liba.so.1"]);
    }
}

#[test]
fn plugins_stay_in_their_world() {
    for machine in &MACHINES {
        let xtables = |world| machine.library("libxtables.so.12", Some(world)).imports("dlopen");
        let plugin = |world| {
            ElfBuilder::program(machine.platform).needs(if world == World::Glibc {
                "libc.so.6"
            } else {
                machine.libc
            })
        };
        let files = [
            ("/usr/sbin/iptables", machine.program(World::Glibc).needs("libxtables.so.12")),
            ("/sbin/iptables", machine.program(World::Musl).needs("libxtables.so.12")),
            ("{D}/libxtables.so.12", xtables(World::Glibc)),
            ("/usr/lib/libxtables.so.12", xtables(World::Musl)),
            ("/usr{D}/xtables/libxt_mark.so", plugin(World::Glibc)),
            ("/usr/lib/xtables/libxt_mark.so", plugin(World::Musl)),
            ("{D}/libnss_files.so.2", machine.library("libnss_files.so.2", Some(World::Glibc))),
        ];
        let tree = machine.tree(&files, &["/etc/nsswitch.conf = passwd: files\\n"]);
        let glibc = [
            "/etc/nsswitch.conf",
            "{D}/libnss_files.so.2",
            "{D}/libxtables.so.12",
            "/usr{D}/xtables/libxt_mark.so",
            "/usr/sbin/iptables",
        ];
        let musl = ["/sbin/iptables", "/usr/lib/libxtables.so.12", "/usr/lib/xtables/libxt_mark.so"];
        let both = [&glibc[..], &musl].concat();
        for (roots, want) in [
            (&["/usr/sbin/iptables"][..], &glibc[..]),
            (&["/sbin/iptables"], &musl),
            (&["/sbin/iptables", "/usr/sbin/iptables"], &both),
        ] {
            let closure = machine.close(&tree, roots, &["xtables", "nss"]);
            assert_eq!(told(&closure.problems), Vec::<String>::new(), "{} {roots:?}", machine.platform);
            let (mut is, mut want) = (machine.kept(&closure), want.to_vec());
            is.sort_unstable();
            want.sort_unstable();
            assert_eq!(is, want, "{} {roots:?}", machine.platform);
        }
    }
}

#[test]
fn a_library_that_tells_no_world_is_loaded_where_it_can_be() {
    let machine = &MACHINES[0];
    let files = [
        ("/usr/lib/plugin.so", ElfBuilder::program(machine.platform).needs("liba.so.1")),
        ("/usr/lib/liba.so.1", machine.library("liba.so.1", Some(World::Musl))),
        ("/usr{D}/plugin.so", ElfBuilder::program(machine.platform).needs("libb.so.1")),
        ("{D}/libb.so.1", machine.library("libb.so.1", Some(World::Glibc))),
    ];
    let tree = machine.tree(&files, &[]);
    let loader = Loader::new(&tree, Hwcaps::Baseline);
    for (at, world) in
        [("/usr/lib/plugin.so", World::Musl), ("/usr/lib/x86_64-linux-gnu/plugin.so", World::Glibc)]
    {
        let loaded: Loaded = loader.load(&path(at)).expect("a library");
        assert_eq!((loaded.world, loaded.missing.len()), (world, 0), "{at}");
    }
}
