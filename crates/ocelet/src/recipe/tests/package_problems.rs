//! What bad recipes are told about packages, accounts and the sources of wishes.

use super::problems::Edit::{self, Flavor, Other, Replace};
use super::problems::check;

const PACKAGES: &[(Edit, &[&str])] = &[
    (Flavor("packages = ['musl']"), &[]),
    (Flavor("packages = 'musl'"), &[]),
    (Flavor("packages = ['a b', '!a', 'a >= 1', '?', '-a', 'a@', 'a@-t', 'é']"), &[]),
    (Flavor("packages = ['a==1', 'b><Q1x', 'c>', 'd=~', 'e=x', 'f={tols}', 'g={-flavor}', 'h>1<2', '=1']"), &[]),
    (Flavor("packages = ['a', 'a>1', { nme = 'x' }, { name = 'b?' }]"), &[]),
    (
        Flavor("packages = ['a@edg', 'b@t']\n[source.alpine]\napk = ['/m', '@edge /n']\nkeys = 'alpine'"),
        &[],
    ),
    (
        Flavor("packages = [{ name = 'a', from = 'host' }, { name = 'b@t', from = 'one' }, { name = 'c', from = 'on' }]\n[source.one]\napk = ['/m']\nkeys = 'alpine'\n[source.two]\napk = ['@t /m']\nkeys = 'alpine'"),
        &[],
    ),
    (Flavor("packages = ['a@t']\n[source.one]\napk = ['ftp://x', '@t']\nkeys = 'alpine'"), &[]),
    (Replace("\"umount?\"", "{ name = 'umount', from = 'hst' }, { name = 'ls', from = 'nothing' }"), &[]),
    (Flavor("files = [{ path = '/a', from = 'hosts' }]\nrules = [{ name = 'nss', from = 'host' }]"), &[]),
    (
        Other("commands = [{ name = 'ls', from = 'host' }]\n[flavor.y]\ncommands = [{ name = 'ls', from = 'alpine' }]\n[flavor.z]\nextends = ['x', 'y']\n[source.alpine]\napk = '/m'\nkeys = 'alpine'"),
        &[],
    ),
    (
        Other("packages = ['p=1', 'q@s']\n[flavor.y]\npackages = ['p=2', 'q@t']\n[flavor.z]\nextends = ['x', 'y']\n[source.alpine]\napk = ['@s /m', '@t /n']\nkeys = 'alpine'"),
        &[],
    ),
    (Other("extends = 'base'\nremove = { packages = ['musl'], users = ['root'], groups = ['root'] }"), &[]),
];

const ACCOUNTS: &[(Edit, &[&str])] = &[
    (Flavor("users = ['root']\ngroups = [{ name = 'x' }]"), &[]),
    (Flavor("users = [{ name = 'a', uid = 1 }, { name = 'b', uid = 1 }, { name = 'a', uid = 2 }]"), &[]),
    (Flavor("groups = [{ name = 'a', gid = 1 }, { name = 'b', gid = 1, members = ['x', 'x', 'y z', '0'] }]"), &[]),
    (Flavor("users = [{ name = '0', uid = 4294967295, home = 'x', shell = '/a:b', gecos = 'a:b' }]"), &[]),
    (
        Other("users = [{ name = 'a', uid = 1 }]\ncommands = ['x']\n[flavor.y]\nusers = [{ name = 'a', uid = 2 }, { name = 'b', uid = 1 }]\ncommands = ['x']\n[flavor.z]\nextends = ['x', 'y']"),
        &[],
    ),
    (
        Other("extends = 'y'\nusers = [{ name = 'a', uid = 1 }]\nremove.users = ['a', 'c']\n[flavor.y]\nusers = [{ name = 'a', uid = 1 }, { name = 'b', uid = 2 }]\ncommands = ['x']"),
        &[],
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
