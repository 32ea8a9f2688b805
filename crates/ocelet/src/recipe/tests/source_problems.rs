//! What bad recipes are told about packages and artifacts as sources.

use super::problems::Edit::{self, Replace, Source};
use super::problems::check;

const APK: &[(Edit, &[&str])] = &[
    (
        Source("apk = '/m'"),
        &[
            "11:9 missing-key: [source.x] lacks the key \"keys\" | add keys = \"alpine\", or a list of key files",
        ],
    ),
    (
        Source("apk = []\nkeys = []"),
        &[
            "12:7 empty: \"apk\" in [source.x] names no repository | add an address like https://dl-cdn.alpinelinux.org/alpine/v3.22/main",
            "13:8 empty: \"keys\" in [source.x] names no key | write \"alpine\", or name key files",
        ],
    ),
    (
        Source("apk = 5\nkeys = 5"),
        &[
            "12:7 wrong-type: \"apk\" in [source.x] must be a list of texts, not a whole number",
            "13:8 wrong-type: \"keys\" in [source.x] must be a name or a list of texts, not a whole number",
        ],
    ),
    (
        Source("apk = '/m'\nkeys = 'alpin'"),
        &["13:8 unknown-name: \"keys\" in [source.x] cannot be \"alpin\" | did you mean \"alpine\"?"],
    ),
    (
        Source("apk = '/m'\nkeys = 'my.rsa.pub'"),
        &[
            "13:8 unknown-name: \"keys\" in [source.x] cannot be \"my.rsa.pub\" | it is one of alpine, debian, or a list like [\"my.rsa.pub\"]",
        ],
    ),
    (
        Source("apk = '/m'\nkeys = ['a/k', 'https://x.org/j', 'b/k', '{flavor}', '']"),
        &[
            "13:16 invalid-path: the key \"https://x.org/j\" is not a file beside the recipe | fetch it once, look at it, and keep it with the recipe",
            "13:35 duplicate: the key file name \"k\" is listed twice | remove one",
            "13:43 misplaced-variable: the variable \"flavor\" has no value here: sources are shared by all flavors | only texts of flavors and the tag know it",
            "13:54 invalid-value: an entry of \"keys\" in [source.x] is empty",
        ],
    ),
    (
        Source("apk = ['/m', '/m/', '@t /m', '@t  /m']\nkeys = 'alpine'"),
        &[
            "12:14 duplicate: the repository \"/m/\" is listed twice | remove one",
            "12:30 duplicate: the repository \"@t  /m\" is listed twice | remove one",
        ],
    ),
    (
        Source("apk = ['@t', '@t-é /m', '@t /m{x}', '@t ']\nkeys = 'alpine'"),
        &[
            "12:8 invalid-value: the repository \"@t\" has a tag but no address | write \"@tag ADDRESS\"",
            "12:14 invalid-name: \"t-é\" cannot be the tag of a repository: it has letters, digits, '.', '_' and '-', begins with a letter or digit, at most 64 characters",
            "12:31 unknown-variable: unknown variable \"x\" | define it in [versions] or [parameters]; write \"{{\" for a brace",
            "12:37 invalid-value: the repository \"@t \" has a tag but no address | write \"@tag ADDRESS\"",
        ],
    ),
    (
        Source(
            "apk = ['ftp://x.org', 'https:///m', 'https://me:you@x.org/m', 'https:/x', 'file://x', 'https://x/a b', 'https://x/#', 'HTTPS://x']\nkeys = 'alpine'",
        ),
        &[
            "12:8 invalid-value: the address \"ftp://x.org\" is of the unknown kind \"ftp\" | write https://…, http://…, file:///… or a path relative to the recipe",
            "12:23 invalid-value: the address \"https:///m\" has no host | write https://…, http://…, file:///… or a path relative to the recipe",
            "12:37 invalid-value: the address at x.org holds a name or password, which locks and reports would show | leave it out; passwords come from the netrc file of whoever builds",
            "12:63 invalid-value: the address \"https:/x\" lacks the \"//\" | write https://…, http://…, file:///… or a path relative to the recipe",
            "12:75 invalid-value: the address \"file://x\" has no absolute path | write https://…, http://…, file:///… or a path relative to the recipe",
            "12:87 invalid-value: the address \"https://x/a b\" has a space in it | write %20 for a space",
            "12:104 invalid-value: the address \"https://x/#\" has a \"#\", which no server ever sees | write %23 for the character",
            "12:119 invalid-value: the address \"HTTPS://x\" is of the unknown kind \"HTTPS\" | write https://…, http://…, file:///… or a path relative to the recipe",
        ],
    ),
    (
        Source("apk = ['https://x/m/x86_64', '/m/{apk-arch}/', '/m/APKINDEX.tar.gz']\nkeys = 'alpine'"),
        &[
            "12:8 invalid-value: the repository \"https://x/m/x86_64\" ends with \"x86_64\" | leave that out: the architecture and the index are added to the address",
            "12:30 invalid-value: the repository \"/m/x86_64\" ends with \"x86_64\" | leave that out: the architecture and the index are added to the address",
            "12:48 invalid-value: the repository \"/m/APKINDEX.tar.gz\" ends with \"APKINDEX.tar.gz\" | leave that out: the architecture and the index are added to the address",
        ],
    ),
    (
        Source(
            "apk = '/m'\nkeys = 'alpine'\npin = { '@p' = '=1', p = '1', q = '==1', r = '>=', s = '>{tols}', t = '=v1', u = 1 }",
        ),
        &[
            "14:9 invalid-name: \"@p\" cannot be the name of a package: it has printable characters other than '@', '<', '>', '=', '~', '!', '?', quotes and braces, begins with a letter, digit, '_', '.' or '/', at most 255 characters",
            "14:26 invalid-value: \"1\" has no operator before the version | write one of =, <, <=, >, >=, ~",
            "14:35 invalid-value: \"==1\" has the unknown operator \"==\" | write one of =, <, <=, >, >=, ~",
            "14:46 invalid-value: \">=\" has no version behind the operator | add a version, like 1.8.9-r0",
            "14:58 unknown-variable: unknown variable \"tols\" | did you mean \"tools\"?",
            "14:73 invalid-value: \"v1\" is not the version of a package | write it like 1.8.9-r0; several conditions go into \"pin\" of the source",
            "14:82 wrong-type: \"u\" in \"pin\" in [source.x] must be text, not a whole number | write \"1\"",
        ],
    ),
    (
        Source("apk = '/m'\nkeys = 'alpine'\ninstall = '/x'\ntag = 'x'\nsha256 = 'x'"),
        &[
            "14:1 misplaced-key: \"install\" has no meaning in [source.x], which is an apk | remove it",
            "15:1 misplaced-key: \"tag\" has no meaning in [source.x], which is an apk | remove it",
            "16:1 misplaced-key: \"sha256\" has no meaning in [source.x], which is an apk | remove it",
            "16:10 invalid-value: \"x\" is not a SHA-256 | write its 64 hexadecimal digits",
        ],
    ),
    (
        Source("rootfs = '/'\nkeys = 'alpine'\npin = {}"),
        &[
            "13:1 misplaced-key: \"keys\" has no meaning in [source.x], which is a rootfs | remove it",
            "14:1 misplaced-key: \"pin\" has no meaning in [source.x], which is a rootfs | remove it",
        ],
    ),
    (
        Source("apk = '/m'\nkeys = 'alpine'\nrootfs = '/'"),
        &["12:1 conflict: [source.x] is both a rootfs and an apk | make two sources of it"],
    ),
    (
        Replace("\"linux/arm/v7\"]", "\"linux/arm/v5\"]\nsource.x = { apk = '/m', keys = 'alpine' }"),
        &[
            "3:8 invalid-value: Alpine has no packages for linux/arm/v5 | name the other platforms in \"platforms\" of the source",
        ],
    ),
    (
        Replace(
            "\"linux/arm/v7\"]",
            "\"linux/mips64\"]\nsource.x = { apk = '/{apk-arch}/m', keys = ['{apk-arch}'] }",
        ),
        &[
            "3:8 invalid-value: Alpine has no packages for linux/mips64 | name the other platforms in \"platforms\" of the source",
            "3:20 misplaced-variable: the variable \"apk-arch\" has no value for linux/mips64: Alpine has no packages for it | name the other platforms in \"platforms\" of the source",
            "3:45 misplaced-variable: the variable \"apk-arch\" has no value for linux/mips64: Alpine has no packages for it | name the other platforms in \"platforms\" of the source",
        ],
    ),
    (
        Replace(
            "\"linux/arm/v7\"]",
            "\"linux/mips64\"]\nsource.x = { apk = '/{apk-arch}/m', keys = 'alpine', platforms = ['linux/amd64'] }",
        ),
        &[],
    ),
];

