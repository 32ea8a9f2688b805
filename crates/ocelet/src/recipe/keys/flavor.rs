//! The keys of a flavor and of the items of its lists.
//!
//! They refuse to say what removing means: `inherit.rs` does.

use super::{LARGEST_ID, Shape, Table, WHEN, key, required};

/// `[flavor.NAME]`.
pub(in super::super) static FLAVOR: Table = Table {
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
            "packages",
            Shape::Items { table: &PACKAGE, short: Some("name") },
            "[\"util-linux\"]",
            "Packages that are wanted for their own sake, with all of their files: a name, or what a package provides like so:libz.so.1, then perhaps @tag, an operator (=, <, <=, >, >=, ~) and a version, which is a template; \"name?\" is wanted but may be missing.",
        ),
        key(
            "rules",
            Shape::Items { table: &RULE, short: Some("name") },
            "[\"nss\"]",
            "Rule packs: files that programs open at run time, by what they are for.",
        ),
        key(
            "needs",
            Shape::Texts,
            "[\"kubeadm\"]",
            "Needs packs: the commands, files, packages and rule packs that a program runs or reads, each with its reason; what the flavor says itself wins.",
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
            "users",
            Shape::Items { table: &USER, short: None },
            "[{ name = \"app\", uid = 1000 }]",
            "Users that /etc/passwd must have; the lines of the sources' file stay but for those of the same names, all sorted by number.",
        ),
        key(
            "groups",
            Shape::Items { table: &GROUP, short: None },
            "[{ name = \"app\", gid = 1000 }]",
            "Groups that /etc/group must have; the lines of the sources' file stay but for those of the same names, all sorted by number.",
        ),
        key(
            "entrypoint",
            Shape::Items { table: &ARGUMENT, short: Some("value") },
            "[\"sh\"]",
            "The program and first arguments of the container; an inherited cmd is dropped. A template.",
        ),
        key(
            "cmd",
            Shape::Items { table: &ARGUMENT, short: Some("value") },
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

static ARGUMENT: Table = Table {
    doc: "An argument of the program.",
    keys: &[
        required("value", Shape::Text, "\"--network-plugin=cni\"", "The argument. A template."),
        key("when", Shape::Text, WHEN.0, WHEN.1),
    ],
};

static COMMAND: Table = Table {
    doc: "A program that must run.",
    keys: &[
        required("name", Shape::Text, "\"sh\"", "The name, without directory."),
        key("optional", Shape::Boolean, "true", "Whether it may be missing."),
        key("reason", Shape::Text, "\"the kubelet runs it\"", "Why it is wanted."),
        key("source", Shape::Text, "\"https://example.org\"", "Where the reason can be read."),
        key("from", Shape::Text, "\"alpine\"", "The only source that may bring it, by name."),
        key(
            "not-from",
            Shape::Texts,
            "[\"busybox\"]",
            "Programs that must not answer for it, by the name of the file that the command ends at.",
        ),
        key("when", Shape::Text, WHEN.0, WHEN.1),
    ],
};

static FILE: Table = Table {
    doc: "Files that must be there.",
    keys: &[
        required("path", Shape::Text, "\"/etc/passwd\"", "An absolute path or pattern."),
        key("optional", Shape::Boolean, "true", "Whether it may match nothing."),
        key("reason", Shape::Text, "\"names of users\"", "Why it is wanted."),
        key("source", Shape::Text, "\"https://example.org\"", "Where the reason can be read."),
        key("from", Shape::Text, "\"alpine\"", "The only source that may bring it, by name."),
        key("when", Shape::Text, WHEN.0, WHEN.1),
    ],
};

static PACKAGE: Table = Table {
    doc: "A package that is wanted for its own sake.",
    keys: &[
        required(
            "name",
            Shape::Text,
            "\"iptables>=1.8\"",
            "The name, perhaps with @tag, and with an operator and a version.",
        ),
        key("optional", Shape::Boolean, "true", "Whether it may be missing."),
        key("reason", Shape::Text, "\"all of its plugins\"", "Why it is wanted."),
        key("source", Shape::Text, "\"https://example.org\"", "Where the reason can be read."),
        key("from", Shape::Text, "\"alpine\"", "The only source that may bring it, by name: one with apk."),
        key("when", Shape::Text, WHEN.0, WHEN.1),
    ],
};

static USER: Table = Table {
    doc: "A line of /etc/passwd.",
    keys: &[
        required("name", Shape::Text, "\"app\"", "The name."),
        required("uid", Shape::Integer(LARGEST_ID), "1000", "The number."),
        key(
            "gid",
            Shape::Integer(LARGEST_ID),
            "1000",
            "The number of the first group; the user's own where left out.",
        ),
        key("home", Shape::Text, "\"/home/app\"", "The home directory; / where left out."),
        key("shell", Shape::Text, "\"/bin/sh\"", "The program to log in with; /sbin/nologin where left out."),
        key(
            "gecos",
            Shape::Text,
            "\"the application\"",
            "What a person would be called; nothing where left out.",
        ),
        key("when", Shape::Text, WHEN.0, WHEN.1),
    ],
};

static GROUP: Table = Table {
    doc: "A line of /etc/group.",
    keys: &[
        required("name", Shape::Text, "\"app\"", "The name."),
        required("gid", Shape::Integer(LARGEST_ID), "1000", "The number."),
        key(
            "members",
            Shape::Texts,
            "[\"app\"]",
            "The names of the users who are in it beside those whose first group it is.",
        ),
        key("when", Shape::Text, WHEN.0, WHEN.1),
    ],
};

static RULE: Table = Table {
    doc: "A rule pack.",
    keys: &[
        required("name", Shape::Text, "\"nss\"", "The name of the rule pack."),
        key("optional", Shape::Boolean, "true", "Whether it may match nothing."),
        key("reason", Shape::Text, "\"users have names\"", "Why it is wanted."),
        key("source", Shape::Text, "\"https://example.org\"", "Where the reason can be read."),
        key("when", Shape::Text, WHEN.0, WHEN.1),
    ],
};

static DIRECTORY: Table = Table {
    doc: "A directory that must exist.",
    keys: &[
        required("path", Shape::Text, "\"/tmp\"", "The absolute path."),
        key("mode", Shape::Text, "\"1777\"", "The permission bits in octal digits; 0755 where left out."),
        key("uid", Shape::Integer(LARGEST_ID), "0", "The number of the owning user; 0 where left out."),
        key("gid", Shape::Integer(LARGEST_ID), "0", "The number of the owning group; 0 where left out."),
        key("when", Shape::Text, WHEN.0, WHEN.1),
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
        key("when", Shape::Text, WHEN.0, WHEN.1),
    ],
};

static ACKNOWLEDGED: Table = Table {
    doc: "A program whose use of dlopen somebody has looked at.",
    keys: &[
        required("path", Shape::Text, "\"/bin/busybox\"", "An absolute path or pattern."),
        key("reason", Shape::Text, "\"only with a plugin\"", "What was found."),
        key("when", Shape::Text, WHEN.0, WHEN.1),
    ],
};

/// `remove` of a flavor.
pub(in super::super) static REMOVE: Table = Table {
    doc: "What to drop of the flavors that this one extends, each as it is named there.",
    keys: &[
        key("needs", Shape::Texts, "[\"kubeadm\"]", "Needs packs, with everything that only they ask for."),
        key("commands", Shape::Texts, "[\"ls\"]", "Commands, those of needs packs included."),
        key("files", Shape::Texts, "[\"/etc/ls\"]", "Files, spelled as they were asked for."),
        key("packages", Shape::Texts, "[\"less\"]", "Packages, by their name without tag and version."),
        key("rules", Shape::Texts, "[\"pam\"]", "Rule packs."),
        key("directories", Shape::Texts, "[\"/ls\"]", "Directories."),
        key("links", Shape::Texts, "[\"/lls\"]", "Links, by their path."),
        key("users", Shape::Texts, "[\"ls\"]", "Users, by name."),
        key("groups", Shape::Texts, "[\"ls\"]", "Groups, by name."),
        key("env", Shape::Texts, "[\"LS\"]", "Environment variables."),
        key("labels", Shape::Texts, "[\"ls\"]", "Labels."),
        key("annotations", Shape::Texts, "[\"ls\"]", "Annotations."),
        key("volumes", Shape::Texts, "[\"/ls\"]", "Volumes."),
        key("exposed-ports", Shape::Texts, "[\"1/tcp\"]", "Ports."),
        key("acknowledge-dlopen", Shape::Texts, "[\"/bin/ls\"]", "Acknowledged programs."),
    ],
};
