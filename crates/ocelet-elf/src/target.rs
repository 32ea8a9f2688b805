//! [`Target`]: the platform that an image is for, and which files can run on it.
//!
//! Everything that differs between machines stands in one table here: the ELF numbers, the name of each
//! loader, the directories of a loader that does not tell its own, the marks of the loader cache. Sources:
//! image-spec's platform names (Go's GOARCH), the psABI supplements, glibc's `ldconfig.h`, `shlib-versions`
//! and `dl-platform`, musl's `arch/*/reloc.h`. It refuses platforms that it has no row for.

use std::fmt;

use crate::{Abi, Binary, Class, Endianness, FloatAbi, World};

/// A platform: an operating system and a machine, as images name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    row: &'static Machine,
}

/// What is to be known of one machine.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Machine {
    platform: &'static str,
    number: u16,
    class: Class,
    endianness: Endianness,
    float: Option<FloatAbi>,
    /// What `$PLATFORM` stands for at the baseline; glibc drops a path with it where there is none.
    pub(crate) token: Option<&'static str>,
    /// The flags of an entry of `/etc/ld.so.cache`.
    pub(crate) cache_flags: u32,
    /// The path of glibc's loader.
    glibc: &'static str,
    /// The path of musl's loader; its file name tells the `ARCH` of `/etc/ld-musl-ARCH.path`.
    musl: &'static str,
    /// What Debian calls the machine's directory below `/lib` and `/usr/lib`.
    pub(crate) tuple: &'static str,
    /// The library directories of glibc where the loader does not tell its own.
    pub(crate) directories: &'static [&'static str],
}

const LIB: &[&str] = &["/lib/", "/usr/lib/"];
const LIB64: &[&str] = &["/lib64/", "/usr/lib64/"];

macro_rules! machines {
    ($($platform:literal $machine:literal $class:ident $order:ident $float:expr, $token:expr, $flags:literal,
        $glibc:literal $musl:literal $tuple:literal $directories:ident;)*) => {
        &[$(Machine {
            platform: $platform,
            number: $machine,
            class: Class::$class,
            endianness: Endianness::$order,
            float: $float,
            token: $token,
            cache_flags: $flags,
            glibc: $glibc,
            musl: $musl,
            tuple: $tuple,
            directories: $directories,
        }),*]
    };
}

const HARD: Option<FloatAbi> = Some(FloatAbi::Hard);
const SOFT: Option<FloatAbi> = Some(FloatAbi::Soft);

static MACHINES: &[Machine] = machines! {
    "linux/amd64" 62 Bits64 Little None, Some("x86_64"), 0x0303,
        "/lib64/ld-linux-x86-64.so.2" "/lib/ld-musl-x86_64.so.1" "x86_64-linux-gnu" LIB64;
    "linux/arm64" 183 Bits64 Little None, Some("aarch64"), 0x0a03,
        "/lib/ld-linux-aarch64.so.1" "/lib/ld-musl-aarch64.so.1" "aarch64-linux-gnu" LIB64;
    "linux/arm/v7" 40 Bits32 Little HARD, Some("v7l"), 0x0903,
        "/lib/ld-linux-armhf.so.3" "/lib/ld-musl-armhf.so.1" "arm-linux-gnueabihf" LIB;
    "linux/arm/v6" 40 Bits32 Little HARD, Some("v6l"), 0x0903,
        "/lib/ld-linux-armhf.so.3" "/lib/ld-musl-armhf.so.1" "arm-linux-gnueabihf" LIB;
    "linux/arm/v5" 40 Bits32 Little SOFT, Some("v5l"), 0x0b03,
        "/lib/ld-linux.so.3" "/lib/ld-musl-arm.so.1" "arm-linux-gnueabi" LIB;
    "linux/386" 3 Bits32 Little None, Some("i686"), 0x0003,
        "/lib/ld-linux.so.2" "/lib/ld-musl-i386.so.1" "i386-linux-gnu" LIB;
    "linux/riscv64" 243 Bits64 Little None, None, 0x1003,
        "/lib/ld-linux-riscv64-lp64d.so.1" "/lib/ld-musl-riscv64.so.1" "riscv64-linux-gnu" LIB64;
    "linux/ppc64le" 21 Bits64 Little None, Some("power8"), 0x0503,
        "/lib64/ld64.so.2" "/lib/ld-musl-powerpc64le.so.1" "powerpc64le-linux-gnu" LIB64;
    "linux/s390x" 22 Bits64 Big None, Some("z10"), 0x0403,
        "/lib/ld64.so.1" "/lib/ld-musl-s390x.so.1" "s390x-linux-gnu" LIB64;
    "linux/loong64" 258 Bits64 Little None, Some("loongarch"), 0x1203,
        "/lib64/ld-linux-loongarch-lp64d.so.1" "/lib/ld-musl-loongarch64.so.1" "loongarch64-linux-gnu" LIB64;
    "linux/mips64le" 8 Bits64 Little None, None, 0x0703,
        "/lib64/ld.so.1" "/lib/ld-musl-mips64el.so.1" "mips64el-linux-gnuabi64" LIB64;
};

