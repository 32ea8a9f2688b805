//! Where mutation of Debian's formats starts: what the test kit builds, and texts in the manner of real ones.

use ocelet_testkit::apk::Entry;
use ocelet_testkit::deb::{BuiltDeb, DebBuilder, Repository, Signatures};
use ocelet_testkit::openpgp::{DAY, Forged, Plan, SIGNED, Stamp, SubkeyPlan, armored};

use super::packages::BETWEEN;
use crate::fuzz::seeds::repair_tar_header;
use crate::fuzz::targets::Bench;

const SCRIPT: &[u8] = br#"#!/bin/sh
set -e
if [ "$1" = "configure" ] || [ "$1" = "abort-upgrade" ]; then
	update-alternatives \
	  --install /usr/sbin/one one /usr/sbin/one-legacy 10 \
	  --slave /usr/sbin/one-save one-save /usr/sbin/one-legacy-save
fi
case "$1" in
configure)
	dpkg-divert --package one --add --rename --divert /bin/x.real /bin/x
	mkdir -p /var/lib/one && chown root:root "/var/lib/${one:-one}"
	for file in a b; do ln -sf "$file" /etc/$file; done
	cat >/etc/one <<EOT || true
text $(uname -r)
EOT
	;;
esac
exit 0
"#;

fn built() -> [DebBuilder; 3] {
    [
        DebBuilder::new("one", "1:1.0~rc1-2+b1", "amd64")
            .depends("two (>= 1) | three:any, libc6 (>> 2.36) [amd64 !i386]")
            .field("Multi-Arch", "same")
            .field("Source", "one-source (1.0~rc1-2)")
            .field("Provides", "cni (= 1.1), x")
            .field("Breaks", "old (<< 2)")
            .directory("usr")
            .file("usr/one", 0o755, b"program")
            .file("usr/share/doc/one/copyright", 0o644, b"MIT")
            .conffile("etc/one.conf", 0o644, b"set")
            .symlink("usr/link", "one")
            .entry(Entry::hard_link("./usr/two", "./usr/one"))
            .control_file("triggers", b"activate-noawait ldconfig\n")
            .control_file("shlibs", b"libone 1 libone1 (>= 1.0)\n")
            .control_file("postinst", SCRIPT),
        DebBuilder::new("two", "2", "all").field("Conflicts", "three").field("Essential", "yes"),
        DebBuilder::new("three", "3.0-1", "amd64").depends("two | one, three (= 3.0-1)").without_sums(),
    ]
}

/// A package, packed as usual and not packed at all, so that damage gets as far as the archives inside.
pub(super) fn packages() -> Vec<Vec<u8>> {
    let plain = |builder: &DebBuilder| {
        let (control, data) = (builder.control_tar(), builder.data_tar());
        builder.build_of(&[("debian-binary", b"2.0\n"), ("control.tar", &control), ("data.tar", &data)])
    };
    let built = built();
    let all: Vec<BuiltDeb> = built.iter().map(plain).chain(built.iter().map(DebBuilder::build)).collect();
    all.into_iter().map(|package| package.file).collect()
}

/// Indexes as a repository has them.
pub(super) fn indexes() -> Vec<Vec<u8>> {
    let packages = built().map(|builder| builder.build());
    let all: Vec<&BuiltDeb> = packages.iter().collect();
    [&all[..], &all[..1], &all[1..]].map(|packages| ocelet_testkit::deb::index(packages).into_bytes()).into()
}

pub(super) fn scripts() -> Vec<Vec<u8>> {
    let others: [&[u8]; 4] = [
        b"set -e\nway=/b\nupdate-alternatives --install /a a $way 1 --follower /c c /d >/dev/null 2>&1 || :\n",
        b"f() { mkdir -p \"$1\"; }\nf /var/lib/x && chmod 700 /var/lib/x\nadduser --system x `id -u`\n",
        b"if deb-systemd-helper debian-installed x; then ldconfig; elif [ -d /x ]; then rm -f /x; else true; fi\n",
        b"while read -r line; do echo \"${line%%:*}\" '$x' $((1 + 2)); done < /etc/passwd | sort\n",
    ];
    others.iter().map(|script| script.to_vec()).chain([SCRIPT.to_vec()]).collect()
}

