//! A script in upx's place: it does what upx does as far as ocelet looks, and writes down each time that it packs.

use std::path::Path;

/// The script. It says that it is of this version, makes any file that does not say `unpackable` into the same 240
/// bytes, which look like what upx makes for amd64, and adds a line to the `log` each time.
pub fn script(version: &str, log: &Path) -> String {
    let zeros = |count: usize| "\\0".repeat(count);
    // e_ident, e_type 2, e_machine 62, e_version 1; e_phoff 64; e_phentsize 56, e_phnum 3; l_info.
    let head = format!(
        "\\177ELF\\002\\001\\001{}\\002\\0\\076\\0\\001{}\\100{}\\100\\0\\070\\0\\003{}UPX!{}",
        zeros(9),
        zeros(11),
        zeros(19),
        zeros(0xec - 0x39),
        zeros(4),
    );
    format!(
        "#!/bin/sh\ncase \"$*\" in\n--version) echo 'upx {version}';;\n*-t*) ;;\n*-d*) cp in back;;\n\
         *) echo \"$*\" >> {log}\n\
         if grep -q unpackable in; then echo 'upx: in: NotCompressibleException' >&2; exit 2; fi\n\
         printf '{head}' > out;;\nesac\n",
        log = log.display(),
    )
}
