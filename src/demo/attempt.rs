//! One request to try: what is sent, what should come of it, and whether it did.
use super::credentials::CALLER_KEY;
use super::send::Answer;
use super::witness::Place;
use super::witness::Sighting;

/// A request as a newcomer would send it with curl.
#[derive(Clone, Debug)]
pub struct Attempt {
    pub title: &'static str,
    /// What to notice, in a line or two.
    pub story: &'static [&'static str],
    pub method: &'static str,
    pub url: String,
    pub headers: Vec<(&'static str, String)>,
    /// curl's `-u`.
    pub user: Option<String>,
    pub body: Option<&'static str>,
    pub expected: Expected,
}

/// What an attempt is there to show.
#[derive(Clone, Debug)]
pub enum Expected {
    /// The sample API accepted this credential, and this target arrived.
    Credential { shown: String, target: &'static str },
    /// The receiver got the body as it was sent, with word that it is genuine.
    Delivery,
    /// attache refused with this status and code, and nobody behind it saw anything.
    Refusal { status: u16, code: &'static str },
}

/// What happened, as label and text: the reader's evidence.
pub type Findings = Vec<(&'static str, String)>;

impl Attempt {
    /// What was found, or what is not as it should be.
    pub fn judge(&self, answer: &Answer, seen: &[Sighting]) -> Result<Findings, String> {
        match &self.expected {
            Expected::Credential { shown, target } => judge_credential(shown, target, answer, seen),
            Expected::Delivery => self.judge_delivery(answer, seen),
            Expected::Refusal { status, code } => judge_refusal(*status, code, answer, seen),
        }
    }

    fn judge_delivery(&self, answer: &Answer, seen: &[Sighting]) -> Result<Findings, String> {
        let sighting = only(Place::Receiver, answer, seen)?;
        let body = self.body.unwrap_or_default();
        if sighting.body != body.as_bytes() {
            return Err("the receiver got other bytes than were sent".to_owned());
        }
        let verified = sighting.credential.clone()?;
        Ok(vec![
            ("the receiver got", format!("the same {} bytes, and {verified}", body.len())),
            ("from connection", sighting.header("attache-webhook-connection").unwrap_or_default()),
        ])
    }
}

fn judge_credential(
    shown: &str,
    target: &str,
    answer: &Answer,
    seen: &[Sighting],
) -> Result<Findings, String> {
    let sighting = only(Place::Api, answer, seen)?;
    let credential = sighting.credential.clone()?;
    if credential != shown {
        return Err(format!("the API got {credential}, not {shown}"));
    }
    if sighting.target != target {
        return Err(format!("the API was asked for {}, not {target}", sighting.target));
    }
    if sighting.shows(CALLER_KEY) {
        return Err("the caller key reached the API".to_owned());
    }
    if let Some(name) = sighting.headers.keys().find(|it| it.as_str().starts_with("attache-")) {
        return Err(format!("the tag {name} reached the API"));
    }
    Ok(vec![
        ("the API was asked", format!("{} {target}", sighting.method)),
        ("with", credential),
        ("and saw nothing of", "the caller key, or any Attache-* header".to_owned()),
    ])
}

fn judge_refusal(
    status: u16,
    code: &str,
    answer: &Answer,
    seen: &[Sighting],
) -> Result<Findings, String> {
    if !seen.is_empty() {
        return Err("it was passed on, and should have been refused".to_owned());
    }
    let said = answer.header("attache-error").unwrap_or_default();
    if answer.status != status || said != code {
        return Err(format!("the answer was {} {said}, not {status} {code}", answer.status));
    }
    let detail = answer.detail().unwrap_or_default();
    Ok(vec![
        ("attache said", format!("Attache-Error: {said}")),
        ("in words", detail),
        ("the API saw", "nothing: no request left attache".to_owned()),
    ])
}

/// The one request that arrived behind attache, if the answer to it was good.
fn only<'s>(place: Place, answer: &Answer, seen: &'s [Sighting]) -> Result<&'s Sighting, String> {
    if answer.status != 200 {
        let said = answer.header("attache-error").unwrap_or("the other side's own answer");
        return Err(format!("the answer was {} ({said}), not 200", answer.status));
    }
    match seen {
        [one] if one.place == place => Ok(one),
        [] => Err("nothing arrived behind attache".to_owned()),
        _ => Err(format!("{} requests arrived where one should have", seen.len())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderMap;
    use http::HeaderName;
    use http::HeaderValue;
    use http::Method;

    fn sighting() -> Sighting {
        Sighting {
            place: Place::Api,
            method: Method::GET,
            target: "/shop/orders".parse().unwrap(),
            headers: HeaderMap::new(),
            body: bytes::Bytes::new(),
            credential: Ok("X-Api-Key: k".to_owned()),
        }
    }

    fn answer(status: u16) -> Answer {
        Answer { status, headers: HeaderMap::new(), body: bytes::Bytes::new() }
    }

    fn attempt(expected: Expected) -> Attempt {
        Attempt {
            title: "",
            story: &[],
            method: "GET",
            url: String::new(),
            headers: Vec::new(),
            user: None,
            body: None,
            expected,
        }
    }

    #[test]
    fn an_attempt_is_good_only_if_everything_is() {
        let expected =
            Expected::Credential { shown: "X-Api-Key: k".to_owned(), target: "/shop/orders" };
        let attempt = attempt(expected);
        let with = |name: &'static str, value: &'static str| {
            let mut changed = sighting();
            let name = HeaderName::from_static(name);
            changed.headers.insert(name, HeaderValue::from_static(value));
            vec![changed]
        };
        assert!(attempt.judge(&answer(200), &[sighting()]).is_ok());
        // Each row breaks one thing.
        let broken = [
            ("refused", 401, vec![sighting()]),
            ("nothing seen", 200, vec![]),
            ("seen twice", 200, vec![sighting(), sighting()]),
            ("elsewhere", 200, vec![Sighting { place: Place::Receiver, ..sighting() }]),
            ("no credential", 200, vec![Sighting { credential: Err("none".into()), ..sighting() }]),
            ("other one", 200, vec![Sighting { credential: Ok("Basic".into()), ..sighting() }]),
            ("other target", 200, vec![Sighting { target: "/".parse().unwrap(), ..sighting() }]),
            ("caller key", 200, with("authorization", CALLER_KEY)),
            ("tag", 200, with("attache-tenant", "acme")),
        ];
        for (name, status, seen) in broken {
            assert!(attempt.judge(&answer(status), &seen).is_err(), "row {name}");
        }
    }

    #[test]
    fn a_delivery_and_a_refusal_are_judged_by_what_arrived() {
        let delivery = Attempt { body: Some("{}"), ..attempt(Expected::Delivery) };
        let arrived = Sighting { place: Place::Receiver, body: "{}".into(), ..sighting() };
        assert!(delivery.judge(&answer(200), std::slice::from_ref(&arrived)).is_ok());
        let changed = Sighting { body: "{ }".into(), ..arrived };
        assert!(delivery.judge(&answer(200), &[changed]).is_err());

        let refusal = attempt(Expected::Refusal { status: 403, code: "base_url_forbidden" });
        let mut refused = answer(403);
        refused.headers.insert("attache-error", HeaderValue::from_static("base_url_forbidden"));
        assert!(refusal.judge(&refused, &[]).is_ok());
        assert!(refusal.judge(&refused, &[sighting()]).is_err());
        assert!(refusal.judge(&answer(403), &[]).is_err());
    }
}
