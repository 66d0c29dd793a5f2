//! The settings that references name: no two the same, and none that means something to attache itself.
use clap::CommandFactory;
use std::collections::HashSet;

/// Settings that are no flags as well.
const OTHERS: &[&str] = &[
    "ATTACHE_ADMIN_TOKEN",
    "ATTACHE_CALLER_KEY",
    "ATTACHE_DATABASE_URL",
    "ATTACHE_SEAL_KEY",
    "ATTACHE_TOKEN",
];

/// Those that are taken.
#[derive(Debug)]
pub(super) struct Names(HashSet<String>);

impl Names {
    pub(super) fn new() -> Self {
        let mut taken: HashSet<String> = OTHERS.iter().map(|it| (*it).to_owned()).collect();
        own(&crate::cli::Cli::command(), &mut taken);
        let files: Vec<String> = taken.iter().map(|it| format!("{it}_FILE")).collect();
        taken.extend(files);
        Self(taken)
    }

    /// `ATTACHE_GITHUB_PROD_TOKEN` of `github-prod` and `token`.
    pub(super) fn of(&mut self, words: &[&str]) -> String {
        let upper =
            |it: char| if it.is_ascii_alphanumeric() { it.to_ascii_uppercase() } else { '_' };
        let words: Vec<String> = words.iter().map(|it| it.chars().map(upper).collect()).collect();
        let wanted = format!("ATTACHE_{}", words.join("_"));
        let mut name = wanted.clone();
        let mut count = 1;
        while !self.0.insert(name.clone()) {
            count += 1;
            name = format!("{wanted}_{count}");
        }
        name
    }
}

/// Of a command and those below it.
fn own(command: &clap::Command, taken: &mut HashSet<String>) {
    let settings = command.get_arguments().filter_map(|it| it.get_env()?.to_str());
    taken.extend(settings.map(str::to_owned));
    for below in command.get_subcommands() {
        own(below, taken);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_names_one_field_and_no_other() {
        let mut names = Names::new();
        for (words, name) in [
            (&["github-prod", "token"][..], "ATTACHE_GITHUB_PROD_TOKEN"),
            (&["github.prod", "token"], "ATTACHE_GITHUB_PROD_TOKEN_2"),
            (&["github-prod", "TEST", "token"], "ATTACHE_GITHUB_PROD_TEST_TOKEN"),
            (&["crm", "ünï@a", "key"], "ATTACHE_CRM__N__A_KEY"),
        ] {
            assert_eq!(names.of(words), name);
        }
    }

    #[test]
    fn what_means_something_to_attache_itself_is_nobody_s_credential() {
        let mut names = Names::new();
        for (words, name) in [
            (["admin", "token"], "ATTACHE_ADMIN_TOKEN_2"),
            (["seal", "key"], "ATTACHE_SEAL_KEY_2"),
            (["caller", "key"], "ATTACHE_CALLER_KEY_2"),
            (["token", "file"], "ATTACHE_TOKEN_FILE_2"),
            (["data", "dir"], "ATTACHE_DATA_DIR_2"),
            (["proxy", "url"], "ATTACHE_PROXY_URL_2"),
        ] {
            assert_eq!(names.of(&words), name);
        }
    }
}
