//! What bad recipes are told about packages, accounts and the sources of wishes.

use super::problems::Edit::{self, Flavor, Other, Replace};
use super::problems::check;

const PACKAGES: &[(Edit, &[&str])] = &[
    (
        Flavor("packages = ['musl']"),
        &[
            "11:13 missing-key: no source has the package \"musl\", or any other | add a source with apk = [\"https://…\"] and keys = \"alpine\"",
        ],
    ),
    (
        Flavor("packages = 'musl'"),
        &[
            "11:12 wrong-type: \"packages\" in [flavor.base] must be a list of texts and tables, not text | write [\"musl\"]",
        ],
    ),
    (
        Flavor("packages = ['a b', '!a', 'a >= 1', '?', '-a', 'a@', 'a@-t', 'é']"),
        &[
            "11:13 invalid-value: the package \"a b\" has a space in it | write \"ab\", or several packages one by one",
            "11:20 invalid-value: \"!a\" would rule a package out, which a flavor cannot | leave out what brings it",
            "11:26 invalid-value: the package \"a >= 1\" has a space in it | write \"a>=1\", or several packages one by one",
            "11:36 invalid-name: a \"?\" alone names nothing",
            "11:41 invalid-name: \"-a\" cannot be the name of a package: it has printable characters other than '@', '<', '>', '=', '~', '!', '?', quotes and braces, begins with a letter, digit, '_', '.' or '/', at most 255 characters",
            "11:47 invalid-name: \"\" cannot be the tag of a repository: it has letters, digits, '.', '_' and '-', begins with a letter or digit, at most 64 characters",
            "11:53 invalid-name: \"-t\" cannot be the tag of a repository: it has letters, digits, '.', '_' and '-', begins with a letter or digit, at most 64 characters",
            "11:61 invalid-name: \"é\" cannot be the name of a package: it has printable characters other than '@', '<', '>', '=', '~', '!', '?', quotes and braces, begins with a letter, digit, '_', '.' or '/', at most 255 characters",
        ],
    ),
    (
        Flavor("packages = ['a==1', 'b><Q1x', 'c>', 'd=~', 'e=x', 'f={tols}', 'g={-flavor}', 'h>1<2', '=1']"),
        &[
            "11:13 invalid-value: \"a==1\" has the unknown operator \"==\" | write one of =, <, <=, >, >=, ~",
            "11:21 invalid-value: \"b><Q1x\" has the unknown operator \"><\" | write one of =, <, <=, >, >=, ~",
            "11:31 invalid-value: \"c>\" has no version behind the operator | add a version, like 1.8.9-r0",
            "11:37 invalid-value: \"d=~\" has no version behind the operator | add a version, like 1.8.9-r0",
            "11:44 missing-key: no source has the package \"e\", or any other | add a source with apk = [\"https://…\"] and keys = \"alpine\"",
            "11:47 invalid-value: \"x\" is not the version of a package | write it like 1.8.9-r0; several conditions go into \"pin\" of the source",
            "11:54 unknown-variable: unknown variable \"tols\" | did you mean \"tools\"?",
            "11:66 invalid-value: \"\" is not the version of a package | write it like 1.8.9-r0; several conditions go into \"pin\" of the source",
            "11:81 invalid-value: \"1<2\" is not the version of a package | write it like 1.8.9-r0; several conditions go into \"pin\" of the source",
            "11:87 invalid-name: \"\" cannot be the name of a package: it has printable characters other than '@', '<', '>', '=', '~', '!', '?', quotes and braces, begins with a letter, digit, '_', '.' or '/', at most 255 characters",
        ],
    ),
    (
        Flavor("packages = ['a', 'a>1', { nme = 'x' }, { name = 'b?' }]"),
        &[
            "11:13 missing-key: no source has the package \"a\", or any other | add a source with apk = [\"https://…\"] and keys = \"alpine\"",
            "11:18 duplicate: the package \"a\" is listed twice | remove one",
            "11:27 unknown-key: unknown key \"nme\" in an entry of \"packages\" in [flavor.base] | did you mean \"name\"?",
            "11:49 invalid-name: \"b?\" cannot be the name of a package: it has printable characters other than '@', '<', '>', '=', '~', '!', '?', quotes and braces, begins with a letter, digit, '_', '.' or '/', at most 255 characters",
        ],
    ),
    (
        Flavor("packages = ['a@edg', 'b@t']\n[source.alpine]\napk = ['/m', '@edge /n']\nkeys = 'alpine'"),
        &[
            "11:13 unknown-name: no repository for the package \"a\" has the tag \"edg\" | did you mean \"edge\"?",
            "11:22 unknown-name: no repository for the package \"b\" has the tag \"t\" | write \"@t ADDRESS\" in the apk of a source",
        ],
    ),
    (
        Flavor(
            "packages = [{ name = 'a', from = 'host' }, { name = 'b@t', from = 'one' }, { name = 'c', from = 'on' }]\n[source.one]\napk = ['/m']\nkeys = 'alpine'\n[source.two]\napk = ['@t /m']\nkeys = 'alpine'",
        ),
        &[
            "11:34 conflict: [source.host] has no package \"a\": it is of the kind rootfs | name a source with apk or deb",
            "11:44 unknown-name: no repository for the package \"b\" has the tag \"t\" | write \"@t ADDRESS\" in the apk of a source",
            "11:97 unknown-name: unknown source \"on\" | did you mean \"one\"?",
        ],
    ),
    (
        Flavor("packages = ['a@t']\n[source.one]\napk = ['ftp://x', '@t']\nkeys = 'alpine'"),
        &[
            "11:13 unknown-name: no repository for the package \"a\" has the tag \"t\" | write \"@t ADDRESS\" in the apk of a source",
            "13:8 invalid-value: the address \"ftp://x\" is of the unknown kind \"ftp\" | write https://…, http://…, file:///… or a path relative to the recipe",
            "13:19 invalid-value: the repository \"@t\" has a tag but no address | write \"@tag ADDRESS\"",
        ],
    ),
    (
        Replace("\"umount?\"", "{ name = 'umount', from = 'hst' }, { name = 'ls', from = 'nothing' }"),
        &[
            "10:48 unknown-name: unknown source \"hst\" | did you mean \"host\"?",
            "10:79 unknown-name: unknown source \"nothing\" | the sources are host",
        ],
    ),
    (
        Flavor("files = [{ path = '/a', from = 'hosts' }]\nrules = [{ name = 'nss', from = 'host' }]"),
        &[
            "11:32 unknown-name: unknown source \"hosts\" | did you mean \"host\"?",
            "12:26 unknown-key: unknown key \"from\" in an entry of \"rules\" in [flavor.base] | the keys are name, optional, reason, source, when",
        ],
    ),
    (
        Other(
            "commands = [{ name = 'ls', from = 'host' }]\n[flavor.y]\ncommands = [{ name = 'ls', from = 'alpine' }]\n[flavor.z]\nextends = ['x', 'y']\n[source.alpine]\napk = '/m'\nkeys = 'alpine'",
        ),
        &[
            "16:17 conflict: the flavor \"z\" inherits the command \"ls\" twice, and differently | say in this flavor what is right",
        ],
    ),
    (
        Other(
            "packages = ['p=1', 'q@s']\n[flavor.y]\npackages = ['p=2', 'q@t']\n[flavor.z]\nextends = ['x', 'y']\n[source.alpine]\napk = ['@s /m', '@t /n']\nkeys = 'alpine'",
        ),
        &[
            "16:17 conflict: the flavor \"z\" inherits the package \"p\" twice, and differently | say in this flavor what is right",
            "16:17 conflict: the flavor \"z\" inherits the package \"q\" twice, and differently | say in this flavor what is right",
        ],
    ),
    (
        Other("extends = 'base'\nremove = { packages = ['musl'], users = ['root'], groups = ['root'] }"),
        &[
            "13:24 nothing-to-remove: the package \"musl\" cannot be removed: the flavor \"x\" does not inherit it",
            "13:42 nothing-to-remove: the user \"root\" cannot be removed: the flavor \"x\" does not inherit it",
            "13:61 nothing-to-remove: the group \"root\" cannot be removed: the flavor \"x\" does not inherit it",
        ],
    ),
];