/// Databases: the parts are the files that the target names.
pub(super) fn databases() -> Vec<Vec<u8>> {
    let status = "Package: one\nStatus: install ok installed\nMulti-Arch: same\nVersion: 1-1\nArchitecture: amd64\n\
                  Conffiles:\n /etc/one cdaeeeba9b4a4c5ebf042c0215a7bb0e obsolete\n /etc/a b newconffile\n\
                  Description: one\n long\n .\n text\n\n\
                  Package: three\nStatus: deinstall ok config-files\nVersion: 3\nArchitecture: all\n";
    let list = "/.\n/usr\n/usr/one\n/usr/share/doc/one/copyright\n";
    let sums = "cdaeeeba9b4a4c5ebf042c0215a7bb0e  usr/one\ncdaeeeba9b4a4c5ebf042c0215a7bb0e  etc/x\n";
    let two = "Package: two\nVersion: 2\nArchitecture: amd64\nDescription: two\n";
    let join = |parts: [&str; 6]| parts.join(&char::from(BETWEEN).to_string()).into_bytes();
    vec![join([status, list, sums, list, "", ""]), join(["", "", "", "", two, sums])]
}

fn repository(signatures: Signatures) -> Repository {
    let [one, two, three] = built().map(|builder| builder.build());
    Repository::new("bookworm")
        .package("main", &one)
        .package("main", &two)
        .package("contrib", &three)
        .by_hash()
        .valid_until(SIGNED + DAY)
        .signatures(signatures)
}

/// The texts of Releases; the first is what everything else here is signed over.
pub(super) fn releases() -> Vec<Vec<u8>> {
    let repositories = [
        repository(Signatures::Missing),
        repository(Signatures::Missing).index_of_all().field("No-Support-for-Architecture-all", "Packages"),
        Repository::flat().signatures(Signatures::Missing),
    ];
    let release = |repository: Repository| {
        let files = repository.build().files;
        files.into_iter().find(|(path, _)| path.ends_with("Release")).map(|(_, bytes)| bytes)
    };
    repositories.into_iter().filter_map(release).collect()
}

/// Signatures over the first Release: of known and unknown keys, armored and not.
pub(super) fn signatures(bench: &Bench) -> Vec<Vec<u8>> {
    let stamps = [Stamp::default(), Stamp { lives: Some(DAY), named: false, ..Stamp::default() }];
    let known = stamps.map(|stamp| bench.signed.signer.sign(&bench.signed.release, &stamp));
    let unknown = Forged::new(2, &Plan::default()).sign(&bench.signed.release, &Stamp::default());
    let mut packets = known.to_vec();
    packets.push([&unknown[..], &known[0]].concat());
    let armored: Vec<Vec<u8>> =
        packets.iter().map(|packets| armored("SIGNATURE", packets).into_bytes()).collect();
    packets.into_iter().chain(armored).collect()
}

/// Files of keys.
pub(super) fn keys() -> Vec<Vec<u8>> {
    let plans = [
        Plan::default(),
        Plan { subkey: Some(SubkeyPlan::default()), lives: Some(400 * DAY), ..Plan::default() },
        Plan { subkey: Some(SubkeyPlan { lives: Some(DAY), ..SubkeyPlan::default() }), ..Plan::default() },
    ];
    // All of one secret: whatever is changed is about the key that has signed.
    let packets: Vec<Vec<u8>> = plans.iter().map(|plan| Forged::new(1, plan).packets).collect();
    let armored = packets.iter().map(|packets| armored("PUBLIC KEY BLOCK", packets).into_bytes());
    armored.chain(packets.iter().cloned()).chain([packets.concat()]).collect()
}

