//! What holds for every text: no panic, and no meaning in the order of keys.

use proptest::prelude::*;

use super::super::*;
use super::accepts_sources::NODE;
use super::{GOOD, context, good};

const HOST_TOOLS: &str = include_str!("../../../../../recipes/host-tools.toml");

/// Reads and shows a text; nothing may panic, and every place must lie in the text.
fn read_and_show(text: &str) {
    let (problems, is_bad) = match parse(text, &context(&[])) {
        Ok(parsed) => (parsed.warnings, false),
        Err(problems) => (problems, true),
    };
    assert_eq!(problems.has_errors(), is_bad);
    let shown = problems.render("x.toml", text);
    assert_eq!(shown.is_empty(), problems.is_empty());
    let lines = text.split('\n').count();
    for problem in problems.iter() {
        if let Some(span) = problem.span {
            assert!(text.get(span.start..span.end).is_some(), "{problem:?}");
            assert!(span.line <= lines, "{problem:?}");
        }
        assert_eq!(problem.to_json()["code"], problem.code.as_str());
    }
}

/// The statements of a recipe whose order means nothing: the lines of each table, and the tables.
fn shuffled(text: &str, keys: &[u64]) -> String {
    let mut tables: Vec<Vec<&str>> = vec![vec![]];
    for line in text.lines().filter(|line| !line.is_empty()) {
        if line.starts_with('[') {
            tables.push(vec![]);
        }
        tables.last_mut().expect("one").push(line);
    }
    let mut next = keys.iter().copied().cycle();
    let mut shuffle = |list: &mut [&str]| {
        let mut keyed: Vec<(u64, &str)> = list.iter().map(|line| (next.next().unwrap_or(0), *line)).collect();
        keyed.sort_unstable();
        for (slot, (_, line)) in list.iter_mut().zip(keyed) {
            *slot = line;
        }
    };
    for table in &mut tables {
        let header = usize::from(table.first().is_some_and(|line| line.starts_with('[')));
        shuffle(&mut table[header..]);
    }
    let blocks: Vec<String> = tables.iter().map(|table| table.join("\n")).collect();
    let mut rest: Vec<&str> = blocks[1..].iter().map(String::as_str).collect();
    shuffle(&mut rest);
    format!("{}\n{}\n", blocks[0], rest.join("\n"))
}

const MANY_KEYS: &str = "image = 'x'\ntag = 'v{a}{b}{-flavor}'\nplatforms = ['linux/amd64']\nepoch = 1\ndescription = 'y'\n\
    [versions]\na = '1'\nb = '2'\nc = '3'\n\
    [source.one]\nrootfs = '/{c}'\nexclude = ['/a', '/b']\ntag = 't'\n\
    [source.two]\ntext = 'x'\ninstall = '/y'\nmode = '0600'\nuid = 4\n\
    [source.apk]\napk = ['@t /m', '/n']\nkeys = ['k']\npin = { a = '=1', b = '~2' }\nplatforms = ['linux/amd64']\n\
    [source.deb]\ndeb = ['/m x main', '/n ./']\nkeys = ['k']\nsnapshot = true\npackages = ['aa', 'bb>=1:2']\npin = { aa = '=1:1', bb = '~2' }\nalternatives = { a = '/b' }\nplatforms = ['linux/amd64']\n\
    [source.z]\nartifact = '/f-{arch}'\narch = { 'linux/amd64' = 'x' }\ninstall = '/z/'\nmembers = ['a', 'b']\nstrip = 1\n\
    [flavor.p]\ncommands = ['a', 'b']\npackages = ['a@t>=1', { name = 'b', from = 'apk' }]\nusers = [{ name = 'u', uid = 1 }]\nenv = { A = 'b' }\nuser = '1'\nimage = false\n\
    [flavor.q]\nfiles = ['/y']\nentrypoint = ['a', '{flavor}']\nlabels = { l = 'm' }\n\
    [flavor.r]\nextends = ['q', 'p']\nremove = { commands = ['a'] }\nworkdir = '/'\n";

proptest! {
    #[test]
    fn any_text_is_read(text in "\\PC*") {
        read_and_show(&text);
    }

    #[test]
    fn any_text_of_recipe_words_is_read(words in proptest::collection::vec(
        prop_oneof![
            Just("["), Just("]"), Just("[["), Just("{"), Just("}"), Just("="), Just(","), Just("."), Just("\n"), Just("\""),
            Just("'"), Just("\"\"\""), Just("\\"), Just("\\u0000"), Just("image"), Just("flavor"), Just("source"), Just("a"), Just("b"),
            Just("extends"), Just("commands"), Just("remove"), Just("files"), Just("1"), Just("-"), Just("{a}"), Just("ä"), Just("\t"),
            Just("\r"), Just("#"), Just("[flavor.a]\n"), Just("extends = 'b'\n"), Just("[flavor.b]\nextends = 'a'\n"), Just("text = "),
            Just("apk = "), Just("deb = "), Just("'/m x main'"), Just("artifact = "), Just("keys = 'alpine'\n"), Just("packages = "), Just("'a>=1'"), Just("@t "), Just("sha256 = "),
            Just("[source.a]\n"), Just("users = "), Just("name = "), Just("from = "), Just("install = '/a/'\n"),
        ], 0..40))
    {
        read_and_show(&words.concat());
    }

    #[test]
    fn a_mutated_recipe_is_read(
        which in 0..4usize, at in any::<prop::sample::Index>(), length in 0..30usize, put in "[\\]\\[{}=\"'.,a-c{-} \n\\\\é1/?*@<>~!:-]{0,6}"
    ) {
        let text = [GOOD, HOST_TOOLS, MANY_KEYS, NODE][which];
        let mut start = at.index(text.len());
        while !text.is_char_boundary(start) { start -= 1; }
        let mut end = (start + length).min(text.len());
        while !text.is_char_boundary(end) { end += 1; }
        read_and_show(&format!("{}{put}{}", &text[..start], &text[end..]));
    }

    #[test]
    fn the_order_of_keys_means_nothing(keys in proptest::collection::vec(any::<u64>(), 1..40)) {
        let (one, other) = (good(MANY_KEYS).recipe, good(&shuffled(MANY_KEYS, &keys)).recipe);
        prop_assert_eq!(one.to_json().to_string(), other.to_json().to_string());
        prop_assert!(one == other);
    }
}

#[test]
fn large_texts_end() {
    let flavors = |count: usize| -> String {
        let one = |index: usize| format!("[flavor.f{index}]\nextends = 'f{}'\n", index + 1);
        (0..count).map(one).collect::<Vec<_>>().concat()
    };
    for text in [
        "[".repeat(100_000),
        "a = ".to_owned() + &"{ a = ".repeat(50_000),
        "x = 1\n".repeat(20_000),
        (0..5_000).map(|index| format!("key{index} = 1\n")).collect::<Vec<_>>().concat(),
        "a".repeat(2 << 20),
        flavors(190),
        flavors(5_000),
        format!("image = \"{}\"", "{".repeat(100_000)),
    ] {
        read_and_show(&text);
    }
}
