//! Damaged archives: whatever comes of them, it is the same from a stream and from a blob, and never a panic.

use proptest::prelude::*;

use super::*;

/// An archive with one of everything.
fn everything() -> Vec<u8> {
    archive(&[
        member(b'5', "./", "", ""),
        pax(b'g', &[("mtime", b"12.5")]),
        member(b'0', "a", "", vec![b'a'; 700]),
        pax(
            b'x',
            &[
                ("path", b"long/name"),
                ("size", b"3"),
                ("uid", b"70000"),
                ("SCHILY.xattr.security.capability", b"\x01"),
            ],
        ),
        Member { body: b"abc".to_vec(), ..member(b'0', "short", "", "").bytes(124..135, b"00000000000") },
        member(b'2', "lib", "long", ""),
        member(b'1', "lib/hard", "lib/name", ""),
        member(b'L', "././@LongLink", "", b"lib/gnu\0"),
        member(b'K', "././@LongLink", "", b"../a\0"),
        member(b'2', "short", "short", ""),
        member(b'3', "null", "", ""),
        member(b'0', "long/.wh.gone", "", ""),
        member(b'0', "b", "", "b").bytes(257..265, b"ustar  \0").bytes(108..116, b"\x80\0\0\0\0\0\0\x07"),
        member(0, "old", "", "").bytes(257..265, &[0; 8]),
    ])
}

/// Sets right the checksum of what may be a header.
fn sum(block: &mut [u8]) {
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

fn options() -> Options {
    // The limit of memory is one of streams alone, and both ways of reading are compared.
    let limits = Limits { memory: u64::MAX, ..Limits::default() };
    Options { limits, devices: Devices::Skip, ..Options::default() }
}

/// Reads it as a root file system and as a layer; whether it was valid as a layer.
fn read_all(archive: &[u8]) -> bool {
    let _said = outcome(archive, &options());
    let mut tree = crate::tests::tree("lower", &["long/gone", "a/b", "l -> a"]);
    let blob = Blob::from_bytes("layer", archive.to_vec());
    let applied = apply_layer_blob(&mut tree, &blob, &owner(), &options());
    if applied.is_ok() {
        // What came in can go out.
        crate::tar_out::write_tree(&tree, std::io::sink()).expect("a tree can be written");
    }
    applied.is_ok()
}

#[test]
fn the_archive_is_valid_before_it_is_damaged() {
    assert!(read_all(&everything()));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damage_never_panics(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        mend in any::<bool>(),
    ) {
        let mut archive = everything();
        for (index, byte) in damage {
            let at = index.index(archive.len());
            archive[at] = byte;
            let block = at / 512 * 512;
            // Without a right checksum nothing but the checksum would be tested.
            if mend && &archive[block + 257..block + 262] == b"ustar" {
                sum(&mut archive[block..block + 512]);
            }
        }
        read_all(&archive);
    }

    #[test]
    fn noise_is_no_archive(noise in prop::collection::vec(any::<u8>(), 0..3000)) {
        prop_assert!(outcome(&noise, &options()).is_err());
    }

    #[test]
    fn moved_blocks_never_panic(cuts in prop::collection::vec((0..40_usize, 0..40_usize), 1..4)) {
        let mut archive = everything();
        let blocks = archive.len() / 512;
        for (from, to) in cuts {
            let block = archive[from % blocks * 512..][..512].to_vec();
            archive[to % blocks * 512..][..512].copy_from_slice(&block);
        }
        read_all(&archive);
    }
}
