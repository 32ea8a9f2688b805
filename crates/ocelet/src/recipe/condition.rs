//! [`Condition`]: what `when` says — `kubernetes >= 1.24 and volumes has nfs`.
//!
//! Clauses joined by `and`, of which all must hold: a variable, one of `< <= > >= = !=` and a version, or the name of a
//! list parameter, `has` or `lacks`, and a word. A version is dotted numbers, and as many of them as the condition
//! writes are compared: `1.24.9` is `= 1.24`, and `1.38.0-alpha.2` is not `< 1.38`. It refuses `or`, parentheses and
//! comparing one variable with another.

use std::cmp::Ordering;
use std::ops::Range;

use super::fields::Text;
use super::names::VariableName;
use super::problem::{Code, Findings, Span};
use super::variables::{Variable, Variables};

/// The operators between a variable and a version.
const OPERATORS: &[&str] = &["<", "<=", ">", ">=", "=", "!="];

/// No version has more components than this.
const MOST_COMPONENTS: usize = 8;

/// Clauses of which all must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Condition {
    clauses: Vec<Clause>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Clause {
    variable: String,
    /// Where the variable stands in the text.
    at: Range<usize>,
    test: Test,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Test {
    Version { operator: &'static str, version: Vec<u64> },
    Word { wanted: bool, word: String, at: Range<usize> },
}

/// Why a text is not a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mistake {
    pub(super) message: String,
    pub(super) label: String,
    pub(super) at: Range<usize>,
}

/// Who is asked: a recipe knows all words of its parameters, a needs pack may name more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Words {
    Known,
    Any,
}

/// Whether what has this `when` is wanted; a condition with a problem, which is noted, takes nothing away.
pub(super) fn holds(when: Option<&Text>, variables: &mut Variables, findings: &mut Findings<'_>) -> bool {
    let Some(text) = when else { return true };
    match Condition::parse(&text.value) {
        Ok(condition) => {
            let places: Vec<(Range<usize>, Span)> =
                condition.places().map(|at| (at.clone(), text.part(findings, at))).collect();
            let place = |at: &Range<usize>| {
                places.iter().find(|(known, _)| known == at).map_or(text.span, |(_, span)| *span)
            };
            condition.holds(Words::Known, &place, variables, findings).unwrap_or(true)
        }
        Err(mistakes) => {
            for Mistake { message, label, at } in mistakes {
                let span = text.part(findings, at);
                findings.error(Code::InvalidValue, span, message).label(label);
            }
            true
        }
    }
}

impl Condition {
    /// Reads a condition.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, Vec<Mistake>> {
        let tokens = tokens(text);
        let (mut clauses, mut mistakes) = (Vec::new(), Vec::new());
        let end = text.len();
        for part in tokens.split(|(token, _)| *token == "and") {
            match clause(part) {
                Ok(clause) => clauses.push(clause),
                Err((message, label)) => {
                    let at = match (part.first(), part.last()) {
                        (Some((_, first)), Some((_, last))) => first.start..last.end,
                        _ => 0..end,
                    };
                    mistakes.push(Mistake { message, label, at });
                }
            }
        }
        if mistakes.is_empty() { Ok(Self { clauses }) } else { Err(mistakes) }
    }

    /// The variables that it names.
    pub(super) fn variables(&self) -> impl Iterator<Item = &str> {
        self.clauses.iter().map(|clause| clause.variable.as_str())
    }

    fn places(&self) -> impl Iterator<Item = Range<usize>> {
        self.clauses.iter().flat_map(|clause| {
            let word = match &clause.test {
                Test::Word { at, .. } => Some(at.clone()),
                Test::Version { .. } => None,
            };
            std::iter::once(clause.at.clone()).chain(word)
        })
    }

    /// Whether all clauses hold; nothing where one of them cannot be answered, which is noted. `place` tells where a
    /// stretch of the text stands.
    pub(super) fn holds(
        &self,
        words: Words,
        place: &dyn Fn(&Range<usize>) -> Span,
        variables: &mut Variables,
        findings: &mut Findings<'_>,
    ) -> Option<bool> {
        // All clauses are looked at, so that each variable counts as used and each problem shows.
        let answers: Vec<Option<bool>> =
            self.clauses.iter().map(|clause| clause.holds(words, place, variables, findings)).collect();
        answers.into_iter().try_fold(true, |all, one| Some(all && one?))
    }
}