const ARTIFACT: &[(Edit, &[&str])] = &[
    (
        Source("artifact = '/a'"),
        &["11:9 missing-key: [source.x] lacks the key \"install\" | add install = \"/path/in/the/image\""],
    ),
    (
        Source("artifact = ''\ninstall = '/mount'"),
        &[
            "12:12 invalid-value: \"artifact\" in [source.x] is empty | give a value or leave \"artifact\" out",
        ],
    ),
    (
        Source("artifact = 'gopher://x/{arch}'\ninstall = '/mount'"),
        &[
            "12:12 invalid-value: the address \"gopher://x/amd64\" is of the unknown kind \"gopher\" | write https://…, http://…, file:///… or a path relative to the recipe",
        ],
    ),
    (
        Source("artifact = '/{flavor}'\ninstall = '/{arch}'\nchecksum = 'https://x/{vrsion}'"),
        &[
            "12:14 misplaced-variable: the variable \"flavor\" has no value here: sources are shared by all flavors | only texts of flavors and the tag know it",
            "13:13 misplaced-variable: the variable \"arch\" has no value here: one tag and one configuration serve all platforms | only the places and texts of sources know it",
            "14:23 unknown-variable: unknown variable \"vrsion\" | define it in [versions] or [parameters]; write \"{{\" for a brace",
        ],
    ),
    (
        Source("artifact = '/a'\ninstall = 'bin/'\nmode = '9'"),
        &[
            "13:11 invalid-path: the path \"bin/\" is relative | write \"/bin/\"",
            "14:8 invalid-value: \"9\" is not a mode | write three or four octal digits, like \"0644\"",
        ],
    ),
    (
        Source(
            "artifact = '/a'\ninstall = '/mount'\nstrip = 1\nmembers = ['/a', 'b', 'b', '../c', 'd[', './b']",
        ),
        &[
            "14:1 misplaced-key: \"strip\" has no meaning in [source.x], which installs the one file /mount | remove it, or write a \"/\" behind the directory to install to",
            "15:12 invalid-path: the member \"/a\" is absolute | write \"a\"",
            "15:23 duplicate: the member \"b\" is listed twice | remove one",
            "15:28 invalid-path: path \"../c\" has a \"..\" component; paths in an image are absolute and stay below its root",
            "15:36 invalid-path: pattern \"d[\" has a \"[\" without its closing partner",
        ],
    ),
    (
        Source("artifact = '/a'\ninstall = '/'\nstrip = 65\nmembers = []"),
        &[
            "14:9 invalid-value: \"strip\" in [source.x] must lie between 0 and 64",
            "15:11 empty: \"members\" in [source.x] takes no file at all | name patterns or leave it out",
        ],
    ),
    (
        Source("artifact = '/a'\ninstall = '/mount'\nsha256 = 'abc'"),
        &["14:10 invalid-value: \"abc\" is not a SHA-256 | write its 64 hexadecimal digits"],
    ),
    (
        Source(
            "artifact = '/a'\ninstall = '/mount'\nsha256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'\nchecksum = '/a.sum'",
        ),
        &[
            "15:1 unused: \"checksum\" in [source.x] is never read: \"sha256\" says it for every platform | remove one of them",
        ],
    ),
    (
        Source(
            "artifact = '/{arch}'\ninstall = '/mount'\nsha256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'",
        ),
        &[
            "14:10 conflict: \"sha256\" in [source.x] is one digest for several files | write a table with one for each platform",
        ],
    ),
    (
        Source(
            "artifact = '/{arch}'\ninstall = '/mount'\nsha256 = { 'linux/amd64' = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855' }",
        ),
        &[
            "14:10 missing-key: \"sha256\" in [source.x] lacks linux/arm/v7 | add it, or a \"checksum\" that says the digests of the others",
        ],
    ),
    (
        Source(
            "artifact = '/{arch}'\ninstall = '/mount'\nsha256 = { 'linux/amd64' = 'x', 'linux/arm' = 'y', 'linux/arm64' = 'z', 'linux/arm/v7' = 7 }",
        ),
        &[
            "14:28 invalid-value: \"x\" is not a SHA-256 | write its 64 hexadecimal digits",
            "14:33 invalid-value: \"linux/arm\" does not say which arm: v5 and v6 programs run on v7, but not the reverse | did you mean \"linux/arm/v7\"?",
            "14:52 unknown-name: the source is not for linux/arm64 | its platforms are linux/amd64, linux/arm/v7",
            "14:90 wrong-type: \"linux/arm/v7\" in \"sha256\" in [source.x] must be text, not a whole number | write \"7\"",
        ],
    ),
    (
        Source("artifact = '/{arch}'\ninstall = '/mount'\nsha256 = []\narch = 'x'"),
        &[
            "14:10 wrong-type: \"sha256\" in [source.x] must be text or a table of texts, not a list",
            "15:8 wrong-type: \"arch\" in [source.x] must be a table of texts, not text",
        ],
    ),
    (
        Source("artifact = '/a'\ninstall = '/mount'\narch = { 'linux/amd64' = 'x86_64' }"),
        &["14:1 unused: nothing uses \"arch\" in [source.x] | write {arch} in the address"],
    ),
    (
        Source(
            "artifact = '/{arch}'\ninstall = '/mount'\narch = { 'linux/amd64' = 'x/y', 'linux/amd64/v1' = 'z', 'linux/x86_64' = 'z', 'linux/arm/v7' = '' }",
        ),
        &[
            "14:26 invalid-value: \"x/y\" cannot stand for {arch} | write letters, digits, \"_\", \"-\", \".\" or \"+\"",
            "14:33 duplicate: the platform linux/amd64 is listed twice | remove one",
            "14:57 invalid-value: \"linux/x86_64\" has the unknown architecture \"x86_64\" | did you mean \"linux/amd64\"?",
            "14:96 invalid-value: \"\" cannot stand for {arch} | write letters, digits, \"_\", \"-\", \".\" or \"+\"",
        ],
    ),
    (
        Source(
            "artifact = '/{arch}'\ninstall = '/mount'\nplatforms = ['linux/amd64']\narch = { 'linux/arm/v7' = 'arm' }",
        ),
        &["15:10 unknown-name: the source is not for linux/arm/v7 | its platforms are linux/amd64"],
    ),
    (
        Source("artifact = '/a'\ninstall = '/mount'\nexpand = true\nkeys = 'alpine'"),
        &[
            "14:1 misplaced-key: \"expand\" has no meaning in [source.x], which is an artifact | remove it",
            "15:1 misplaced-key: \"keys\" has no meaning in [source.x], which is an artifact | remove it",
        ],
    ),
    (
        Source("artifact = '/a'\ninstall = '/mount'\napk = '/m'\nkeys = 'alpine'"),
        &["12:1 conflict: [source.x] is both an apk and an artifact | make two sources of it"],
    ),
    (
        Source("artifact = '/a'\ninstall = '/mount'\n[source.y]\ntext = 'b'\ninstall = '/mount'"),
        &[
            "16:11 conflict: /mount is brought by both [source.x] and [source.y] | say replace = true in the one to keep",
        ],
    ),
    (
        Source("artifact = '/a'\ninstall = '/mount'\n[source.y]\nartifact = 'b'\ninstall = '/mount/umount'"),
        &["16:11 conflict: /mount/umount cannot be a file: /mount is one, not a directory"],
    ),
    (
        Source(
            "artifact = '/a'\ninstall = '/opt/'\n[source.y]\nartifact = 'b'\ninstall = '/a'\n[flavor.c]\nextends = 'base'\nlinks = [{ path = '/opt', target = 'x' }]",
        ),
        &["19:10 conflict: /opt cannot be a link: a source installs /opt"],
    ),
    (
        Source("artifact = '/a'\ninstall = '/mount/'\n[source.y]\nartifact = 'b'\ninstall = '/mount'"),
        &["13:11 conflict: /mount cannot be a directory: a source installs the file /mount"],
    ),
    (
        Source("artifact = '{{'\ninstall = '/mount'\nchecksum = '{-variant}'"),
        &[
            "14:12 invalid-value: the address is empty | write https://…, http://…, file:///… or a path relative to the recipe",
        ],
    ),
    (
        Source("text = 'a'\ninstall = '/mount'\nstrip = 1\nsha256 = 'x'"),
        &[
            "14:1 misplaced-key: \"strip\" has no meaning in [source.x], which is a text | remove it",
            "15:1 misplaced-key: \"sha256\" has no meaning in [source.x], which is a text | remove it",
            "15:10 invalid-value: \"x\" is not a SHA-256 | write its 64 hexadecimal digits",
        ],
    ),
];

