//! Side by side with the predecessor at the same programs: what is pulled and what that is on disk, in each profile, against
//! the bars that ocelet has to stay below; and what packing costs each time that a program starts.

use std::fmt::Write;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::super::need;
use super::node::ratio;
use super::predecessor::{Layers, Method, Packed, Size, layers, on_disk, packed};
use super::{Inputs, Site, Wanted, inputs};
use crate::Outcome;
use crate::binaries::{OLD_CNI_PLUGINS, OLD_CRI_TOOLS, PREDECESSOR};
use crate::shell::{command, temporary};

const FLAVORS: [&str; 5] = ["kubelet", "flannel", "cni", "kubeadm", "kubeadm-cni"];

/// What each profile assembles with.
const PROFILES: [(&str, &[&str]); 3] = [
    ("compat", &["--profile", "compat", "--upx", "system"]),
    ("wire", &["--profile", "wire"]),
    ("disk", &["--profile", "disk", "--upx", "system"]),
];

/// The tools of both sides are the same: what the predecessor has not, and what cannot be had here, is left out.
const WANTED: Wanted = Wanted {
    kubernetes: PREDECESSOR,
    cri_tools: OLD_CRI_TOOLS,
    cni_plugins: OLD_CNI_PLUGINS,
    has_glibc: false,
    without: &[("kubelet", &["socat"]), ("kubeadm", &["conntrack", "ip"])],
};

/// At most this part of the predecessor's size, in hundredths: profile, flavor, whether it is the size on disk.
const BARS: &[(&str, &str, bool, u64)] = &[
    ("compat", "kubelet", false, 80),
    ("compat", "kubeadm-cni", false, 80),
    ("wire", "kubelet", false, 62),
    ("wire", "cni", false, 48),
    ("wire", "kubeadm", false, 58),
    ("wire", "kubeadm-cni", false, 48),
    ("disk", "kubelet", true, 80),
    ("disk", "flannel", true, 80),
    ("disk", "cni", true, 80),
    ("disk", "kubeadm", true, 80),
    ("disk", "kubeadm-cni", true, 80),
];

/// How often a program is started for its time.
const STARTS: usize = 5;

/// Assembles, weighs, compares.
pub(in crate::conformance) fn run(ocelet: &str) -> Outcome {
    let Some(inputs) = inputs()? else { return Ok(()) };
    if !need("upx")? {
        return Ok(());
    }
    let work = temporary()?;
    let site = Site { ocelet, work: work.path(), inputs: &inputs };
    site.prepare(&WANTED)?;
    let ours = PROFILES.map(|(profile, words)| weighed(&site, profile, words));
    let ours = ours.into_iter().collect::<Result<Vec<_>, _>>()?;
    let (as_it_comes, lzma) = (sides(&inputs, Method::Nrv)?, sides(&inputs, Method::Lzma)?);
    println!("{}", table(&as_it_comes.1, &lzma.1, &ours));
    println!("{}", starts(&as_it_comes.0, &lzma.0)?);
    let broken = broken(&as_it_comes.1, &ours);
    if broken.is_empty() { Ok(()) } else { Err(broken.join("\n")) }
}

fn sides(inputs: &Inputs, method: Method) -> Result<(Vec<Packed>, Layers), String> {
    let packed = packed(inputs, method)?;
    let layers = layers(inputs, method, &packed)?;
    Ok((packed, layers))
}

/// The sizes of the five flavors, in their order.
fn weighed(site: &Site<'_>, profile: &str, words: &[&str]) -> Result<[Size; 5], String> {
    let layout = site.assemble(profile, words)?;
    let inspected = site.inspected(&layout)?;
    let mut sizes = [Size::default(); 5];
    for (size, flavor) in sizes.iter_mut().zip(FLAVORS) {
        let (tag, compressed) =
            flavored(&inspected, flavor).ok_or_else(|| format!("{profile} has no {flavor}"))?;
        let files = site.unpacked(&layout, &tag, "linux/amd64")?;
        *size = Size { compressed, extracted: on_disk(&files)? };
    }
    Ok(sizes)
}

/// The tag of a flavor and what is pulled of it, as `inspect` tells it: tags are `VERSION[-FLAVOR]-alpineVERSION`.
fn flavored(inspected: &Value, flavor: &str) -> Option<(String, u64)> {
    let want = if flavor == "kubelet" { String::new() } else { format!("{flavor}-") };
    let found = inspected["images"].as_array()?.iter().find(|image| {
        let behind = image["tag"].as_str().and_then(|tag| tag.split_once('-')).map(|(_, behind)| behind);
        behind
            .and_then(|behind| behind.strip_prefix(want.as_str()))
            .is_some_and(|rest| rest.starts_with("alpine"))
    })?;
    let platform = found["platforms"].as_array()?.first()?;
    Some((found["tag"].as_str()?.to_owned(), platform["compressed"].as_u64()?))
}

