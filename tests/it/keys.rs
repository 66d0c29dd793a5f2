//! Sealing keys over a database's life: start, rotation, check, backup, and what a thief of the files gets.
use crate::support::Database;
use crate::support::each_engine;
use crate::support::soon;
use attache::app::sealing;
use attache::app::sealing::SealingError;
use attache::config::KeySource;
use attache::config::SealSettings;
use attache::model::Credential;
use attache::model::Scope;
use attache::model::Secret;
use attache::model::UnixTime;
use attache::seal::FingerprintKey;
use attache::seal::Keyring;
use attache::seal::Sealed;
use attache::seal::Slot;
use attache::store::Activation;
use attache::store::ActivationRow;
use attache::store::Expect;
use attache::store::Place;
use attache::store::Rewrap;
use attache::store::Secrets;
use attache::store::Store;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::process::Output;
use std::process::Stdio;
use std::time::Duration;

const SYSTEM: &Scope = &Scope::System;

/// Three keys of a deployment, and one of somebody else's. None is secret.
const FIRST: &str = "1:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const SECOND: &str = "2:202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f";
const THEIRS: &str = "1:a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf";

/// The connection that the activations stand under.
const OWNER: &str = "file:many";

fn ring(lines: &[&str]) -> Keyring {
    let texts: Vec<_> = lines.iter().map(|it| Secret::new(*it)).collect();
    Keyring::parse(&texts).expect("the tests' keys are keys")
}

fn tenant(number: usize) -> String {
    format!("tenant-{number:05}")
}

fn secret(number: usize) -> String {
    format!("s3cret-of-{number:05}")
}

/// A key of this version, none of them secret either.
fn line(version: u8) -> String {
    let bytes: Vec<u8> = (0..32).map(|it| it ^ version).collect();
    format!("{version}:{}", hex::encode(bytes))
}

/// Activations of so many tenants, each with a secret of its own.
async fn fill(store: &Store, keyring: &Keyring, count: usize) {
    let fingerprints = FingerprintKey::random();
    let seal = |place: &Place<'_>| {
        let number = place.binding.tenant.rsplit('-').next().and_then(|it| it.parse().ok());
        let key = secret(number.expect("a number stands behind each tenant's name"));
        let credential = Credential::from_iter([("key", &*key)]);
        Ok(keyring.seal(&fingerprints, &place.binding, &credential, UnixTime::from_s(1)))
    };
    let all: Vec<_> = (0..count).map(|it| activating(&tenant(it), &seal)).collect();
    store.activations().put_all(SYSTEM, &all, &[]).await.expect("they are sound");
}

fn activating<'a>(
    tenant: &str,
    seal: &'a (dyn Fn(&Place<'_>) -> Result<Sealed, String> + Send + Sync),
) -> Activation<'a> {
    let row = ActivationRow {
        owner: OWNER.to_owned(),
        tenant: tenant.to_owned(),
        connection: "many".to_owned(),
        enabled: true,
        definition: "{}".to_owned(),
        account: None,
    };
    Activation { row, secrets: Secrets::Set(seal), condition: Expect::Anything.into() }
}

/// How many of the activations open with these keys, to the secret that they were given.
async fn readable(store: &Store, keyring: &Keyring) -> usize {
    let (mut readable, mut cursor) = (0, None);
    loop {
        let batch = store.credentials().batch(SYSTEM, None, cursor.as_ref(), 1000).await;
        let (rows, next) = batch.expect("the store is there");
        for entry in rows.into_iter().flatten().filter(|it| it.slot == Slot::Activation) {
            let Ok(opened) = keyring.open(&entry.binding(), &entry.credential.sealed) else {
                continue;
            };
            let number = entry.tenant.rsplit('-').next().and_then(|it| it.parse().ok());
            let right = opened.field("key") == number.map(|it| Secret::new(secret(it))).as_ref();
            assert!(right, "{} opens to another secret", entry.tenant);
            readable += 1;
        }
        cursor = next;
        if cursor.is_none() {
            return readable;
        }
    }
}

