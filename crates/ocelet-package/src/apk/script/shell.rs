//! Cuts a shell script into its simple commands (POSIX.1-2017, XCU chapter 2), as far as reading needs it.
//!
//! Quoting, comments, continued lines, here-documents, redirections, lists and the words that open and close
//! compound commands are known. Variables that were set to plain text are put in; every other expansion makes a
//! word unknown. Nothing is executed, and a script that is not well formed gives commands that are not understood.

use std::collections::BTreeMap;

/// A simple command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Command {
    pub(crate) line: usize,
    /// The command as it stands there.
    pub(crate) text: String,
    /// Its words, without redirections. A word is nothing where it cannot be known beforehand.
    pub(crate) words: Vec<Option<String>>,
    /// Whether its output goes to a file or to another command.
    pub(crate) redirected: bool,
    pub(crate) conditional: bool,
}

/// A piece of the script.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(Word),
    /// `;` and the end of a line.
    End,
    /// `&&`, `||`.
    AndOr(&'static str),
    Pipe,
    Background,
    Open,
    Close,
    /// `;;`.
    CaseEnd,
    /// A redirection; whether it takes what the command writes to somewhere that stays.
    Redirect(bool),
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Word {
    /// As it stands in the script.
    raw: String,
    /// The parts that it is made of.
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Variable(String),
    Unknown,
}

/// The words that open and close compound commands: how they change the depth.
const KEYWORDS: [(&str, isize); 14] = [
    ("if", 1),
    ("then", 0),
    ("elif", 0),
    ("else", 0),
    ("fi", -1),
    ("for", 1),
    ("while", 1),
    ("until", 1),
    ("do", 0),
    ("done", -1),
    ("case", 1),
    ("esac", -1),
    ("{", 1),
    ("}", -1),
];

/// The simple commands of a script, in their order.
pub(crate) fn commands(text: &str) -> Vec<Command> {
    let mut parser = Parser::default();
    for (line, token) in Lexer::new(text).tokens() {
        parser.token(line, token);
    }
    parser.finish();
    parser.commands
}

/// Puts tokens together to commands.
#[derive(Default)]
struct Parser {
    commands: Vec<Command>,
    words: Vec<Word>,
    line: usize,
    redirected: bool,
    depth: isize,
    after_and_or: bool,
    /// How deep in `case` the words up to `)` are patterns.
    pattern: Vec<isize>,
    variables: BTreeMap<String, Option<String>>,
    /// Whether a command may leave the script, so that what follows may not be reached.
    left: bool,
}

impl Parser {
    fn token(&mut self, line: usize, token: Token) {
        match token {
            Token::Word(word) => self.word(line, word),
            Token::Redirect(stays) => self.redirected |= stays,
            Token::End | Token::Background => {
                self.finish();
                self.after_and_or = false;
            }
            Token::AndOr(operator) => {
                self.finish();
                // `x || true` does not make what follows on other lines conditional, and `x` itself neither.
                self.after_and_or = operator == "&&" || operator == "||";
            }
            // Patterns are joined with `|` too.
            Token::Pipe if self.pattern.last() == Some(&self.depth) => {}
            Token::Pipe => {
                self.redirected = true;
                self.finish();
                self.after_and_or = true;
            }
            Token::Open => self.open(),
            Token::Close => self.close(),
            Token::CaseEnd => {
                self.finish();
                self.pattern.push(self.depth);
            }
        }
    }

    fn word(&mut self, line: usize, word: Word) {
        if self.words.is_empty() {
            self.line = line;
            if let Some((keyword, change)) = KEYWORDS.iter().find(|(keyword, _)| *keyword == word.raw) {
                self.depth += change;
                if *keyword == "esac" {
                    self.pattern.retain(|depth| *depth <= self.depth);
                }
                if !matches!(*keyword, "for" | "case") {
                    return;
                }
            }
        }
        let in_case = self.words.first().is_some_and(|first| first.raw == "case");
        if in_case && word.raw == "in" {
            self.words.clear();
            self.pattern.push(self.depth);
            return;
        }
        self.words.push(word);
    }

    /// `(` opens a subshell or, behind the name of a function, what makes it one.
    fn open(&mut self) {
        if self.words.len() == 1 {
            self.words.clear();
        } else if self.pattern.last() != Some(&self.depth) {
            self.finish();
            self.depth += 1;
        }
    }

    /// `)` ends a pattern, a subshell, or what makes a function.
    fn close(&mut self) {
        if self.pattern.last() == Some(&self.depth) {
            self.pattern.pop();
            self.words.clear();
        } else if !self.words.is_empty() || self.depth > 0 {
            self.finish();
            self.depth -= 1;
        }
        self.depth = self.depth.max(0);
    }

    fn finish(&mut self) {
        let words = std::mem::take(&mut self.words);
        let redirected = std::mem::take(&mut self.redirected);
        let Some(first) = words.first() else { return };
        if first.raw == "for" {
            if let Some(variable) = words.get(1) {
                self.variables.insert(variable.raw.clone(), None);
            }
            return;
        }
        let conditional = self.depth > 0 || self.after_and_or || self.left;
        let text = words.iter().map(|word| word.raw.as_str()).collect::<Vec<_>>().join(" ");
        let known: Vec<Option<String>> = words.iter().map(|word| self.expand(word)).collect();
        if let Some(assignments) = assignments(&words, &known) {
            for (name, value) in assignments {
                let value = if conditional { None } else { value };
                self.variables.insert(name, value);
            }
            return;
        }
        // An exit ends the script where nothing stands before it; behind a condition it may.
        if matches!(first.raw.as_str(), "exit" | "exec" | "return") {
            self.left = true;
        }
        self.commands.push(Command { line: self.line, text, words: known, redirected, conditional });
    }

    fn expand(&self, word: &Word) -> Option<String> {
        let mut text = String::new();
        for part in &word.parts {
            match part {
                Part::Text(plain) => text.push_str(plain),
                Part::Variable(name) => text.push_str(self.variables.get(name)?.as_ref()?),
                Part::Unknown => return None,
            }
        }
        Some(text)
    }
}

/// The variables that a command sets, where it does nothing else.
fn assignments(words: &[Word], known: &[Option<String>]) -> Option<Vec<(String, Option<String>)>> {
    let skip = usize::from(matches!(words.first()?.raw.as_str(), "local" | "export" | "readonly"));
    let rest = words.iter().zip(known).skip(skip);
    rest.map(|(word, known)| {
        let (name, _) = word.raw.split_once('=').or_else(|| (skip == 1).then_some((&*word.raw, "")))?;
        let is_name = !name.is_empty()
            && !name.starts_with(|first: char| first.is_ascii_digit())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let value = known.as_ref().and_then(|known| known.split_once('=')).map(|(_, value)| value.to_owned());
        is_name.then(|| (name.to_owned(), value))
    })
    .collect()
}

/// Cuts the text into tokens.
struct Lexer<'text> {
    rest: std::iter::Peekable<std::str::Chars<'text>>,
    line: usize,
    /// The words that end the here-documents which begin with the next line, and whether tabs are dropped.
    documents: Vec<(String, bool)>,
    tokens: Vec<(usize, Token)>,
}

