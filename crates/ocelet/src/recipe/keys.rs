//! Every key that a recipe may have, once: name, type and one sentence.
//!
//! The parser, the hints for unknown keys and the JSON schema all read these tables, so none of them can know a
//! key that another does not. It refuses to hold any rule that is about more than one value; those live with the
//! rooms that read them.

mod flavor;

pub(super) use flavor::FLAVOR;
#[cfg(test)]
pub(super) use flavor::REMOVE;

/// The keys of one TOML table.
#[derive(Debug)]
pub(super) struct Table {
    /// What the table is, as one sentence.
    pub(super) doc: &'static str,
    /// Its keys, in the order in which they are best read.
    pub(super) keys: &'static [Key],
}

/// One key.
#[derive(Debug)]
pub(super) struct Key {
    /// As it is written.
    pub(super) name: &'static str,
    /// What may stand behind it.
    pub(super) shape: Shape,
    /// Whether its table is incomplete without it.
    pub(super) required: bool,
    /// What it is for, as one sentence.
    pub(super) doc: &'static str,
    /// A value as it could be written.
    pub(super) example: &'static str,
}

/// What may stand behind a key.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shape {
    /// Text that is not empty and fits one line.
    Text,
    /// Any text.
    AnyText,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A whole number from 0 to the limit.
    Integer(i64),
    /// `true` or `false`.
    Boolean,
    /// A list of texts, none empty.
    Texts,
    /// The same, or one text for a list of one.
    TextOrTexts,
    /// A table with these keys.
    Table(&'static Table),
    /// Any names, each with a table of these keys.
    Tables(&'static Table),
    /// Any names, each with a text.
    TextMap,
    /// One of these words, or a list of texts.
    ChoiceOrTexts(&'static [&'static str]),
    /// One of these words, a text with a variable in it, or a list of texts.
    TemplateOrTexts(&'static [&'static str]),
    /// `true` or `false`, one of these words, or a table.
    Choices { words: &'static [&'static str], table: &'static Table },
    /// One text, or any names, each with a text.
    TextOrTextMap,
    /// A list of tables; where a short key is named, a text stands for the table with only that key.
    Items { table: &'static Table, short: Option<&'static str> },
}

const fn key(name: &'static str, shape: Shape, example: &'static str, doc: &'static str) -> Key {
    Key { name, shape, required: false, doc, example }
}

const fn required(name: &'static str, shape: Shape, example: &'static str, doc: &'static str) -> Key {
    Key { name, shape, required: true, doc, example }
}

/// The latest time that RFC 3339 can write (end of the year 9999), in seconds since 1970.
const LATEST: i64 = 253_402_300_799;
/// The largest user or group number: the kernel keeps the next one to mean "nobody in particular".
const LARGEST_ID: i64 = 0xffff_fffe;

/// Archives have fewer directories above their files than this.
const MOST_COMPONENTS: i64 = 64;

/// The keyrings that the program brings along.
pub(super) const KEYRINGS: &[&str] = &["alpine", "debian"];

/// Where a list of Debian repositories can be had from without naming them.
const SYSTEM: &[&str] = &["system"];

/// The groups that files are sorted into by how often they change, least often first.
pub(super) const STABILITIES: &[&str] = &["base", "packages", "release", "configuration"];

/// An example of a condition, and what conditions are.
const WHEN: (&str, &str) = (
    "\"x < 2\"",
    "Only then it is wanted; otherwise it is as if it were not written. Clauses joined by \"and\": a variable, one of < <= > >= = != and a version, of which as many numbers are compared as are written; or a list parameter, \"has\" or \"lacks\", and a word.",
);

/// How upx compresses.
pub(super) const PACK_METHODS: &[&str] = &["lzma", "nrv"];

