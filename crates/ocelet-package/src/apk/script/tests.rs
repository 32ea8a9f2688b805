//! What scripts of Alpine say, and what must not be read into them.

use super::*;

fn shown(text: &str) -> (Vec<String>, Vec<String>) {
    let script = Script { kind: ScriptKind::PostInstall, text: text.as_bytes().to_vec() };
    let effects = script.effects();
    let step = |step: &Step| {
        format!("{}{} {}", step.line, if step.conditional { "?" } else { "" }, describe(&step.effect))
    };
    let unread = |unread: &Unread| format!("{} {}", unread.line, unread.text);
    (effects.steps.iter().map(step).collect(), effects.unread.iter().map(unread).collect())
}

fn check(text: &str, steps: &[&str], unread: &[&str]) {
    let want = |words: &[&str]| words.iter().map(ToString::to_string).collect();
    assert_eq!(shown(text), (want(steps), want(unread)), "{text}");
}

fn describe(effect: &Effect) -> String {
    match effect {
        Effect::AddGroup { name, gid, system } => format!("group {name} {gid:?} {system}"),
        Effect::AddMember { user, group } => format!("member {user} {group}"),
        Effect::AddUser(user) => format!(
            "user {} {:?} {} {} {} {}",
            user.name,
            user.uid,
            user.group.as_deref().unwrap_or("-"),
            user.home.as_deref().unwrap_or("-"),
            user.shell.as_deref().unwrap_or("-"),
            user.comment.as_deref().unwrap_or("-"),
        ),
        Effect::MakeDirectory { path, mode, owner, group } => format!(
            "directory {path} {} {} {}",
            mode.as_deref().unwrap_or("-"),
            owner.as_deref().unwrap_or("-"),
            group.as_deref().unwrap_or("-"),
        ),
        Effect::Symlink { path, target } => format!("link {path} -> {target}"),
        Effect::ChangeOwner { path, owner, recursive } => format!("owner {path} {owner} {recursive}"),
        Effect::ChangeMode { path, mode, recursive } => format!("mode {path} {mode} {recursive}"),
        Effect::InstallApplets { program } => format!("applets {program}"),
    }
}

#[test]
fn the_usual_commands_are_read() {
    for (text, steps, unread) in [
        ("addgroup -S -g 42 shadow 2>/dev/null\nexit 0\n", &["1 group shadow Some(42) true"][..], &[][..]),
        (
            "user=dhcpcd\ngroup=\"dhcpcd\"\naddgroup -S $group 2>/dev/null\n\
             adduser -S -D -h /var/lib/$user -s /sbin/nologin -G ${group} -g 'a user' $user 2>/dev/null\n",
            &["3 group dhcpcd None true", "4 user dhcpcd None dhcpcd /var/lib/dhcpcd /sbin/nologin a user"],
            &[],
        ),
        (
            "adduser -u 101 -SDH x || true\naddgroup x y\n",
            &["1 user x Some(101) - - - -", "2 member x y"],
            &[],
        ),
        (
            "mkdir -p /run/openrc \"/a b\"\n",
            &["1 directory /run/openrc - - -", "1 directory /a b - - -"],
            &[],
        ),
        ("install -d -m 0750 -o x -g y /etc/x\n", &["1 directory /etc/x 0750 x y"], &[]),
        ("install -m 644 a b\n", &[], &["1 install -m 644 a b"]),
        ("ln -sf ../run /var/run # why\n", &["1 link /var/run -> ../run"], &[]),
        ("ln a b\n", &[], &["1 ln a b"]),
        (
            "chown root:shadow /etc/shadow\nchmod 640 /etc/shadow\nchmod -R u+rwX,go= /x\nchgrp -R adm /y\n",
            &[
                "1 owner /etc/shadow root:shadow false",
                "2 mode /etc/shadow 640 false",
                "3 mode /x u+rwX,go= true",
                "4 owner /y :adm true",
            ],
            &[],
        ),
        ("chmod -x /a\n", &["1 mode /a -x false"], &[]),
        (
            "#!/bin/busybox sh\n/bin/busybox mkdir -p \"/bin\"\nexec /bin/busybox --install -s\n",
            &["2 directory /bin - - -", "3 applets /bin/busybox"],
            &[],
        ),
    ] {
        check(text, steps, unread);
    }
}