impl<'text> Lexer<'text> {
    fn new(text: &'text str) -> Self {
        Self { rest: text.chars().peekable(), line: 1, documents: Vec::new(), tokens: Vec::new() }
    }

    fn tokens(mut self) -> Vec<(usize, Token)> {
        while let Some(next) = self.rest.next() {
            self.step(next);
        }
        self.push(Token::End);
        self.tokens
    }

    fn push(&mut self, token: Token) {
        self.tokens.push((self.line, token));
    }

    fn take(&mut self, wanted: char) -> bool {
        self.rest.next_if_eq(&wanted).is_some()
    }

    fn step(&mut self, next: char) {
        match next {
            '\n' => {
                self.push(Token::End);
                self.line += 1;
                self.skip_documents();
            }
            ' ' | '\t' | '\r' => {}
            '\\' if self.take('\n') => self.line += 1,
            '#' => while self.rest.next_if(|next| *next != '\n').is_some() {},
            ';' if self.take(';') => self.push(Token::CaseEnd),
            ';' => self.push(Token::End),
            '&' if self.take('&') => self.push(Token::AndOr("&&")),
            '|' if self.take('|') => self.push(Token::AndOr("||")),
            '&' => self.push(Token::Background),
            '|' => self.push(Token::Pipe),
            '(' => self.push(Token::Open),
            ')' => self.push(Token::Close),
            '<' | '>' => self.redirection(next),
            first => {
                let word = self.word(Some(first));
                let descriptor = word.raw.bytes().all(|byte| byte.is_ascii_digit());
                match self.rest.peek().copied() {
                    Some(direction @ ('<' | '>')) if descriptor => {
                        self.rest.next();
                        self.redirection(direction);
                    }
                    _ => self.push(Token::Word(word)),
                }
            }
        }
    }

    /// What stands behind `<` or `>`: operators, blanks and the word.
    fn redirection(&mut self, direction: char) {
        let document = direction == '<' && self.take('<');
        let tabs = document && self.take('-');
        while self.rest.next_if(|next| matches!(next, '>' | '&' | '|')).is_some() {}
        while self.rest.next_if(|next| matches!(next, ' ' | '\t')).is_some() {}
        let target = self.word(None);
        if document {
            let end = target.raw.chars().filter(|letter| !matches!(letter, '\'' | '"' | '\\')).collect();
            self.documents.push((end, tabs));
        }
        let nowhere = target.raw == "/dev/null" || target.raw == "/dev/stderr";
        let descriptor = !target.raw.is_empty() && target.raw.bytes().all(|byte| byte.is_ascii_digit());
        self.push(Token::Redirect(direction == '>' && !nowhere && !descriptor));
    }

