//! Every key that a recipe may have, once: name, type and one sentence.
//!
//! The parser, the hints for unknown keys and the JSON schema all read these tables, so none of them can know a
//! key that another does not. It refuses to hold any rule that is about more than one value; those live with the
//! rooms that read them.

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

/// The groups that files are sorted into by how often they change, least often first.
pub(super) const STABILITIES: &[&str] = &["base", "packages", "release", "configuration"];

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
            "Variables and their values, for use in templates as {name}.",
        ),
        key(
            "parameters",
            Shape::Tables(&PARAMETER),
            "{ p = { help = \"a p\", default = \"1\" } }",
            "Variables that whoever builds the image gives with --set NAME=VALUE.",
        ),
        key(
            "source",
            Shape::Tables(&SOURCE),
            "{ host = { rootfs = \"/\" } }",
            "Where files come from, by name.",
        ),
        required(
            "flavor",
            Shape::Tables(&FLAVOR),
            "{ a = { commands = [\"sh\"] } }",
            "The images to make, by name.",
        ),
    ],
};

/// `[parameters.NAME]`.
pub(super) static PARAMETER: Table = Table {
    doc: "A variable that is given with --set.",
    keys: &[
        required("help", Shape::Text, "\"path of a tarball\"", "What to give, as one sentence."),
        key("default", Shape::AnyText, "\"1\"", "The value where none is given."),
        key("choices", Shape::Texts, "[\"1\"]", "The only values that may be given."),
    ],
};

/// The keys that say what kind of source it is: each source has exactly one of them.
pub(super) const SOURCE_KINDS: &[(&str, &[&str])] = &[
    ("rootfs", &["tag", "include", "exclude"]),
    ("text", &["expand", "install", "mode", "uid", "gid", "replace"]),
    ("file", &["install", "mode", "uid", "gid", "replace"]),
];

/// `[source.NAME]`.
pub(super) static SOURCE: Table = Table {
    doc: "One place that files come from: a root file system (rootfs), a text in the recipe (text) or a file beside it (file).",
    keys: &[
        key(
            "rootfs",
            Shape::Text,
            "\"/\"",
            "A directory, a tarball, or an OCI layout or archive, relative to the recipe; a template, also of {platform}, {os}, {arch} and {variant}.",
        ),
        key(
            "tag",
            Shape::Text,
            "\"v1\"",
            "Which image of an OCI layout or archive with several; a template.",
        ),
        key("include", Shape::Texts, "[\"/usr/**\"]", "Patterns of the only files to take."),
        key("exclude", Shape::Texts, "[\"/usr/share/doc/**\"]", "Patterns of files to leave out."),
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
            "The absolute path of the file in the image; a template.",
        ),
        key("mode", Shape::Text, "\"0644\"", "The permission bits in octal digits; 0644 where left out."),
        key("uid", Shape::Integer(LARGEST_ID), "0", "The number of the owning user; 0 where left out."),
        key("gid", Shape::Integer(LARGEST_ID), "0", "The number of the owning group; 0 where left out."),
        key(
            "replace",
            Shape::Boolean,
            "true",
            "Whether the file takes the place of another source's; otherwise two owners of one path are an error.",
        ),
        key("platforms", Shape::Texts, "[\"linux/amd64\"]", "The only platforms that the source is for."),
        key(
            "stability",
            Shape::Choice(STABILITIES),
            "\"base\"",
            "How seldom the files change, which decides the layer they share; base for a rootfs, configuration for a single file.",
        ),
    ],
};

/// `[flavor.NAME]`.
pub(super) static FLAVOR: Table = Table {
    doc: "One image: the things that it must be able to do, and how it starts.",
    keys: &[
        key(
            "image",
            Shape::Boolean,
            "true",
            "Whether an image is made of it; false for a flavor that others extend.",
        ),
        key("extends", Shape::TextOrTexts, "\"b\"", "The flavors that it has everything of."),
        key(
            "commands",
            Shape::Items { table: &COMMAND, short: Some("name") },
            "[\"sh\"]",
            "Programs that must run, by name; \"name?\" is wanted but may be missing.",
        ),
        key(
            "files",
            Shape::Items { table: &FILE, short: Some("path") },
            "[\"/etc/passwd\"]",
            "Paths or patterns of files that must be there; \"path?\" is wanted but may be missing, while in a table a \"?\" is any one character.",
        ),
        key(
            "rules",
            Shape::Items { table: &RULE, short: Some("name") },
            "[\"nss\"]",
            "Rule packs: files that programs open at run time, by what they are for.",
        ),
        key(
            "remove",
            Shape::Table(&REMOVE),
            "{ commands = [\"ls\"] }",
            "What to drop of the flavors that it extends.",
        ),
        key(
            "directories",
            Shape::Items { table: &DIRECTORY, short: Some("path") },
            "[\"/proc\"]",
            "Directories that must exist, empty or not.",
        ),
        key(
            "links",
            Shape::Items { table: &LINK, short: None },
            "[{ path = \"/etc/mtab\", target = \"../proc/self/mounts\" }]",
            "Symbolic links to make.",
        ),
        key(
            "entrypoint",
            Shape::Texts,
            "[\"sh\"]",
            "The program and first arguments of the container; an inherited cmd is dropped. A template.",
        ),
        key(
            "cmd",
            Shape::Texts,
            "[\"-l\"]",
            "Default arguments, which whoever starts the container may replace. A template.",
        ),
        key("env", Shape::TextMap, "{ PATH = \"/bin\" }", "Environment variables. Templates."),
        key("workdir", Shape::Text, "\"/\"", "The directory that the program starts in. A template."),
        key(
            "user",
            Shape::Text,
            "\"0:0\"",
            "The user, or user:group, by name or number, that the program runs as. A template.",
        ),
        key(
            "labels",
            Shape::TextMap,
            "{ maintained = \"yes\" }",
            "Labels of the image's configuration. Templates.",
        ),
        key(
            "annotations",
            Shape::TextMap,
            "{ \"org.opencontainers.image.title\" = \"tools\" }",
            "Annotations of the image's manifest and index. Templates.",
        ),
        key("stop-signal", Shape::Text, "\"SIGTERM\"", "The signal that asks the program to stop."),
        key("volumes", Shape::Texts, "[\"/data\"]", "Directories that are expected to be mounted."),
        key("exposed-ports", Shape::Texts, "[\"80/tcp\"]", "Ports that the program listens on."),
        key(
            "acknowledge-dlopen",
            Shape::Items { table: &ACKNOWLEDGED, short: Some("path") },
            "[\"/bin/busybox\"]",
            "Programs that load libraries at run time without saying which, and that somebody has looked at.",
        ),
    ],
};

