//! [`pack`]: one program through upx, proved and kept in the store: packed, tested by upx itself, unpacked again and
//! compared with what went in.
//!
//! The result is kept by what it depends on: the SHA-256 of the file, that of upx, and the arguments. That a file
//! cannot be packed is kept alike, so that a second run asks upx for nothing.

use std::io::Write;
use std::path::Path;

use ocelet_oci::Digest;
use ocelet_tree::{Bytes, Content};

use super::error::Fault;
use super::tool::{self, Upx};
use crate::fetch::store::{Kind, Store, VerifiedBlob};
use crate::host::{self, Ending, Host, ProcessError};
use crate::recipe::PackMethod;

/// How a result is made from the text that names file, tool and arguments.
const PACKED: Kind = Kind::new("packed.1");
/// What stands before packed bytes.
const DONE: &[u8] = b"packed\n";
/// What stands before the reason why a file is left as it is.
const LEFT: &[u8] = b"left\n";
/// What upx says of files that it cannot pack, which is no failure.
const CANNOT: [&str; 5] = [
    "CantPackException",
    "NotCompressibleException",
    "AlreadyPackedException",
    "UnknownExecutableFormatException",
    "file is too small",
];

/// What came of a file.
#[derive(Debug)]
pub(super) enum Outcome {
    /// Its packed bytes.
    Packed(Content),
    /// It stays what it is, and why.
    Left(String),
}

/// What a file was, and what came of it.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) outcome: Outcome,
    /// By which the store knows it.
    pub(super) key: Digest,
}

/// Packs a program, or takes the result from the store; `begin` is told where there is work to do.
pub(super) fn pack(
    original: &Bytes,
    sha256: &Digest,
    method: PackMethod,
    upx: &Upx,
    store: &Store,
    host: &Host<'_>,
    begin: impl FnOnce(),
) -> Result<Made, Fault> {
    let arguments = tool::arguments(method);
    let text = format!("upx {}\narguments {arguments}\nfile {sha256}\n", upx.sha256());
    let key = Digest::of(text.as_bytes());
    let blob = store.derive(&key, PACKED, |sink| {
        begin();
        let directory = host::private_directory(host.scratch)?;
        let (head, body) = match run(original, sha256, arguments, upx, directory.path())? {
            Ok(packed) => (DONE, packed),
            Err(why) => (LEFT, why.into_bytes()),
        };
        let written = sink.write_all(head).and_then(|()| sink.write_all(&body));
        Ok::<(), Fault>(written.map_err(ProcessError::at("keep", directory.path()))?)
    })?;
    Ok(Made { outcome: read(&blob)?, key })
}

/// The packed bytes, or why there are none.
fn run(
    original: &Bytes,
    sha256: &Digest,
    arguments: &str,
    upx: &Upx,
    directory: &Path,
) -> Result<Result<Vec<u8>, String>, Fault> {
    let length = original.len() as u64;
    host::write_program(&directory.join("in"), &mut &original[..])?;
    let call = ["-q", "--no-color", "--no-progress", arguments, "-o", "out", "in"];
    let ended = upx.ask(&call, directory)?;
    match ended.ending {
        Ending::Exit(0) => {}
        Ending::Exit(_) => {
            let words = tool::words(&ended.said).unwrap_or_default();
            return if CANNOT.iter().any(|one| words.contains(one)) {
                Ok(Err(format!("upx cannot pack it: {words}")))
            } else {
                Err(tool::fault(&call, &ended))
            };
        }
        Ending::Signal(_) | Ending::TimedOut => return Err(tool::fault(&call, &ended)),
    }
    let packed = host::read_whole(&directory.join("out"), length.saturating_mul(2))?;
    if packed.len() as u64 >= length {
        return Ok(Err(format!("packing does not save: {} bytes from {length}", packed.len())));
    }
    upx.work(&["-q", "--no-color", "-t", "out"], directory)?;
    upx.work(&["-q", "--no-color", "--no-progress", "-d", "-o", "back", "out"], directory)?;
    let back = Digest::of(&host::read_whole(&directory.join("back"), length.saturating_mul(2))?);
    if back != *sha256 {
        return Err(Fault::NotTheSame { wanted: sha256.to_string(), got: back.to_string() });
    }
    Ok(Ok(packed))
}

fn read(blob: &VerifiedBlob) -> Result<Outcome, Fault> {
    let content = blob.content();
    if content.head(DONE.len())? == DONE {
        let start = DONE.len() as u64;
        let packed = blob.blob().slice(start, blob.size() - start).map_err(|_| Fault::Cache)?;
        return Ok(Outcome::Packed(packed));
    }
    let bytes = content.bytes()?;
    let why = bytes.strip_prefix(LEFT).and_then(|why| std::str::from_utf8(why).ok());
    why.map(|why| Outcome::Left(why.to_owned())).ok_or(Fault::Cache)
}
