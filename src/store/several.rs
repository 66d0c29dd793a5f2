//! Several rows at once: by their keys, with one question for some hundred of them, and new ones by the dozen.
use super::StoreError;
use super::engine::Tx;
use super::engine::Value;

/// Keys of one question at most.
const SEVERAL_MAX: usize = 256;

/// Rows that one statement writes at most.
const ROWS_MAX: usize = 64;

/// A part of what is asked for: its values, and the places that they stand in.
pub(super) struct Part<'a> {
    pub(super) values: Vec<Value<'a>>,
    /// `($1), ($2)`, or `($1, $2), ($3, $4)`.
    pub(super) places: String,
}

/// Writes all of these rows, some dozens with one statement: `head` up to `VALUES`, `tail` behind them. How many rows
/// it was about.
pub(super) async fn insert(
    tx: &mut Tx,
    head: &str,
    rows: &[Vec<Value<'_>>],
    tail: &str,
) -> Result<u64, StoreError> {
    let (mut done, mut left) = (0, rows);
    while let Some(width) = left.first().map(Vec::len) {
        // Few different statements: as many rows as a power of two has.
        let most = left.len().min(ROWS_MAX);
        let count = 1 << most.ilog2();
        let (these, others) = left.split_at(count);
        let sql = format!("{head} VALUES {} {tail}", places(count, width));
        let values: Vec<_> = these.iter().flatten().copied().collect();
        done += tx.run(&sql, &values).await?;
        left = others;
    }
    Ok(done)
}

/// `($1, $2), ($3, $4)`.
fn places(rows: usize, width: usize) -> String {
    let each = (0..rows).map(|row| {
        let places = (1..=width).map(|column| format!("${}", row * width + column));
        format!("({})", places.collect::<Vec<_>>().join(", "))
    });
    each.collect::<Vec<_>>().join(", ")
}

/// In parts, each filled up with what stands in it last: so that few different statements are prepared.
/// `width`: the values of one key.
pub(super) fn parts<'a>(all: &[Vec<Value<'a>>], width: usize) -> Vec<Part<'a>> {
    let chunks = all.chunks(SEVERAL_MAX).filter_map(|chunk| Some((chunk, chunk.last()?)));
    let part = |(chunk, last): (&[Vec<Value<'a>>], &Vec<Value<'a>>)| {
        let room = chunk.len().next_power_of_two();
        let filled = chunk.iter().chain(std::iter::repeat_n(last, room - chunk.len()));
        Part { values: filled.flatten().copied().collect(), places: places(room, width) }
    };
    chunks.map(part).collect()
}

/// The same for texts.
pub(super) fn texts<'a>(all: &[&'a str]) -> Vec<Part<'a>> {
    parts(&all.iter().map(|it| vec![Value::Text(it)]).collect::<Vec<_>>(), 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_different_statements_are_made_and_none_is_too_long() {
        let keys: Vec<String> = (0..SEVERAL_MAX + 3).map(|it| it.to_string()).collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let all = texts(&keys);
        let shapes: Vec<_> = all.iter().map(|it| (it.values.len(), &*it.places)).collect();
        assert_eq!(shapes[1], (4, "($1), ($2), ($3), ($4)"));
        assert_eq!((shapes.len(), shapes[0].0), (2, SEVERAL_MAX));
        assert!(matches!(all[1].values[2..], [Value::Text("258"), Value::Text("258")]));
        assert!(texts(&[]).is_empty());
        let pins = vec![vec![Value::Text("a"), Value::Integer(1)]; 2];
        assert_eq!(parts(&pins, 2)[0].places, "($1, $2), ($3, $4)");
    }
}
