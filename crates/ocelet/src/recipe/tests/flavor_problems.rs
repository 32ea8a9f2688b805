//! What bad recipes are told about their flavors.

use super::problems::Edit::{self, Flavor, Other, Replace};
use super::problems::check;

const CASES: &[(Edit, &[&str])] = &[
    (Flavor("env = 'x'"), &["11:7 wrong-type: \"env\" in [flavor.base] must be a table of texts, not text"]),
    (Flavor("remove = 'x'"), &["11:10 wrong-type: \"remove\" in [flavor.base] must be a table, not text"]),
    (
        Other("extends = 'base'\nremove.env = ['X']"),
        &[
            "13:15 nothing-to-remove: the environment variable \"X\" cannot be removed: the flavor \"x\" does not inherit it",
        ],
    ),
    (
        Other(
            "extends = 'base'\nlinks = [{ path = '/l', target = 'x' }]\n[source.l]\ntext = ''\ninstall = '/l/a'",
        ),
        &["13:10 conflict: /l cannot be a link: a source installs /l/a"],
    ),
    (
        Other("commands = ['a']\ndirectories = ['/l']\n[source.l]\ntext = ''\ninstall = '/l'"),
        &["13:16 conflict: /l cannot be a directory: a source installs the file /l"],
    ),
    (
        Replace("[flavor.base]\ncommands = [\"mount\", \"umount?\"]\n", "flavor = {}\n"),
        &[
            "1:1 missing-key: the recipe lacks the key \"flavor\" | add flavor = { a = { commands = [\"sh\"] } }",
            "9:1 unknown-key: unknown key \"flavor\" in [source.host] | this is a key of the top level",
        ],
    ),
    (
        Replace("[flavor.base]\ncommands = [\"mount\", \"umount?\"]\n", "[flavor]\n"),
        &["9:2 empty: no flavor makes an image | leave image = false out of one"],
    ),
    (
        Other("extends = 'nothing'\nremove.commands = ['x']"),
        &["12:11 unknown-name: unknown flavor \"nothing\" | the other flavors are base"],
    ),
    (
        Other("commands = ['/bin/x']"),
        &[
            "12:13 invalid-name: \"/bin/x\" cannot be the name of a command: it is one file name without '/', '?' or spaces; paths go into \"files\" | put it into \"files\"",
        ],
    ),
    (
        Flavor("comands = ['x']"),
        &["11:1 unknown-key: unknown key \"comands\" in [flavor.base] | did you mean \"commands\"?"],
    ),
    (
        Flavor("platforms = ['x']"),
        &["11:1 unknown-key: unknown key \"platforms\" in [flavor.base] | this is a key of the top level"],
    ),
    (
        Flavor("rules = ['ns', 'zzzzzzzz']"),
        &[
            "11:10 unknown-name: unknown rule pack \"ns\" | did you mean \"nss\"?",
            "11:16 unknown-name: unknown rule pack \"zzzzzzzz\" | the rule packs are ca-certificates, iproute2, libgcc-unwind, libmount-cryptsetup, nss, protocols-services, xtables",
        ],
    ),
    (
        Flavor("rules = 'nss'"),
        &[
            "11:9 wrong-type: \"rules\" in [flavor.base] must be a list of texts and tables, not text | write [\"nss\"]",
        ],
    ),
    (Replace("umount?", "mount?"), &["10:22 duplicate: the command \"mount\" is listed twice | remove one"]),
    (
        Replace("umount?", "/bin/umount"),
        &[
            "10:22 invalid-name: \"/bin/umount\" cannot be the name of a command: it is one file name without '/', '?' or spaces; paths go into \"files\" | put it into \"files\"",
        ],
    ),
    (Replace("umount?", "?"), &["10:22 invalid-name: a \"?\" alone names nothing"]),
    (
        Replace("\"umount?\"", "{ name = 'umount', reason = '', source = 'x', optionl = true }"),
        &[
            "10:50 invalid-value: \"reason\" in an entry of \"commands\" in [flavor.base] is empty | give a value or leave \"reason\" out",
            "10:63 invalid-value: the source \"x\" is not a link | write https://…, or put words into \"reason\"",
            "10:68 unknown-key: unknown key \"optionl\" in an entry of \"commands\" in [flavor.base] | did you mean \"optional\"?",
        ],
    ),
    (
        Replace("\"umount?\"", "{ reason = 'x' }"),
        &[
            "10:22 missing-key: an entry of \"commands\" in [flavor.base] lacks the key \"name\" | add name = \"sh\"",
        ],
    ),
    (
        Replace("\"umount?\"", "7"),
        &[
            "10:22 wrong-type: an entry of \"commands\" in [flavor.base] must be text or a table, not a whole number",
        ],
    ),
    (
        Flavor("files = ['etc/x', '/a**', '/../x', '/x', '/x?']"),
        &[
            "11:10 invalid-path: the file \"etc/x\" is relative | write \"/etc/x\"",
            "11:19 invalid-path: pattern \"/a**\" has \"**\" beside other characters; it must be a component of its own",
            "11:27 invalid-path: path \"/../x\" has a \"..\" component; paths in an image are absolute and stay below its root",
            "11:42 duplicate: the file \"/x\" is listed twice | remove one",
        ],
    ),
    (
        Flavor("directories = ['/', 'tmp', '/a', '/a/', { path = '/b', mode = '1' }]"),
        &[
            "11:16 invalid-path: the directory \"/\" is the root, which always exists",
            "11:21 invalid-path: the directory \"tmp\" is relative | write \"/tmp\"",
            "11:34 duplicate: the directory \"/a\" is listed twice | remove one",
            "11:63 invalid-value: \"1\" is not a mode | write three or four octal digits, like \"0644\"",
        ],
    ),
    (
        Flavor(
            "links = ['/a', { path = '/a' }, { path = '/b', target = '' }, { path = '/c', target = 'x' }, { path = '/c/', target = 'x' }]",
        ),
        &[
            "11:10 wrong-type: an entry of \"links\" in [flavor.base] must be a table, not text",
            "11:16 missing-key: an entry of \"links\" in [flavor.base] lacks the key \"target\" | add target = \"../proc/self/mounts\"",
            "11:57 invalid-value: \"target\" in an entry of \"links\" in [flavor.base] is empty | give a value or leave \"target\" out",
            "11:103 duplicate: the link \"/c\" is listed twice | remove one",
        ],
    ),
    (
        Flavor("links = [{ path = '/c', target = 'x' }]\ndirectories = ['/c/d']"),
        &["11:10 conflict: /c cannot be a link: /c/d is to be a directory"],
    ),
    (
        Flavor("entrypoint = []"),
        &["11:14 empty: \"entrypoint\" in [flavor.base] is empty | name the program or leave it out"],
    ),
    (
        Flavor("env = { 'A=B' = 'x', C = 1 }"),
        &[
            "11:9 invalid-name: \"A=B\" cannot be the name of an environment variable | write letters, digits and \"_\"",
            "11:26 wrong-type: \"C\" in \"env\" in [flavor.base] must be text, not a whole number | write \"1\"",
        ],
    ),
    (Flavor("workdir = 'x'"), &["11:11 invalid-path: the directory \"x\" is relative | write \"/x\""]),
    (
        Flavor("user = 'a b'"),
        &["11:8 invalid-value: \"a b\" is not a user | write user, uid, user:group or uid:gid"],
    ),
    (
        Flavor("user = '0:4294967295'"),
        &["11:8 invalid-value: \"0:4294967295\" is not a user | write user, uid, user:group or uid:gid"],
    ),
    (
        Flavor("stop-signal = 'term'"),
        &["11:15 unknown-name: \"term\" is not a signal | did you mean \"SIGTERM\"?"],
    ),
    (
        Flavor("stop-signal = 'SIGTREM'"),
        &["11:15 unknown-name: \"SIGTREM\" is not a signal | did you mean \"SIGTERM\"?"],
    ),
    (
        Flavor("exposed-ports = ['0', '80/tpc', '65536']"),
        &[
            "11:18 invalid-value: \"0\" is not a port | write 1 to 65535, and /tcp or /udp if it matters",
            "11:23 invalid-value: \"80/tpc\" is not a port | write 1 to 65535, and /tcp or /udp if it matters",
            "11:33 invalid-value: \"65536\" is not a port | write 1 to 65535, and /tcp or /udp if it matters",
        ],
    ),
    (Flavor("volumes = ['x']"), &["11:12 invalid-path: the volume \"x\" is relative | write \"/x\""]),
    (
        Flavor("labels = { 'org.opencontainers.image.titel' = 'x', 'a b' = 'x' }"),
        &[
            "11:12 unknown-name: \"org.opencontainers.image.titel\" is not defined by the image specification, which keeps the prefix for itself | did you mean \"org.opencontainers.image.title\"?",
            "11:52 invalid-name: \"a b\" cannot be the name of a label or annotation",
        ],
    ),
    (
        Flavor("annotations = { x = '{variant}' }"),
        &[
            "11:22 misplaced-variable: the variable \"variant\" has no value here: one tag and one configuration serve all platforms | only the places and texts of sources know it",
        ],
    ),
    (
        Flavor("acknowledge-dlopen = ['bin/x']"),
        &["11:23 invalid-path: the program \"bin/x\" is relative | write \"/bin/x\""],
    ),
    (
        Flavor("remove = { commands = ['mount'] }"),
        &["11:24 conflict: the flavor \"base\" both adds and removes the command \"mount\""],
    ),
    (Other("extends = 'bas'"), &["12:11 unknown-name: unknown flavor \"bas\" | did you mean \"base\"?"]),
    (Other("extends = 'x'"), &["12:11 circle: the flavor \"x\" extends itself"]),
    (
        Other("extends = ['base', 'base']"),
        &["12:20 duplicate: the flavor \"base\" is listed twice | remove one"],
    ),
    (
        Other("extends = 'base'\nremove = { commands = ['mont', 'mount'], fils = [] }"),
        &[
            "13:24 nothing-to-remove: the command \"mont\" cannot be removed: the flavor \"x\" does not inherit it | did you mean \"mount\"?",
            "13:42 unknown-key: unknown key \"fils\" in \"remove\" in [flavor.x] | did you mean \"files\"?",
        ],
    ),
    (
        Other("extends = 'base'\ncommands = ['mount']\nremove.commands = ['mount']"),
        &["14:20 conflict: the flavor \"x\" both adds and removes the command \"mount\""],
    ),
    (
        Other("extends = 'y'\n[flavor.y]\nextends = 'z'\n[flavor.z]\nextends = 'y'"),
        &["14:11 circle: flavors extend each other in a circle: y -> z -> y | one of them must not"],
    ),
    (
        Other(
            "extends = 'y'\n[flavor.y]\nextends = 'x'\n[flavor.b]\nextends = 'c'\n[flavor.c]\nextends = 'b'",
        ),
        &[
            "12:11 circle: flavors extend each other in a circle: x -> y -> x | one of them must not",
            "16:11 circle: flavors extend each other in a circle: b -> c -> b | one of them must not",
        ],
    ),
    (
        Other("cmd = ['a']"),
        &[
            "11:9 empty: the flavor \"x\" asks for nothing | name commands, files, packages or rules; or say image = false",
        ],
    ),
    (
        Other("image = false\ncommands = ['a']"),
        &["11:9 unused: the flavor \"x\" makes no image and nothing extends it"],
    ),
    (
        Replace("[flavor.base]", "[flavor.base]\nimage = false"),
        &["9:2 empty: no flavor makes an image | leave image = false out of one"],
    ),
    (
        Replace("{-flavor}\"\n", "\"\nflavor.x.commands = ['a']\n"),
        &[
            "3:7 conflict: the flavors \"base\" and \"x\" both get the tag \"v1.0\" | use {flavor} or {-flavor}",
        ],
    ),
    (
        Replace("flavor.base", "flavor.all"),
        &["9:9 invalid-name: a flavor cannot be named \"all\": the command line keeps that word"],
    ),
    (
        Replace("flavor.base", "flavor.Base"),
        &[
            "9:9 invalid-name: \"Base\" cannot be the name of a flavor: it has lowercase letters and digits, with single '.', '_' or '-' between them, at most 64 characters",
        ],
    ),
    (
        Other(
            "directories = [{ path = '/a', mode = '0700' }]\nuser = '1'\ncommands = ['x']\n[flavor.y]\ndirectories = ['/a']\nuser = '2'\ncommands = ['x']\n[flavor.z]\nextends = ['x', 'y']",
        ),
        &[
            "20:17 conflict: the flavor \"z\" inherits the directory \"/a\" twice, and differently | say in this flavor what is right",
            "20:17 conflict: the flavor \"z\" inherits \"user\" twice, and differently | say in this flavor what is right",
        ],
    ),
    (
        Replace("[flavor.base]", "[flavor.base"),
        &["9:13 syntax: the recipe is not valid TOML: unclosed table, expected `]`"],
    ),
    (
        Flavor("commands = ['x']"),
        &["11:1 duplicate: the key \"commands\" is written twice | remove or join them"],
    ),
    (Flavor("[flavor.base]"), &["11:9 duplicate: the key \"base\" is written twice | remove or join them"]),
    (
        Replace("[flavor.base]", "[[flavor.base]]"),
        &["9:1 wrong-type: [flavor.base] must be a table, not a list"],
    ),
    (
        Replace("[flavor.base]", "[flavor]"),
        &["10:12 wrong-type: [flavor.commands] must be a table, not a list"],
    ),
];

#[test]
fn flavors_are_checked() {
    check(CASES);
}
