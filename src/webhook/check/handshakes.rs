//! Handshakes: that their answers give nothing away to whoever asks.
use super::Check;
use super::LIST_MAX;
use super::below;
use crate::webhook::error::Step;
use crate::webhook::handshake::Handshake;
use crate::webhook::raw::HandshakeCheck;
use crate::webhook::raw::RawHandshake;
use crate::webhook::raw::RawReply;
use crate::webhook::reply::BodyForm;
use crate::webhook::reply::JsonForm;
use crate::webhook::reply::ReplyForm;
use crate::webhook::rules::KeysFrom;
use crate::webhook::rules::Rules;
use crate::webhook::spot::Has;
use crate::webhook::spot::Spot;
use crate::webhook::spot::When;
use crate::webhook::template::Slot;
use crate::webhook::template::Template;
use crate::webhook::template::Value;
use http::HeaderName;
use http::HeaderValue;
use http::Method;

/// Most values in one JSON answer.
const JSON_VALUES_MAX: usize = 64;

impl Check {
    pub(super) fn handshakes(
        &mut self,
        raw: Vec<RawHandshake>,
        ways: &[Rules],
    ) -> Box<[Handshake]> {
        if raw.len() > LIST_MAX {
            let problem = format!("has {} entries", raw.len());
            self.wrong(vec!["handshakes".into()], problem, format!("keep {LIST_MAX}"));
        }
        let checked = raw.into_iter().enumerate().filter_map(|(index, it)| {
            self.within = vec!["handshakes".into(), Step::Index(index)];
            self.handshake(it, ways)
        });
        let checked = checked.collect();
        self.within.clear();
        checked
    }

    fn handshake(&mut self, raw: RawHandshake, ways: &[Rules]) -> Option<Handshake> {
        let check = raw.check.unwrap_or_default();
        let when = self.when(vec!["when".into()], raw.when);
        let token = raw.token.and_then(|it| self.spot(vec!["token".into()], &it));
        if (check == HandshakeCheck::Token) != token.is_some() {
            let hint =
                "write both `check: token` and where it is: `token: { query: hub.verify_token }`";
            self.wrong(vec!["token".into()], "and `check: token` go together", hint);
        }
        let has_store = raw.store_secret_once.is_some();
        let store =
            raw.store_secret_once.and_then(|it| self.spot(vec!["store_secret_once".into()], &it));
        if has_store && check == HandshakeCheck::Signature {
            let hint = "nothing is signed before there is a secret: write `check: none`";
            self.wrong(vec!["store_secret_once".into()], "comes with `check: signature`", hint);
        }
        if has_store && ways.iter().any(|it| it.keys_from != KeysFrom::Given) {
            let hint = "the keys of this sender are public";
            self.wrong(vec!["store_secret_once".into()], "hands over what is not used", hint);
        }
        let when = when?;
        if check == HandshakeCheck::None && when.method == Method::POST && when.spot.is_none() {
            let hint = "say what such a request has that no delivery has: `when: { header: X }`";
            self.wrong(vec!["when".into()], "is any POST, and nothing is checked", hint);
        }
        let reply = self.reply(raw.respond, check != HandshakeCheck::Signature)?;
        let in_json = matches!(reply.body, BodyForm::Json(_)) && reply.headers.is_empty();
        let shape = when.spot.as_ref().filter(|_| in_json);
        let given_back = [store.as_ref(), shape];
        for template in reply.templates() {
            for slot in template.slots() {
                self.echo(slot, check, &when, given_back, ways);
            }
        }
        Some(Handshake { when, check, token, reply, store })
    }

    /// One value of an answer. What nobody signed is given back only where it cannot be more than
    /// a text: the secret handed over, and within JSON what the request is known by.
    fn echo(
        &mut self,
        slot: &Slot,
        check: HandshakeCheck,
        when: &When,
        given_back: [Option<&Spot>; 2],
        ways: &[Rules],
    ) {
        let path = || vec![Step::from("respond")];
        match slot.value {
            Value::Key
            | Value::Timestamp
            | Value::Label(_)
            | Value::Claim(_)
            | Value::Signature
            | Value::Canonical(_) => {
                let hint = "answer with a header, a query parameter or `{json./x}`";
                self.wrong(path(), "has a value that is none of a handshake's", hint);
            }
            Value::Body if check != HandshakeCheck::Signature => {
                let hint = "answer with a query parameter or a header";
                self.wrong(path(), "gives a body back that nobody signed", hint);
            }
            _ => {}
        }
        let is_given_back = given_back.into_iter().flatten().any(|it| match (&slot.value, it) {
            (Value::Header(name), Spot::Header(given)) => name == given,
            (Value::Json(pointer), Spot::Json(given)) => pointer == given,
            (Value::Form(name), Spot::Form(given)) => name == given,
            _ => false,
        });
        let is_shown = matches!(slot.value, Value::Query(_) | Value::Header(_) | Value::Account);
        if check == HandshakeCheck::None && !is_shown && !is_given_back {
            let hint = "answer with a query parameter or a header, or write `check: signature`";
            self.wrong(path(), "gives something back that nobody signed", hint);
        }
        if slot.is_hmac() {
            self.signs(slot, check, when, ways);
        }
    }