#[test]
fn what_may_not_be_reached_says_so() {
    for (text, steps, unread) in [
        (
            "if [ -d /x ]; then\n\tmkdir /y\nfi\nmkdir /z\n",
            &["2? directory /y - - -", "4 directory /z - - -"][..],
            &[][..],
        ),
        ("[ -e /x ] && mkdir /y\nmkdir /z\n", &["1? directory /y - - -", "2 directory /z - - -"], &[]),
        ("for i in a b; do\n mkdir /$i\ndone\n", &[], &["2 mkdir /$i"]),
        ("make() {\n\tmkdir /x\n}\nmkdir /y\n", &["2? directory /x - - -", "4 directory /y - - -"], &[]),
        (
            "case \"$1\" in\n\ta|b) mkdir /x;;\n\t*) mkdir /y;;\nesac\nmkdir /z\n",
            &["2? directory /x - - -", "3? directory /y - - -", "5 directory /z - - -"],
            &[],
        ),
        ("( cd /\nmkdir x )\nmkdir /z\n", &["2? directory x - - -", "3 directory /z - - -"], &["1 cd /"]),
        ("exit 0\nmkdir /never\n", &["2? directory /never - - -"], &[]),
        ("[ x ] || exit 0\nmkdir /maybe\n", &["2? directory /maybe - - -"], &[]),
        ("x=$(cat /y)\nmkdir /$x\n", &[], &["2 mkdir /$x"]),
        ("if a; then x=1; fi\nmkdir /$x\n", &[], &["1 a", "2 mkdir /$x"]),
        (
            "mkdir /etc/*.d\nmkdir `x`\nmkdir $1 ${x%y}\n",
            &[],
            &["1 mkdir /etc/*.d", "2 mkdir `x`", "3 mkdir $1 ${x%y}"],
        ),
        ("echo x > /etc/x\necho y >&2\necho $HOME\n", &[], &["1 echo x"]),
        (
            "cat <<EOF | tee /x\nmkdir /no\nEOF\nrm -rf /x \\\n  /y\n",
            &[],
            &["1 cat", "1 tee /x", "4 rm -rf /x /y"],
        ),
        ("cat >&2 <<-EOF\n\tmkdir /no\n\tEOF\nmkdir /yes\n", &["4 directory /yes - - -"], &["1 cat"]),
        (
            "mkdir --mode=1 /x\nadduser -Z x\naddgroup -g x y\n",
            &[],
            &["1 mkdir --mode=1 /x", "2 adduser -Z x", "3 addgroup -g x y"],
        ),
    ] {
        check(text, steps, unread);
    }
}

#[test]
fn scripts_that_are_not_well_formed_end() {
    for text in [
        "",
        "'",
        "\"",
        "`",
        "$(",
        "${",
        "((((",
        "))))",
        "case x in",
        "<<",
        "\\",
        "cat <<E\nx",
        "fi fi done }",
        "$",
        "x=",
        "a;;b",
    ] {
        let (steps, _) = shown(text);
        assert!(steps.is_empty(), "{text:?}: {steps:?}");
    }
}

#[test]
fn kinds_have_the_names_of_apk() {
    for kind in ScriptKind::ALL {
        assert_eq!(ScriptKind::named(kind.name()), Some(kind));
    }
    assert_eq!(ScriptKind::named("install"), None);
    let first: Vec<&str> =
        ScriptKind::ALL.into_iter().filter(|kind| kind.runs_on_install()).map(ScriptKind::name).collect();
    assert_eq!(first, ["pre-install", "post-install", "trigger"]);
}

proptest::proptest! {
    /// Any text ends in a value.
    #[test]
    fn any_text_is_read_to_its_end(text in "[a-z$'\"`(){};&|<>#=\\\\ \n*-]{0,200}") {
        let lines = text.lines().count() + 1;
        let (_, unread) = shown(&text);
        for line in unread {
            let number: usize = line.split(' ').next().and_then(|number| number.parse().ok()).expect("a line");
            proptest::prop_assert!((1..=lines).contains(&number));
        }
    }
}
