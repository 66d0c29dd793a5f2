//! A connection of configuration files: its description, and the secrets that it has there.
use crate::catalog::Auth;
use crate::catalog::Kind;
use crate::catalog::RawActivation;
use crate::catalog::RawCredentials;
use crate::cli::stopped::Stopped;
use crate::config::ConfigError;
use crate::config::Document;
use crate::config::File;
use crate::config::Sources;
use crate::config::Step;
use crate::model::Credential;
use crate::model::Secret;
use crate::reload;
use crate::webhook::ACCOUNT;
use crate::webhook::SECRET;
use crate::webhook::Sender;
use crate::webhook::VERIFY_TOKEN;
use serde_json::Value;
use std::env;
use std::path::PathBuf;

/// What the files say of this connection, once they are sound as a whole.
pub(super) fn sender(
    paths: &[PathBuf],
    key: &str,
    tenant: Option<&str>,
) -> Result<Sender, Stopped> {
    let setting = |name: &str| env::var(name).ok();
    let loaded = reload::load(paths, &setting)?;
    let connection = loaded.snapshot.connection(key).ok_or_else(|| {
        let told = "is in none of these files; one that is stored is described by --description";
        Stopped::Invalid(format!("the connection `{key}` {told}"))
    })?;
    if !matches!(connection.method.auth, Auth::Inbound(_)) {
        let told = "takes no webhooks: its auth method is not of the type `hmac`";
        return Err(Stopped::Invalid(format!("the connection `{key}` {told}")));
    }
    if matches!(connection.kind, Kind::Standard(_)) && tenant.is_some() {
        let told = "has one secret for everybody: leave --tenant out";
        return Err(Stopped::Invalid(format!("the connection `{key}` {told}")));
    }
    let mut method: Value = serde_json::from_str(&connection.method.definition)
        .map_err(|it| Stopped::Failed(format!("the auth method can't be read: {it}")))?;
    let mut errors = Vec::new();
    let credential = credential(paths, key, tenant, &mut errors);
    if !errors.is_empty() {
        return Err(Stopped::from(errors));
    }
    Ok(Sender {
        description: method["hmac"].take(),
        secrets: credential.values(SECRET).to_vec(),
        verify_token: credential.field(VERIFY_TOKEN).cloned(),
        account: credential.field(ACCOUNT).map(|it| it.expose().to_owned()),
        public_url: loaded.settings.public.url,
    })
}

/// The connection's own fields, and over them the tenant's.
fn credential(
    paths: &[PathBuf],
    key: &str,
    tenant: Option<&str>,
    errors: &mut Vec<ConfigError>,
) -> Credential {
    let mut texts = Vec::new();
    for path in reload::listed(paths, errors) {
        match reload::config_file(&path) {
            Ok(file) => texts.push(file),
            Err(error) => errors.push(error),
        }
    }
    let files: Vec<File<'_>> =
        texts.iter().map(|it| File { name: &it.name, text: &it.text }).collect();
    let setting = |name: &str| env::var(name).ok();
    let sources = Sources { setting: &setting, file: &reload::value };
    let document = Document::parse(&files, sources, errors);
    let own = [Step::Key("connections"), Step::Key(key), Step::Key("credentials")];
    let mut credential = match document.read::<Option<RawCredentials>>(&own, errors) {
        Some(Some(own)) => own.into_credential(),
        _ => Credential::default(),
    };
    let activations =
        document.read::<Option<Vec<RawActivation>>>(&[Step::Key("activations")], errors);
    let activation = activations
        .flatten()
        .into_iter()
        .flatten()
        .find(|it| it.connection == key && tenant == Some(&*it.tenant));
    for (name, values) in fields(activation) {
        credential.insert(name, values);
    }
    document.conceal(errors);
    credential
}

fn fields(activation: Option<RawActivation>) -> Vec<(String, Vec<Secret>)> {
    let credential = activation.map(|it| it.credentials.into_credential()).unwrap_or_default();
    let names: Vec<String> = credential.fields().map(str::to_owned).collect();
    let values = |name: &String| credential.values(name).to_vec();
    names.into_iter().map(|it| (it.clone(), values(&it))).collect()
}