    /// An HMAC of what the request says: never one that could be a delivery's.
    fn signs(&mut self, slot: &Slot, check: HandshakeCheck, when: &When, ways: &[Rules]) {
        let path = || vec![Step::from("respond")];
        if ways.iter().any(|it| !it.algorithm.is_hmac() || !it.takes_secret()) {
            let hint = "only `algorithm: hmac-…` makes them";
            self.wrong(path(), "has the filter `hmac`, and there is no such key", hint);
        }
        if check == HandshakeCheck::Signature {
            return;
        }
        let alone = slot.filters.len() == 1 && !slot.optional;
        let in_query = matches!(slot.value, Value::Query(_));
        if !alone || !in_query || when.method != Method::GET {
            let hint = "write `check: signature`; without it only one query parameter of a GET \
                        is signed";
            self.wrong(path(), "signs whatever anybody asks for", hint);
            return;
        }
        let body_only = |it: &Rules| it.content.certain().any(|slot| slot.has_all_of(&Value::Body));
        let is_narrow = match (&when.spot, &slot.value) {
            (Some(Spot::Query(shape)), Value::Query(name)) => {
                shape == name && matches!(when.has, Has::Matching(_))
            }
            _ => false,
        };
        if !ways.iter().all(body_only) && !is_narrow {
            let hint = "say in `when` what the parameter `matches`, so that it can be no content";
            self.wrong(path(), "signs what could be a delivery's content", hint);
        }
    }

    fn reply(&mut self, raw: RawReply, is_unproved: bool) -> Option<ReplyForm> {
        let path = || vec![Step::from("respond")];
        let status = raw.status.unwrap_or(200);
        if !(200..=299).contains(&status) {
            let problem = format!("is {status}");
            self.wrong(below(&path(), "status"), problem, "write 200 to 299");
        }
        let default = if raw.json.is_some() { "application/json" } else { "text/plain" };
        let media_type = raw.media_type.as_deref().unwrap_or(default);
        let essence = media_type.split(';').next().unwrap_or_default().trim();
        if !matches!(essence, "text/plain" | "application/json") {
            let hint = "write `text/plain` or `application/json`: a browser runs others";
            self.wrong(below(&path(), "type"), format!("is `{essence}`"), hint);
        }
        let media_type = HeaderValue::try_from(media_type);
        let media_type = self.ok(below(&path(), "type"), media_type, "write `text/plain`")?;
        let headers = raw.headers.unwrap_or_default().into_iter();
        let headers = headers.filter_map(|(name, text)| {
            let mut path = below(&path(), "headers");
            path.push(Step::Field(name.clone().into()));
            let name = self.header(path.clone(), &name)?;
            if !is_answerable(&name) {
                let hint = "only headers that begin with `X-` or `Webhook-` are answered";
                self.wrong(path.clone(), "is a header with a meaning of its own", hint);
            }
            Some((name, self.answer_text(path, &text)?))
        });
        let headers = headers.collect();
        let body = match (raw.body, raw.json) {
            (None, None) => BodyForm::Empty,
            (Some(text), None) => BodyForm::Text(self.answer_text(below(&path(), "body"), &text)?),
            (None, Some(json)) => {
                BodyForm::Json(self.json(below(&path(), "json"), json, &mut 0)?)
            }
            (Some(_), Some(_)) => {
                self.wrong(path(), "has both `body` and `json`", "keep one of them");
                return None;
            }
        };
        Some(ReplyForm { status, media_type, headers, body, is_unproved })
    }

    fn json(
        &mut self,
        path: Vec<Step>,
        json: serde_json::Value,
        seen: &mut usize,
    ) -> Option<JsonForm> {
        *seen += 1;
        if *seen > JSON_VALUES_MAX {
            let hint = format!("keep {JSON_VALUES_MAX} values");
            self.wrong(path, "is too much of an answer", hint);
            return None;
        }
        Some(match json {
            serde_json::Value::String(text) => JsonForm::Text(self.answer_text(path, &text)?),
            serde_json::Value::Array(items) => {
                let items = items.into_iter().map(|it| self.json(path.clone(), it, seen));
                JsonForm::List(items.collect::<Option<_>>()?)
            }
            serde_json::Value::Object(fields) => {
                let fields = fields.into_iter().map(|(name, it)| {
                    Some((name.into_boxed_str(), self.json(path.clone(), it, seen)?))
                });
                JsonForm::Object(fields.collect::<Option<_>>()?)
            }
            plain => JsonForm::Plain(plain),
        })
    }

    fn answer_text(&mut self, path: Vec<Step>, text: &str) -> Option<Template> {
        let hint = "values are `{query.X}`, `{header.X}`, `{account}` and, once signed, `{json./x}`; \
                    filters `hmac(hex)`, `hmac(base64)`";
        self.ok(path, Template::parse(text), hint)
    }
}

fn is_answerable(name: &HeaderName) -> bool {
    let own = name.as_str().starts_with("x-attache-");
    !own && ["x-", "webhook-"].iter().any(|it| name.as_str().starts_with(it))
}
