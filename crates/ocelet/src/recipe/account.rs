//! Reads `users` and `groups` of a flavor.
//!
//! It refuses what a line of `/etc/passwd` or `/etc/group` cannot hold (passwd(5), group(5)); that two of them
//! have one number, `finish.rs` finds.

use ocelet_tree::TreePath;

use super::fields::{Fields, Text};
use super::flavor::Named;
use super::model::{Group, User};
use super::names::AccountName;
use super::problem::{At, Code, Findings};
use super::values::{self, Seen};

/// What has no shell is given this one (nologin(8), at Alpine's place).
const NO_LOGIN: &str = "/sbin/nologin";

pub(super) fn users(items: Vec<Fields>, findings: &mut Findings<'_>) -> Named<(AccountName, User)> {
    let (mut seen, mut named) = (Seen::default(), Named::new());
    for mut fields in items {
        let span = fields.span;
        let name = name(fields.text("name"), "the user", &mut seen, findings);
        let uid = fields.integer("uid").map(|uid| values::id(Some(uid)));
        let gid = fields.integer("gid").map(|gid| values::id(Some(gid)));
        let home = place(fields.text("home"), "/", "the home directory", findings);
        let shell = place(fields.text("shell"), NO_LOGIN, "the shell", findings);
        let gecos = fields.text("gecos").filter(|text| is_field(text, findings));
        fields.finish();
        if let (Some(name), Some(uid), Some(home), Some(shell)) = (name, uid, home, shell) {
            let gecos = gecos.map(|text| text.value).unwrap_or_default();
            let user = User { uid, gid: gid.unwrap_or(uid), home, shell, gecos };
            named.insert(name.to_string(), At::new((name, user), span));
        }
    }
    named
}

pub(super) fn groups(items: Vec<Fields>, findings: &mut Findings<'_>) -> Named<(AccountName, Group)> {
    let (mut seen, mut named) = (Seen::default(), Named::new());
    for mut fields in items {
        let span = fields.span;
        let name = name(fields.text("name"), "the group", &mut seen, findings);
        let gid = fields.integer("gid").map(|gid| values::id(Some(gid)));
        let mut once = Seen::default();
        let members = fields.texts("members").map(|(texts, _)| texts).unwrap_or_default();
        let members = members
            .into_iter()
            .filter_map(|text| self::name(Some(text), "the member", &mut once, findings))
            .collect();
        fields.finish();
        if let (Some(name), Some(gid)) = (name, gid) {
            named.insert(name.to_string(), At::new((name, Group { gid, members }), span));
        }
    }
    named
}

fn name(text: Option<Text>, what: &str, seen: &mut Seen, findings: &mut Findings<'_>) -> Option<AccountName> {
    let text = text?;
    match AccountName::new(&text.value) {
        Ok(name) => seen.is_new(&text.value, text.span, what, findings).then_some(name),
        Err(error) => {
            findings.error(Code::InvalidName, text.span, error.to_string());
            None
        }
    }
}

fn place(text: Option<Text>, default: &str, what: &str, findings: &mut Findings<'_>) -> Option<TreePath> {
    match text {
        None => TreePath::new(default).ok(),
        Some(text) => {
            let path = values::path(&text.value, text.span, what, findings)?;
            is_field(&text, findings).then_some(path)
        }
    }
}

/// A colon would end the field; line breaks no text of one line has.
fn is_field(text: &Text, findings: &mut Findings<'_>) -> bool {
    let has_colon = text.value.contains(':');
    if has_colon {
        let message = format!("\"{}\" has a \":\", which ends a field of /etc/passwd", text.value);
        findings.error(Code::InvalidValue, text.span, message).label("leave it out");
    }
    !has_colon
}