const PATH: &[(Edit, &[&str])] = &[
    (
        Replace(
            "versions = { tools = \"1.0\" }",
            "parameters.tools = { help = 'x', default = '1', path = true }\nsource.x = { text = '{tools}', expand = true, install = '/{tools}' }",
        ),
        &[
            "3:9 misplaced-variable: the parameter \"tools\" has no value here: it is a path of this machine, which no image may depend on | only rootfs, apk, deb, keys, artifact and file of sources know it",
            "5:22 misplaced-variable: the parameter \"tools\" has no value here: it is a path of this machine, which no image may depend on | only rootfs, apk, deb, keys, artifact and file of sources know it",
            "5:59 misplaced-variable: the parameter \"tools\" has no value here: it is a path of this machine, which no image may depend on | only rootfs, apk, deb, keys, artifact and file of sources know it",
        ],
    ),
    (
        Replace(
            "versions = { tools = \"1.0\" }",
            "parameters.tools = { help = 'x', default = '1', path = 'yes' }",
        ),
        &["4:56 wrong-type: \"path\" in [parameters.tools] must be true or false, not text"],
    ),
    (
        Replace("{ tools = \"1.0\" }", "{ tools = \"1\", apk-arch = \"x\" }"),
        &["4:27 invalid-name: \"apk-arch\" cannot be defined: templates give it a meaning already"],
    ),
];

#[test]
fn repositories_are_checked() {
    check(APK);
}

#[test]
fn artifacts_are_checked() {
    check(ARTIFACT);
}

#[test]
fn paths_of_the_machine_stay_out_of_images() {
    check(PATH);
}
