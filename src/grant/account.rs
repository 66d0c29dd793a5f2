//! Where an answer says whose account it is about.
use super::reply::Reply;
use crate::model::Account;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

/// Where an answer says whose account it is about: JSON pointers (RFC 6901) into it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawAccount {
    /// What tells the account from others and stays the same: its number, not its address.
    pub id: String,
    /// What people know it by. Default: nothing is shown but the id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// The same, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountPlaces {
    id: Box<str>,
    /// The first of them where a text stands counts.
    names: Box<[Box<str>]>,
}

/// The member of a [`RawAccount`] that is no JSON pointer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoPointer(pub &'static str);

impl AccountPlaces {
    pub fn read(raw: &RawAccount) -> Result<Self, NoPointer> {
        if !is_pointer(&raw.id) {
            return Err(NoPointer("id"));
        }
        if raw.name.as_deref().is_some_and(|it| !is_pointer(it)) {
            return Err(NoPointer("name"));
        }
        Ok(Self {
            id: raw.id.as_str().into(),
            names: raw.name.iter().map(|it| it.as_str().into()).collect(),
        })
    }

    /// Those of a userinfo answer (OpenID Connect Core §5.1).
    pub(super) fn of_openid() -> Self {
        let names = ["/email", "/preferred_username", "/name"];
        Self { id: "/sub".into(), names: names.map(Into::into).into() }
    }

    /// The account that an answer's body tells; none where it tells none.
    pub fn find(&self, body: &[u8]) -> Option<Account> {
        let reply = Reply::read(None, body).ok()?;
        let name = self.names.iter().find_map(|it| reply.text(it));
        Account::new(&reply.text(&self.id)?, name.as_deref())
    }
}

/// RFC 6901 §3. The whole answer is no account.
fn is_pointer(text: &str) -> bool {
    let is_escape = |rest: &str| rest.starts_with(['0', '1']);
    text.starts_with('/') && text.split('~').skip(1).all(is_escape)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(id: &str, name: Option<&str>) -> RawAccount {
        RawAccount { id: id.to_owned(), name: name.map(str::to_owned) }
    }

    #[test]
    fn an_account_is_read_from_where_it_stands() {
        let places = AccountPlaces::read(&raw("/data/0/id", Some("/data/0/a~1b"))).unwrap();
        for (body, expected) in [
            (r#"{"data":[{"id":7,"a/b":"Ann"}]}"#, Some(("7", Some("Ann")))),
            (r#"{"data":[{"id":"7"}]}"#, Some(("7", None))),
            (r#"{"data":[{"id":"","a/b":"Ann"}]}"#, None),
            (r#"{"data":[{"id":{"x":1}}]}"#, None),
            (r#"{"data":[]}"#, None),
            ("<html>", None),
            ("", None),
        ] {
            let account = places.find(body.as_bytes());
            let found = account.as_ref().map(|it| (&*it.id, it.name.as_deref()));
            assert_eq!(found, expected, "{body}");
        }
        let openid = AccountPlaces::of_openid();
        let account = openid.find(br#"{"sub":"1","name":"Ann","preferred_username":"ann"}"#);
        assert_eq!(account, Account::new("1", Some("ann")));
    }

    #[test]
    fn what_is_no_pointer_is_refused() {
        for (id, name, refused) in [
            ("id", None, "id"),
            ("", None, "id"),
            ("/a~2", None, "id"),
            ("/a~", None, "id"),
            ("/id", Some("name"), "name"),
        ] {
            assert_eq!(AccountPlaces::read(&raw(id, name)), Err(NoPointer(refused)), "{id}");
        }
    }
}