    fn skip_documents(&mut self) {
        for (end, tabs) in std::mem::take(&mut self.documents) {
            while self.rest.peek().is_some() {
                let mut text = String::new();
                while let Some(next) = self.rest.next_if(|next| *next != '\n') {
                    text.push(next);
                }
                self.rest.next();
                self.line += 1;
                let text = if tabs { text.trim_start_matches('\t') } else { &text };
                if text == end {
                    break;
                }
            }
        }
    }

    /// One word. `first` was taken already.
    fn word(&mut self, first: Option<char>) -> Word {
        let mut word = Word::default();
        let mut next = first.or_else(|| self.next_of_word());
        while let Some(letter) = next {
            word.raw.push(letter);
            match letter {
                '\'' => self.single_quoted(&mut word),
                '"' => self.double_quoted(&mut word),
                '$' => self.expansion(&mut word),
                '`' => self.skip_to('`', &mut word),
                '\\' => {
                    if let Some(quoted) = self.rest.next() {
                        word.raw.push(quoted);
                        word.text(quoted);
                    }
                }
                '*' | '?' | '[' | '~' => word.parts.push(Part::Unknown),
                plain => word.text(plain),
            }
            next = self.next_of_word();
        }
        // `[` alone is a command, and no glob.
        if word.raw == "[" {
            word.parts = vec![Part::Text("[".to_owned())];
        }
        word
    }

    fn next_of_word(&mut self) -> Option<char> {
        self.rest.next_if(|next| !next.is_whitespace() && !";&|()<>".contains(*next))
    }

    fn count(&mut self, letter: char) {
        self.line += usize::from(letter == '\n');
    }

    fn single_quoted(&mut self, word: &mut Word) {
        word.parts.push(Part::Text(String::new()));
        for letter in self.rest.by_ref() {
            self.line += usize::from(letter == '\n');
            word.raw.push(letter);
            if letter == '\'' {
                return;
            }
            word.text(letter);
        }
    }

    fn double_quoted(&mut self, word: &mut Word) {
        word.parts.push(Part::Text(String::new()));
        while let Some(letter) = self.rest.next() {
            self.count(letter);
            word.raw.push(letter);
            match letter {
                '"' => return,
                '$' => self.expansion(word),
                '`' => self.skip_to('`', word),
                '\\' => {
                    if let Some(quoted) = self.rest.next() {
                        self.count(quoted);
                        word.raw.push(quoted);
                        word.text(quoted);
                    }
                }
                plain => word.text(plain),
            }
        }
    }

    /// What stands behind `$`.
    fn expansion(&mut self, word: &mut Word) {
        match self.rest.peek().copied() {
            Some('{') => {
                let before = word.raw.len();
                self.skip_to('}', word);
                let inside = word.raw[before..].trim_start_matches('{').trim_end_matches('}');
                let plain = inside.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
                if plain && !inside.is_empty() {
                    let name = inside.to_owned();
                    word.parts.pop();
                    word.parts.push(Part::Variable(name));
                }
            }
            Some('(') => self.skip_parentheses(word),
            _ => {
                let mut name = String::new();
                while let Some(letter) =
                    self.rest.next_if(|next| next.is_ascii_alphanumeric() || *next == '_')
                {
                    name.push(letter);
                }
                word.raw.push_str(&name);
                if name.is_empty() {
                    if let Some(special) = self.rest.next_if(|next| "@*#?$!-".contains(*next)) {
                        word.raw.push(special);
                    }
                    word.parts.push(Part::Unknown);
                } else {
                    word.parts.push(Part::Variable(name));
                }
            }
        }
    }

    fn skip_to(&mut self, end: char, word: &mut Word) {
        word.parts.push(Part::Unknown);
        while let Some(letter) = self.rest.next() {
            self.count(letter);
            word.raw.push(letter);
            if letter == end {
                return;
            }
        }
    }

    fn skip_parentheses(&mut self, word: &mut Word) {
        word.parts.push(Part::Unknown);
        let mut depth = 0_usize;
        while let Some(letter) = self.rest.next() {
            self.count(letter);
            word.raw.push(letter);
            match letter {
                '(' => depth += 1,
                ')' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return;
            }
        }
    }
}

impl Word {
    fn text(&mut self, letter: char) {
        match self.parts.last_mut() {
            Some(Part::Text(text)) => text.push(letter),
            _ => self.parts.push(Part::Text(letter.to_string())),
        }
    }
}
