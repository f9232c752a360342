//! Markup: escaped text and tables.

use std::fmt::Write;

/// Text that is safe in elements and in quoted attributes.
pub(super) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            _ => safe.push(c),
        }
    }
    safe
}

/// What a cell holds.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell {
    /// Text, at the left.
    Text(String),
    /// Text that may take several lines.
    Long(String),
    /// A number, at the right.
    Number(String),
    /// A number with its interval.
    Ranged(String, String, String),
}

/// A table whose first row of headings carries the units; a heading stands over the side of its
/// column.
pub(super) fn table(headings: &[&str], rows: &[Vec<Cell>]) -> String {
    let mut html = String::from("<div class=\"scroll\"><table>\n<thead><tr>");
    for (column, heading) in headings.iter().enumerate() {
        let textual = rows
            .first()
            .and_then(|row| row.get(column))
            .is_some_and(|cell| matches!(cell, Cell::Text(_) | Cell::Long(_)));
        let class = if textual { " class=\"text\"" } else { "" };
        let _ = write!(html, "<th{class}>{}</th>", escape(heading));
    }
    html.push_str("</tr></thead>\n<tbody>\n");
    for row in rows {
        html.push_str("<tr>");
        row.iter().for_each(|cell| html.push_str(&cell.html()));
        html.push_str("</tr>\n");
    }
    html.push_str("</tbody></table></div>\n");
    html
}

impl Cell {
    /// A number, empty where it is absent.
    pub(super) fn optional(number: Option<String>) -> Cell {
        Cell::Number(number.unwrap_or_default())
    }

    fn html(&self) -> String {
        match self {
            Cell::Text(text) => format!("<td class=\"text\">{}</td>", escape(text)),
            Cell::Long(text) => format!("<td class=\"text wrap\">{}</td>", escape(text)),
            Cell::Number(number) => format!("<td>{}</td>", escape(number)),
            Cell::Ranged(number, lo, hi) => {
                format!(
                    "<td>{} <span class=\"range\">({} to {})</span></td>",
                    escape(number),
                    escape(lo),
                    escape(hi)
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leaves_a_cell() {
        let html = table(&["a<b"], &[vec![Cell::Text("<script>\"&'".into())]]);
        assert!(html.contains("a&lt;b") && html.contains("&lt;script&gt;&quot;&amp;&#39;"));
        assert!(html.contains("<th class=\"text\">"));
        assert_eq!(Cell::optional(None).html(), "<td></td>");
    }
}
