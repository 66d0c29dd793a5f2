use super::*;
use crate::model::Credential;
use crate::model::Secret;
use crate::model::UnixTime;

const NOW: UnixTime = UnixTime::from_s(1_700_000_000);

const HERE: Binding<'_> = Binding {
    owner: "0190a0b0-0000-7000-8000-000000000001",
    tenant: "acme",
    slot: Slot::Activation,
    generation: 3,
};

/// 32 bytes, none of them secret.
fn key(fill: u8) -> String {
    hex::encode((0..32).map(|it| it ^ fill).collect::<Vec<u8>>())
}

fn ring(texts: &[&str]) -> Keyring {
    parsed(texts).unwrap()
}

fn parsed(texts: &[&str]) -> Result<Keyring, KeyError> {
    Keyring::parse(&texts.iter().map(|it| Secret::new(*it)).collect::<Vec<_>>())
}

fn credential() -> Credential {
    let mut credential = Credential::from_iter([("username", "ops"), ("password", "hunter2")]);
    credential.insert("secret", vec![Secret::new("new one"), Secret::new("old one")]);
    credential
}

fn sealed(ring: &Keyring) -> Sealed {
    ring.seal(&FingerprintKey::random(), &HERE, &credential(), NOW)
}

#[test]
fn what_is_sealed_opens_where_it_was_sealed_and_is_the_same() {
    let ring = ring(&[&key(1)]);
    for credential in [
        credential(),
        Credential::default(),
        Credential::from_iter([("empty", ""), ("long", &*"x".repeat(100_000))]),
    ] {
        let sealed = ring.seal(&FingerprintKey::random(), &HERE, &credential, NOW);
        assert_eq!(ring.open(&HERE, &sealed), Ok(credential));
        let json = serde_json::to_string(&sealed.fields).unwrap();
        assert_eq!(sealed.fields, serde_json::from_str(&json).unwrap());
    }
    let field = ring.open_field(&HERE, &sealed(&ring), "secret");
    assert_eq!(field, Ok(vec![Secret::new("new one"), Secret::new("old one")]));
    let missing = OpenError::NoField { field: "token".into() };
    assert_eq!(ring.open_field(&HERE, &sealed(&ring), "token"), Err(missing));
}

/// ST-02.
#[test]
fn a_byte_that_is_flipped_is_an_error_and_never_another_secret() {
    let ring = ring(&[&key(1)]);
    let good = sealed(&ring);
    for at in 0..good.wrapped.len() {
        for bit in 0..8 {
            let mut broken = good.clone();
            broken.wrapped[at] ^= 1 << bit;
            assert_eq!(ring.open(&HERE, &broken), Err(OpenError::Wrap), "byte {at}");
            assert_eq!(ring.open_field(&HERE, &broken, "username"), Err(OpenError::Wrap));
        }
    }
    for (name, field) in &good.fields {
        for at in 0..field.sealed.len() {
            let mut broken = good.clone();
            broken.fields.get_mut(name).unwrap().sealed[at] ^= 1;
            let refused = Err(OpenError::Field { field: name.clone() });
            assert_eq!(ring.open(&HERE, &broken), refused, "byte {at} of {name}");
        }
        for length in 0..field.sealed.len() {
            let mut broken = good.clone();
            broken.fields.get_mut(name).unwrap().sealed.truncate(length);
            assert!(ring.open(&HERE, &broken).is_err(), "{name} cut to {length}");
        }
    }
}

/// ST-03.
#[test]
fn what_is_moved_elsewhere_does_not_open() {
    let ring = ring(&[&key(1)]);
    let good = sealed(&ring);
    let elsewhere = [
        Binding { owner: "0190a0b0-0000-7000-8000-000000000002", ..HERE },
        Binding { owner: "file:zendesk", ..HERE },
        Binding { tenant: "acme2", ..HERE },
        Binding { tenant: "", ..HERE },
        Binding { slot: Slot::Own, ..HERE },
        Binding { slot: Slot::Test, ..HERE },
        Binding { generation: 2, ..HERE },
        Binding { generation: 4, ..HERE },
    ];
    for there in elsewhere {
        assert_eq!(ring.open(&there, &good), Err(OpenError::Wrap), "{there:?}");
        assert_eq!(ring.rewrap(&there, &good), Ok(None), "nothing to do, nothing opened");
        // A row whose data key is kept, and its fields taken from there.
        let mut mixed = ring.seal(&FingerprintKey::random(), &there, &credential(), NOW);
        mixed.fields = good.fields.clone();
        assert!(matches!(ring.open(&there, &mixed), Err(OpenError::Field { .. })), "{there:?}");
    }
}

