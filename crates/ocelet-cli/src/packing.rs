//! The flags about packing, and how it is told.

use std::path::PathBuf;

use clap::Args;
use ocelet::shrink::{Packed, Packing, StartUp, Tried};
use ocelet::{PackingOptions, Savings};

use crate::environment;
use crate::failure::Failure;
use crate::progress::size;

/// What is asked of packing.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct PackingArguments {
    /// Leave the files as they are that the recipe flags with pack
    #[arg(long, conflicts_with_all = ["upx", "no_run"])]
    no_pack: bool,

    /// Pack with this program instead of the locked one; "system" is the upx on PATH
    #[arg(long, value_name = "PATH|system")]
    upx: Option<PathBuf>,

    /// Do not run packed programs beside the originals to see whether they end alike
    #[arg(long)]
    no_run: bool,
}

impl PackingArguments {
    /// What it means with a profile that packs, or does not.
    ///
    /// # Errors
    /// There is no upx on PATH.
    pub(crate) fn options(&self, profile_packs: bool) -> Result<PackingOptions, Failure> {
        let upx = match &self.upx {
            Some(path) if path.as_os_str() == "system" => {
                Some(environment::program("upx").ok_or_else(|| {
                    let message = std::io::Error::other("--upx system: there is no upx on PATH");
                    Failure::unavailable(&message)
                        .hint("Debian and Alpine have it in the package upx-ucl and upx")
                })?)
            }
            other => other.clone(),
        };
        let packing = if self.no_pack || !profile_packs { Packing::Off } else { Packing::On };
        Ok(PackingOptions { packing, upx, trial: !self.no_run })
    }
}

/// One packed file: `/usr/bin/crictl for linux/amd64: 12.3 MB from 38.1 MB, starts in 400 ms (20 ms before)`.
pub(crate) fn line(path: &str, platform: &str, packed: &Packed) -> String {
    let sizes = format!("{} from {}", size(packed.size), size(packed.original.length()));
    let tried = match &packed.tried {
        None => String::new(),
        Some(Tried::Alike(StartUp { before, after })) => {
            format!(", starts in {} ms ({} ms before)", after.as_millis(), before.as_millis())
        }
        Some(Tried::Not(why)) => format!(", not run: {why}"),
    };
    format!("{path} for {platform}: {sizes}{tried}")
}

/// What packing saves: `12.3 MB on disk (20.0 MB from 32.3 MB), 1.0 MB in layers (…)`.
pub(crate) fn sentence(saved: &Savings) -> String {
    let difference = |before: u64, after: u64| {
        let (word, by) = if after <= before { ("less", before - after) } else { ("more", after - before) };
        format!("{} {word}", size(by))
    };
    format!(
        "{} on disk and {} in layers by packing {} files ({} from {}, compressed {} from {})",
        difference(saved.disk_before, saved.disk_after),
        difference(saved.layer_before, saved.layer_after),
        saved.files,
        size(saved.disk_after),
        size(saved.disk_before),
        size(saved.layer_after),
        size(saved.layer_before),
    )
}