/// A platform that no row is known for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown platform \"{given}\"; known are {}", known())]
pub struct UnknownPlatform {
    /// The platform as it was given.
    pub given: String,
}

/// Why a file does not run on a platform.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mismatch {
    /// What the file is made for.
    pub is: Abi,
    /// What is wanted.
    pub wanted: Abi,
}

impl Target {
    /// Reads a platform such as `linux/arm64` or `linux/arm/v7`. `linux/arm` is `linux/arm/v7`, as container
    /// runtimes have it; `linux/arm64/v8` and `linux/amd64/v2` are their machines without a variant.
    ///
    /// # Errors
    /// A platform that is not in the table.
    pub fn parse(platform: &str) -> Result<Self, UnknownPlatform> {
        let plain = match platform {
            "linux/arm" => "linux/arm/v7",
            "linux/arm64/v8" => "linux/arm64",
            other => match other.strip_prefix("linux/amd64/v") {
                Some("1" | "2" | "3" | "4") => "linux/amd64",
                _ => other,
            },
        };
        match MACHINES.iter().find(|row| row.platform == plain) {
            Some(row) => Ok(Self { row }),
            None => Err(UnknownPlatform { given: platform.to_owned() }),
        }
    }

    /// All platforms of the table.
    pub fn all() -> impl Iterator<Item = Self> {
        MACHINES.iter().map(|row| Self { row })
    }

    /// The name, such as `linux/arm/v7`.
    pub fn platform(&self) -> &'static str {
        self.row.platform
    }

    /// What a file for this platform is made for.
    pub fn abi(&self) -> Abi {
        self.row.abi()
    }

    /// Whether this platform can run or load a file. A statically linked ARM file may pass floats as it
    /// likes, since it calls nobody.
    ///
    /// # Errors
    /// What the file is made for, and what is wanted.
    pub fn check(&self, binary: &Binary) -> Result<(), Mismatch> {
        let (is, wanted) = (binary.abi, self.abi());
        let same = (is.machine, is.class, is.endianness) == (wanted.machine, wanted.class, wanted.endianness);
        let floats = binary.is_static() || floats_agree(wanted.float, is.float);
        if same && floats { Ok(()) } else { Err(Mismatch { is, wanted }) }
    }

    /// The path of the loader that programs of a world ask for on this platform.
    pub fn loader(&self, world: World) -> Option<&'static str> {
        self.row.loader(world)
    }
}

impl Machine {
    /// The row for files of this kind. ARM files that do not tell how they pass floats count as hard-float
    /// ones, as Debian's and Alpine's ports have them.
    pub(crate) fn of(abi: Abi) -> Option<&'static Self> {
        MACHINES.iter().find(|row| {
            (row.number, row.class, row.endianness) == (abi.machine, abi.class, abi.endianness)
                && floats_agree(row.float, abi.float)
        })
    }

    pub(crate) fn loader(&self, world: World) -> Option<&'static str> {
        match world {
            World::Glibc => Some(self.glibc),
            World::Musl => Some(self.musl),
            World::Other => None,
        }
    }

    fn abi(&self) -> Abi {
        Abi { machine: self.number, class: self.class, endianness: self.endianness, float: self.float }
    }
}

/// Whether files with these float conventions can call each other: nobody contradicts.
pub(crate) fn floats_agree(one: Option<FloatAbi>, other: Option<FloatAbi>) -> bool {
    one.is_none() || other.is_none() || one == other
}

fn known() -> String {
    MACHINES.iter().map(|row| row.platform).collect::<Vec<_>>().join(", ")
}

impl fmt::Display for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.row.platform)
    }
}

impl fmt::Display for Abi {
    /// The platform's name where the table has it, else the ELF numbers.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Machine::of(*self) {
            Some(row) => formatter.write_str(row.platform),
            None if self.machine == 62 && self.class == Class::Bits32 => formatter.write_str("x32"),
            None => {
                let bits = if self.class == Class::Bits32 { 32 } else { 64 };
                let order = if self.endianness == Endianness::Little { "little" } else { "big" };
                write!(formatter, "ELF machine {}, {bits} bits, {order}-endian", self.machine)
            }
        }
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "made for {}, not for {}", self.is, self.wanted)
    }
}