/// ST-03.
#[test]
fn fields_change_places_with_no_other_field_and_none_is_lost() {
    let ring = ring(&[&key(1)]);
    let good = sealed(&ring);
    let mut swapped = good.clone();
    let (username, password) = (&good.fields["username"], &good.fields["password"]);
    swapped.fields.insert("username".into(), password.clone());
    swapped.fields.insert("password".into(), username.clone());
    assert!(matches!(ring.open(&HERE, &swapped), Err(OpenError::Field { .. })));

    let mut fewer = good.clone();
    fewer.fields.remove("password");
    assert_eq!(ring.open(&HERE, &fewer), Err(OpenError::Wrap));
    let mut renamed = good.clone();
    let field = renamed.fields.remove("password").unwrap();
    renamed.fields.insert("passwort".into(), field);
    assert_eq!(ring.open(&HERE, &renamed), Err(OpenError::Wrap));

    // The same place, sealed a second time: another data key.
    let mut older = good.clone();
    older.fields.insert("password".into(), sealed(&ring).fields["password"].clone());
    assert!(matches!(ring.open(&HERE, &older), Err(OpenError::Field { .. })));
}

#[test]
fn another_deployments_key_opens_nothing_even_under_the_same_version() {
    let (ours, theirs) = (ring(&[&key(1)]), ring(&[&key(2)]));
    let mut foreign = sealed(&theirs);
    let key_id = foreign.key_id.clone();
    assert_eq!(ours.open(&HERE, &foreign), Err(OpenError::UnknownKey { key_id }));
    foreign.key_id = ours.newest().as_str().to_owned();
    assert_eq!(ours.open(&HERE, &foreign), Err(OpenError::Wrap));
}

/// ST-05.
#[test]
fn a_rotation_changes_the_wrap_alone_and_then_the_old_key_opens_nothing() {
    let (old, both, new) = (
        ring(&[&key(1)]),
        ring(&[&key(1), &format!("2:{}", key(2))]),
        ring(&[&format!("2:{}", key(2))]),
    );
    let before = sealed(&old);
    assert_eq!(both.open(&HERE, &before), Ok(credential()));
    let Wrap { key_id, wrapped } = both.rewrap(&HERE, &before).unwrap().unwrap();
    let after = Sealed { key_id, wrapped, ..before.clone() };
    assert_eq!(after.key_id, new.newest().as_str());
    assert_eq!(new.open(&HERE, &after), Ok(credential()));
    assert_eq!(both.open(&HERE, &after), Ok(credential()));
    assert_eq!(both.rewrap(&HERE, &after), Ok(None));
    assert!(matches!(old.open(&HERE, &after), Err(OpenError::UnknownKey { .. })));
    assert!(matches!(new.rewrap(&HERE, &before), Err(OpenError::UnknownKey { .. })));
    // The newest of several seals.
    assert_eq!(sealed(&both).key_id, new.newest().as_str());
}

#[test]
fn keys_are_read_in_every_form_that_operators_paste() {
    let hex = key(1);
    let bytes = hex::decode(&hex).unwrap();
    let id = ring(&[&hex]).newest().clone();
    assert!(id.as_str().starts_with("v1-") && id.as_str().len() == 11, "{id}");
    let base64 = |engine: &base64::engine::GeneralPurpose| base64::Engine::encode(engine, &bytes);
    use base64::engine::general_purpose as forms;
    for text in [
        hex.to_uppercase(),
        base64(&forms::STANDARD),
        base64(&forms::STANDARD_NO_PAD),
        base64(&forms::URL_SAFE),
        base64(&forms::URL_SAFE_NO_PAD),
        format!("1:{hex}"),
        format!(" 1 : {hex}\r\n"),
        format!("\n\n{hex}\n"),
        format!("{hex},{hex},1:{hex}"),
    ] {
        let ring = ring(&[&text]);
        assert_eq!(ring.ids().collect::<Vec<_>>(), [&id], "{text:?}");
    }
    let several = ring(&[&format!("12:{},{hex}", key(3)), &format!("2:{}", key(2))]);
    let versions: Vec<_> = several.ids().map(|it| it.as_str().split_once('-').unwrap().0).collect();
    assert_eq!(versions, ["v1", "v2", "v12"]);
    assert!(several.newest().as_str().starts_with("v12-") && several.has(id.as_str()));
    assert!(!several.has("v1-00000000"));
}