fn command(database: &Database, arguments: &[&str], keys: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_attache"));
    command.env_clear().arg("keys").args(arguments).current_dir(database.folder.path());
    command.env("ATTACHE_DATABASE_URL", &database.url).stdin(Stdio::null());
    if !keys.is_empty() {
        command.env("ATTACHE_SEAL_KEY", keys);
    }
    command
}

/// Runs it to its end: exit code, standard output, standard error.
fn run(database: &Database, arguments: &[&str], keys: &str) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } =
        command(database, arguments, keys).output().expect("the program can be run");
    let text = |it: Vec<u8>| String::from_utf8(it).expect("it speaks UTF-8");
    (status.code(), text(stdout), text(stderr))
}

fn both() -> String {
    format!("{FIRST},{SECOND}")
}

each_engine! {
    async fn a_rotation_puts_all_under_the_new_key_and_the_old_one_opens_nothing(database: Database) {
        let store = database.store().await;
        fill(&store, &ring(&[FIRST]), 120).await;
        let (code, said, progress) = run(&database, &["rotate", "--batch", "50"], &both());
        assert_eq!(code, Some(0), "{said}{progress}");
        assert!(said.contains("120 credentials put under the key v2-"), "{said}");
        assert!(progress.contains("50 of 120 are under it\n"), "{progress}");
        assert_eq!(readable(&store, &ring(&[SECOND])).await, 120);
        assert_eq!(readable(&store, &ring(&[FIRST])).await, 0);

        let (code, said, _) = run(&database, &["verify"], SECOND);
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains("(seals): 120 open, 0 do not\n0 of 120 do not open"), "{said}");
        let (code, said, _) = run(&database, &["verify"], FIRST);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("(not among ours): 0 open, 120 do not"), "{said}");
        assert!(said.contains("connection many, activation of tenant \"tenant-00000\": it is sealed under the key v2-"), "{said}");
        assert!(said.contains("and 20 more\n"), "{said}");

        // Once more is nothing to do; under an unknown key nothing can be done.
        let (code, said, _) = run(&database, &["rotate"], &both());
        assert_eq!((code, said.starts_with("0 credentials to be put")), (Some(0), true), "{said}");
        let (code, said, _) = run(&database, &["rotate"], FIRST);
        assert_eq!(code, Some(1));
        assert!(said.contains("120 credentials still under the key v2-"), "{said}");
    }

    /// ST-05. Five kills; fifty in `make test-long`.
    async fn a_rotation_that_is_killed_again_and_again_loses_nothing_and_goes_on(database: Database) {
        let kills = if std::env::var_os("ATTACHE_TEST_LONG").is_some() { 50 } else { 5 };
        let count = 1500;
        let store = database.store().await;
        fill(&store, &ring(&[&line(1)]), count).await;
        let (mut version, mut killed, mut moved) = (2, 0, 0);
        while killed < kills {
            let [before, newest] = [line(version - 1), line(version)];
            let path = database.folder.path().join("progress");
            let progress = fs::File::create(&path).expect("the folder takes files");
            let keys = [&*before, &newest].join(",");
            let mut child = command(&database, &["rotate", "--batch", "10"], &keys)
                .stdout(Stdio::null())
                .stderr(progress)
                .spawn()
                .expect("the program can be run");
            let under_way = async {
                while fs::read(&path).expect("it was made").is_empty()
                    && child.try_wait().expect("it is ours").is_none()
                {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            };
            soon("the rotation to get on", under_way).await;
            child.kill().expect("it can be killed");
            let ended = child.wait().expect("it is ours");
            assert_eq!(readable(&store, &ring(&[&before, &newest])).await, count);
            let now = readable(&store, &ring(&[&newest])).await;
            let old = readable(&store, &ring(&[&before])).await;
            assert_eq!(old, count - now, "each is under one of them");
            assert!(now > moved || ended.success(), "it goes on where it was: {now} after {moved}");
            (killed, moved) = (killed + usize::from(!ended.success()), now);
            if now == count {
                // All of it was faster than the kill: on to the next key.
                (version, moved) = (version + 1, 0);
            }
        }
        let [before, newest] = [line(version - 1), line(version)];
        let (code, said, _) = run(&database, &["rotate"], &[&*before, &newest].join(","));
        assert_eq!(code, Some(0), "{said}");
        assert_eq!(readable(&store, &ring(&[&newest])).await, count);
        assert_eq!(readable(&store, &ring(&[&before])).await, 0);
    }

    async fn what_is_set_while_it_is_rotated_stays_set(database: Database) {
        let store = database.store().await;
        let (old, both) = (ring(&[FIRST]), ring(&[FIRST, SECOND]));
        fill(&store, &old, 2).await;
        let (rows, _) = store.credentials().batch(SYSTEM, None, None, 10).await.unwrap();
        let rewraps: Vec<_> = rows.into_iter().flatten().map(|entry| {
            let wrap = both.rewrap(&entry.binding(), &entry.credential.sealed).unwrap().unwrap();
            Rewrap { entry, wrap }
        }).collect();
        assert_eq!(rewraps.len(), 2);
        // Both were read; now one is set anew, and the other is deleted.
        fill(&store, &old, 1).await;
        store.activations().delete(SYSTEM, OWNER, &tenant(1), Expect::Anything).await.unwrap();
        assert_eq!(store.credentials().rewrap(SYSTEM, &rewraps).await, Ok(0));
        assert_eq!(readable(&store, &old).await, 1);
    }

    async fn a_rotation_and_writes_of_the_same_rows_wait_for_each_other(database: Database) {
        let store = database.store().await;
        let (old, both) = (ring(&[FIRST]), ring(&[FIRST, SECOND]));
        let count = 200;
        fill(&store, &old, count).await;
        let (fingerprints, credential) = (FingerprintKey::random(), Credential::from_iter([("key", "k")]));
        let seal = |place: &Place<'_>| Ok(old.seal(&fingerprints, &place.binding, &credential, UnixTime::from_s(1)));
        // A rotation has them in their order, and this is the other way round.
        let all: Vec<_> = (0..count).rev().map(|it| activating(&tenant(it), &seal)).collect();
        for _ in 0..4 {
            let (rows, _) = store.credentials().batch(SYSTEM, None, None, 1000).await.unwrap();
            let rewraps: Vec<_> = rows.into_iter().flatten().map(|entry| {
                let wrap = both.rewrap(&entry.binding(), &entry.credential.sealed).unwrap().unwrap();
                Rewrap { entry, wrap }
            }).collect();
            let (rewrapped, put) = tokio::join!(
                store.credentials().rewrap(SYSTEM, &rewraps),
                store.activations().put_all(SYSTEM, &all, &[]),
            );
            assert!(rewrapped.is_ok() && put.is_ok(), "{rewrapped:?} {:?}", put.err());
        }
    }

    /// ST-03.
    async fn what_was_moved_or_damaged_past_attache_is_named_and_the_others_are_well(database: Database) {
        let store = database.store().await;
        fill(&store, &ring(&[FIRST]), 9).await;
        let set = |values: &str, number: usize| {
            format!("UPDATE credentials SET {values} WHERE tenant = '{}';", tenant(number))
        };
        // Two tenants' rows change places; a generation is moved; a text is no JSON; a key is made up.
        let elsewhere = [
            set("tenant = 'x'", 1), set("tenant = 'tenant-00001'", 2),
            "UPDATE credentials SET tenant = 'tenant-00002' WHERE tenant = 'x';".to_owned(),
            set("generation = generation + 1", 3), set("fields = '{'", 4), set("key_id = 'v1-00000000'", 5),
        ];
        database.run(&elsewhere.concat()).await;
        assert_eq!(readable(&store, &ring(&[FIRST])).await, 4);
        let (code, said, _) = run(&database, &["verify"], FIRST);
        assert_eq!(code, Some(1), "{said}");
        for number in 1..6 {
            assert!(said.contains(&tenant(number)), "{said}");
        }
        assert!(said.ends_with("5 of 9 do not open\n"), "{said}");
        assert!(!said.contains(&tenant(6)) && !said.contains("s3cret"), "{said}");
        // A rotation leaves them as they are, and says so.
        let (code, said, _) = run(&database, &["rotate"], &both());
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("4 credentials put under the key v2-"), "{said}");
        assert_eq!(readable(&store, &ring(&[SECOND])).await, 4);
    }

    /// ST-06.
    async fn a_start_without_the_keys_that_the_database_needs_is_refused(database: Database) {
        let store = database.store().await;
        fill(&store, &ring(&[FIRST]), 3).await;
        let folder = database.folder.path();
        let file = |name: &str, text: &str| {
            fs::write(folder.join(name), text).unwrap();
            SealSettings { keys: vec![KeySource::File(folder.join(name))] }
        };
        let none = SealSettings { keys: vec![KeySource::Env("ATTACHE_TEST_UNSET".to_owned())] };
        let needed = ring(&[FIRST]).newest().to_string();
        for settings in [&file("theirs", THEIRS), &file("newer", SECOND), &none] {
            for dev in [None, Some(folder)] {
                let error = sealing::open(&store, settings, dev).await.unwrap_err();
                let SealingError::Missing(missing) = &error else { panic!("{error}") };
                assert_eq!(*missing, [(needed.clone(), 3)]);
                let said = error.to_string();
                assert!(said.contains(&format!("{needed} (3 credentials)")), "{said}");
                assert_eq!(said.lines().count(), 1, "{said}");
            }
        }
        assert!(!folder.join("seal.key").exists(), "no new key over old data");
        let garbage = sealing::open(&store, &file("garbage", "garbage!"), Some(folder)).await;
        assert!(matches!(garbage, Err(SealingError::Keys(_))));
        sealing::open(&store, &file("both", &both()), None).await.unwrap();
    }

    async fn a_first_start_makes_what_it_needs_once(database: Database) {
        let (store, other) = (database.store().await, database.store().await);
        let data = database.folder.path().join("data");
        let unset = SealSettings { keys: vec![KeySource::Env("ATTACHE_TEST_UNSET".to_owned())] };
        let refused = sealing::open(&store, &unset, None).await.unwrap_err().to_string();
        assert_eq!(
            refused,
            "seal.keys: there is no sealing key: neither ATTACHE_TEST_UNSET nor ATTACHE_TEST_UNSET_FILE is set; \
             `attache keys new` makes one, or start with `--dev`"
        );
        drop(sealing::open(&store, &unset, Some(&data)).await.unwrap());
        let key = data.join("seal.key");
        assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
        let settings = SealSettings { keys: vec![KeySource::File(key)] };

        // Replicas that start together have the same fingerprints, and so they have later.
        let (one, two) = tokio::join!(
            sealing::open(&store, &settings, None),
            sealing::open(&other, &settings, None),
        );
        let three = sealing::open(&store, &unset, Some(&data)).await;
        let print = |sealer: &attache::seal::Sealer| {
            let binding = attache::seal::Binding { owner: "x", tenant: "", slot: Slot::Own, generation: 1 };
            let credential = Credential::from_iter([("key", "hunter2")]);
            sealer.seal(&binding, &credential, UnixTime::from_s(1)).fields["key"].fingerprint.clone()
        };
        let prints = [one, two, three].map(|it| print(&it.unwrap()));
        assert!(prints.iter().all(|it| *it == prints[0]), "{prints:?}");
    }

    /// ST-01. In the database's own words; the files are looked at below.
    async fn no_table_holds_a_secret(database: Database) {
        let store = database.store().await;
        fill(&store, &ring(&[FIRST]), 41).await;
        let tables = ["credentials", "activations", "deployment", "changes", "tenants", "connections"];
        let mut found = 0;
        for table in tables {
            let text = if database.is_postgres() {
                format!("SELECT COUNT(*) FROM {table} AS t WHERE CAST(t AS TEXT) LIKE '%s3cret%' \
                         OR CAST(t AS TEXT) LIKE '%{}%'", hex::encode("s3cret"))
            } else if table == "credentials" {
                "SELECT COUNT(*) FROM credentials WHERE fields LIKE '%s3cret%' \
                 OR hex(wrapped) LIKE '%733363726574%'".to_owned()
            } else {
                continue;
            };
            found += database.number(&text).await;
        }
        assert_eq!(found, 0);
    }
}