/// The top level of a recipe.
pub(super) static RECIPE: Table = Table {
    doc: "A recipe: which files of which sources become which images.",
    keys: &[
        required(
            "image",
            Shape::Text,
            "\"tools\"",
            "The name of the image: an OCI repository name, and the default of the output directory below dist/.",
        ),
        key("description", Shape::Text, "\"Tools of a node\"", "What the image is, in one sentence."),
        required(
            "platforms",
            Shape::Texts,
            "[\"linux/amd64\"]",
            "The platforms to build for, as os/architecture or os/architecture/variant.",
        ),
        required(
            "tag",
            Shape::Text,
            "\"v1{-flavor}\"",
            "The template of the tags, one per flavor; {flavor} is the flavor's name, {-flavor} a hyphen and the name, or nothing for the default flavor.",
        ),
        key(
            "default-flavor",
            Shape::Text,
            "\"a\"",
            "The flavor whose {-flavor} is empty; otherwise the flavor named like the image, or the only one.",
        ),
        key(
            "epoch",
            Shape::Integer(LATEST),
            "1",
            "The time of every file and of the image, in seconds since 1970.",
        ),
        key(
            "versions",
            Shape::TextMap,
            "{ x = \"1\" }",
            "Variables and their values, for use in templates as {name}, of which {name.minor} is the first two numbers. A value may name other variables.",
        ),
        key(
            "parameters",
            Shape::Tables(&PARAMETER),
            "{ p = { help = \"a p\", default = \"1\" } }",
            "Variables that whoever builds the image gives with --set NAME=VALUE.",
        ),
        key(
            "mirrors",
            Shape::Texts,
            "[\"https://mirror.example.org/ocelet\"]",
            "Mirrors, as `ocelet mirror` makes them, in which everything that is locked can be had too.",
        ),
        key(
            "source",
            Shape::Tables(&SOURCE),
            "{ host = { rootfs = \"/\" } }",
            "Where files come from, by name.",
        ),
        key(
            "tool",
            Shape::Table(&TOOLS),
            "{ upx = { artifact = \"/srv/upx-{arch}\" } }",
            "Programs that the machine which builds needs; they are locked and mirrored as artifacts are.",
        ),
        required(
            "flavor",
            Shape::Tables(&FLAVOR),
            "{ a = { commands = [\"sh\"] } }",
            "The images to make, by name.",
        ),
    ],
};

/// `[tool]`.
pub(super) static TOOLS: Table = Table {
    doc: "Programs that the machine which builds needs.",
    keys: &[key(
        "upx",
        Shape::Table(&TOOL),
        "{ artifact = \"/srv/upx-{arch}\" }",
        "The upx that packs what sources flag with pack; --upx takes another one.",
    )],
};

/// `[tool.upx]`.
pub(super) static TOOL: Table = Table {
    doc: "A program that the machine which builds needs, as it is released.",
    keys: &[
        key("version", Shape::Text, "\"4.2.4\"", "The version that the program must say it has; a template."),
        required(
            "artifact",
            Shape::Text,
            "\"https://example.org/v1/upx-{arch}_linux.tar.xz\"",
            "The address of the released file or archive, or its path relative to the recipe; a template, in which {arch} is the architecture of the machine that builds.",
        ),
        key(
            "member",
            Shape::Text,
            "\"upx-{arch}_linux/upx\"",
            "The program in an archive; a template, as the address is.",
        ),
        key(
            "platforms",
            Shape::Texts,
            "[\"linux/amd64\"]",
            "The machines that it is locked for; linux/amd64 and linux/arm64 where left out.",
        ),
        key(
            "arch",
            Shape::TextMap,
            "{ \"linux/amd64\" = \"x86_64\" }",
            "What {arch} stands for, by platform; otherwise the name that images use.",
        ),
        key(
            "sha256",
            Shape::TextOrTextMap,
            "{ \"linux/amd64\" = \"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\", \"linux/arm64\" = \"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\" }",
            "The SHA-256 of the whole file for each platform, in hexadecimal digits.",
        ),
        key(
            "checksum",
            Shape::Text,
            "\"https://example.org/v1/upx-{arch}.sha256\"",
            "A file of sums, from which the lock takes the digest where sha256 is not given; a template.",
        ),
    ],
};

/// `[parameters.NAME]`.
pub(super) static PARAMETER: Table = Table {
    doc: "A variable that is given with --set.",
    keys: &[
        required("help", Shape::Text, "\"path of a tarball\"", "What to give, as one sentence."),
        key("default", Shape::AnyText, "\"1\"", "The value where none is given."),
        key(
            "choices",
            Shape::Texts,
            "[\"1\"]",
            "The only values that may be given; of a list the only words.",
        ),
        key(
            "list",
            Shape::Boolean,
            "true",
            "Whether the value is a list of words with commas between them, for conditions with \"has\" and \"lacks\"; it may be empty.",
        ),
        key(
            "path",
            Shape::Boolean,
            "true",
            "Whether the value is a path of this machine: only places of sources may use it, and it is not part of what a lock is checked against.",
        ),
    ],
};

