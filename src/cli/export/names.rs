//! The settings that references name: each is its field's alone, whatever else there is, and none means something
//! to attache itself.
use clap::CommandFactory;
use sha2::Digest;
use sha2::Sha256;
use std::collections::HashSet;

/// Settings that are no flags as well.
const OTHERS: &[&str] = &[
    "ATTACHE_ADMIN_TOKEN",
    "ATTACHE_CALLER_KEY",
    "ATTACHE_DATABASE_URL",
    "ATTACHE_SEAL_KEY",
    "ATTACHE_TOKEN",
];

/// Characters of the digest that a name ends with which its words alone don't tell from others.
const DIGEST_LEN: usize = 12;

/// Where a secret stands.
#[derive(Clone, Copy, Debug)]
pub(super) enum Field<'f> {
    Own { connection: &'f str, field: &'f str },
    Test { connection: &'f str, field: &'f str },
    Activation { connection: &'f str, tenant: &'f str, field: &'f str },
    Key { caller: &'f str },
}

/// Those that are attache's own.
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

    /// `ATTACHE_GITHUB_PROD_TOKEN` of `github-prod` and `token`. The name follows from the field and from nothing
    /// else: words that would be lost in it come back as a digest.
    ///
    /// No two fields have one name. Words stand between two underscores, which none has in itself; only a field
    /// of one word stands right behind its connection. Who is no connection's own has a word in front, and then
    /// there are more of them.
    pub(super) fn of(&self, of: Field<'_>) -> String {
        let (words, field) = match of {
            Field::Own { connection, field } => (vec![connection], field),
            Field::Test { connection, field } => (vec!["test", connection], field),
            Field::Activation { connection, tenant, field } => {
                (vec!["activation", connection, tenant], field)
            }
            Field::Key { caller } => (vec!["caller", caller], "key"),
        };
        let is_short = matches!(of, Field::Own { .. }) && !field.contains('_');
        let before = words.iter().map(|it| upper(it)).collect::<Vec<_>>().join("__");
        let name = format!("ATTACHE_{before}{}{}", if is_short { "_" } else { "__" }, upper(field));
        let is_plain = words.iter().all(|it| is_plain(it, '-')) && is_plain(field, '_');
        if is_plain && !self.0.contains(&name) {
            return name;
        }
        // No word has a NUL.
        let whole = [&words[..], &[field]].concat().join("\0");
        let mut digest = hex::encode_upper(Sha256::digest(whole));
        digest.truncate(DIGEST_LEN);
        format!("{name}__{digest}")
    }
}

fn upper(word: &str) -> String {
    let upper = |it: char| if it.is_ascii_alphanumeric() { it.to_ascii_uppercase() } else { '_' };
    word.chars().map(upper).collect()
}

/// Whether a word can be told from what [`upper`] makes of it, and is no digest.
fn is_plain(word: &str, between: char) -> bool {
    let is_plain = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit();
    let is_digest = word.len() == DIGEST_LEN && word.chars().all(|it| it.is_ascii_hexdigit());
    !is_digest && word.split(between).all(|it| !it.is_empty() && it.chars().all(is_plain))
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

    fn of_own<'f>(connection: &'f str, field: &'f str) -> Field<'f> {
        Field::Own { connection, field }
    }

    #[test]
    fn a_reference_names_one_field_and_no_other() {
        let fields = [
            of_own("github-prod", "token"),
            of_own("github.prod", "token"),
            of_own("github_prod", "token"),
            of_own("github--prod", "token"),
            of_own("github", "prod_token"),
            of_own("github", "prod-token"),
            of_own("github-prod", "tok_en"),
            of_own("github-prod-tok", "en"),
            of_own("crm", "key"),
            of_own("crm-test", "key"),
            of_own("test-crm", "key"),
            of_own("test", "crm_key"),
            Field::Test { connection: "crm", field: "key" },
            Field::Test { connection: "crm", field: "k_ey" },
            Field::Activation { connection: "crm", tenant: "test", field: "key" },
            Field::Activation { connection: "crm", tenant: "TEST", field: "key" },
            Field::Activation { connection: "crm", tenant: "t\u{e9}st", field: "key" },
            Field::Activation { connection: "crm-test", tenant: "a", field: "key" },
            Field::Activation { connection: "crm", tenant: "test-a", field: "key" },
            Field::Key { caller: "crm" },
            Field::Key { caller: "test" },
            of_own("caller-crm", "key"),
            of_own("activation-crm-test", "key"),
        ];
        let names = Names::new();
        let all: HashSet<String> = fields.iter().map(|it| names.of(*it)).collect();
        assert_eq!(all.len(), fields.len(), "{all:?}");
        for (field, name) in [
            (of_own("github-prod", "token"), "ATTACHE_GITHUB_PROD_TOKEN"),
            (of_own("prod", "client_secret"), "ATTACHE_PROD__CLIENT_SECRET"),
            (Field::Test { connection: "prod", field: "key" }, "ATTACHE_TEST__PROD__KEY"),
            (Field::Key { caller: "runtime-eu" }, "ATTACHE_CALLER__RUNTIME_EU__KEY"),
            (
                Field::Activation { connection: "users", tenant: "acme", field: "password" },
                "ATTACHE_ACTIVATION__USERS__ACME__PASSWORD",
            ),
        ] {
            assert_eq!(names.of(field), name);
        }
    }

    #[test]
    fn a_name_does_not_depend_on_what_else_there_is() {
        let (alone, among) = (Names::new(), Names::new());
        let beside = among.of(of_own("a-b", "key"));
        let name = among.of(of_own("a.b", "key"));
        assert_eq!(name, alone.of(of_own("a.b", "key")));
        assert_ne!(name, beside);
        assert!(name.starts_with("ATTACHE_A_B_KEY__"), "{name}");
    }

    #[test]
    fn what_means_something_to_attache_itself_is_nobody_s_credential() {
        let names = Names::new();
        for (connection, field) in [
            ("admin", "token"),
            ("seal", "key"),
            ("caller", "key"),
            ("token", "file"),
            ("data", "dir"),
            ("proxy", "url"),
        ] {
            let name = names.of(of_own(connection, field));
            assert!(name.contains("__"), "{name}");
            assert!(!names.0.contains(&name), "{name}");
        }
    }
}
