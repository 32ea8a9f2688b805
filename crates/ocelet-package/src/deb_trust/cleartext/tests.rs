//! Only the signed text comes out, and everything around it is refused.

use super::{CleartextError, read};

const FRAME: &str = "-----BEGIN PGP SIGNATURE-----\n\nAAAA\n=AAAA\n-----END PGP SIGNATURE-----\n";

fn check(begin: &str, body: &str, end: &str, wanted: Result<(&str, &str), CleartextError>) {
    let whole = format!("{begin}{body}{end}");
    let got = read(whole.as_bytes());
    let got = got.map(|split| {
        assert_eq!(split.signatures, [0, 0, 0], "{whole:?}");
        (String::from_utf8(split.text).unwrap(), String::from_utf8(split.hashed).unwrap())
    });
    assert_eq!(got, wanted.map(|(text, hashed)| (text.to_owned(), hashed.to_owned())), "{whole:?}");
}

#[test]
fn only_what_is_signed_comes_out() {
    let begin = "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n";
    check(begin, "A: b\nC: d\n", FRAME, Ok(("A: b\nC: d\n", "A: b\r\nC: d")));
    check(begin, "", FRAME, Ok(("", "")));
    check(begin, "\n", FRAME, Ok(("\n", "")));
    check(begin, "A: b \t\r\nC\n\n", FRAME, Ok(("A: b\nC\n\n", "A: b\r\nC\r\n")));
    check(
        begin,
        "- -----BEGIN PGP SIGNATURE-----\n- x\n- \n",
        FRAME,
        Ok(("-----BEGIN PGP SIGNATURE-----\nx\n\n", "-----BEGIN PGP SIGNATURE-----\r\nx\r\n")),
    );
    check("-----BEGIN PGP SIGNED MESSAGE-----\r\n\r\n", "A\r\n", FRAME, Ok(("A\n", "A")));
    check(begin, "A\n", &format!("{FRAME}\n \n"), Ok(("A\n", "A")));
}

#[test]
fn everything_else_is_refused() {
    let begin = "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n";
    check("", "", "", Err(CleartextError::NotSigned));
    check("", "Origin: x\n", "", Err(CleartextError::NotSigned));
    check("\n", begin, FRAME, Err(CleartextError::NotSigned));
    check(&format!("Origin: Eve\n{begin}"), "A\n", FRAME, Err(CleartextError::NotSigned));
    check(begin, "A\n", &format!("{FRAME}Origin: Eve\n"), Err(CleartextError::After { line: 10 }));
    check(begin, "A\n", &format!("{FRAME}{begin}B\n{FRAME}"), Err(CleartextError::After { line: 10 }));
    check(begin, "A\n-B\n", FRAME, Err(CleartextError::Dash { line: 5 }));
    check(begin, "-----BEGIN PGP SIGNED MESSAGE-----\nB\n", FRAME, Err(CleartextError::Dash { line: 4 }));
    check(begin, "-----BEGIN PGP SIGNATURE----- x\n", FRAME, Err(CleartextError::Dash { line: 4 }));
    check(begin, "A\rB: c\n", FRAME, Err(CleartextError::CarriageReturn { line: 4 }));
    check(begin, "A\n", "", Err(CleartextError::NoSignature));
    check("-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256", "", "", Err(CleartextError::NoSignature));
    let header = CleartextError::Header { line: 2, header: "NotDashEscaped".into() };
    check("-----BEGIN PGP SIGNED MESSAGE-----\nNotDashEscaped: yes\n\n", "A\n", FRAME, Err(header));
    let header = CleartextError::Header { line: 2, header: "Origin".into() };
    check("-----BEGIN PGP SIGNED MESSAGE-----\nOrigin: Eve\n\n", "A\n", FRAME, Err(header));
    let cut = super::ArmorError::NoEnd { line: 5, wanted: super::BlockKind::Signature };
    check(begin, "A\n", "-----BEGIN PGP SIGNATURE-----\n\nAAAA\n", Err(cut.into()));
    let junk = super::ArmorError::Base64 { line: 5 };
    let end = "-----BEGIN PGP SIGNATURE-----\n\nA!AA\n-----END PGP SIGNATURE-----\n";
    check(begin, "A\n", end, Err(junk.into()));
}
