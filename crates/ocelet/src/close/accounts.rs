//! `/etc/passwd` and `/etc/group` of one flavor: the lines of the sources' files with those that the recipe declares.
//!
//! Lines are sorted by number, then by name; what is no line of such a file (passwd(5), group(5)) is told and kept
//! behind the others as it is. `/etc/shadow` is not written and no home directory is made: `directories` do that.

use std::collections::{BTreeMap, BTreeSet};

use ocelet_tree::{Metadata, TreePath, View};

use super::error::CloseError;
use super::gather::{Gather, Made};
use super::text::{self, Text};
use super::warnings::Warnings;
use super::{Because, Kept};
use crate::recipe::{AccountName, At, Flavor, Group, User};

/// Where users are listed.
pub(super) const PASSWD: &str = "/etc/passwd";
/// Where groups are listed.
pub(super) const GROUP: &str = "/etc/group";
/// The largest such file that is read, in bytes.
const LIMIT: u64 = 16 << 20;

/// A file of accounts: one a line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Accounts {
    /// The accounts, in the order of the file.
    lines: Vec<Line>,
    /// What is none, with its line counted from 1.
    malformed: Vec<(usize, Vec<u8>)>,
}

/// One account.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    number: u32,
    name: Vec<u8>,
    text: Vec<u8>,
}

/// The two files: how many fields a line has, and which of them are numbers; the third is the account's own.
#[derive(Debug, Clone, Copy)]
pub(super) enum Table {
    Users,
    Groups,
}

impl Table {
    fn fields(self) -> usize {
        match self {
            Self::Users => 7,
            Self::Groups => 4,
        }
    }

    fn numbers(self) -> &'static [usize] {
        match self {
            Self::Users => &[2, 3],
            Self::Groups => &[2],
        }
    }
}

impl Accounts {
    /// Reads the text of a file. Empty lines say nothing and are dropped.
    pub(super) fn parse(text: &[u8], table: Table) -> Self {
        let mut accounts = Self::default();
        for (index, line) in
            text.split(|byte| *byte == b'\n').enumerate().filter(|(_, line)| !line.is_empty())
        {
            let fields: Vec<&[u8]> = line.split(|byte| *byte == b':').collect();
            let numbers: Vec<u32> =
                table.numbers().iter().filter_map(|at| number(fields.get(*at)?)).collect();
            let sound = fields.len() == table.fields() && numbers.len() == table.numbers().len();
            match fields.first().filter(|name| sound && !name.is_empty()) {
                Some(name) => {
                    accounts.lines.push(Line {
                        number: numbers[0],
                        name: name.to_vec(),
                        text: line.to_vec(),
                    });
                }
                None => accounts.malformed.push((index + 1, line.to_vec())),
            }
        }
        accounts
    }

    /// Adds a line, in place of all that have its name.
    fn set(&mut self, name: &str, number: u32, text: String) {
        self.lines.retain(|line| line.name != name.as_bytes());
        self.lines.push(Line { number, name: name.as_bytes().to_vec(), text: text.into_bytes() });
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut lines: Vec<&Line> = self.lines.iter().collect();
        lines.sort_by_key(|line| (line.number, &line.name));
        let texts =
            lines.into_iter().map(|line| &line.text).chain(self.malformed.iter().map(|(_, text)| text));
        texts.flat_map(|text| [text.as_slice(), b"\n"]).flatten().copied().collect()
    }

    /// The number of an account.
    pub(super) fn number(&self, name: &str) -> Option<u32> {
        self.lines.iter().find(|line| line.name == name.as_bytes()).map(|line| line.number)
    }

    fn has_number(&self, number: u32) -> bool {
        self.lines.iter().any(|line| line.number == number)
    }

    /// A field of an account, counted from 0.
    pub(super) fn field(&self, name: &str, at: usize) -> Option<&[u8]> {
        let line = self.lines.iter().find(|line| line.name == name.as_bytes())?;
        line.text.split(|byte| *byte == b':').nth(at)
    }
}

