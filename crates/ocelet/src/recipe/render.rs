//! Problems as people read them: message, place, the line itself, a caret below the spot.
//!
//! Plain text without colour, which is the terminal's business. It refuses to let a recipe paint the terminal:
//! control and direction characters of the excerpt are shown as `�`.

use std::fmt::Write;

use super::problem::{Note, Problem, Problems, Span};

/// An excerpt is never wider than this many columns; longer lines are cut around the caret.
const WIDEST_EXCERPT: usize = 140;
/// What remains visible before the caret of a line that is cut, in columns.
const KEPT_BEFORE: usize = 40;
/// A tab becomes this many spaces.
const TAB: &str = "    ";

impl Problems {
    /// Every problem with its excerpt, one empty line between them and a line break at the end. `file_name` is
    /// shown as the place; `text` is the text that was parsed.
    pub fn render(&self, file_name: &str, text: &str) -> String {
        let blocks: Vec<String> = self.iter().map(|problem| problem.render(file_name, text)).collect();
        blocks.join("\n")
    }
}

impl Problem {
    /// This problem alone, as in [`Problems::render`].
    pub fn render(&self, file_name: &str, text: &str) -> String {
        let mut out = format!("{}: {}\n", self.severity.as_str(), printable(&self.message));
        match self.span {
            Some(span) => excerpt(&mut out, file_name, text, span, &self.label),
            None if self.label.is_empty() => {}
            None => line(&mut out, format_args!("  = {}", printable(&self.label))),
        }
        let gutter = self.span.map_or(1, |span| digits(span.line));
        for Note { message, span } in &self.notes {
            if let Some(span) = span {
                line(&mut out, format_args!("note: {}", printable(message)));
                excerpt(&mut out, file_name, text, *span, "");
            } else {
                line(&mut out, format_args!("{:gutter$} = {}", "", printable(message)));
            }
        }
        out
    }
}

fn line(out: &mut String, content: std::fmt::Arguments<'_>) {
    let _: std::fmt::Result = out.write_fmt(content);
    while out.ends_with(' ') {
        out.pop();
    }
    out.push('\n');
}

fn digits(number: usize) -> usize {
    number.to_string().len()
}

fn excerpt(out: &mut String, file_name: &str, text: &str, span: Span, label: &str) {
    let gutter = digits(span.line);
    line(out, format_args!("{:gutter$}--> {file_name}:{}:{}", "", span.line, span.column));
    line(out, format_args!("{:gutter$} |", ""));
    let start_of_line = text.get(..span.start).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
    let content = text.get(start_of_line..).and_then(|rest| rest.lines().next()).unwrap_or_default();
    let shown = Shown::new(content, span.start - start_of_line..span.end.saturating_sub(start_of_line));
    line(out, format_args!("{} | {}", span.line, shown.line));
    let carets = "^".repeat(shown.width.max(1));
    line(
        out,
        format_args!("{:gutter$} | {:before$}{carets} {}", "", "", printable(label), before = shown.before),
    );
}

/// A line as it is shown, and where the carets go, in columns.
struct Shown {
    line: String,
    before: usize,
    width: usize,
}

impl Shown {
    fn new(content: &str, range: std::ops::Range<usize>) -> Self {
        let cells: Vec<(usize, String, usize)> =
            content.char_indices().map(|(at, character)| cell(at, character)).collect();
        let columns = |upto: usize| -> usize {
            cells.iter().take_while(|(at, _, _)| *at < upto).map(|(_, _, width)| width).sum()
        };
        let (before, after) = (columns(range.start), columns(range.end));
        let total = columns(usize::MAX);
        let cut = if total > WIDEST_EXCERPT { before.saturating_sub(KEPT_BEFORE) } else { 0 };
        let mut line = String::new();
        let mut at = 0;
        let mut first = None;
        for (_, piece, width) in &cells {
            if at >= cut && at + width <= cut + WIDEST_EXCERPT {
                first.get_or_insert(at);
                line.push_str(piece);
            }
            at += width;
        }
        let first = first.unwrap_or(0);
        let mark = usize::from(first > 0);
        if mark > 0 {
            line.insert(0, '…');
        }
        if total > cut + WIDEST_EXCERPT {
            line.push('…');
        }
        let most = (cut + WIDEST_EXCERPT).saturating_sub(before);
        Self { line, before: before - first + mark, width: (after.saturating_sub(before)).min(most) }
    }
}

