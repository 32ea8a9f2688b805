//! Reads `users` and `groups` of a flavor.
//!
//! It refuses what a line of `/etc/passwd` or `/etc/group` cannot hold (passwd(5), group(5)); that two of them
//! have one number, `finish.rs` finds.

use ocelet_tree::TreePath;

use super::condition;
use super::fields::{Fields, Text};
use super::list::List;
use super::model::{Group, User};
use super::names::AccountName;
use super::problem::{At, Code, Findings};
use super::values::{self, Seen};
use super::variables::Variables;

/// What has no shell is given this one (nologin(8), at Alpine's place).
const NO_LOGIN: &str = "/sbin/nologin";

pub(super) fn users(
    items: Vec<Fields>,
    variables: &mut Variables,
    findings: &mut Findings<'_>,
) -> List<(AccountName, User)> {
    let mut list = List::new("the user");
    for mut fields in items {
        let span = fields.span;
        let holds = condition::holds(fields.text("when").as_ref(), variables, findings);
        let name = name(fields.text("name"), findings);
        let uid = fields.integer("uid").map(|uid| values::id(Some(uid)));
        let gid = fields.integer("gid").map(|gid| values::id(Some(gid)));
        let home = place(fields.text("home"), "/", "the home directory", findings);
        let shell = place(fields.text("shell"), NO_LOGIN, "the shell", findings);
        let gecos = fields.text("gecos").filter(|text| is_field(text, findings));
        fields.finish();
        if let (Some(name), Some(uid), Some(home), Some(shell)) = (name, uid, home, shell) {
            let gecos = gecos.map(|text| text.value).unwrap_or_default();
            let user = User { uid, gid: gid.unwrap_or(uid), home, shell, gecos };
            list.add(holds, name.to_string(), name.span, At::new((name.value, user), span), findings);
        }
    }
    list
}

pub(super) fn groups(
    items: Vec<Fields>,
    variables: &mut Variables,
    findings: &mut Findings<'_>,
) -> List<(AccountName, Group)> {
    let mut list = List::new("the group");
    for mut fields in items {
        let span = fields.span;
        let holds = condition::holds(fields.text("when").as_ref(), variables, findings);
        let name = name(fields.text("name"), findings);
        let gid = fields.integer("gid").map(|gid| values::id(Some(gid)));
        let mut once = Seen::default();
        let members = fields.texts("members").map(|(texts, _)| texts).unwrap_or_default();
        let members = members
            .into_iter()
            .filter_map(|text| {
                let name = self::name(Some(text), findings)?;
                once.is_new(name.as_str(), name.span, "the member", findings).then_some(name.value)
            })
            .collect();
        fields.finish();
        if let (Some(name), Some(gid)) = (name, gid) {
            let item = At::new((name.value.clone(), Group { gid, members }), span);
            list.add(holds, name.to_string(), name.span, item, findings);
        }
    }
    list
}

fn name(text: Option<Text>, findings: &mut Findings<'_>) -> Option<At<AccountName>> {
    let text = text?;
    match AccountName::new(&text.value) {
        Ok(name) => Some(At::new(name, text.span)),
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
