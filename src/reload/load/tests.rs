//! Whole files: the ones that come with attache, and every way for one to be wrong.
use super::*;
use crate::catalog::Kind;
use crate::config::AccessLog;
use crate::model::Secret;
use std::fs;
use std::path::PathBuf;

const GOOD: &str = "\
server:
  admin: { token: 0123456789abcdef }
callers:
  runtime: { key: 0123456789abcdef }
connectors:
  github:
    base_url: https://api.github.com
    auth:
      token: { api_key: { in: header, name: Authorization, format: \"Bearer {key}\" } }
      webhook: { hmac: { preset: github } }
  zendesk:
    base_url: https://{subdomain}.zendesk.com
    variables: { subdomain: { pattern: \"[a-z0-9-]+\", required: true } }
    auth:
      login: { basic: {} }
connections:
  github-prod:
    connector: github
    auth: token
    credentials: { key: ghp_secret }
  zendesk-customers:
    connector: zendesk
    auth: login
    embedded: true
  github-hooks:
    connector: github
    auth: webhook
    base_url: https://app.example.com/github
    credentials: { secret: shh_secret }
activations:
  - connection: zendesk-customers
    tenant: acme
    variables: { subdomain: acme }
    credentials: { username: ops@acme.test, password: pw_secret }
integrations:
  sync: { connectors: { hub: { connector: github }, desk: { connector: zendesk } } }
environments:
  production: { integration: sync, assign: { hub: github-prod, desk: zendesk-customers } }
";

/// What loading these files says, the folder's name left out.
fn load_files(files: &[(&str, &[u8])]) -> (Option<Loaded>, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let env = |name: &str| (name == "PASSWORD").then(|| "line\nbreak".to_owned());
    let prefix = format!("{}/", folder.path().display());
    let shown = |it: &ConfigError| it.to_string().replace(&prefix, "");
    match load(&[folder.path().to_owned()], &env) {
        Ok(loaded) => {
            let warnings = loaded.warnings.iter().map(shown).collect();
            (Some(loaded), warnings)
        }
        Err(errors) => (None, errors.iter().map(shown).collect()),
    }
}

/// What is said of the good file with one text in it replaced, which stands there once.
fn broken(text: &str, by: &str) -> Vec<String> {
    assert_eq!(GOOD.matches(text).count(), 1, "{text} stands once in the good file");
    let (loaded, said) = load_files(&[("a.yaml", GOOD.replace(text, by).as_bytes())]);
    assert!(loaded.is_none(), "{by} was taken");
    said
}

#[test]
fn the_good_file_loads_without_a_word() {
    let (loaded, said) = load_files(&[("a.yaml", GOOD.as_bytes())]);
    assert_eq!(said, [""; 0]);
    let Loaded { settings, snapshot, .. } = loaded.unwrap();
    assert_eq!(settings.admin.token, Some(Secret::new("0123456789abcdef")));
    assert_eq!(settings.log.access, AccessLog::Stdout);
    assert!(matches!(snapshot.connection("github-prod").unwrap().kind, Kind::Standard(_)));
    let environment = snapshot.environment("production").unwrap();
    assert_eq!(environment.assigned("desk").unwrap().key.as_str(), "zendesk-customers");
}

#[test]
fn each_mistake_is_told_with_its_place_and_a_remedy() {
    let mut wrong = Vec::new();
    for (text, by, said) in [
        (
            "auth: token\n",
            "aut: token\n",
            "a.yaml:19:5: connections.github-prod: unknown field `aut`, expected `name`, `connector`, `auth`, `embedded`, `enabled`, `base_url`, `variables`, `allowed_origins`, `credentials`, `test_credentials`, `expose`, `supplied_by`, `inputs`, `rate`, `tenant_rate`, `concurrency`, `upstream` or `egress`\n  did you mean `auth`?",
        ),
        (
            "auth: token\n",
            "auth: token\n    auth_method: { bearer: {} }\n",
            "a.yaml:20:5: connections.github-prod: unknown field `auth_method`, expected `name`, `connector`, `auth`, `embedded`, `enabled`, `base_url`, `variables`, `allowed_origins`, `credentials`, `test_credentials`, `expose`, `supplied_by`, `inputs`, `rate`, `tenant_rate`, `concurrency`, `upstream` or `egress`\n  a connection in a file has its connector's auth method as it is: leave this out, or put these settings under a key of their own into the connector's `auth`, and name that as `auth` here; `attache apply` takes it as it stands",
        ),
        (
            "callers:",
            "caller:",
            "a.yaml:3:1: unknown field `caller`, expected `server`, `log`, `store`, `seal`, `events`, `connect`, `webhooks`, `egress`, `upstream`, `callers`, `connectors`, `connections`, `activations`, `integrations` or `environments`\n  did you mean `callers`?",
        ),
        (
            "credentials: { key: ghp_secret }",
            "credentials: {}",
            "a.yaml:20:5: connections.github-prod.credentials.key: the credential field `key` is missing\n  add `key: …` under `credentials`",
        ),
        (
            "{ key: ghp_secret }",
            "{ key: ghp_secret, kee: x }",
            "a.yaml:20:37: connections.github-prod.credentials.kee: the credential field `kee` is unknown here\n  this auth method takes `key`",
        ),
        (
            "ghp_secret",
            "\"${PASSWORD}\"",
            "a.yaml:20:20: connections.github-prod.credentials.key: the credential field `key` has a line break, which can't be sent\n  copy it again without quotes, spaces or line breaks around it",
        ),
        (
            "ghp_secret",
            "12345",
            "a.yaml:20:20: connections.github-prod.credentials.key: expected a text (numbers go in quotes) or a list of texts, found a number",
        ),
        (
            "ghp_secret",
            "${GITHUB_TOKEN}",
            "a.yaml:20:26: connections.github-prod.credentials: this is not YAML: while parsing a flow mapping, did not find expected ',' or '}'\n  put a value with ${…} in it into quotes",
        ),
        (
            "ghp_secret",
            "'${GITHUB_TOKEN}'",
            "a.yaml:20:25: connections.github-prod.credentials.key: the setting `GITHUB_TOKEN` is not set\n  set GITHUB_TOKEN in the environment, or write ${GITHUB_TOKEN:-default} here",
        ),
        (
            "Bearer {key}",
            "Bearer {token}",
            "a.yaml:9:60: connectors.github.auth.token.api_key.format: the template names the unknown field `token`\n  the field here is `key`: write `{key}`",
        ),
        (
            "{ basic: {} }",
            "{ basic: {}, bearer: {} }",
            "a.yaml:15:7: connectors.zendesk.auth.login: basic and bearer are set: a method has one type\n  make a method of each, or write them as a list under `all`",
        ),
        (
            "{ basic: {} }",
            "{ name: Login }",
            "a.yaml:15:7: connectors.zendesk.auth.login: no auth type is set\n  write one as in `bearer: {}`; the types are none, api_key, basic, bearer, custom, oauth2, session_login, oauth1, aws_sigv4, signed_request, http_signature, jwt, digest, mtls, all and hmac",
        ),
        (
            "{ basic: {} }",
            "{ all: [{ basic: {}, name: x }] }",
            "a.yaml:15:22: connectors.zendesk.auth.login.all[0]: name, description, fields and probe are the whole method's\n  write the type and its settings alone: `- mtls: {}`",
        ),
        (
            "{ basic: {} }",
            "{ all: [{ none: {} }] }",
            "a.yaml:15:22: connectors.zendesk.auth.login.all[0]: there is nothing to put together\n  write the type and its settings alone: `- mtls: {}`",
        ),
        (
            "{ basic: {} }",
            "{ all: [{ hmac: { preset: github } }] }",
            "a.yaml:15:22: connectors.zendesk.auth.login.all[0]: webhooks come in: they go with nothing else\n  make a method of it",
        ),
        (
            "{ basic: {} }",
            "{ oauth2: { grant: client_credentials } }",
            "a.yaml:15:16: connectors.zendesk.auth.login.oauth2.token_url: is missing\n  write `token_url: https://…`, or the `issuer` that tells it",
        ),
        (
            "{ preset: github }",
            "{ preset: githup }",
            "a.yaml:10:26: connectors.github.auth.webhook.hmac.preset: no preset is called `githup`\n  is it one of github, gitlab, gitlab-token? docs/webhook-presets.md lists all of them; or describe the signature without a preset",
        ),
        (
            "base_url: https://app.example.com/github",
            "enabled: true",
            "a.yaml:25:3: connections.github-hooks: a webhook connection needs a base_url of its own\n  write where verified deliveries go, as in base_url: http://127.0.0.1:9000/github",
        ),
        (
            "{ secret: shh_secret }",
            "{ secret: '' }",
            "a.yaml:29:20: connections.github-hooks.credentials.secret: is empty: everybody could sign with it\n  copy it anew from the sender's settings",
        ),
        (
            "{ secret: shh_secret }",
            "{}",
            "a.yaml:29:5: connections.github-hooks.credentials.secret: is missing\n  write what the sender signs with; without it nothing can be verified",
        ),
        (
            "https://api.github.com",
            "api.github.com",
            "a.yaml:7:5: connectors.github.base_url: the base URL is not an absolute URL: relative URL without a base\n  write it as in https://api.example.com/v1",
        ),
        (
            "{subdomain}.zendesk",
            "{sub domain}.zendesk",
            "a.yaml:12:5: connectors.zendesk.base_url: the base URL names a variable `sub domain`, which can't be a name\n  write it as in https://{subdomain}.example.com/{version}",
        ),
        (
            "[a-z0-9-]+",
            "[a-z0-9-",
            "a.yaml:13:31: connectors.zendesk.variables.subdomain.pattern: `[a-z0-9-` is not a regular expression\n  write one as in `[a-z0-9-]+`; it is anchored at both ends",
        ),
        (
            "{ subdomain: acme }",
            "{ subdomain: Acme Inc }",
            "a.yaml:33:18: activations[0].variables.subdomain: the variable `subdomain` does not match its pattern `[a-z0-9-]+`",
        ),
        (
            "{ subdomain: acme }",
            "{ subdomian: acme }",
            "a.yaml:33:18: activations[0].variables.subdomian: there is no variable `subdomian` here\n  the connector has subdomain",
        ),
        (
            "connection: zendesk-customers",
            "connection: zendesk",
            "a.yaml:31:5: activations[0].connection: there is no connection `zendesk`\n  declare it under connections",
        ),
        (
            "embedded: true",
            "credentials: { username: a, password: b }\n    variables: { subdomain: a }",
            "a.yaml:32:5: activations[0].connection: the connection `zendesk-customers` is not embedded, so it has no activations\n  set embedded: true on it, or leave this activation out",
        ),
        (
            "embedded: true",
            "embedded: true\n    credentials: { username: a, password: b }",
            "a.yaml:25:5: connections.zendesk-customers.credentials: an embedded connection holds no credentials but its global inputs\n  put them into activations, or into test_credentials; what is the same for all tenants is named under inputs: { client_id: global }",
        ),
        (
            "embedded: true",
            "embedded: true\n    inputs: { subdomian: tenant }",
            "a.yaml:25:15: connections.zendesk-customers.inputs.subdomian: `subdomian` is neither a credential field of the auth method nor a variable\n  there are password, subdomain, username",
        ),
        (
            "embedded: true",
            "embedded: true\n    variables: { subdomain: a }\n    inputs: { subdomain: tenant }",
            "a.yaml:26:15: connections.zendesk-customers.inputs.subdomain: the connection gives `subdomain` a value itself\n  write global, or take it out of `variables`",
        ),
        (
            "{ key: ghp_secret }",
            "{ key: ghp_secret }\n    supplied_by: tenant",
            "a.yaml:21:5: connections.github-prod.supplied_by: only an embedded connection has credentials of tenants\n  set embedded: true, or leave it out",
        ),
        (
            "{ key: ghp_secret }",
            "{ key: ghp_secret }\n    inputs: { key: global }",
            "a.yaml:21:5: connections.github-prod.inputs: only an embedded connection has inputs: this one sets all of them itself\n  set embedded: true, or leave it out",
        ),
        (
            "tenant: acme",
            "tenant: \"a\\u0000b\"",
            "a.yaml:32:5: activations[0].tenant: `a\\0b` is not a tenant id\n  a tenant id is 1 to 128 bytes of UTF-8 without control characters",
        ),
        (
            "  github-prod:",
            "  Github Prod:",
            "a.yaml:17:3: connections.Github Prod: `Github Prod` is not a key\n  a key is 1 to 63 of a-z, 0-9, `.`, `_` and `-`, and begins with a letter or a digit\na.yaml:38:46: environments.production.assign.hub: there is no connection `github-prod`\n  declare it under connections",
        ),
        (
            "desk: zendesk-customers }",
            "desk: github-prod }",
            "a.yaml:38:64: environments.production.assign.desk: the connection `github-prod` is one of `github`\n  the link is to `zendesk`: assign a connection of that",
        ),
        (
            "desk: zendesk-customers }",
            "disk: zendesk-customers }",
            "a.yaml:38:64: environments.production.assign.disk: the integration `sync` has no link `disk`\n  it has hub, desk",
        ),
        (
            "{ hub: { connector: github }",
            "{ hub: { connector: github, endpoints: { only: [list] } }",
            "a.yaml:36:71: integrations.sync.connectors.hub.endpoints.only[0]: the connector `github` has no endpoint `list`\n  name one that it has, or add it to connectors.github.endpoints",
        ),
        (
            "https://api.github.com",
            "https://api.github.com\n    endpoints: { list: { method: get, path: /issues?all=1 } }",
            "a.yaml:8:26: connectors.github.endpoints.list.method: `get` is not a method that can be sent\n  methods are upper case: GET, POST\na.yaml:8:39: connectors.github.endpoints.list.path: the path has a query or a fragment\n  write what follows the base URL, as in /repos/{owner}/{repo}/issues",
        ),
        (
            "https://api.github.com",
            "https://api.github.com\n    endpoints: { list: { path: /issues } }",
            "a.yaml:8:18: connectors.github.endpoints.list: `method` is missing\n  config/attache.yaml shows every key with its default",
        ),
        (
            "{ key: 0123456789abcdef }",
            "{ key: short }",
            "a.yaml:4:14: callers.runtime.key: a caller key has at least 16 visible ASCII characters\n  make one: openssl rand -hex 24",
        ),
        (
            "{ key: 0123456789abcdef }",
            "{ key: 0123456789abcdef, methods: [get], paths: [repos] }",
            "a.yaml:4:47: callers.runtime.methods[0]: `get` can match nothing\n  methods are upper case: GET, POST\na.yaml:4:61: callers.runtime.paths[0]: `repos` can match nothing\n  a path begins with a slash and has no query: /repos/*",
        ),
        (
            "{ token: 0123456789abcdef }",
            "{ listen: 8081 }",
            "a.yaml:2:12: server.admin.listen: `8081` is not an address to listen on\n  write an IP address and a port: 127.0.0.1:8080, 0.0.0.0:8080 or [::]:8080",
        ),
        (
            "{ token: 0123456789abcdef }",
            "{ token: short }",
            "a.yaml:2:12: server.admin.token: an admin token has at least 16 visible ASCII characters\n  make one: openssl rand -hex 24",
        ),
    ] {
        let all = broken(text, by);
        if all.join("\n") != said {
            wrong.push(format!("{by}\n{}\nis not\n{said}", all.join("\n")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn everything_wrong_is_told_at_once_in_the_files_order() {
    let text = GOOD
        .replace("0123456789abcdef }\nconnectors", "short }\nconnectors")
        .replace("basic: {}", "basik: {}")
        .replace("ghp_secret", "\"${NO}\"")
        .replace("connection: zendesk-customers", "connection: other");
    let (_, said) = load_files(&[("a.yaml", text.as_bytes())]);
    let places: Vec<&str> = said.iter().map(|it| it.split(": ").nth(1).unwrap()).collect();
    assert_eq!(
        places,
        [
            "callers.runtime.key",
            "connectors.zendesk.auth.login",
            "connections.github-prod.credentials.key",
            "activations[0].connection",
        ],
        "{}",
        said.join("\n")
    );
}

#[test]
fn texts_that_are_no_configuration_are_refused_whole() {
    let mut wrong = Vec::new();
    let deep = format!("a: {}1{}", "[".repeat(70), "]".repeat(70));
    let laughs = "a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: [*d,*d]\n";
    for (text, said) in [
        (&b""[..], "a.yaml: the file is empty"),
        (b"# nothing\n", "a.yaml: the file is empty"),
        (b"---\n", "a.yaml: the file is empty"),
        (b"\xff\xfe", "a.yaml: cannot be read: it is not UTF-8 text"),
        (b"- a\n", "a.yaml:1:1: expected a map of sections, found a list"),
        (b"hello\n", "a.yaml:1:1: expected a map of sections, found a text"),
        (b"a: &a [*a]\n", "a.yaml:1:8: a[0]: this alias stands inside its own anchor"),
        (b"a: *b\n", "a.yaml:1:4: a: this is not YAML: while parsing node, found unknown anchor"),
        (b"a: [1\n", "a.yaml:2:1: a[1]: this is not YAML: "),
        (b"a: \"\n", "a.yaml:"),
        (b"log: {}\n---\nlog: {}\n", "a.yaml:2:1: a second document begins here"),
        (b"log: !env X\n", "a.yaml:1:11: log: the tag `!env` means nothing here"),
        (b"? [a]\n: b\n", "a.yaml:1:3: a key is a text, not a map or a list"),
        (deep.as_bytes(), "a.yaml:1:67: a"),
        (laughs.as_bytes(), "a.yaml:"),
        (
            b"log: { level: info, level: warn }\n",
            "a.yaml:1:21: log: `level` is set twice: here and in line 1",
        ),
    ] {
        let (loaded, all) = load_files(&[("a.yaml", text)]);
        let shown = String::from_utf8_lossy(text);
        assert!(loaded.is_none(), "{shown}");
        if !all[0].starts_with(said) || all.len() > 1 {
            wrong.push(format!("{shown}\n{}\nis not\n{said}", all.join("\n")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn files_merge_by_section_and_a_key_in_two_of_them_is_told_with_both_places() {
    let more = b"callers:\n  other: { key: fedcba9876543210 }\nactivations:\n  - { connection: zendesk-customers, tenant: globex, variables: { subdomain: g }, credentials: { username: u, password: p } }\n";
    let (loaded, said) =
        load_files(&[("a.yaml", GOOD.as_bytes()), ("b.yml", more), ("c.txt", b"x")]);
    assert_eq!(said, [""; 0]);
    let snapshot = loaded.unwrap().snapshot;
    assert_eq!(snapshot.callers().count(), 2);
    let Kind::Embedded { activations, .. } =
        &snapshot.connection("zendesk-customers").unwrap().kind
    else {
        panic!("it is embedded")
    };
    assert_eq!(activations.len(), 2);

    let twice =
        b"callers:\n  runtime: { key: fedcba9876543210 }\n  same: { key: 0123456789abcdef }\n";
    let (_, said) = load_files(&[("a.yaml", GOOD.as_bytes()), ("b.yaml", twice)]);
    assert_eq!(
        said,
        [
            "b.yaml:2:3: callers.runtime: set twice: here and in a.yaml:4\n  keep one of them",
            "b.yaml:3:11: callers.same.key: the caller `runtime` has the same key\n  give each caller a key of its own",
        ]
    );
}

#[test]
fn settings_of_the_process_are_put_together_key_by_key() {
    let more = b"server: { admin: { listen: 127.0.0.1:1 }, proxy: { workers: 3 } }\nlog:\n";
    let (loaded, said) = load_files(&[("a.yaml", GOOD.as_bytes()), ("b.yaml", more)]);
    assert_eq!(said, [""; 0]);
    let settings = loaded.unwrap().settings;
    assert_eq!((settings.admin.listen.port(), settings.admin.token.is_some()), (1, true));

    let twice = b"server: { admin: { token: fedcba9876543210 } }\n";
    let (_, said) = load_files(&[("a.yaml", GOOD.as_bytes()), ("b.yaml", twice)]);
    assert_eq!(
        said,
        ["b.yaml:1:20: server.admin.token: set twice: here and in a.yaml:2\n  keep one of them"]
    );
}

#[test]
fn files_that_are_not_there_are_all_named() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing.yaml");
    let paths = [folder.path().to_owned(), missing.clone()];
    let errors = load(&paths, &|_| None).unwrap_err();
    let said: Vec<String> = errors.iter().map(ConfigError::to_string).collect();
    assert_eq!(
        said,
        [
            format!(
                "{}: there is no .yaml or .yml file in this folder\n  name the folder that the configuration lies in, or a file",
                folder.path().display()
            ),
            format!(
                "{}: cannot be read: there is no such file\n  is the path right? It is looked for in the working folder",
                missing.display()
            ),
        ]
    );
}

#[test]
fn an_address_that_will_be_refused_is_a_warning() {
    let text = GOOD.replace("https://app.example.com/github", "http://127.0.0.1:9000");
    let (loaded, said) = load_files(&[("a.yaml", text.as_bytes())]);
    assert!(loaded.is_some());
    assert_eq!(
        said,
        [
            "a.yaml:28:5: connections.github-hooks.base_url: 127.0.0.1 is a loopback address, which is not allowed here: nothing will be sent\n  add it to egress.allow: [127.0.0.1]"
        ]
    );
    for allow in ["egress: { allow: [127.0.0.0/8] }\n", "egress: { allow: [127.0.0.1] }\n"] {
        let (loaded, said) = load_files(&[("a.yaml", format!("{text}{allow}").as_bytes())]);
        assert!(loaded.is_some() && said.is_empty(), "{said:?}");
    }
}

#[test]
fn a_required_variable_without_a_value_is_a_warning() {
    let text = GOOD.replace("    variables: { subdomain: acme }\n", "");
    let (loaded, said) = load_files(&[("a.yaml", text.as_bytes())]);
    assert!(loaded.is_some());
    assert_eq!(
        said,
        [
            "a.yaml:21:3: connections.zendesk-customers.variables.subdomain: the activation of `acme` has no value for the required variable `subdomain`\n  set it, or send it with each request as Attache-Variables"
        ]
    );
}

#[test]
fn no_message_holds_a_secret() {
    for (text, by) in [
        ("credentials: { key: ghp_secret }", "credentials: ghp_secret"),
        ("{ key: ghp_secret }", "{ key: { a: ghp_secret } }"),
        (
            "auth: token\n    credentials: { key: ghp_secret }",
            "auth: ghp\n    credentials: [ghp_secret]",
        ),
        ("{ secret: shh_secret }", "{ secret: { shh_secret: 1 } }"),
    ] {
        let said = broken(text, by).join("\n");
        let shown = said.contains("ghp_secret") || said.contains("shh_secret");
        assert!(!shown || by.contains("shh_secret: 1"), "{said}");
    }
}

/// Every setting is one text, but those of the demo, which have defaults; every file is one too, a
/// certificate where it is due.
fn shipped(path: &str) -> Loaded {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path);
    let env = |name: &str| (!name.starts_with("DEMO_")).then(|| format!("0123456789abcdef-{name}"));
    let certificate = rcgen::generate_simple_self_signed(["a.example".to_owned()]).unwrap();
    let file = |path: &Path| match path.extension().and_then(|it| it.to_str()) {
        Some("pem") => Ok(certificate.cert.pem()),
        _ => Ok(format!("0123456789abcdef-{}", path.display())),
    };
    match attempt(&[path], &env, &file).0 {
        Ok(loaded) => loaded,
        Err(errors) => panic!("{}", errors.iter().map(|it| format!("{it}\n")).collect::<String>()),
    }
}

#[test]
fn the_configurations_that_come_with_attache_are_sound() {
    let examples = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("config/examples");
    let mut seen = 0;
    for entry in fs::read_dir(examples).unwrap() {
        let path = entry.unwrap().path();
        let schema = "# yaml-language-server: $schema=../attache.schema.json\n";
        assert!(fs::read_to_string(&path).unwrap().starts_with(schema), "{}", path.display());
        let loaded = shipped(path.to_str().unwrap());
        assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
        seen += 1;
    }
    assert!(seen >= 5, "only {seen} examples");
}

#[test]
fn the_defaults_that_the_full_configuration_states_are_the_defaults() {
    let Loaded { settings, snapshot, warnings, unstored, .. } = shipped("config/attache.yaml");
    assert!(warnings.is_empty() && unstored.is_empty());
    let mut stated = settings;
    assert!(stated.admin.token.take().is_some() && stated.public.url.take().is_some());
    assert_eq!(stated, Settings::default());
    let upstream = &snapshot.connection("github-prod").unwrap().upstream;
    let default = crate::catalog::UpstreamSettings::default();
    assert_eq!((upstream.timeouts, upstream.protocol), (default.timeouts, default.protocol));
    assert_eq!((&upstream.ca, upstream.trace_context), (&default.ca, default.trace_context));
    assert_eq!(upstream.retries, default.retries);
}

#[test]
fn a_secret_in_the_wrong_field_is_shown_as_it_was_written() {
    let fields = [
        "connector: ${LEAK}",
        "connector: github, auth: ${LEAK}",
        "connector: github, auth: token, base_url: ${LEAK}",
    ];
    for field in fields {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("attache.yaml");
        let text = GOOD.replace(
            "  github-hooks:",
            &format!("  wrong: {{ {} }}\n  github-hooks:", field.replace("${LEAK}", "\"${LEAK}\"")),
        );
        fs::write(&path, text).unwrap();
        let env = |name: &str| (name == "LEAK").then(|| "hunter2-hunter2".to_owned());
        let errors = load(&[path], &env).unwrap_err();
        let said: String = errors.iter().map(|it| format!("{it}\n")).collect();
        assert!(!said.contains("hunter2"), "{field}: {said}");
    }
}

/// Found by the fuzz target `config`.
#[test]
fn a_secret_within_a_longer_value_is_not_shown_either() {
    let method = |auth: &str| {
        format!("connectors: {{ a: {{ base_url: 'https://a.test', auth: {{ k: {auth} }} }} }}\n")
    };
    let used = "connections: { c: { connector: a, auth: k, credentials: { key: x } } }\n";
    let env = |name: &str| match name {
        "LEAK" => Some("hunter2-hunter2".to_owned()),
        "BRACED" => Some("{hunter2 hunter2}".to_owned()),
        "LINES" => Some("hunter2\n\"hunter2\"".to_owned()),
        _ => None,
    };
    let mut wrong = Vec::new();
    for (text, said) in [
        (
            method("{ api_key: { in: header, name: X, format: '{${LEAK}}' } }"),
            "connectors.a.auth.k.api_key.format: the template names the unknown field `${LEAK}`",
        ),
        (
            method("{ api_key: { in: header, name: X, format: '{key|${LEAK}}' } }"),
            "connectors.a.auth.k.api_key.format: the template has an unknown filter `${LEAK}`",
        ),
        (
            method("{ hmac: { signature: { header: X }, content: 'v0 ${BRACED}' } }"),
            "connectors.a.auth.k.hmac.content: there is no value `${BRACED}`",
        ),
        (
            method("{ custom: { inject: [{ in: header, name: X, value: '{${LEAK}}' }] } }") + used,
            "connections.c.credentials.${LEAK}: the credential field `${LEAK}` is missing",
        ),
        (
            "connectors: { a: { base_url: 'https://{${LEAK}}.test', auth: { k: { bearer: {} } } } }"
                .to_owned(),
            "connectors.a.base_url: the base URL names a variable `${LEAK}`, which can't be a name",
        ),
        (
            method("{ bearer: {} }")
                + "connections: { c: { connector: a, auth: k, embedded: true } }\n\
                   activations: [{ connection: c, tenant: 'x-${LINES}', credentials: { token: x } }]\n",
            "activations[0].tenant: `x-${LINES}` is not a tenant id",
        ),
    ] {
        let sources = Sources { setting: &env, file: &|_| Err("no such file".to_owned()) };
        let errors = load_texts(&[File { name: "a.yaml", text: &text }], sources).unwrap_err();
        let all: String = errors.iter().map(|it| format!("{it}\n")).collect();
        if all.contains("hunter2") || !all.contains(said) {
            wrong.push(format!("{text}{all}is not\n{said}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n\n"));
}
