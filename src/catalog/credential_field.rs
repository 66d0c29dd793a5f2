//! The fields of an auth method's credentials, as whoever fills them in is told of them.
use super::auth_method::Auth;
use super::auth_method::AuthMethod;
use crate::grant::Need;

/// One field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialField {
    pub name: String,
    /// For people; the name where nobody has said one.
    pub label: String,
    pub help: Option<String>,
    /// A regular expression that the whole of it has to match.
    pub pattern: Option<String>,
    pub example: Option<String>,
    /// Whether nobody is to look on while it is typed.
    pub is_secret: bool,
    pub need: Need,
}

impl AuthMethod {
    /// All of them, in their order. `is_variable`: whether a name in a template is that of a variable.
    pub fn credential_fields(&self, is_variable: impl Fn(&str) -> bool) -> Vec<CredentialField> {
        let needed = |it: bool| if it { Need::Required } else { Need::Optional };
        let taken: Vec<(&str, Need)> = match &self.auth {
            Auth::Token(method) => {
                method.fields(is_variable).iter().map(|it| (it.name, it.need)).collect()
            }
            Auth::Outbound(scheme) => {
                let fields = scheme.fields().into_iter();
                fields.map(|it| (it, needed(!scheme.is_optional(it)))).collect()
            }
            Auth::Inbound(description) => {
                let fields = description.fields().into_iter();
                fields.map(|(name, is_needed)| (name, needed(is_needed))).collect()
            }
        };
        taken.into_iter().map(|(name, need)| self.credential_field(name, need)).collect()
    }

    fn credential_field(&self, name: &str, need: Need) -> CredentialField {
        let text = self.text(name);
        let said = |it: &str| Some(it.to_owned()).filter(|it| !it.is_empty());
        CredentialField {
            name: name.to_owned(),
            label: text.map_or_else(|| name.to_owned(), |it| it.name.to_string()),
            help: text.and_then(|it| said(&it.description)),
            pattern: text.and_then(|it| it.written_pattern()).map(str::to_owned),
            example: text.and_then(|it| said(&it.example)),
            is_secret: self.is_secret(name),
            need,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::RawAuthMethod;
    use crate::model::Key;
    use serde_json::json;

    fn fields(method: serde_json::Value) -> Vec<CredentialField> {
        let raw: RawAuthMethod = serde_json::from_value(method).unwrap();
        let method = AuthMethod::recorded(Key::try_from("m").unwrap(), 1, raw).unwrap();
        method.credential_fields(|it| it == "region")
    }

    fn needs(method: serde_json::Value) -> Vec<(String, Need)> {
        fields(method).into_iter().map(|it| (it.name, it.need)).collect()
    }

    #[test]
    fn a_field_is_what_is_said_of_it_or_else_its_name() {
        let method = json!({
            "basic": {},
            "fields": { "password": { "name": "API token", "description": "In your profile.", "pattern": "[a-z]+", "example": "abc", "secret": true } },
        });
        let found = fields(method);
        assert_eq!(
            found[0],
            CredentialField {
                name: "username".into(),
                label: "username".into(),
                help: None,
                pattern: None,
                example: None,
                is_secret: false,
                need: Need::Required,
            }
        );
        assert_eq!(
            found[1],
            CredentialField {
                name: "password".into(),
                label: "API token".into(),
                help: Some("In your profile.".into()),
                pattern: Some("[a-z]+".into()),
                example: Some("abc".into()),
                is_secret: true,
                need: Need::Required,
            }
        );
    }

    #[test]
    fn it_is_needed_may_be_absent_or_comes_of_a_consent() {
        use Need::Obtained;
        use Need::Optional;
        use Need::Required;
        let of = |all: &[(&str, Need)]| -> Vec<(String, Need)> {
            all.iter().map(|(name, need)| ((*name).to_owned(), *need)).collect()
        };
        assert_eq!(needs(json!({ "none": {} })), []);
        assert_eq!(needs(json!({ "hmac": { "preset": "asana" } })), of(&[("secret", Optional)]));
        let aws = json!({ "aws_sigv4": { "service": "s3", "region": "eu-west-1" } });
        let keys = [
            ("access_key_id", Required),
            ("secret_access_key", Required),
            ("session_token", Optional),
        ];
        assert_eq!(needs(aws), of(&keys));
        let urls = json!({ "oauth2": {
            "grant": "authorization_code", "authorize_url": "https://{region}.example/a", "token_url": "https://{realm}.example/t",
        } });
        let found = needs(urls);
        for (name, need) in [
            ("client_id", Required),
            ("client_secret", Required),
            ("realm", Required),
            ("access_token", Obtained),
            ("refresh_token", Obtained),
        ] {
            assert!(found.contains(&(name.to_owned(), need)), "{name}: {found:?}");
        }
        assert!(found.iter().all(|it| it.0 != "region"), "it is a variable of the connector's");
    }
}
