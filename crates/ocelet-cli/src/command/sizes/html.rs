//! The sizes as one HTML page without script, style sheets or images of its own elsewhere. Every name in it comes out
//! of images, so all text is escaped.

use std::fmt::Write;

use ocelet::finished::{Excess, Matrix, SizedSet};

const HEAD: &str = "<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>Image sizes</title>\n<style>\n\
    body { font: 15px/1.4 system-ui, sans-serif; margin: 2em auto; max-width: 70em; padding: 0 1em }\n\
    table { border-collapse: collapse; margin: 1em 0 }\n\
    th, td { border-bottom: 1px solid #ccc; padding: .2em .8em; text-align: right }\n\
    th:first-child, td:first-child { text-align: left }\n\
    .over { color: #a00; white-space: pre-wrap }\n\
    </style>\n<h1>Image sizes</h1>\n";

/// The page: the matrix, what is over the budget, and each image folded up.
pub(super) fn page(matrix: &Matrix, sets: &[SizedSet], excesses: &[Excess]) -> String {
    let mut page = HEAD.to_owned();
    page.push_str(&table(matrix));
    // Writing to a String cannot fail.
    let _ = writeln!(page, "<p>{}</p>", escape(super::UNITS));
    for excess in excesses {
        let _ = writeln!(page, "<p class=\"over\">{}</p>", escape(&excess.to_string()));
    }
    for set in sets {
        for image in &set.images {
            let _ = writeln!(page, "<details><summary>{}</summary>", escape(&super::title(set, image)));
            for part in super::parts(image) {
                page.push_str(&table(&part));
            }
            page.push_str("</details>\n");
        }
    }
    page.push_str("</html>\n");
    page
}

fn table(matrix: &Matrix) -> String {
    let row = |cells: &[String], tag: &str| {
        let cells = cells.iter().fold(String::new(), |mut cells, cell| {
            // Writing to a String cannot fail.
            let _ = write!(cells, "<{tag}>{}</{tag}>", escape(cell));
            cells
        });
        format!("<tr>{cells}</tr>\n")
    };
    let lines: String = matrix.lines.iter().map(|line| row(line, "td")).collect();
    format!("<table>\n{}{lines}</table>\n", row(&matrix.head, "th"))
}

/// Text as HTML has it (HTML Living Standard, "Escaping a string"), with both quotes.
fn escape(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut escaped, one| {
        match one {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
        escaped
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_become_markup() {
        let set = SizedSet { name: "<b>&\"'".to_owned(), images: Vec::new(), stored: 0 };
        let matrix = Matrix {
            head: vec!["x".to_owned(), set.name.clone()],
            lines: vec![vec!["<script>".to_owned(), String::new()]],
        };
        let page = page(&matrix, &[set], &[]);
        assert!(page.contains("<th>&lt;b&gt;&amp;&quot;&#39;</th>"), "{page}");
        assert!(page.contains("<td>&lt;script&gt;</td>") && !page.contains("<script"), "{page}");
        assert!(page.ends_with("</html>\n"));
    }
}
