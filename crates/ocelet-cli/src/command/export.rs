//! `ocelet export`: an image in another form, written as a whole or not at all.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use ocelet::Silent;
use ocelet::finished::{Archive, Finished, Reference, rootfs, write_archive};
use ocelet::host::{Host, Scratch};

use super::assemble::platform;
use super::only;
use crate::environment;
use crate::failure::Failure;
use crate::output::Talk;

/// What was typed.
#[derive(Debug, Args)]
#[command(
    after_help = "A docker-archive holds one platform and no zstd layers, and `docker load` gives the image another \
    digest; an oci-archive keeps all digests."
)]
pub(crate) struct Arguments {
    /// The image: LAYOUT_DIR:TAG
    image: String,

    /// The form
    #[arg(long, value_name = "FORM")]
    format: Form,

    /// The file to write
    #[arg(long, value_name = "FILE")]
    to: PathBuf,

    /// The platform; needed where the tag has several and the form holds one
    #[arg(long, value_name = "PLATFORM")]
    platform: Option<String>,
}

/// The forms of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For `docker load` and `podman load`.
    DockerArchive,
    /// The layout as one file, for `ctr images import`, skopeo and podman.
    OciArchive,
    /// The files of one platform as a tarball.
    Rootfs,
}

pub(super) fn run(arguments: &Arguments, talk: &Talk) -> Result<ExitCode, Failure> {
    let wanted = arguments.platform.as_deref().map(platform).transpose()?;
    let finished = Finished::open(Reference::new(&arguments.image))?;
    write_whole(&arguments.to, |sink| match arguments.format {
        Form::DockerArchive => Ok(write_archive(&finished, Archive::Docker, wanted.as_ref(), sink)?),
        Form::OciArchive => Ok(write_archive(&finished, Archive::Oci, wanted.as_ref(), sink)?),
        Form::Rootfs => {
            let image = only(finished.images(wanted.as_ref())?, &arguments.image)?;
            let scratch = Scratch::new(environment::scratch());
            let host =
                Host { jobs: environment::jobs(None), epoch: None, scratch: &scratch, observer: &Silent };
            Ok(rootfs(&image, finished.path(), sink, &host)?)
        }
    })?;
    talk.status("Exported", &format!("{} to {}", arguments.image, arguments.to.display()));
    Ok(ExitCode::SUCCESS)
}

/// Writes beside the file and renames at the end, so that nobody ever sees half of it.
fn write_whole(to: &Path, write: impl FnOnce(&mut dyn Write) -> Result<(), Failure>) -> Result<(), Failure> {
    let name = to
        .file_name()
        .ok_or_else(|| Failure::usage(format!("{} is not the name of a file", to.display())))?;
    let partial = to.with_file_name(format!(".{}.{}.partial", name.to_string_lossy(), std::process::id()));
    let failed = |error: std::io::Error| Failure::failed(format!("cannot write {}: {error}", to.display()));
    let done = File::create_new(&partial).map_err(failed).and_then(|file| {
        let mut sink = BufWriter::with_capacity(1 << 18, file);
        write(&mut sink)?;
        let file = sink.into_inner().map_err(|error| failed(error.into_error()))?;
        file.sync_all().map_err(failed)?;
        std::fs::rename(&partial, to).map_err(failed)
    });
    if done.is_err() {
        // The reason is on its way to the user; a leftover that cannot be removed adds nothing.
        let _ = std::fs::remove_file(&partial);
    }
    done
}