static COMMAND: Table = Table {
    doc: "A program that must run.",
    keys: &[
        required("name", Shape::Text, "\"sh\"", "The name, without directory."),
        key("optional", Shape::Boolean, "true", "Whether it may be missing."),
        key("reason", Shape::Text, "\"the kubelet runs it\"", "Why it is wanted."),
        key("source", Shape::Text, "\"https://example.org\"", "Where the reason can be read."),
    ],
};

static FILE: Table = Table {
    doc: "Files that must be there.",
    keys: &[
        required("path", Shape::Text, "\"/etc/passwd\"", "An absolute path or pattern."),
        key("optional", Shape::Boolean, "true", "Whether it may match nothing."),
        key("reason", Shape::Text, "\"names of users\"", "Why it is wanted."),
        key("source", Shape::Text, "\"https://example.org\"", "Where the reason can be read."),
    ],
};

static RULE: Table = Table {
    doc: "A rule pack.",
    keys: &[
        required("name", Shape::Text, "\"nss\"", "The name of the rule pack."),
        key("optional", Shape::Boolean, "true", "Whether it may match nothing."),
        key("reason", Shape::Text, "\"users have names\"", "Why it is wanted."),
        key("source", Shape::Text, "\"https://example.org\"", "Where the reason can be read."),
    ],
};

static DIRECTORY: Table = Table {
    doc: "A directory that must exist.",
    keys: &[
        required("path", Shape::Text, "\"/tmp\"", "The absolute path."),
        key("mode", Shape::Text, "\"1777\"", "The permission bits in octal digits; 0755 where left out."),
        key("uid", Shape::Integer(LARGEST_ID), "0", "The number of the owning user; 0 where left out."),
        key("gid", Shape::Integer(LARGEST_ID), "0", "The number of the owning group; 0 where left out."),
    ],
};

static LINK: Table = Table {
    doc: "A symbolic link.",
    keys: &[
        required("path", Shape::Text, "\"/etc/mtab\"", "The absolute path of the link."),
        required(
            "target",
            Shape::Text,
            "\"../proc/self/mounts\"",
            "Where it points, as it is written into the link.",
        ),
    ],
};

static ACKNOWLEDGED: Table = Table {
    doc: "A program whose use of dlopen somebody has looked at.",
    keys: &[
        required("path", Shape::Text, "\"/bin/busybox\"", "An absolute path or pattern."),
        key("reason", Shape::Text, "\"only with a plugin\"", "What was found."),
    ],
};

/// `remove` of a flavor.
pub(super) static REMOVE: Table = Table {
    doc: "What to drop of the flavors that this one extends, each as it is named there.",
    keys: &[
        key("commands", Shape::Texts, "[\"ls\"]", "Commands."),
        key("files", Shape::Texts, "[\"/etc/ls\"]", "Files, spelled as they were asked for."),
        key("rules", Shape::Texts, "[\"pam\"]", "Rule packs."),
        key("directories", Shape::Texts, "[\"/ls\"]", "Directories."),
        key("links", Shape::Texts, "[\"/lls\"]", "Links, by their path."),
        key("env", Shape::Texts, "[\"LS\"]", "Environment variables."),
        key("labels", Shape::Texts, "[\"ls\"]", "Labels."),
        key("annotations", Shape::Texts, "[\"ls\"]", "Annotations."),
        key("volumes", Shape::Texts, "[\"/ls\"]", "Volumes."),
        key("exposed-ports", Shape::Texts, "[\"1/tcp\"]", "Ports."),
        key("acknowledge-dlopen", Shape::Texts, "[\"/bin/ls\"]", "Acknowledged programs."),
    ],
};

/// Every table with its header as it is shown to the user, for "that key belongs to …".
pub(super) static TABLES: &[(&str, &Table)] = &[
    ("the top level", &RECIPE),
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
