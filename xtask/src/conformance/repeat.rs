//! Two builds that differ in everything that must not matter give the same index digests: working directory,
//! time zone, umask, locale, home, number of threads, the order of directories, the clock.
//!
//! The order of a directory is shuffled by copying the root file system in reverse order; the clock is moved by
//! `faketime` where that is installed.

use std::path::Path;

use crate::Outcome;
use crate::shell::{command, output, root, show};
use super::need;

/// Builds a small root file system's image in very different surroundings.
pub(super) fn run(ocelet: &str) -> Outcome {
    let work = tempfile::tempdir().map_err(|error| format!("cannot make a temporary directory: {error}"))?;
    let recipe = root().join("recipes/host-tools.toml");
    let plain = work.path().join("plain");
    show(command(ocelet).args(["assemble", "--quiet"]).arg(&recipe).arg("--output").arg(&plain))?;
    let wanted = index(&plain)?;
    for (number, surroundings) in SURROUNDINGS.iter().enumerate() {
        let other = work.path().join(format!("other-{number}"));
        let script = format!("{surroundings} \"$0\" assemble --quiet \"$1\" --output \"$2\"");
        show(command("sh").args(["-c", &script, ocelet]).arg(&recipe).arg(&other))?;
        same(&wanted, &index(&other)?, surroundings)?;
    }
    if need("faketime")? {
        let other = work.path().join("faketime");
        let mut later = command("faketime");
        later.args(["2001-02-03 04:05:06", ocelet, "assemble", "--quiet"]).arg(&recipe).arg("--output").arg(&other);
        show(&mut later)?;
        same(&wanted, &index(&other)?, "another clock")?;
    }
    reordered(ocelet, work.path())
}

/// What is different, as the words before the command in a shell.
const SURROUNDINGS: &[&str] = &[
    "cd / && umask 077 && exec env TZ=Asia/Kathmandu LC_ALL=C HOME=/nonexistent",
    "cd /usr && umask 000 && exec env TZ=America/St_Johns LANG=tr_TR.UTF-8 TMPDIR=/var/tmp",
    "exec env -i RAYON_NUM_THREADS=7 nice",
    "exec taskset 1",
];

/// The same files, created in two orders, so that their directories list them differently.
fn reordered(ocelet: &str, work: &Path) -> Outcome {
    let script = r#"
set -e
cd "$0"
ls -1 /usr/bin | head -60 | grep -v '\[' > names
for order in sort 'sort -r'; do
    root="root-$(echo "$order" | tr -d ' ')"
    mkdir -p "$root/bin"
    $order names | while read -r name; do cp -L "/usr/bin/$name" "$root/bin/$name" 2>/dev/null || true; done
    cat > "$root.toml" <<EOF
image = "order"
platforms = ["linux/amd64"]
tag = "t"
[source.root]
rootfs = "$root"
[flavor.order]
files = ["/**"]
EOF
    "$1" assemble --quiet --allow-missing "$root.toml" --output "$root.out"
done
cmp root-sort.out/index.json root-sort-r.out/index.json
"#;
    output(command("sh").args(["-c", script]).arg(work).arg(ocelet)).map(drop)
}

fn index(layout: &Path) -> Result<String, String> {
    output(command("cat").arg(layout.join("index.json")))
}

fn same(wanted: &str, got: &str, what: &str) -> Outcome {
    if wanted == got {
        println!("same index digests: {what}");
        return Ok(());
    }
    Err(format!("another index under {what}:\n{wanted}\n{got}"))
}
