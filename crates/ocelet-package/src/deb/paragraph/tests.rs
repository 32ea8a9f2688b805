//! Tables of texts and what they mean or why they are refused, and random ones that must not panic.

use proptest::prelude::*;

use super::*;

/// Name, value and line of each field.
type Fields<'text> = Vec<(&'text str, &'text str, usize)>;

fn read(text: &str, comments: Comments) -> Result<Vec<Fields<'_>>, ParagraphError> {
    Paragraphs::new(text, comments)
        .map(|paragraph| {
            Ok(paragraph?.fields.into_iter().map(|field| (field.name, field.value, field.line)).collect())
        })
        .collect()
}

#[test]
fn texts_are_cut_into_fields() {
    let check = |text: &str, want: &[&[(&str, &str, usize)]]| {
        assert_eq!(read(text, Comments::Refuse).expect(text), want, "{text:?}");
    };
    check("", &[]);
    check("\n\n", &[]);
    check("A: 1", &[&[("A", "1", 1)]]);
    check("A:1\nB:\t2 \n", &[&[("A", "1", 1), ("B", "2", 2)]]);
    check("\nA: 1\n\n\n\nB: 2\n\n", &[&[("A", "1", 2)], &[("B", "2", 6)]]);
    check("A:\nB: a:b\n", &[&[("A", "", 1), ("B", "a:b", 2)]]);
    check("A: one\n two\n .\n\tthree\nB: x", &[&[("A", "one\n two\n .\n\tthree", 1), ("B", "x", 5)]]);
    check("A:\n one\n", &[&[("A", "\n one", 1)]]);
}

#[test]
fn comments_are_left_out_where_they_may_be() {
    let text = "# one\n\n#\nA: 1\n# two\n two\n# three\n\n# four\n\nB: 2\n# five\n";
    let all = read(text, Comments::Skip).expect("well formed");
    assert_eq!(all, [vec![("A", "1\n# two\n two", 4)], vec![("B", "2", 11)]]);
    let first = Paragraphs::new(text, Comments::Skip).next().expect("one").expect("well formed");
    assert_eq!(first.get("a").expect("there").lines().collect::<Vec<_>>(), ["1", "two"]);
}

#[test]
fn what_is_no_paragraph_is_refused_with_its_line() {
    let long = format!("A: 1\n{}", " x\n".repeat(PARAGRAPH_LIMIT / 3));
    let many: String =
        (0..=MOST_FIELDS).flat_map(|at| ["F".to_owned(), at.to_string(), ": 1\n".to_owned()]).collect();
    for (text, want) in [
        ("A: 1\nno field", "line 2 \"no field\" is not a field"),
        (" x: 1", "line 1 begins with a blank"),
        ("A: 1\n\n\tx", "line 3 begins with a blank"),
        ("A: 1\n \nB: 2", "line 2 has nothing but blanks"),
        (" \nB: 2", "line 1 has nothing but blanks"),
        ("A: 1\n#x", "line 2 is a comment"),
        ("-A: 1", "line 1: \"-A\" cannot be the name"),
        (": 1", "line 1: \"\" cannot be the name"),
        ("A B: 1", "line 1: \"A B\" cannot be the name"),
        ("\u{c4}: 1", "cannot be the name"),
        ("A: 1\r\n\r\nB: 2\r\n", "line 2 \"\\r\" is not a field"),
        ("A: 1\nB: 2\nb: 3", "line 3: the paragraph has had the field b before, in line 2"),
        (&*long, "at line 1 has more than 4194304 bytes"),
        (&*many, "at line 257 has more than 256 fields"),
    ] {
        let error = read(text, Comments::Refuse).expect_err(want);
        assert!(error.to_string().contains(want), "{error}: wanted {want}");
    }
}

#[test]
fn one_paragraph_is_one() {
    for (text, want) in
        [("", "no paragraphs"), ("A: 1\n\nB: 2", "several paragraphs"), ("A: 1\n\nB", "line 3")]
    {
        let error = Paragraph::parse(text, Comments::Refuse).expect_err(want);
        assert!(error.to_string().contains(want), "{error}: wanted {want}");
    }
    let one = Paragraph::parse("\n\nA: 1\nB: 2\n\n", Comments::Refuse).expect("one");
    assert_eq!((one.text(), one.line(), one.value("B")), ("A: 1\nB: 2\n", 3, Some("2")));
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "([#A-C:.\\- \t\n\u{e9}]|A: |\n ){0,40}") {
        for comments in [Comments::Skip, Comments::Refuse] {
            for paragraph in Paragraphs::new(&text, comments).flatten() {
                prop_assert!(text.contains(paragraph.text()));
                for field in paragraph.fields() {
                    prop_assert_eq!(field.lines().next().map(|line| field.value.starts_with(line)), Some(true));
                }
            }
        }
    }

    #[test]
    fn what_was_written_is_read(values in proptest::collection::vec("[a-z]{1,5}(\n [a-z.]{1,5}){0,3}", 1..6)) {
        let text: Vec<String> =
            values.iter().enumerate().map(|(at, value)| format!("F{at}: {value}")).collect();
        let text = text.join("
");
        let paragraph = Paragraph::parse(&text, Comments::Refuse).expect("well formed");
        let read: Vec<&str> = paragraph.fields().iter().map(|field| field.value).collect();
        prop_assert_eq!(read, values);
    }
}