fn cell(at: usize, character: char) -> (usize, String, usize) {
    match character {
        '\t' => (at, TAB.to_owned(), TAB.len()),
        character if is_hidden(character) => (at, "\u{fffd}".to_owned(), 1),
        character => (at, character.to_string(), width(character)),
    }
}

/// A text with everything that could move the cursor or turn the writing direction shown as `�`.
fn printable(text: &str) -> String {
    text.chars().map(|character| if is_hidden(character) { '\u{fffd}' } else { character }).collect()
}

fn is_hidden(character: char) -> bool {
    // The second half are the direction controls of UAX #9.
    character.is_control()
        || matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// How many columns a terminal gives to a character: none for marks that combine, two for the wide and
/// fullwidth blocks of UAX #11, one for every other.
fn width(character: char) -> usize {
    match character {
        '\u{300}'..='\u{36f}'
        | '\u{200b}'..='\u{200d}'
        | '\u{20d0}'..='\u{20ff}'
        | '\u{fe00}'..='\u{fe0f}' => 0,
        '\u{1100}'..='\u{115f}'
        | '\u{2e80}'..='\u{303e}'
        | '\u{3041}'..='\u{a4cf}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe6f}'
        | '\u{ff00}'..='\u{ff60}'
        | '\u{ffe0}'..='\u{ffe6}'
        | '\u{1f300}'..='\u{1f64f}'
        | '\u{1f900}'..='\u{1f9ff}'
        | '\u{20000}'..='\u{3fffd}' => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::super::problem::{Code, Findings};

    fn check(text: &str, range: std::ops::Range<usize>, want: &[&str]) {
        let mut findings = Findings::new(text);
        let span = findings.span(range);
        findings.error(Code::InvalidValue, span, "wrong").label("here");
        let rendered = findings.finish().render("x.toml", text);
        assert_eq!(rendered.lines().collect::<Vec<_>>(), want, "{text:?}");
    }

    #[test]
    fn the_caret_stands_below_the_spot() {
        check("a = 1", 0..1, &["error: wrong", " --> x.toml:1:1", "  |", "1 | a = 1", "  | ^ here"]);
        check(
            "\n\tb = 2\n",
            2..3,
            &["error: wrong", " --> x.toml:2:2", "  |", "2 |     b = 2", "  |     ^ here"],
        );
        check("中é = 1", 3..5, &["error: wrong", " --> x.toml:1:2", "  |", "1 | 中é = 1", "  |   ^ here"]);
        check(
            "a = 中文",
            4..10,
            &["error: wrong", " --> x.toml:1:5", "  |", "1 | a = 中文", "  |     ^^^^ here"],
        );
        check(
            "a\u{1b}[31m b",
            6..7,
            &["error: wrong", " --> x.toml:1:7", "  |", "1 | a\u{fffd}[31m b", "  |       ^ here"],
        );
        check(
            "a = \"\"\"\nb\"\"\"",
            4..11,
            &["error: wrong", " --> x.toml:1:5", "  |", "1 | a = \"\"\"", "  |     ^^^ here"],
        );
        check("a\r\n", 99..99, &["error: wrong", " --> x.toml:2:1", "  |", "2 |", "  | ^ here"]);
        check(&"\n".repeat(9), 9..9, &["error: wrong", "  --> x.toml:10:1", "   |", "10 |", "   | ^ here"]);
    }

    #[test]
    fn a_long_line_is_cut_around_the_caret() {
        let text = format!("a = \"{}!{}\"", "x".repeat(500), "y".repeat(500));
        let shown = format!("1 | …{}!{}…", "x".repeat(40), "y".repeat(99));
        let caret = format!("  | {}^ here", " ".repeat(41));
        check(&text, 505..506, &["error: wrong", " --> x.toml:1:506", "  |", &shown, &caret]);
    }
}
