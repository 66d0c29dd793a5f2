//! Configuration: whatever the file, it is loaded or refused with places, and no message shows what an
//! interpolation stood for.
use attache::config::ConfigError;
use attache::config::File;
use attache::config::Sources;
use attache::reload;
use std::path::Path;

/// Between two files of one configuration.
const NEXT_FILE: &str = "\n=====\n";

/// In every interpolated value, in some spelling.
const MARKS: [&str; 2] = ["canary", "31415926535"];

/// Longer texts only say the same thing more often.
const LEN_MAX: usize = 1 << 16;

/// One YAML file, or several with a line of five `=` between them.
pub fn holds(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    if text.len() > LEN_MAX {
        return;
    }
    let texts: Vec<&str> = text.split(NEXT_FILE).collect();
    let names: Vec<String> = (0..texts.len()).map(|it| format!("file-{it}.yaml")).collect();
    let files: Vec<File<'_>> =
        names.iter().zip(&texts).map(|(name, text)| File { name, text }).collect();
    let sources = Sources { setting: &setting, file: &file };
    let said = match reload::load_texts(&files, sources) {
        Ok(loaded) => {
            let again = reload::load_texts(&files, sources).expect("it was sound a moment ago");
            assert_eq!(again.settings, loaded.settings);
            loaded.warnings
        }
        Err(errors) => {
            assert!(!errors.is_empty(), "refused without a word");
            errors
        }
    };
    let lower = text.to_lowercase();
    for error in &said {
        has_a_place(error, &names, &texts);
        let shown = error.to_string().to_lowercase();
        for mark in MARKS {
            assert!(!shown.contains(mark) || lower.contains(mark), "a secret is shown: {error}");
        }
    }
}

/// The settings of this world, each the worse for whoever quotes it.
fn setting(name: &str) -> Option<String> {
    let value = match name {
        "SECRET" => "cAnArY-0123456789-s3cr3t",
        "SHORT" => "canary",
        "LINES" => "cAnArY-one\ncanary-two: {x}\r\n",
        "QUOTED" => "canary-\"quoted\"-'\\-\u{e9}\u{1f511}",
        "URL" => "https://canary-user:canary-word@canary.example/canary?canary#canary",
        // Braces as in a template. With a field's name in them they would be one, and the name of a
        // credential's field is told.
        "FIELD" => "{canary field}",
        "INNER" => "${canary inner}",
        "NUMBER" => "31415926535",
        "LONG" => return Some("canary-".repeat(2000)),
        "EMPTY" => "",
        _ => return None,
    };
    Some(value.to_owned())
}

fn file(path: &Path) -> Result<String, String> {
    match path.to_str() {
        Some("/secret") => Ok("canary-of-a-file-0123456789\n".to_owned()),
        _ => Err("there is no such file".to_owned()),
    }
}

fn has_a_place(error: &ConfigError, names: &[String], texts: &[&str]) {
    assert!(!error.problem.is_empty(), "{error:?}");
    let file = names.iter().position(|it| *it == error.file);
    let text = texts[file.unwrap_or_else(|| panic!("the problem is in no file: {error:?}"))];
    if error.line == 0 {
        assert_eq!(error.problem, "the file is empty", "{error:?}");
        return;
    }
    // YAML's line breaks (YAML 1.2.2 §5.4), and the end of the text is a place too.
    let lines = text.split(['\n', '\r']).count() + 1;
    let line = usize::try_from(error.line).expect("a line's number");
    assert!(line <= lines && error.column >= 1, "{error:?} is behind the end");
}