impl Clause {
    fn holds(
        &self,
        words: Words,
        place: &dyn Fn(&Range<usize>) -> Span,
        variables: &mut Variables,
        findings: &mut Findings<'_>,
    ) -> Option<bool> {
        let span = place(&self.at);
        let variable = variables.asked(&self.variable, span, findings)?;
        let name = &self.variable;
        match &self.test {
            Test::Version { operator, version } => {
                let Some(given) = version_of(&variable).filter(|_| !variable.is_list) else {
                    let message =
                        format!("the variable \"{name}\" is \"{}\", which is no version", variable.value);
                    findings.error(Code::InvalidValue, span, message).label(if variable.is_list {
                        format!("write \"{name} has WORD\" or \"{name} lacks WORD\"")
                    } else {
                        "versions begin with dotted numbers, like 1.36.4".to_owned()
                    });
                    return None;
                };
                Some(compares(&given, operator, version))
            }
            Test::Word { wanted, word, at } => {
                if !variable.is_list {
                    let message = format!("the variable \"{name}\" is no list, so it has no words");
                    findings
                        .error(Code::InvalidValue, span, message)
                        .label("say list = true in its parameter, or compare it with a version");
                    return None;
                }
                let choices = variables.choices(name);
                if words == Words::Known && !choices.is_empty() && !choices.contains(word) {
                    let message = format!("the parameter \"{name}\" never has the word \"{word}\"");
                    let problem = findings.error(Code::UnknownName, place(at), message);
                    problem.did_you_mean(word, choices.iter().map(String::as_str));
                    problem.label(format!("its words are {}", choices.join(", ")));
                    return None;
                }
                Some(variable.words().any(|given| given == word) == *wanted)
            }
        }
    }
}

/// Words, and runs of the characters of operators, with their places.
fn tokens(text: &str) -> Vec<(&str, Range<usize>)> {
    let class = |character: char| match character {
        '<' | '>' | '=' | '!' | '~' => 1,
        other if other.is_whitespace() => 0,
        _ => 2,
    };
    let mut tokens: Vec<(&str, Range<usize>)> = Vec::new();
    let mut last = 0;
    for (at, character) in text.char_indices() {
        let (this, end) = (class(character), at + character.len_utf8());
        match tokens.last_mut() {
            Some((token, range)) if this == last && this != 0 => {
                range.end = end;
                *token = &text[range.clone()];
            }
            _ if this != 0 => tokens.push((&text[at..end], at..end)),
            _ => {}
        }
        last = this;
    }
    tokens
}

const FORM: &str = "write \"VARIABLE < VERSION\", with one of < <= > >= = !=, or \"VARIABLE has WORD\" or \"lacks\"; join several by \"and\"";

fn clause(tokens: &[(&str, Range<usize>)]) -> Result<Clause, (String, String)> {
    let words: Vec<&str> = tokens.iter().map(|(token, _)| *token).collect();
    let [(variable, at), (operator, _), (value, value_at)] = tokens else {
        let message = match words.as_slice() {
            [] => "a clause of the condition is empty".to_owned(),
            all => format!("\"{}\" is not a clause of a condition", all.join(" ")),
        };
        let label = if words.iter().any(|word| ["or", "||", "&&", "not"].contains(word)) {
            "conditions have only \"and\"; write the thing twice, each with its own condition"
        } else {
            FORM
        };
        return Err((message, label.to_owned()));
    };
    if let Err(error) = VariableName::new(*variable) {
        return Err((error.to_string(), FORM.to_owned()));
    }
    let test = if let Some(operator) = OPERATORS.iter().find(|known| *known == operator) {
        let Some(version) = version(value) else {
            let message = format!("\"{value}\" is not a version to compare with");
            return Err((message, "write dotted numbers, like 1.24".to_owned()));
        };
        Test::Version { operator, version }
    } else if ["has", "lacks"].contains(operator) {
        Test::Word { wanted: *operator == "has", word: (*value).to_owned(), at: value_at.clone() }
    } else {
        return Err((format!("\"{operator}\" is not an operator of conditions"), FORM.to_owned()));
    };
    Ok(Clause { variable: (*variable).to_owned(), at: at.clone(), test })
}

/// Dotted numbers and nothing else.
fn version(text: &str) -> Option<Vec<u64>> {
    let number = |part: &str| {
        if part.bytes().all(|byte| byte.is_ascii_digit()) { part.parse().ok() } else { None }
    };
    text.split('.').map(number).collect::<Option<Vec<u64>>>().filter(|all| all.len() <= MOST_COMPONENTS)
}

