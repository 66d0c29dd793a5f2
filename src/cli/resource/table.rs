//! Tables for people: 80 columns at most, the first one whole as long as that goes.
use crate::cli::text::plain;
use serde_json::Value;
use unicode_width::UnicodeWidthChar;
use unicode_width::UnicodeWidthStr;

/// What a terminal has at least.
const WIDTH: usize = 80;

/// Between two columns.
const GAP: usize = 2;

/// Narrowest that the first column gets. Others stay as wide as their heads.
const NARROWEST: usize = 20;

/// One column: its head, and what stands below it.
#[derive(Clone, Copy)]
pub(in crate::cli) struct Column {
    pub head: &'static str,
    pub cell: fn(&Value) -> String,
}

/// A line for the heads, and one for each item.
pub(super) fn table(columns: &[Column], items: &[Value]) -> String {
    let cells = |it: &Value| columns.iter().map(|column| plain(&(column.cell)(it))).collect();
    let mut rows: Vec<Vec<String>> = vec![columns.iter().map(|it| it.head.to_owned()).collect()];
    rows.extend(items.iter().map(cells));
    let widths = widths(&rows, columns.len());
    let mut text = String::new();
    for row in &rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            let cell = cut(cell, *width);
            let missing = width - cell.width() + GAP;
            line.push_str(&cell);
            line.extend(std::iter::repeat_n(' ', missing));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn widths(rows: &[Vec<String>], columns: usize) -> Vec<usize> {
    let widest = |at: usize| rows.iter().map(|it| it[at].width()).max().unwrap_or_default();
    let mut widths: Vec<usize> = (0..columns).map(widest).collect();
    let room = WIDTH.saturating_sub(GAP * columns.saturating_sub(1));
    while widths.iter().sum::<usize>() > room {
        // Whoever reads a table goes on with the keys: they are cut last.
        let others = widths.iter_mut().zip(&rows[0]).skip(1);
        let others = others.filter(|(width, head)| **width > head.width());
        let widest = match others.map(|it| it.0).max() {
            Some(widest) => widest,
            None => match widths.first_mut() {
                Some(first) if *first > NARROWEST => first,
                _ => break,
            },
        };
        *widest -= 1;
    }
    widths
}

/// The text, or its beginning with an ellipsis.
fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let (mut kept, mut used) = (String::new(), 0);
    for it in text.chars() {
        used += it.width().unwrap_or_default();
        if used >= width {
            break;
        }
        kept.push(it);
    }
    kept.push('…');
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const COLUMNS: &[Column] = &[
        Column { head: "KEY", cell: |it| it["key"].as_str().unwrap_or_default().to_owned() },
        Column { head: "NAME", cell: |it| it["name"].as_str().unwrap_or_default().to_owned() },
        Column { head: "IN", cell: |it| it["in"].as_str().unwrap_or_default().to_owned() },
    ];

    #[test]
    fn a_table_is_as_narrow_as_what_stands_in_it() {
        let items = [json!({"key": "a", "name": "Ä", "in": "x"}), json!({"key": "bb"})];
        assert_eq!(table(COLUMNS, &items), "KEY  NAME  IN\na    Ä     x\nbb\n");
    }

    #[test]
    fn no_line_is_longer_than_80_columns_and_keys_are_cut_last() {
        let key = "k".repeat(63);
        for name in ["n".repeat(300), "名".repeat(100), "a\u{301}".repeat(200)] {
            let items = [json!({"key": key, "name": name, "in": "configuration/attache.yaml"})];
            let table = table(COLUMNS, &items);
            assert!(table.lines().all(|it| it.width() <= WIDTH), "{table}");
            assert!(table.contains(&key), "{table}");
        }
        let items = [json!({"key": "k".repeat(128), "name": "n".repeat(99), "in": "i".repeat(99)})];
        assert!(table(COLUMNS, &items).lines().all(|it| it.width() <= WIDTH));
    }

    #[test]
    fn a_cell_is_one_line_without_control_characters() {
        let text = table(COLUMNS, &[json!({"key": "a\nb\x1b[2J"})]);
        assert_eq!(text.lines().count(), 2);
        assert!(!text.contains('\x1b'));
    }
}
