//! How long the closure of every program of a directory takes: `every_program ROOT DIRECTORY PLATFORM [PACK…]`.
//!
//! With packs, problems and unexplained uses of `dlopen` are listed; `-` stands for none.
//!
//! Files are mapped, as the product does. Prints what was kept, what is wrong, and the time in milliseconds.

use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::time::Instant;

use ocelet_elf::{Options, Root, RulePacks, Target, close};
use ocelet_testkit::DirectoryView;
use ocelet_tree::{Blob, Bytes, Kind, Name, Node, ReadError, Source, TreePath, View};

/// A directory whose files are mapped.
struct Mapping(DirectoryView);

struct Mapped {
    path: PathBuf,
    length: u64,
}

impl View for Mapping {
    fn entry(&self, path: &TreePath) -> Result<Option<Node>, ReadError> {
        let Some(mut node) = self.0.entry(path)? else { return Ok(None) };
        if let Kind::File { content, .. } = &mut node.kind {
            let mapped = Mapped { path: self.0.on_host(path), length: content.length() };
            *content = Blob::new(mapped).content();
        }
        Ok(Some(node))
    }

    fn names(&self, path: &TreePath) -> Result<Vec<Name>, ReadError> {
        self.0.names(path)
    }
}

impl Source for Mapped {
    fn length(&self) -> u64 {
        self.length
    }

    fn label(&self) -> String {
        self.path.display().to_string()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(&std::fs::File::open(&self.path)?, buffer, offset)
    }

    #[expect(unsafe_code, reason = "a measurement over files that nothing changes meanwhile")]
    fn bytes(&self, range: Range<u64>) -> io::Result<Bytes> {
        let file = std::fs::File::open(&self.path)?;
        // SAFETY: nothing writes to the measured directory while this runs.
        let map = unsafe { memmap2::Mmap::map(&file)? };
        let end = usize::try_from(range.end).map_err(io::Error::other)?;
        let start = usize::try_from(range.start).map_err(io::Error::other)?;
        Bytes::new(map).slice(start..end).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}

#[expect(clippy::print_stdout, reason = "the result of a measurement")]
fn main() {
    let mut arguments = std::env::args().skip(1);
    let root = arguments.next().unwrap_or_else(|| "/".to_owned());
    let directory = arguments.next().unwrap_or_else(|| "/usr/bin".to_owned());
    let start = Instant::now();
    let view = Mapping(DirectoryView::new(root));
    let directory = TreePath::new(directory).expect("a path");
    let names = view.names(&directory).expect("a directory");
    let roots: Vec<Root> = names
        .iter()
        .map(|name| Root::new(directory.join(name), name.to_string()))
        .filter(|root| {
            let node = view.entry(&root.path).ok().flatten();
            node.and_then(|node| node.content()?.head(4).ok()).is_some_and(|head| head == b"\x7fELF")
        })
        .collect();
    let platform = arguments.next().unwrap_or_else(|| "linux/amd64".to_owned());
    let tell: Vec<String> = arguments.collect();
    let packs: Vec<&str> = tell.iter().map(String::as_str).filter(|name| *name != "-").collect();
    let mut options = Options::new(Target::parse(&platform).expect("a platform"));
    if !packs.is_empty() {
        options.rules = RulePacks::embedded().choose(&packs).expect("names of packs");
    }
    let listed = Instant::now();
    let closure = close(&view, &roots, &options);
    println!(
        "{} programs, {} kept, {} problems, {} unexplained; {:.1} ms, {:.1} ms with listing",
        roots.len(),
        closure.files.len(),
        closure.problems.len(),
        closure.unexplained.len(),
        listed.elapsed().as_secs_f64() * 1000.0,
        start.elapsed().as_secs_f64() * 1000.0,
    );
    if !tell.is_empty() {
        for problem in &closure.problems {
            println!("{problem}");
        }
        for unexplained in &closure.unexplained {
            println!("{} loads libraries: {:?}", unexplained.path, unexplained.packs);
        }
    }
}