/// ST-01, ST-07: the files as a thief has them, the write-ahead log included; and a backup, with and
/// without its key.
#[tokio::test]
async fn the_files_and_a_backup_say_nothing_without_the_key_and_all_with_it() {
    let database = Database::sqlite();
    let store = database.store().await;
    fill(&store, &ring(&[FIRST]), 41).await;
    // The write-ahead log is as long as the store is open.
    let mut looked_at = Vec::new();
    for entry in fs::read_dir(database.folder.path()).unwrap().flatten() {
        let bytes = fs::read(entry.path()).unwrap();
        for number in 0..41 {
            let secret = secret(number);
            let [base64, hex] = [BASE64_STANDARD.encode(&secret), hex::encode(&secret)];
            for form in [&secret[..12], &base64[..12], &hex] {
                let found = bytes.windows(form.len()).any(|it| it == form.as_bytes());
                assert!(!found, "{form} in {:?}", entry.file_name());
            }
        }
        looked_at.push(entry.file_name());
    }
    assert!(looked_at.iter().any(|it| it == "attache.db-wal"), "{looked_at:?}");

    let elsewhere = Database::sqlite();
    database.run(&format!("VACUUM INTO '{}'", elsewhere.file().display())).await;
    let restored = elsewhere.open().await;
    assert_eq!(readable(&restored, &ring(&[FIRST])).await, 41);
    assert_eq!(readable(&restored, &ring(&[THEIRS])).await, 0);
    let (code, said, _) = run(&elsewhere, &["verify"], FIRST);
    assert_eq!((code, said.ends_with("0 of 41 do not open\n")), (Some(0), true), "{said}");
}