/// The keys that say what kind of source it is: each source has exactly one of them.
pub(super) const SOURCE_KINDS: &[(&str, &[&str])] = &[
    ("rootfs", &["tag", "include", "exclude", "pack", "daemon"]),
    ("apk", &["keys", "pin", "pack", "daemon"]),
    ("deb", &["keys", "snapshot", "packages", "pin", "alternatives", "pack", "daemon"]),
    (
        "artifact",
        &[
            "arch", "sha256", "checksum", "install", "members", "strip", "mode", "uid", "gid", "replace",
            "pack", "daemon",
        ],
    ),
    ("text", &["expand", "install", "mode", "uid", "gid", "replace"]),
    ("file", &["install", "mode", "uid", "gid", "replace", "pack", "daemon"]),
];

/// `[source.NAME]`.
pub(super) static SOURCE: Table = Table {
    doc: "One place that files come from: a root file system (rootfs), Alpine packages (apk), Debian packages (deb), a released file or archive (artifact), a text in the recipe (text) or a file beside it (file).",
    keys: &[
        key(
            "rootfs",
            Shape::Text,
            "\"/\"",
            "A directory, a tarball, or an OCI layout or archive, relative to the recipe; a template, also of {platform}, {os}, {arch}, {variant} and {apk-arch}.",
        ),
        key(
            "tag",
            Shape::Text,
            "\"v1\"",
            "Which image of an OCI layout or archive with several; a template.",
        ),
        key("include", Shape::Texts, "[\"/usr/**\"]", "Patterns of the only files to take."),
        key("exclude", Shape::Texts, "[\"/usr/share/doc/**\"]", "Patterns of files to leave out."),
        key(
            "apk",
            Shape::TextOrTexts,
            "[\"https://dl-cdn.alpinelinux.org/alpine/v3.22/main\"]",
            "Package repositories in the order of their priority: addresses or directories relative to the recipe, without the part that names the architecture; \"@tag ADDRESS\" serves only packages that are asked for with the tag. Templates, also of the platform; {apk-arch} is Alpine's name of the architecture.",
        ),
        key(
            "keys",
            Shape::TemplateOrTexts(KEYRINGS),
            "\"alpine\"",
            "Whose signatures are believed: \"alpine\" or \"debian\" for the keys of the distribution itself, or a list of files relative to the recipe: for Alpine key files named as the signatures name them, for Debian OpenPGP keyrings. A template like \"{keys}\" is one of both: the name of a distribution, or else the path of a key file; its parameter says path = true. \"system\" does without.",
        ),
        key(
            "deb",
            Shape::ChoiceOrTexts(SYSTEM),
            "[\"https://deb.debian.org/debian bookworm main\"]",
            "Package repositories in the order of their priority, each as a line of sources.list without its type: an address or a directory relative to the recipe, a suite, and components, or an exact path that ends with a slash; or \"system\" for those that apt on this machine is configured with, and its keys. Templates, in the address also of the platform.",
        ),
        key(
            "snapshot",
            Shape::Boolean,
            "true",
            "Whether the repositories are of the past on purpose, so that the end of their validity does not count.",
        ),
        key(
            "packages",
            Shape::Texts,
            "[\"runc\", \"iptables>=1.8\"]",
            "The Debian packages that commands and files may come from, beside those that these need: a name, or a name, an operator and a version. Templates.",
        ),
        key(
            "pin",
            Shape::TextMap,
            "{ iptables = \"~1.8\" }",
            "Versions that packages of these repositories must have if they are chosen at all, as an operator and a version. Templates.",
        ),
        key(
            "alternatives",
            Shape::TextMap,
            "{ iptables = \"/usr/sbin/iptables-legacy\" }",
            "Which program stands behind a name that several Debian packages offer, as update-alternatives has them; otherwise the one of the highest priority. Templates.",
        ),
        key(
            "artifact",
            Shape::Text,
            "\"https://example.org/v1/tool-{arch}\"",
            "The address of a released file or archive (.gz, .tar.gz, .tar.xz, .tar.zst, .tar.bz2, .tgz, .zip), or its path relative to the recipe; a template, also of the platform.",
        ),
        key(
            "arch",
            Shape::TextMap,
            "{ \"linux/amd64\" = \"x86_64\" }",
            "What {arch} stands for in the addresses of the artifact, by platform; otherwise the name that images use.",
        ),
        key(
            "sha256",
            Shape::TextOrTextMap,
            "\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"",
            "The SHA-256 of the whole file in hexadecimal digits, or a table of one for each platform.",
        ),
        key(
            "checksum",
            Shape::Text,
            "\"https://example.org/v1/tool-{arch}.sha256\"",
            "A file with the SHA-256 or SHA-512 of the artifact or of several files, from which the lock takes the digest where sha256 is not given, and says so; a template, also of the platform.",
        ),
        key("text", Shape::AnyText, "\"this is {name}\"", "The content of one file, as it stands here."),
        key(
            "expand",
            Shape::Boolean,
            "true",
            "Whether the text is a template; otherwise braces mean themselves.",
        ),
        key(
            "file",
            Shape::Text,
            "\"motd\"",
            "A file relative to the recipe; a template, also of the platform.",
        ),
        key(
            "install",
            Shape::Text,
            "\"/etc/motd\"",
            "The absolute path of the file in the image, or, with a \"/\" at its end, of the directory for what an artifact holds; a template.",
        ),
        key(
            "members",
            Shape::Texts,
            "[\"bin/*\"]",
            "Patterns of the only members to take out of an archive, as they are named there.",
        ),
        key(
            "strip",
            Shape::Integer(MOST_COMPONENTS),
            "1",
            "How many leading directories the names of an archive's members lose; 0 where left out.",
        ),
        key(
            "mode",
            Shape::Text,
            "\"0644\"",
            "The permission bits in octal digits; where left out 0644, for a single file of an artifact 0755, and for the members of an archive what it says.",
        ),
        key("uid", Shape::Integer(LARGEST_ID), "0", "The number of the owning user; 0 where left out."),
        key("gid", Shape::Integer(LARGEST_ID), "0", "The number of the owning group; 0 where left out."),
        key(
            "replace",
            Shape::Boolean,
            "true",
            "Whether the file takes the place of another source's; otherwise two owners of one path are an error.",
        ),
        key(
            "pack",
            Shape::Choices { words: PACK_METHODS, table: &PACK },
            "{ files = [\"/usr/bin/kubeadm\"], method = \"lzma\" }",
            "Whether its programs are packed by upx: true for all of a released file or archive, \"lzma\" or \"nrv\" for all and how, or a table that says which; never those that run for long.",
        ),
        key(
            "daemon",
            Shape::Boolean,
            "true",
            "Whether its programs run for long, so that packing one of them is an error; what is known to be a daemon need not be said.",
        ),
        key("platforms", Shape::Texts, "[\"linux/amd64\"]", "The only platforms that the source is for."),
        key("when", Shape::Text, WHEN.0, WHEN.1),
        key(
            "stability",
            Shape::Choice(STABILITIES),
            "\"base\"",
            "How seldom the files change, which decides the layer they share; base for a rootfs, packages for apk, release for an artifact, configuration for a text or file.",
        ),
    ],
};

/// `pack` of a source.
pub(super) static PACK: Table = Table {
    doc: "Which programs of a source are packed by upx, and how.",
    keys: &[
        key(
            "files",
            Shape::Texts,
            "[\"/usr/bin/kubeadm\"]",
            "Patterns of the paths at which they are installed; all programs of the source where left out.",
        ),
        key(
            "method",
            Shape::Choice(PACK_METHODS),
            "\"lzma\"",
            "How they are compressed: lzma is the smallest, nrv starts quicker; where left out figures decide.",
        ),
    ],
};

/// Every table with its header as it is shown to the user, for "that key belongs to …".
pub(super) static TABLES: &[(&str, &Table)] = &[
    ("the top level", &RECIPE),
    ("[tool]", &TOOLS),
    ("[tool.upx]", &TOOL),
    ("[parameters.NAME]", &PARAMETER),
    ("[source.NAME]", &SOURCE),
    ("[flavor.NAME]", &FLAVOR),
];

impl Table {
    /// The key of that name.
    pub(super) fn find(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }

    /// The names of all keys.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.keys.iter().map(|key| key.name)
    }
}