const ACCOUNTS: &[(Edit, &[&str])] = &[
    (
        Flavor("users = ['root']\ngroups = [{ name = 'x' }]"),
        &[
            "11:10 wrong-type: an entry of \"users\" in [flavor.base] must be a table, not text",
            "12:11 missing-key: an entry of \"groups\" in [flavor.base] lacks the key \"gid\" | add gid = 1000",
        ],
    ),
    (
        Flavor("users = [{ name = 'a', uid = 1 }, { name = 'b', uid = 1 }, { name = 'a', uid = 2 }]"),
        &[
            "11:35 conflict: the users \"a\" and \"b\" both have the number 1 | give one of them another",
            "11:69 duplicate: the user \"a\" is listed twice | remove one",
        ],
    ),
    (
        Flavor(
            "groups = [{ name = 'a', gid = 1 }, { name = 'b', gid = 1, members = ['x', 'x', 'y z', '0'] }]",
        ),
        &[
            "11:36 conflict: the groups \"a\" and \"b\" both have the number 1 | give one of them another",
            "11:75 duplicate: the member \"x\" is listed twice | remove one",
            "11:80 invalid-name: \"y z\" cannot be the name of a user or group: it has letters, digits, '_', '.' and '-', begins with a letter or '_', may end with '$', at most 32 characters",
            "11:87 invalid-name: \"0\" cannot be the name of a user or group: it has letters, digits, '_', '.' and '-', begins with a letter or '_', may end with '$', at most 32 characters",
        ],
    ),
    (
        Flavor("users = [{ name = '0', uid = 4294967295, home = 'x', shell = '/a:b', gecos = 'a:b' }]"),
        &[
            "11:19 invalid-name: \"0\" cannot be the name of a user or group: it has letters, digits, '_', '.' and '-', begins with a letter or '_', may end with '$', at most 32 characters",
            "11:30 invalid-value: \"uid\" in an entry of \"users\" in [flavor.base] must lie between 0 and 4294967294",
            "11:49 invalid-path: the home directory \"x\" is relative | write \"/x\"",
            "11:62 invalid-value: \"/a:b\" has a \":\", which ends a field of /etc/passwd | leave it out",
            "11:78 invalid-value: \"a:b\" has a \":\", which ends a field of /etc/passwd | leave it out",
        ],
    ),
    (
        Other(
            "users = [{ name = 'a', uid = 1 }]\ncommands = ['x']\n[flavor.y]\nusers = [{ name = 'a', uid = 2 }, { name = 'b', uid = 1 }]\ncommands = ['x']\n[flavor.z]\nextends = ['x', 'y']",
        ),
        &[
            "15:35 conflict: the users \"a\" and \"b\" both have the number 1 | give one of them another",
            "18:17 conflict: the flavor \"z\" inherits the user \"a\" twice, and differently | say in this flavor what is right",
        ],
    ),
    (
        Other(
            "extends = 'y'\nusers = [{ name = 'a', uid = 1 }]\nremove.users = ['a', 'c']\n[flavor.y]\nusers = [{ name = 'a', uid = 1 }, { name = 'b', uid = 2 }]\ncommands = ['x']",
        ),
        &[
            "14:17 conflict: the flavor \"x\" both adds and removes the user \"a\"",
            "14:22 nothing-to-remove: the user \"c\" cannot be removed: the flavor \"x\" does not inherit it",
        ],
    ),
];

#[test]
fn packages_are_checked() {
    check(PACKAGES);
}

#[test]
fn accounts_are_checked() {
    check(ACCOUNTS);
}
