//! Descriptions of APIs: whatever the document, it is refused with the way out, or becomes a connector that loads from
//! a file as it was made.
use attache::config::File;
use attache::config::Sources;
use attache::import;
use attache::import::Options;
use attache::reload;

/// Longer texts only say the same thing more often.
const LEN_MAX: usize = 1 << 16;

pub fn holds(input: &[u8]) {
    if input.len() > LEN_MAX {
        return;
    }
    let imported = match import::import(input, &Options::default()) {
        Ok(imported) => imported,
        Err(error) => {
            assert!(!error.problem.is_empty(), "refused without a word");
            let lines = input.iter().filter(|it| matches!(it, b'\n' | b'\r')).count() + 2;
            assert!(error.line <= lines, "{error:?} is behind the end");
            return;
        }
    };
    let report = &imported.report;
    for pointer in
        report.places.iter().map(|it| &it.pointer).chain(report.auth.iter().map(|it| &it.pointer))
    {
        assert!(pointer.is_empty() || pointer.starts_with('/'), "{pointer} is no pointer");
    }
    assert_eq!(report.endpoints, imported.connector.endpoints.len());
    assert_eq!(report.auth.len(), imported.connector.auth.len());
    let yaml = imported.to_yaml();
    let files = [File { name: "imported.yaml", text: &yaml }];
    // Nothing of a document is filled in.
    let setting = |name: &str| -> Option<String> { panic!("the setting {name} is asked for") };
    let file =
        |path: &std::path::Path| -> Result<String, String> { panic!("{} is read", path.display()) };
    let loaded = reload::load_texts(&files, Sources { setting: &setting, file: &file });
    let loaded =
        loaded.unwrap_or_else(|errors| panic!("what was made does not load: {errors:?}\n{yaml}"));
    let connector = loaded.snapshot.connector(imported.key.as_str()).expect("it is there");
    assert_eq!(connector.methods.len(), imported.connector.auth.len());
    assert_eq!(connector.endpoints.behind(None).count(), imported.connector.endpoints.len());
}
