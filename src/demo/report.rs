//! What the demo prints. Texts only: whoever runs it decides where they go.
use super::attempt::Attempt;
use super::attempt::Findings;
use super::credentials::ADMIN_TOKEN;
use super::credentials::SHOP_KEY;
use super::curl::command;
use super::paint::Paint;
use super::places::Places;
use super::witness::Place;
use super::witness::Sighting;
use std::fmt::Write;
use std::path::Path;

/// Column at which a finding's text begins, counted from its label.
const LABEL_WIDTH: usize = 20;

/// Longest line of a finding, so that with its label it fits 92 columns.
const FINDING_WIDTH: usize = 66;

/// Who is who, and where. `files` are what attache reads and what can be dropped on its console, for whoever stays.
pub fn opening(places: &Places, files: Option<(&Path, &Path)>, paint: Paint) -> String {
    let Places { proxy, admin, public, api, receiver } = places;
    let attache = paint.bold("attache");
    let sign_in = format!("sign in with {ADMIN_TOKEN}; /v1, /metrics");
    let rows = [
        ("the sample API", format!("http://{api}"), "three kinds of credentials; says what it got"),
        ("a receiver", format!("http://{receiver}"), "takes webhooks, if they were verified"),
        ("attache: proxy", format!("http://{proxy}"), "requests out, authenticated"),
        ("attache: public", format!("http://{public}"), "webhooks in, verified"),
        ("attache: console", format!("http://{admin}"), &sign_in),
    ];
    let mut text =
        format!("\n{attache} puts the credential on, so that your code never holds it.\n\n");
    for (what, url, note) in rows {
        writeln!(text, "  {what:<17} {url:<24} {}", paint.dim(note)).expect("a text takes text");
    }
    let secrets =
        "Your code knows one thing, its caller key. The API's credentials are attache's alone"
            .to_owned();
    let notes = match files {
        None => vec![format!("{secrets}.")],
        Some((config, openapi)) => vec![
            format!("{secrets}, in"),
            format!("  {}", config.display()),
            "Change that file while this runs: it is read again at once.".to_owned(),
            format!("Without attache the API refuses: curl http://{api}/shop/orders"),
            format!(
                "In the console, drop an OpenAPI file on Connect: yours, or this one (key: {SHOP_KEY})"
            ),
            format!("  {}", openapi.display()),
        ],
    };
    text.push('\n');
    for note in notes {
        writeln!(text, "  {note}").expect("a text takes text");
    }
    text
}

/// One request to try, ready to be pasted.
pub fn attempt(number: usize, attempt: &Attempt, paint: Paint) -> String {
    let mut text =
        format!("\n{} {}\n", paint.bold(&format!("{number}.")), paint.bold(attempt.title));
    for line in attempt.story {
        writeln!(text, "   {line}").expect("a text takes text");
    }
    text.push('\n');
    for line in command(attempt) {
        writeln!(text, "   {}", paint.command(&line)).expect("a text takes text");
    }
    text
}

/// What came of it.
pub fn outcome(status: Option<u16>, verdict: &Result<Findings, String>, paint: Paint) -> String {
    let status = status.map_or("no answer".to_owned(), |it| it.to_string());
    match verdict {
        Ok(findings) => {
            let mut text = format!("\n   {} {status}\n", paint.good("✓"));
            for (label, finding) in findings {
                let mut label = paint.dim(&format!("{label:<LABEL_WIDTH$}"));
                for line in wrapped(&printable(finding), FINDING_WIDTH) {
                    writeln!(text, "     {label} {line}").expect("a text takes text");
                    label = " ".repeat(LABEL_WIDTH);
                }
            }
            text
        }
        Err(problem) => format!("\n   {} {status}: {problem}\n", paint.bad("✗")),
    }
}

/// The last line of `--once`.
pub fn closing(good: usize, all: usize, paint: Paint) -> String {
    if good == all {
        format!("\n{} All {all} did what they say.\n\n", paint.good("✓"))
    } else {
        format!("\n{} {} of {all} did not do what they say.\n\n", paint.bad("✗"), all - good)
    }
}

/// What to do with all that, when nobody has asked the demo to do it itself.
pub fn invitation(paint: Paint) -> String {
    let wait =
        "Paste any of them into another terminal. What arrives behind attache is shown here.";
    format!("\n{wait}\n{}\n\n", paint.dim("Ctrl-C ends the demo."))
}

/// One request that arrived behind attache while somebody watched.
pub fn sighting(seen: &Sighting, paint: Paint) -> String {
    let place = match seen.place {
        Place::Api => "the API was asked",
        Place::Receiver => "the receiver got",
    };
    let (mark, credential) = match &seen.credential {
        Ok(shown) => (paint.good("✓"), shown.clone()),
        Err(problem) => (paint.bad("✗"), format!("refused: {problem}")),
    };
    let line = format!("{} {}", seen.method, seen.target);
    format!(
        "{mark} {place:<LABEL_WIDTH$} {}\n  {:<LABEL_WIDTH$} {}\n",
        printable(&line),
        "with",
        printable(&credential)
    )
}

/// Broken at spaces; a word that is longer than a line has one of its own.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Control characters escaped: what somebody sent must not steer the terminal.
fn printable(text: &str) -> String {
    text.chars()
        .flat_map(|it| {
            let escaped = it.is_control().then(|| it.escape_default());
            let plain = (!it.is_control()).then_some(it);
            escaped.into_iter().flatten().chain(plain)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::attempts::attempts;
    use super::*;

    const PLACES: [u16; 5] = [8080, 8081, 8082, 8090, 8091];

    fn places() -> Places {
        let [proxy, admin, public, api, receiver] =
            PLACES.map(|port| ([127, 0, 0, 1], port).into());
        Places { proxy, admin, public, api, receiver }
    }

    #[test]
    fn every_line_for_reading_fits_a_terminal() {
        let mut text = opening(
            &places(),
            Some((Path::new("/somewhere/attache.yaml"), Path::new("/somewhere/x.json"))),
            Paint::plain(),
        );
        for (number, it) in (1..).zip(&attempts(&places())) {
            text.push_str(&attempt(number, it, Paint::plain()));
        }
        // A signature in one line of curl takes 104; everything for reading is shorter.
        for line in text.lines().filter(|it| !it.contains("sha256=")) {
            assert!(line.chars().count() <= 92, "{line}");
        }
    }

    #[test]
    fn an_outcome_says_what_was_found_or_what_is_wrong() {
        let good = Ok(vec![("with", "X-Api-Key: k".to_owned())]);
        assert_eq!(
            outcome(Some(200), &good, Paint::plain()),
            "\n   ✓ 200\n     with                 X-Api-Key: k\n"
        );
        let bad = Err("nothing arrived".to_owned());
        assert_eq!(outcome(None, &bad, Paint::plain()), "\n   ✗ no answer: nothing arrived\n");
    }

    #[test]
    fn a_long_finding_goes_on_below_itself() {
        assert_eq!(wrapped("aa bb cc", 5), ["aa bb", "cc"]);
        assert_eq!(wrapped("aaaaaaa b", 5), ["aaaaaaa", "b"]);
        let long = Ok(vec![("in words", "word ".repeat(20).trim().to_owned())]);
        let text = outcome(Some(403), &long, Paint::plain());
        assert!(text.lines().all(|it| it.len() <= 92) && text.lines().count() == 4, "{text}");
    }

    #[test]
    fn what_was_sent_does_not_steer_the_terminal() {
        assert_eq!(printable("a\x1b[2Jb\u{9b}é"), "a\\u{1b}[2Jb\\u{9b}é");
    }
}