/// The dotted numbers that a value begins with; at least one.
fn version_of(variable: &Variable) -> Option<Vec<u64>> {
    numbers(&variable.value)
}

fn numbers(value: &str) -> Option<Vec<u64>> {
    let end = value.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(value.len());
    let parts = value[..end].split('.').take_while(|part| !part.is_empty()).take(MOST_COMPONENTS);
    parts.map(|part| part.parse().ok()).collect::<Option<Vec<u64>>>().filter(|all| !all.is_empty())
}

/// The first two numbers of a version, like 1.36 of 1.36.4.
pub(super) fn minor(value: &str) -> Option<String> {
    match numbers(value)?.as_slice() {
        [major, minor, ..] => Some(format!("{major}.{minor}")),
        _ => None,
    }
}

fn compares(given: &[u64], operator: &str, version: &[u64]) -> bool {
    let padded = given.iter().copied().chain(std::iter::repeat(0)).take(version.len());
    let order = padded.cmp(version.iter().copied());
    match operator {
        "<" => order == Ordering::Less,
        "<=" => order != Ordering::Greater,
        ">" => order == Ordering::Greater,
        ">=" => order != Ordering::Less,
        "!=" => order != Ordering::Equal,
        _ => order == Ordering::Equal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_far_as_the_condition_says() {
        for (given, holds, fails) in [
            (
                "1.24.9",
                "= 1.24 >= 1.24 <= 1.24 < 1.25 > 1.23 != 1.23 = 1 < 2 = 1.24.9 >= 1.24.9",
                "< 1.24 > 1.24 != 1.24 = 1.24.8 < 1.24.9",
            ),
            ("1.38.0-alpha.2", ">= 1.38 = 1.38 >= 1.38.0", "< 1.38 > 1.38"),
            ("1.9", "< 1.10 = 1.9.0 > 1.8.99", "> 1.10 = 1.9.1"),
            ("3.22_rc1", "= 3.22 < 3.23", "> 3.22"),
            ("1.24.9+k3s1", "= 1.24.9", "= 1.24.8"),
            ("2", "> 1.99 = 2.0", "< 1.99"),
        ] {
            let given = numbers(given).expect("a version");
            for (text, want) in [(holds, true), (fails, false)] {
                let words: Vec<&str> = text.split(' ').collect();
                for pair in words.chunks(2) {
                    let version = version(pair[1]).expect("a version");
                    assert_eq!(compares(&given, pair[0], &version), want, "{given:?} {pair:?}");
                }
            }
        }
        for (value, want) in [
            ("1.36.4", Some("1.36")),
            ("1.36", Some("1.36")),
            ("1", None),
            ("v1.2", None),
            ("", None),
            (".1", None),
        ] {
            assert_eq!(minor(value).as_deref(), want, "{value}");
        }
        assert_eq!(numbers("99999999999999999999.1"), None);
    }

    #[test]
    fn what_is_no_condition_says_why() {
        for (text, want) in [
            ("", "0..0 a clause of the condition is empty"),
            ("a < 1 and", "0..9 a clause of the condition is empty"),
            ("a", "0..1 \"a\" is not a clause of a condition"),
            ("a < 1 or b > 2", "0..14 \"a < 1 or b > 2\" is not a clause of a condition"),
            ("a == 1", "0..6 \"==\" is not an operator of conditions"),
            ("a ~ 1", "0..5 \"~\" is not an operator of conditions"),
            ("a < 1.x", "0..7 \"1.x\" is not a version to compare with"),
            ("a < 1.", "0..6 \"1.\" is not a version to compare with"),
            (
                "x and a < b",
                "0..1 \"x\" is not a clause of a condition;6..11 \"b\" is not a version to compare with",
            ),
            ("a contains b", "0..12 \"contains\" is not an operator of conditions"),
            (
                "é < 1",
                "0..6 \"é\" cannot be the name of a variable: it has letters, digits, '.', '_' and '-', begins with a letter or digit, at most 64 characters",
            ),
        ] {
            let mistakes = Condition::parse(text).expect_err(text);
            let told: Vec<String> =
                mistakes.iter().map(|one| format!("{:?} {}", one.at, one.message)).collect();
            assert_eq!(told.join(";"), want, "{text}");
        }
        for text in ["a<1", "a-b.c >=1.2", " a  has  b ", "a lacks b and c != 1.2.3"] {
            assert!(Condition::parse(text).is_ok(), "{text}");
        }
    }
}