#[test]
fn a_text_that_is_no_key_says_which_and_why_and_nothing_of_the_key() {
    use KeyProblem as P;
    let good = key(1);
    let second = |text: &str| format!("{good},{text}");
    let short = hex::encode([7; 5]) + "5ecret5";
    for (text, at, problem) in [
        (String::new(), 1, P::Missing),
        (" \n,\r\n".into(), 1, P::Missing),
        ("not a key 5ecret5".into(), 1, P::Unreadable),
        (second("5ecret5!"), 2, P::Unreadable),
        (second(&short), 2, P::Unreadable),
        (good[..32].into(), 1, P::Length(24)),
        (second(&format!("2:{}ff", key(2))), 2, P::Unreadable),
        (second(&format!("2:{}ffff", key(2))), 2, P::Length(51)),
        (format!("{}:{good}", "5ecret5"), 1, P::Version),
        (format!("0:{good}"), 1, P::Version),
        (format!("+1:{good}"), 1, P::Version),
        (format!("4294967296:{good}"), 1, P::Version),
        (format!(":{good}"), 1, P::Version),
        ("00".repeat(32), 1, P::Constant),
        (second(&key(2)), 2, P::Taken(1)),
        (second(&format!("2:{good}")), 2, P::Repeated(1)),
    ] {
        let error = parsed(&[&text]).map(|it| format!("{it:?}")).unwrap_err();
        assert_eq!(error, KeyError { text: 0, key: at, problem }, "{text:?}");
        let said = format!("{error} {error:?}");
        assert!(!said.contains("5ecret5") && !said.contains(&good[..8]), "{said}");
        assert_eq!(error.to_string().lines().count(), 2, "{error}");
    }
    assert_eq!(parsed(&[&good, "nonsense!"]).unwrap_err().text, 1);
    let lines = (1..=70).map(|it| format!("{it}:{}", key(it))).collect::<Vec<_>>().join("\n");
    let error = parsed(&[&lines]).unwrap_err();
    assert_eq!(error, KeyError { text: 0, key: KEYS_MAX + 1, problem: P::TooMany });
}

#[test]
fn a_fresh_line_is_the_next_key() {
    let first = Keyring::fresh_line(None);
    let ring = ring(&[first.expose()]);
    assert!(first.expose().starts_with("1:"));
    let second = Keyring::fresh_line(Some(&ring));
    assert!(second.expose().starts_with("2:"));
    let both = Keyring::parse(&[first, second]).unwrap();
    assert_eq!(both.ids().count(), 2);
}

#[test]
fn fingerprints_tell_secrets_apart_and_equal_ones_together() {
    let (ring, fingerprints) = (ring(&[&key(1)]), FingerprintKey::random());
    let elsewhere = Binding { tenant: "other", ..HERE };
    let make = |fingerprints: &FingerprintKey, binding: &Binding<'_>, value: &str| {
        let credential = Credential::from_iter([("key", value)]);
        ring.seal(fingerprints, binding, &credential, NOW).fields["key"].fingerprint.clone()
    };
    let print = make(&fingerprints, &HERE, "hunter2");
    assert_eq!(print.len(), 16);
    assert_eq!(print, make(&fingerprints, &elsewhere, "hunter2"));
    assert_ne!(print, make(&fingerprints, &HERE, "hunter3"));
    assert_ne!(print, make(&FingerprintKey::random(), &HERE, "hunter2"));

    let kept = fingerprints.credential();
    let again = FingerprintKey::from_credential(&kept).unwrap();
    assert_eq!(print, make(&again, &HERE, "hunter2"));
    for broken in [Credential::default(), Credential::from_iter([("fingerprint_key", "~")])] {
        assert!(FingerprintKey::from_credential(&broken).is_none());
    }
}

#[test]
fn a_field_that_stays_the_same_keeps_its_date() {
    let (ring, fingerprints) = (ring(&[&key(1)]), FingerprintKey::random());
    let before = ring.seal(&fingerprints, &HERE, &credential(), NOW);
    let mut changed = credential();
    changed.insert("password", vec![Secret::new("hunter3")]);
    let later = UnixTime::from_ms(NOW.as_ms() + 5);
    let next = Binding { generation: 4, ..HERE };
    let after = ring.seal(&fingerprints, &next, &changed, later).with_dates_of(&before);
    let date = |name: &str| after.fields[name].set_at_ms;
    assert_eq!([date("username"), date("password")], [1_700_000_000_000, 1_700_000_000_005]);
    assert_eq!(ring.open(&next, &after), Ok(changed));
}

#[test]
fn nothing_prints_a_key_or_a_secret() {
    let ring = ring(&[&key(1)]);
    let fingerprints = FingerprintKey::random();
    let sealed = ring.seal(&fingerprints, &HERE, &credential(), NOW);
    let kept = fingerprints.credential();
    let printed =
        format!("{ring:?} {fingerprints:?} {kept:?} {sealed:?} {:?}", Keyring::fresh_line(None));
    let stored = serde_json::to_string(&sealed.fields).unwrap();
    for secret in
        ["hunter2", "new one", &key(1)[..8], kept.field("fingerprint_key").unwrap().expose()]
    {
        let encoded = hex::encode(secret);
        for text in [&printed, &stored] {
            assert!(!text.contains(secret) && !text.contains(&encoded), "{text}");
        }
    }
    assert!(printed.contains("v1-"));
}
