//! What to do about a problem of the closure, where that does not follow from the problem itself.

use ocelet_elf::{Problem, World};

/// A sentence for the user; nothing where the problem says it all.
pub(super) fn on(problem: &Problem) -> Option<String> {
    match problem {
        Problem::MissingLoader { loader, .. } => match World::of_loader(loader.as_bytes()) {
            Some(World::Glibc) => Some(format!(
                "{loader} is the loader of glibc, which Debian has in the package libc6: add it to the packages of a \
                 Debian source, and from Debian 13 on base-files, whose links lead from /lib and /lib64 into /usr"
            )),
            Some(World::Musl) => Some(format!(
                "{loader} is the loader of musl, which Alpine has in the package musl: add an Alpine source that has it"
            )),
            Some(World::Other) | None => None,
        },
        Problem::MixedWorlds { name, world, other, .. } => {
            let place = match world {
                World::Glibc => "a glibc distribution, such as Debian",
                World::Musl => "a musl distribution, such as Alpine",
                World::Other => return None,
            };
            Some(format!(
                "a {world} program cannot use a library of {other}: add the package of {place}, that has {name}, to \
                 the packages of its source"
            ))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use ocelet_tree::TreePath;

    use super::*;

    #[test]
    fn what_one_c_library_lacks_is_not_taken_from_the_other() {
        let path = |text: &str| TreePath::new(text).expect("a path");
        let loader = |loader: &str| Problem::MissingLoader { program: path("/bin/p"), loader: loader.into() };
        let mixed = |world, other| Problem::MixedWorlds {
            name: "libmnl.so.0".into(),
            by: path("/bin/p"),
            program: path("/bin/p"),
            world,
            path: path("/usr/lib/libmnl.so.0"),
            other,
        };
        for (problem, want) in [
            (loader("/lib64/ld-linux-x86-64.so.2"), Some("the package libc6")),
            (loader("/lib/ld-linux-aarch64.so.1"), Some("the package libc6")),
            (loader("/lib/ld-linux-armhf.so.3"), Some("the package libc6")),
            (loader("/lib/ld-musl-armhf.so.1"), Some("the package musl")),
            (loader("/lib/klibc-x.so"), None),
            (loader("/lib/odd.so"), None),
            (mixed(World::Glibc, World::Musl), Some("such as Debian, that has libmnl.so.0")),
            (mixed(World::Musl, World::Glibc), Some("such as Alpine, that has libmnl.so.0")),
            (Problem::DamagedElf { path: path("/bin/p"), why: String::new() }, None),
        ] {
            let advice = on(&problem);
            match want {
                Some(want) => {
                    assert!(advice.as_ref().is_some_and(|advice| advice.contains(want)), "{advice:?}");
                }
                None => assert_eq!(advice, None, "{problem}"),
            }
        }
    }
}
