//! The scripts that shells complete commands with: read by the shells themselves, where they are installed.
use crate::support::Shell;
use std::collections::BTreeSet;
use std::path::Path;

/// What the shell offers for a line whose last word is being typed.
async fn offered(shell: &Shell, words: &[&str]) -> BTreeSet<String> {
    let typed: Vec<String> = words.iter().map(|it| format!("'{it}'")).collect();
    // As the shell does behind a tab: it finds the function by the command's name.
    let line = format!(
        "source <(attache completions bash)
         registered=$(complete -p attache)
         [[ $registered =~ -F\\ ([^ ]+) ]]
         COMP_WORDS=({})
         COMP_CWORD={}
         COMPREPLY=()
         \"${{BASH_REMATCH[1]}}\" attache {} {}
         printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        typed.join(" "),
        words.len() - 1,
        typed.last().expect("a word is typed"),
        typed[typed.len() - 2],
    );
    let ran = shell.done(&line).await;
    ran.out.lines().filter(|it| !it.is_empty()).map(str::to_owned).collect()
}

#[tokio::test]
async fn bash_completes_commands_verbs_flags_and_values() {
    let shell = Shell::bare();
    let conn = offered(&shell, &["attache", "conn"]).await;
    assert_eq!(conn, ["connect-session", "connection", "connector"].map(str::to_owned).into());
    let re = offered(&shell, &["attache", "connection", "re"]).await;
    assert_eq!(re, ["renew", "repin", "replace", "revoke"].map(str::to_owned).into());
    let flags = offered(&shell, &["attache", "connection", "create", "x", "--s"]).await;
    assert_eq!(flags, ["--server".to_owned(), "--set".to_owned()].into());
    let values = offered(&shell, &["attache", "connector", "list", "--output", ""]).await;
    assert_eq!(values, ["json", "text", "yaml"].map(str::to_owned).into());
    let roles = offered(&shell, &["attache", "token", "create", "ci", "--role", "vi"]).await;
    assert_eq!(roles, ["viewer".to_owned()].into());
    let webhook = offered(&shell, &["attache", "webhook", ""]).await;
    assert!(webhook.is_superset(&["verify", "sign"].map(str::to_owned).into()), "{webhook:?}");
    assert!(offered(&shell, &["attache", "nothing"]).await.is_empty());
}

#[tokio::test]
async fn every_shell_that_is_here_reads_its_script() {
    let shell = Shell::bare();
    for (name, check) in
        [("bash", "bash -n script"), ("zsh", "zsh -n script"), ("fish", "fish --no-execute script")]
    {
        let made =
            shell.done(&format!("attache completions {name} > script && wc -l < script")).await;
        assert!(made.out.trim().parse::<u32>().is_ok_and(|it| it > 100), "{name}: {}", made.out);
        if ["/usr/bin", "/bin"].iter().any(|it| Path::new(it).join(name).exists()) {
            let ran = shell.done(check).await;
            assert_eq!((&*ran.out, &*ran.err), ("", ""), "{name}");
        }
    }
    shell.run("attache completions csh").await.is(2).says(&["bash", "zsh", "fish"]);
}