/// Sources in both styles.
pub(super) fn sources() -> Vec<Vec<u8>> {
    let key = String::from_utf8_lossy(&keys()[0])
        .lines()
        .map(|line| if line.is_empty() { " .\n".to_owned() } else { format!(" {line}\n") })
        .collect::<String>();
    let texts = [
        "deb http://deb.example.org/debian bookworm main contrib # why\n\
         deb-src [ arch=amd64,armhf signed-by=/usr/share/keyrings/a.gpg check-valid-until=no ] https://b.example/x ./\n\
         deb [arch+=arm64 arch-=i386 trusted=yes] file:/srv/repo stable/$(ARCH)/\n\
         # deb cdrom:[Debian 12]/ bookworm main\n"
            .to_owned(),
        "# a comment\nTypes: deb deb-src\nURIs: http://deb.example.org/debian https://b.example/\n\
         Suites: bookworm bookworm-updates\nComponents: main\n contrib\nArchitectures-Add: arm64\n\
         Signed-By: /usr/share/keyrings/a.gpg\n\nEnabled: no\nTypes: deb\nURIs: file:///srv\nSuites: ./\nTrusted: yes\n"
            .to_owned(),
        format!("Types: deb\nURIs: http://c.example/\nSuites: x\nComponents: main\nSigned-By:\n{key}"),
    ];
    texts.map(String::into_bytes).into()
}

/// The configuration of apt.
pub(super) fn configurations() -> Vec<Vec<u8>> {
    let texts: [&[u8]; 3] = [
        b"APT\n{\n  NeverAutoRemove\n  {\n\t\"^firmware-linux.*\";\n\t\"^linux-image-[a-z0-9]*$\";\n  };\n};\n",
        b"Acquire::http::Proxy \"http://proxy.example:3128\"; // why\nAcquire::https::Proxy::deb.example.org \"DIRECT\";\n\
          APT::Architectures:: \"arm64\";\n#clear APT::Architectures;\n/* a comment */ APT::Architectures { \"amd64\"; \"i386\"; };\n",
        b"#include \"/etc/apt/other\";\n# a comment\nAcquire { Check-Valid-Until \"no\"; http { Proxy \"\"; }; };\nAPT::Architecture amd64;\n",
    ];
    texts.iter().map(|text| text.to_vec()).collect()
}

/// Writes the sizes that fit into the headers of the members (deb(5)) and the right checksums into the headers of plain
/// archives within.
pub(super) fn repair_package(bytes: &mut [u8]) {
    const HEADER: usize = 60;
    let is_header = |at: &usize| {
        let name = &bytes[*at..at + HEADER];
        let known = [&b"debian-binary"[..], b"control.tar", b"data.tar"];
        known.iter().any(|known| name.starts_with(known)) && name.ends_with(b"`\n")
    };
    let found = (0..bytes.len().saturating_sub(HEADER - 1)).filter(is_header);
    let mut headers: Vec<usize> = found.collect();
    // One that lies in the header before it is none.
    headers.dedup_by(|later, earlier| *later < *earlier + HEADER);
    let ends: Vec<usize> = headers.iter().copied().skip(1).chain([bytes.len()]).collect();
    for (at, end) in headers.into_iter().zip(ends) {
        let size = format!("{:<10}", end - at - HEADER);
        bytes[at + 48..at + 58].copy_from_slice(size.as_bytes());
        bytes[at + HEADER..end].chunks_exact_mut(512).for_each(repair_tar_header);
    }
}

/// Makes base64 of everything between the blank line and the end of a block of signatures or keys.
pub(super) fn repair_armor(bytes: &mut [u8]) {
    let mut state = Line::Outside;
    let mut digits = 0;
    for line in bytes.split_mut(|byte| *byte == b'\n') {
        state = match state {
            _ if line.starts_with(b"-----BEGIN PGP SIGNATURE") => Line::Header,
            _ if line.starts_with(b"-----BEGIN PGP PUBLIC") => Line::Header,
            _ if line.starts_with(b"-----END") => Line::Outside,
            Line::Header if line.is_empty() => Line::Digits,
            other => other,
        };
        if let Line::Digits = state {
            let strange =
                |byte: &&mut u8| !byte.is_ascii_alphanumeric() && !matches!(**byte, b'+' | b'/' | b'=');
            line.iter_mut().filter(strange).for_each(|byte| *byte = b'A');
            digits += line.len();
            if line.len() < 64 {
                // The last line: blanks at its end are no digits.
                let surplus = (digits % 4).min(line.len());
                let from = line.len() - surplus;
                line[from..].fill(b' ');
                digits = 0;
            }
        }
    }
}

#[derive(Clone, Copy)]
enum Line {
    Outside,
    Header,
    Digits,
}