#[tokio::test]
async fn a_fresh_key_has_the_next_version_and_nothing_else_stands_beside_it() {
    let database = Database::sqlite();
    let (code, first, said) = run(&database, &["new"], "");
    assert_eq!((code, &*said), (Some(0), ""));
    assert!(first.starts_with("1:") && first.lines().count() == 1);
    let (code, third, said) = run(&database, &["new"], &both());
    assert_eq!(code, Some(0));
    assert!(third.starts_with("3:") && said.contains("attache keys rotate"), "{said}");
    assert_eq!(
        Keyring::parse(&[Secret::new(both()), Secret::new(third)]).unwrap().ids().count(),
        3
    );
    assert!(!database.file().exists(), "no database is asked");
}

#[tokio::test]
async fn what_can_not_be_done_says_why() {
    let database = Database::sqlite();
    let nowhere = format!("there is no database at {}", database.file().display());
    for (arguments, keys, code, problem) in [
        (&["verify"][..], FIRST, 1, &*nowhere),
        (&["rotate"], "", 2, "there is no sealing key: neither ATTACHE_SEAL_KEY nor"),
        (&["rotate"], "garbage!", 2, "ATTACHE_SEAL_KEY: key 1 is neither base64 nor hex"),
        (&["new"], "garbage!", 2, "ATTACHE_SEAL_KEY: key 1 is neither base64 nor hex"),
        (&["rotate", "--batch", "0"], FIRST, 2, "--batch"),
        (&["rotate", "--database-url", "mysql://me:hunter2@x/y"], FIRST, 2, "--database-url: "),
        (&["rotate", "--config", "nowhere.yaml"], FIRST, 2, "nowhere.yaml"),
    ] {
        let (ended, _, said) = run(&database, arguments, keys);
        assert_eq!(ended, Some(code), "{arguments:?} {said}");
        assert!(said.contains(problem) && !said.contains("hunter2"), "{arguments:?}: {said}");
    }
    assert!(!Path::new(&database.file()).exists());
    drop(database.open().await);
    let (ended, _, said) = run(&database, &["verify"], FIRST);
    assert_eq!(ended, Some(1));
    assert!(said.contains("run `attache migrate`"), "{said}");
}