/// Markdown: a line for each flavor, megabytes (10^6) to pull / on disk in blocks of 4 KiB, and the part of the predecessor's.
fn table(as_it_comes: &Layers, lzma: &Layers, ours: &[[Size; 5]]) -> String {
    let mut text = "| flavor | predecessor | the same with `upx --lzma` | compat | wire | disk |\n|---|---|---|---|---|---|\n".to_owned();
    for (at, flavor) in FLAVORS.iter().enumerate() {
        let base = as_it_comes.of(flavor);
        let _ = write!(text, "| {flavor} | {} | {} |", shown(base), shown(lzma.of(flavor)));
        for profile in ours {
            let size = profile[at];
            let _ = write!(
                text,
                " {} ({:.2}× / {:.2}×) |",
                shown(size),
                ratio(size.compressed, base.compressed),
                ratio(size.extracted, base.extracted)
            );
        }
        text.push('\n');
    }
    text
}

fn shown(size: Size) -> String {
    format!("{} / {}", megabytes(size.compressed), megabytes(size.extracted))
}

fn megabytes(bytes: u64) -> String {
    let tenths = (bytes + 50_000) / 100_000;
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// The bars that do not hold.
fn broken(predecessor: &Layers, ours: &[[Size; 5]]) -> Vec<String> {
    let mut broken = Vec::new();
    for (profile, flavor, is_on_disk, most) in BARS {
        let (Some(row), Some(column)) = (
            PROFILES.iter().position(|(name, _)| name == profile),
            FLAVORS.iter().position(|name| name == flavor),
        ) else {
            continue;
        };
        let size = |size: Size| if *is_on_disk { size.extracted } else { size.compressed };
        let (part, whole) = (size(ours[row][column]), size(predecessor.of(flavor)));
        let what = if *is_on_disk { "on disk" } else { "to pull" };
        let line = format!(
            "{profile} {flavor}: {part} bytes {what} of the predecessor's {whole}, {:.3} where at most 0.{most} is wanted",
            ratio(part, whole)
        );
        if part * 100 > whole * most {
            broken.push(line);
        } else {
            println!("{line}: holds");
        }
    }
    broken
}

/// What packing saves, and what each start costs: the shortest of a few.
fn starts(nrv: &[Packed], lzma: &[Packed]) -> Result<String, String> {
    let mut text =
        "| program | bytes | NRV | LZMA | start | NRV | LZMA |\n|---|---|---|---|---|---|---|\n".to_owned();
    for (one, other) in nrv.iter().zip(lzma) {
        let length =
            |path: &Path| path.metadata().map(|metadata| metadata.len()).map_err(|error| error.to_string());
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} ms | {} ms | {} ms |",
            one.name,
            length(&one.before)?,
            length(&one.after)?,
            length(&other.after)?,
            start(&one.before)?.as_millis(),
            start(&one.after)?.as_millis(),
            start(&other.after)?.as_millis()
        );
    }
    Ok(text)
}

/// How long a program takes to say its version.
fn start(program: &Path) -> Result<Duration, String> {
    let once = || {
        let mut run = command(&program.display().to_string());
        match program.file_name().and_then(|name| name.to_str()) {
            Some("kubeadm") => drop(run.arg("version")),
            Some("crictl") => drop(run.arg("--version")),
            _ => drop(run.env("CNI_COMMAND", "VERSION")),
        }
        run.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let began = Instant::now();
        let status = run.status().map_err(|error| format!("cannot start {}: {error}", program.display()))?;
        if status.success() {
            Ok(began.elapsed())
        } else {
            Err(format!("{} ends with {status}", program.display()))
        }
    };
    let times = (0..STARTS).map(|_| once()).collect::<Result<Vec<_>, _>>()?;
    Ok(times.into_iter().min().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn flavors_are_found_by_their_tags() {
        let image = |tag: &str, size: u64| json!({"tag": tag, "platforms": [{"compressed": size, "extracted": 2 * size}]});
        let inspected = json!({"images": [
            image("v1.20.7-kubeadm-cni-alpine3.19", 1),
            image("v1.20.7-alpine3.19", 2),
            image("v1.20.7-cni-alpine3.19", 3),
            image("v1.20.7-kubeadm-alpine3.19", 4),
        ]});
        for (flavor, want) in [
            ("kubelet", Some(2)),
            ("cni", Some(3)),
            ("kubeadm", Some(4)),
            ("kubeadm-cni", Some(1)),
            ("flannel", None),
        ] {
            assert_eq!(flavored(&inspected, flavor).map(|(_, compressed)| compressed), want, "{flavor}");
        }
    }

    #[test]
    fn megabytes_are_rounded() {
        for (bytes, want) in [(0, "0.0"), (49_999, "0.0"), (50_000, "0.1"), (24_516_000, "24.5")] {
            assert_eq!(megabytes(bytes), want);
        }
    }
}
