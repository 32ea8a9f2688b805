//! What bad recipes are told about packages and artifacts as sources.

use super::problems::Edit::{self, Replace, Source};
use super::problems::check;

const APK: &[(Edit, &[&str])] = &[
    (Source("apk = '/m'"), &[]),
    (Source("apk = []\nkeys = []"), &[]),
    (Source("apk = 5\nkeys = 5"), &[]),
    (Source("apk = '/m'\nkeys = 'alpin'"), &[]),
    (Source("apk = '/m'\nkeys = 'my.rsa.pub'"), &[]),
    (Source("apk = '/m'\nkeys = ['a/k', 'https://x.org/j', 'b/k', '{flavor}', '']"), &[]),
    (Source("apk = ['/m', '/m/', '@t /m', '@t  /m']\nkeys = 'alpine'"), &[]),
    (Source("apk = ['@t', '@t-é /m', '@t /m{x}', '@t ']\nkeys = 'alpine'"), &[]),
    (
        Source("apk = ['ftp://x.org', 'https:///m', 'https://me:you@x.org/m', 'https:/x', 'file://x', 'https://x/a b', 'https://x/#', 'HTTPS://x']\nkeys = 'alpine'"),
        &[],
    ),
    (Source("apk = ['https://x/m/x86_64', '/m/{apk-arch}/', '/m/APKINDEX.tar.gz']\nkeys = 'alpine'"), &[]),
    (Source("apk = '/m'\nkeys = 'alpine'\npin = { '@p' = '=1', p = '1', q = '==1', r = '>=', s = '>{tols}', t = '=v1', u = 1 }"), &[]),
    (Source("apk = '/m'\nkeys = 'alpine'\ninstall = '/x'\ntag = 'x'\nsha256 = 'x'"), &[]),
    (Source("rootfs = '/'\nkeys = 'alpine'\npin = {}"), &[]),
    (Source("apk = '/m'\nkeys = 'alpine'\nrootfs = '/'"), &[]),
    (Replace("\"linux/arm/v7\"]", "\"linux/arm/v5\"]\nsource.x = { apk = '/m', keys = 'alpine' }"), &[]),
    (Replace("\"linux/arm/v7\"]", "\"linux/mips64\"]\nsource.x = { apk = '/{apk-arch}/m', keys = ['{apk-arch}'] }"), &[]),
    (Replace("\"linux/arm/v7\"]", "\"linux/mips64\"]\nsource.x = { apk = '/{apk-arch}/m', keys = 'alpine', platforms = ['linux/amd64'] }"), &[]),
];

const ARTIFACT: &[(Edit, &[&str])] = &[
    (Source("artifact = '/a'"), &[]),
    (Source("artifact = ''\ninstall = '/mount'"), &[]),
    (Source("artifact = 'gopher://x/{arch}'\ninstall = '/mount'"), &[]),
    (Source("artifact = '/{flavor}'\ninstall = '/{arch}'\nchecksum = 'https://x/{vrsion}'"), &[]),
    (Source("artifact = '/a'\ninstall = 'bin/'\nmode = '9'"), &[]),
    (Source("artifact = '/a'\ninstall = '/mount'\nstrip = 1\nmembers = ['/a', 'b', 'b', '../c', 'd[', './b']"), &[]),
    (Source("artifact = '/a'\ninstall = '/'\nstrip = 65\nmembers = []"), &[]),
    (Source("artifact = '/a'\ninstall = '/mount'\nsha256 = 'abc'"), &[]),
    (Source("artifact = '/a'\ninstall = '/mount'\nsha256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'\nchecksum = '/a.sum'"), &[]),
    (Source("artifact = '/{arch}'\ninstall = '/mount'\nsha256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'"), &[]),
    (Source("artifact = '/{arch}'\ninstall = '/mount'\nsha256 = { 'linux/amd64' = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855' }"), &[]),
    (Source("artifact = '/{arch}'\ninstall = '/mount'\nsha256 = { 'linux/amd64' = 'x', 'linux/arm' = 'y', 'linux/arm64' = 'z', 'linux/arm/v7' = 7 }"), &[]),
    (Source("artifact = '/{arch}'\ninstall = '/mount'\nsha256 = []\narch = 'x'"), &[]),
    (Source("artifact = '/a'\ninstall = '/mount'\narch = { 'linux/amd64' = 'x86_64' }"), &[]),
    (Source("artifact = '/{arch}'\ninstall = '/mount'\narch = { 'linux/amd64' = 'x/y', 'linux/amd64/v1' = 'z', 'linux/x86_64' = 'z', 'linux/arm/v7' = '' }"), &[]),
    (Source("artifact = '/{arch}'\ninstall = '/mount'\nplatforms = ['linux/amd64']\narch = { 'linux/arm/v7' = 'arm' }"), &[]),
    (Source("artifact = '/a'\ninstall = '/mount'\nexpand = true\nkeys = 'alpine'"), &[]),
    (Source("artifact = '/a'\ninstall = '/mount'\napk = '/m'\nkeys = 'alpine'"), &[]),
    (Source("artifact = '/a'\ninstall = '/mount'\n[source.y]\ntext = 'b'\ninstall = '/mount'"), &[]),
    (Source("artifact = '/a'\ninstall = '/mount'\n[source.y]\nartifact = 'b'\ninstall = '/mount/umount'"), &[]),
    (Source("artifact = '/a'\ninstall = '/opt/'\n[source.y]\nartifact = 'b'\ninstall = '/a'\n[flavor.c]\nextends = 'base'\nlinks = [{ path = '/opt', target = 'x' }]"), &[]),
    (Source("text = 'a'\ninstall = '/mount'\nstrip = 1\nsha256 = 'x'"), &[]),
];

const PATH: &[(Edit, &[&str])] = &[
    (
        Replace(
            "versions = { tools = \"1.0\" }",
            "parameters.tools = { help = 'x', default = '1', path = true }\nsource.x = { text = '{tools}', expand = true, install = '/{tools}' }",
        ),
        &[],
    ),
    (Replace("versions = { tools = \"1.0\" }", "parameters.tools = { help = 'x', default = '1', path = 'yes' }"), &[]),
    (Replace("{ tools = \"1.0\" }", "{ tools = \"1\", apk-arch = \"x\" }"), &[]),
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