fn number(field: &[u8]) -> Option<u32> {
    let digits = std::str::from_utf8(field).ok()?;
    digits.parse().ok().filter(|_| digits.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Makes both files where a flavor declares users or groups.
///
/// # Errors
/// The sources' files cannot be read, or something that is no file is in the way.
pub(super) fn add(
    flavor: &Flavor,
    view: &dyn View,
    gather: &mut Gather<'_>,
    kept: &mut Kept,
    warnings: &mut Warnings,
) -> Result<(), CloseError> {
    if flavor.users.is_empty() && flavor.groups.is_empty() {
        return Ok(());
    }
    let (mut users, users_access) = read(flavor, view, PASSWD, Table::Users, warnings)?;
    let (mut groups, groups_access) = read(flavor, view, GROUP, Table::Groups, warnings)?;
    for (name, user) in &flavor.users {
        users.set(name.as_str(), user.value.uid, user_line(name, &user.value));
    }
    for (name, group) in &flavor.groups {
        groups.set(name.as_str(), group.value.gid, group_line(name, &group.value));
    }
    dangling(flavor, &users, &groups, warnings);
    let user_reasons = reasons("user", &flavor.users, "the users beside the groups that the recipe declares");
    let group_reasons =
        reasons("group", &flavor.groups, "the groups beside the users that the recipe declares");
    for (path, bytes, metadata, because) in [
        (PASSWD, users.to_bytes(), users_access, user_reasons),
        (GROUP, groups.to_bytes(), groups_access, group_reasons),
    ] {
        let path = TreePath::new(path).expect("a plain path");
        gather.own(flavor, Made { path, bytes, metadata, because }, kept)?;
    }
    Ok(())
}

/// The file of the sources, with who may read it.
fn read(
    flavor: &Flavor,
    view: &dyn View,
    path: &str,
    table: Table,
    warnings: &mut Warnings,
) -> Result<(Accounts, Metadata), CloseError> {
    let Some(Text { path, node, bytes }) = text::read(view, path, LIMIT)? else {
        return Ok((Accounts::default(), Metadata::root_owned(0o644)));
    };
    let accounts = Accounts::parse(&bytes, table);
    for (line, text) in &accounts.malformed {
        let shown = String::from_utf8_lossy(&text[..text.len().min(80)]).escape_debug().to_string();
        let message = format!(
            "line {line} of {path} of source {} is no line of such a file: \"{shown}\"; it is kept behind the others",
            node.owner
        );
        warnings.add(flavor, message);
    }
    Ok((accounts, node.metadata))
}

fn user_line(name: &AccountName, user: &User) -> String {
    let User { uid, gid, home, shell, gecos } = user;
    format!("{name}:x:{uid}:{gid}:{gecos}:{home}:{shell}")
}

fn group_line(name: &AccountName, group: &Group) -> String {
    let members: Vec<&str> = group.members.iter().map(AccountName::as_str).collect();
    format!("{name}:x:{}:{}", group.gid, members.join(","))
}

/// Tells of declared users without a group, and of members that nobody is.
fn dangling(flavor: &Flavor, users: &Accounts, groups: &Accounts, warnings: &mut Warnings) {
    for (name, user) in &flavor.users {
        let gid = user.value.gid;
        if !groups.has_number(gid) {
            let line = user.span.line;
            let message = format!(
                "no group has the number {gid}, which is the group of user {name} (line {line}); declare it with groups = [{{ name = \"{name}\", gid = {gid} }}]"
            );
            warnings.add(flavor, message);
        }
    }
    for (name, group) in &flavor.groups {
        let absent: BTreeSet<&str> = group.value.members.iter().map(AccountName::as_str).collect();
        for member in absent.into_iter().filter(|member| users.number(member).is_none()) {
            let line = group.span.line;
            let message = format!(
                "no user is named {member}, which is a member of group {name} (line {line}); declare it with users"
            );
            warnings.add(flavor, message);
        }
    }
}

fn reasons<T>(noun: &str, declared: &BTreeMap<AccountName, At<T>>, none: &str) -> Vec<Because> {
    let mut details: Vec<String> =
        declared.iter().map(|(name, at)| format!("{noun} {name} (line {})", at.span.line)).collect();
    if details.is_empty() {
        details.push(none.to_owned());
    }
    details.into_iter().map(Because::generated).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The source's text, the accounts to set, and what comes out.
    fn check(source: &str, set: &[(&str, u32)], want: &str, malformed: &[usize]) {
        let mut accounts = Accounts::parse(source.as_bytes(), Table::Groups);
        let lines: Vec<usize> = accounts.malformed.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, malformed, "{source:?}");
        for (name, number) in set {
            accounts.set(name, *number, format!("{name}:x:{number}:"));
        }
        assert_eq!(String::from_utf8_lossy(&accounts.to_bytes()), want, "{source:?}");
    }

    #[test]
    fn lines_are_joined_by_name_and_sorted_by_number() {
        check("", &[], "", &[]);
        check("", &[("b", 2), ("a", 2), ("c", 1)], "c:x:1:\na:x:2:\nb:x:2:\n", &[]);
        check("root:x:0:\nkube:x:9:old\n", &[("kube", 10)], "root:x:0:\nkube:x:10:\n", &[]);
        check("z:x:10:\nb:x:9:\n", &[], "b:x:9:\nz:x:10:\n", &[]);
        check("a:x:1:\na:x:2:\n", &[("a", 3)], "a:x:3:\n", &[]);
        check("\n\na:x:1:", &[], "a:x:1:\n", &[]);
        check("+:::\n# hm\na:x:1:\n", &[("b", 0)], "b:x:0:\na:x:1:\n+:::\n# hm\n", &[1, 2]);
        check(
            "a:x:-1:\na:x:4294967296:\n:x:1:\na:x:1\n",
            &[],
            "a:x:-1:\na:x:4294967296:\n:x:1:\na:x:1\n",
            &[1, 2, 3, 4],
        );
    }

    #[test]
    fn users_have_two_numbers() {
        for (line, sound) in [
            ("root:x:0:0:root:/root:/bin/sh", true),
            ("root:x:0::root:/root:/bin/sh", false),
            ("root:x:0:0:root:/root", false),
            ("root:x:+0:0:root:/root:/bin/sh", false),
        ] {
            let accounts = Accounts::parse(line.as_bytes(), Table::Users);
            assert_eq!(accounts.number("root").is_some(), sound, "{line}");
            assert_eq!(accounts.malformed.is_empty(), sound, "{line}");
        }
        let accounts = Accounts::parse(b"\xff\xfe:x:5:6:::\nk:x:7:8:::", Table::Users);
        assert_eq!((accounts.number("k"), accounts.field("k", 3)), (Some(7), Some(&b"8"[..])));
        assert!(accounts.to_bytes().starts_with(b"\xff\xfe:x:5"), "bytes that are no text are kept");
    }
}
