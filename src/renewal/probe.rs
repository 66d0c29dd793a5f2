//! An API is asked by its method's probe whether it takes a credential, and whose account that is.
use super::Job;
use super::Place;
use super::Wanted;
use super::attempt;
use super::attempt::random;
use super::bureau::Bureau;
use super::bureau::whole;
use super::errand::ErrandError;
use super::errand::Errands;
use super::had::Kept;
use super::had::Source;
use crate::auth::Draft;
use crate::auth::Learnt;
use crate::auth::Moment;
use crate::auth::Prepared;
use crate::catalog::Auth;
use crate::catalog::Connection;
use crate::catalog::Holder;
use crate::catalog::Probe;
use crate::catalog::Ready;
use crate::catalog::Token;
use crate::catalog::TokenHolder;
use crate::catalog::UpstreamSettings;
use crate::catalog::Way;
use crate::grant::Expiry;
use crate::grant::TokenSet;
use crate::model::Account;
use crate::model::BaseUrl;
use crate::upstream::Destination;
use crate::upstream::Failed;
use crate::upstream::Fields;
use crate::upstream::Manner;
use crate::upstream::RequestHead;
use crate::upstream::SendError;
use bytes::Bytes;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Method;
use http::StatusCode;
use http::Uri;
use http::header;
use http_body_util::Full;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;
use tokio::sync::watch;

/// How long a probe may take at most, from the dial to the end of its answer: less where the connection's `total` is. A
/// token that is had first has a time of its own.
const PROBE_TIME: Duration = Duration::from_secs(15);

/// Most of an answer that is read, in bytes: what says whose account it is stands in short ones.
const BODY_LEN_MAX: usize = 256 * 1024;

const DPOP: HeaderName = HeaderName::from_static("dpop");

/// The token that a probe goes out with, where the holder's method has tokens.
pub enum Tried {
    /// It is had already, and kept by whoever had it.
    Kept(Arc<Token>),
    /// Somebody has just consented: nothing of it is kept yet.
    New(TokenSet),
}

/// The API takes the credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probed {
    /// Whose it is, where the probe says where that stands and the answer has it.
    pub account: Option<Account>,
    pub status: u16,
}

/// What goes on the probe.
enum Put {
    Prepared(Prepared),
    Token(Arc<Token>, Arc<TokenHolder>),
}

/// What is behind a holder, for the thread.
pub(super) enum Behind {
    Prepared(Prepared),
    Token(Arc<TokenHolder>, Option<Tried>),
}

impl Errands {
    /// Tries a credential. Nothing is kept: where the method has tokens and `token` is none, one is had for this alone,
    /// but never by using up a refresh token.
    pub async fn probe(
        &self,
        connection: Arc<Connection>,
        holder: &Holder,
        token: Option<Tried>,
    ) -> Result<Probed, ErrandError> {
        let behind = match &holder.ready {
            Ready::Outbound(prepared) => Behind::Prepared(prepared.clone()),
            Ready::Token(holder) => Behind::Token(Arc::clone(holder), token),
            Ready::Inbound(_) => return Err(ErrandError::NotSet("probe")),
        };
        let variables = holder.variables.clone();
        self.run(async move |bureau| probed(bureau, &connection, behind, variables).await).await
    }
}

pub(super) async fn probed(
    bureau: &Bureau,
    connection: &Arc<Connection>,
    behind: Behind,
    mut variables: BTreeMap<String, String>,
) -> Result<Probed, ErrandError> {
    let probe = connection.method.probe.as_ref().ok_or(ErrandError::NotSet("probe"))?;
    let put = match behind {
        Behind::Prepared(prepared) => Put::Prepared(prepared),
        Behind::Token(holder, tried) => {
            let token = match tried {
                Some(Tried::Kept(token)) => token,
                Some(Tried::New(tokens)) => ready(&holder, tokens)?,
                None => own(bureau, connection, &holder).await?,
            };
            // What came with the token counts more than what the holder says.
            variables.extend(token.kept.iter().map(|(name, value)| (name.clone(), value.clone())));
            Put::Token(token, holder)
        }
    };
    let base = base(connection, variables)?;
    let path = [base.prefix(), &*probe.path].concat();
    if put.guards(&base, &path) {
        return Err(ErrandError::Operator("the probe would go to where tokens are had".to_owned()));
    }
    let certificate = put.prepared().certificate();
    let settings = match certificate {
        Some(it) => Arc::new(connection.upstream.showing(it)),
        None => Arc::clone(&connection.upstream),
    };
    let (put, base, path) = (&put, &base, &*path);
    let visit = Visit { bureau, connection, settings: &settings, probe, put, base, path };
    let late = || ErrandError::away("the API did not answer in time");
    let time = connection.upstream.timeouts.total.unwrap_or(PROBE_TIME).min(PROBE_TIME);
    tokio::time::timeout(time, visit.run()).await.unwrap_or_else(|_| Err(late()))
}

/// Where the holder's requests go.
fn base(
    connection: &Connection,
    mut variables: BTreeMap<String, String>,
) -> Result<BaseUrl, ErrandError> {
    let is_declared = |it: &str| {
        connection.variables.rule(it).is_some()
            || connection.base_url.variables().any(|name| name == it)
    };
    variables.retain(|name, _| is_declared(name));
    let base = connection.base_url.expand(&connection.variables, &variables);
    base.map_err(|it| ErrandError::Operator(format!("nobody can say where its requests go: {it}")))
}

/// Tokens that are kept nowhere yet, ready to go on a request.
fn ready(holder: &TokenHolder, tokens: TokenSet) -> Result<Arc<Token>, ErrandError> {
    let kept = tokens.kept.clone();
    let got = super::had::Got::again(Kept::Tokens(tokens), crate::model::UnixTime::default());
    let had = got.ready(holder, 0, Source::Kept)?;
    let token = Token::new(had.prepared, 0, None, Instant::now(), Duration::MAX, Vec::new());
    Ok(Arc::new(token.bound_to(had.binding).keeping(kept)))
}

/// One that is had for this alone.
async fn own(
    bureau: &Bureau,
    connection: &Connection,
    holder: &Arc<TokenHolder>,
) -> Result<Arc<Token>, ErrandError> {
    let now = bureau.now();
    let is_good = |it: &TokenSet| !matches!(it.expiry, Expiry::At(ends) if ends <= now);
    if let Some(tokens) = holder.own_tokens(now).filter(is_good) {
        return ready(holder, tokens);
    }
    if !holder.begins_by_itself() {
        return Err(ErrandError::not_taken(None, true, "nobody has consented yet"));
    }
    if matches!(&holder.method.way, Way::Oauth2(method) if method.rotates()) {
        let why = "it can't be tried before it is kept: that would use up its refresh token";
        return Err(ErrandError::Unfit(why));
    }
    let wanted = Wanted { connection, tenant: None, is_test: false, holder };
    let job = Job {
        place: Place::of(wanted),
        holder: Arc::clone(holder),
        settings: Arc::clone(&connection.upstream),
        kept: None,
        version: None,
        is_forced: false,
        is_due: false,
        is_declared: false,
        secret: 0,
        lands: watch::channel(None).0,
    };
    let refused = |it: ErrandError| match it {
        ErrandError::Refused(words) => ErrandError::not_taken(None, true, words),
        other => other,
    };
    let got = attempt::once(bureau, &job, None, None).await;
    let got = got.map_err(|it| refused(ErrandError::from(it)))?;
    let (kept, guarded) = match &got.kept {
        Kept::Tokens(tokens) => (tokens.kept.clone(), got.guarded.clone()),
        Kept::Session { .. } => (BTreeMap::new(), got.guarded.clone()),
    };
    let had = got.ready(holder, 0, Source::Message)?;
    let token = Token::new(had.prepared, 0, None, Instant::now(), Duration::MAX, guarded);
    Ok(Arc::new(token.bound_to(had.binding).keeping(kept)))
}

impl Put {
    fn prepared(&self) -> &Prepared {
        match self {
            Self::Prepared(prepared) => prepared,
            Self::Token(token, _) => &token.prepared,
        }
    }

    /// Whether it would go to where tokens come from.
    fn guards(&self, base: &BaseUrl, path: &str) -> bool {
        match self {
            Self::Prepared(_) => false,
            Self::Token(token, holder) => {
                let origin = base.origin();
                holder.guards(origin, path) || token.guards(origin, path)
            }
        }
    }
}

struct Visit<'a> {
    bureau: &'a Bureau,
    connection: &'a Connection,
    settings: &'a Arc<UpstreamSettings>,
    probe: &'a Probe,
    put: &'a Put,
    base: &'a BaseUrl,
    path: &'a str,
}

/// The head of a probe.
struct Head<'a> {
    host: &'a HeaderValue,
    prepared: &'a Prepared,
    proof: Option<HeaderValue>,
}

impl Fields for Head<'_> {
    fn each(&self, mut put: impl FnMut(&HeaderName, &HeaderValue)) {
        put(&header::HOST, self.host);
        let mut onto = self.prepared.onto(put);
        onto.field(&header::ACCEPT, &HeaderValue::from_static("application/json, */*;q=0.5"));
        onto.field(&header::USER_AGENT, &HeaderValue::from_static("attache"));
        if let Some(proof) = &self.proof {
            onto.field(&DPOP, proof);
        }
        onto.end();
    }
}

/// A request as it goes out.
struct Out {
    target: Uri,
    fields: Vec<(HeaderName, HeaderValue)>,
    body: Bytes,
}

/// An answer, and as much of its body as was asked for.
struct Heard {
    /// The fields of the request that it answers.
    asked: Vec<(HeaderName, HeaderValue)>,
    status: u16,
    headers: HeaderMap,
    /// None where it was not looked at, or is too long.
    body: Option<zeroize::Zeroizing<Vec<u8>>>,
}

impl Visit<'_> {
    async fn run(&self) -> Result<Probed, ErrandError> {
        let _place = self.bureau.place_at(self.base.origin()).await?;
        let mut heard = self.exchange().await?;
        let has_new_nonce = heard.status == 401 && self.has_new_nonce(&heard.headers);
        if self.is_challenged(&heard) || has_new_nonce {
            heard = self.exchange().await?;
        }
        self.verdict(&heard)
    }

    async fn exchange(&self) -> Result<Heard, ErrandError> {
        let Self { connection, probe, base, .. } = *self;
        let method = probe.method.method();
        let prepared = self.put.prepared();
        let mut text = self.path.to_owned();
        let query = probe.query.as_deref();
        if let Some(query) = prepared.query(query).as_deref().or(query) {
            text.extend(["?", query]);
        }
        let unsendable = |_| ErrandError::Operator("the credential makes no URL".to_owned());
        let target = Uri::try_from(text).map_err(unsendable)?;
        let (origin, key) = (base.origin(), &connection.key);
        let to = Destination { origin, settings: self.settings, connection: key };
        let mut manner = Manner::default();
        let (sent, asked) = loop {
            let out = self.out(&method, &target)?;
            let head = RequestHead { method: &method, target: &out.target, fields: &out.fields };
            let mut body = Some(Full::new(out.body.clone()));
            match self.bureau.upstream.send(to, &head, &mut body, manner, || {}).await {
                Ok(sent) => break (sent, out.fields),
                // A pooled link was dead: nobody has seen it.
                Err(failed)
                    if !manner.fresh_link && (failed.unprocessed || failed.may_try_again) =>
                {
                    manner.fresh_link = true;
                }
                Err(failed) => return Err(self.unsent(&failed)),
            }
        };
        let (head, body) = sent.response.into_parts();
        let status = head.status.as_u16();
        let body = match self.reads_body(status) {
            false => None,
            true => {
                let broken = || ErrandError::away("the API's answer broke off");
                let body = whole(body, BODY_LEN_MAX).await.ok_or_else(broken)?;
                Some(body).filter(|it| it.len() <= BODY_LEN_MAX)
            }
        };
        Ok(Heard { asked, status, headers: head.headers, body })
    }

    /// One attempt's request: proven and signed for it alone.
    fn out(&self, method: &Method, target: &Uri) -> Result<Out, ErrandError> {
        let prepared = self.put.prepared();
        let mut fields = Vec::new();
        let head = Head { host: self.base.host(), prepared, proof: self.proof() };
        head.each(|name, value| fields.push((name.clone(), value.clone())));
        let origin = self.base.origin();
        let mut draft = Draft::new(method, origin, target.path(), target.query(), fields);
        draft.body = Some(&[]);
        let moment = Moment { now: self.bureau.now(), random: random() };
        let unsigned = |it| ErrandError::Operator(format!("the probe can't be signed: {it}"));
        prepared.sign(&mut draft, &moment).map_err(unsigned)?;
        let target = match draft.query() {
            Some(query) => Uri::try_from([target.path(), "?", query].concat()),
            None => Uri::try_from(target.path()),
        };
        let unsendable = |_| ErrandError::Operator("the credential makes no URL".to_owned());
        let (target, body) = (target.map_err(unsendable)?, draft.new_body.take());
        Ok(Out { target, body: body.unwrap_or_default(), fields: draft.into_fields() })
    }

    /// Whether the credential knows an answer to the API's challenge now.
    fn is_challenged(&self, heard: &Heard) -> bool {
        let Ok(status) = StatusCode::from_u16(heard.status) else { return false };
        let learnt =
            self.put.prepared().learn(self.base.origin(), &heard.asked, status, &heard.headers);
        learnt == Learnt::Challenge
    }

    fn reads_body(&self, status: u16) -> bool {
        let says_account = self.probe.takes(status) && self.probe.account.is_some();
        let may_refuse = match &self.connection.method.auth {
            Auth::Token(method) => method.refuses_in_body(status),
            Auth::Outbound(_) | Auth::Inbound(_) => false,
        };
        says_account || may_refuse
    }

    /// Where the token is bound to a key.
    fn proof(&self) -> Option<HeaderValue> {
        let Put::Token(token, holder) = self.put else { return None };
        let (origin, now) = (self.base.origin(), self.bureau.now());
        let nonce = holder.nonces.of(origin);
        let url = format!("{origin}{}", self.path);
        let method = self.probe.method.method();
        token.binding.as_ref()?.proof(&method, &url, now, random(), nonce.as_deref())
    }

    /// Whether the proof lacked the API's nonce, which is known by now (RFC 9449 §9).
    fn has_new_nonce(&self, headers: &HeaderMap) -> bool {
        let Put::Token(token, holder) = self.put else { return false };
        let nonce = headers.get("dpop-nonce").and_then(|it| it.to_str().ok());
        let Some(nonce) = nonce.filter(|_| token.binding.is_some()) else { return false };
        let before = holder.nonces.of(self.base.origin());
        holder.nonces.keep(self.base.origin(), nonce);
        before != holder.nonces.of(self.base.origin())
    }

    fn verdict(&self, heard: &Heard) -> Result<Probed, ErrandError> {
        let status = heard.status;
        let body = heard.body.as_ref().map_or(&[][..], |it| it);
        let is_refused = match &self.connection.method.auth {
            Auth::Token(method) => method.is_refusal(status, &heard.headers, body),
            Auth::Outbound(_) | Auth::Inbound(_) => false,
        };
        if self.probe.takes(status) && !is_refused {
            return Ok(Probed { account: self.probe.account(body), status });
        }
        let declared = self.probe.words(status);
        let words = || format!("the API answered {status}: {}", meaning(status, is_refused));
        let words = declared.map_or_else(words, str::to_owned);
        if !is_refused && (status == 429 || status >= 500) {
            let after = heard.headers.get(header::RETRY_AFTER).and_then(|it| it.to_str().ok());
            let after = after.and_then(|it| it.trim().parse().ok()).map(Duration::from_secs);
            return Err(ErrandError::Provider { words, after });
        }
        // Any other answer may be for what was asked: a path that is not there is nobody's credential.
        Err(ErrandError::not_taken(Some(status), is_refused || status == 401, words))
    }

    fn unsent(&self, failed: &Failed) -> ErrandError {
        match failed.error {
            SendError::Forbidden { class } => {
                self.bureau.metrics.egress_refused(class);
                let words =
                    format!("the API's address is a {class} one, which is not allowed here");
                ErrandError::Operator(words)
            }
            SendError::OutsideOrigin => {
                ErrandError::Operator("the API is not where its connection goes".to_owned())
            }
            SendError::Unresolved
            | SendError::Refused
            | SendError::ConnectTimedOut
            | SendError::Certificate { .. }
            | SendError::Handshake
            | SendError::HandshakeTimedOut
            | SendError::NoHttp2
            | SendError::NoLink
            | SendError::NoDescriptor
            | SendError::NotHttp
            | SendError::Closed
            | SendError::TlsEnded
            | SendError::RequestBody => {
                let why = failed.error.to_string().replace("upstream", "API");
                ErrandError::away(format!("the API could not be reached: {why}"))
            }
        }
    }
}

/// What an answer means to whoever has filled something in.
fn meaning(status: u16, is_refused: bool) -> &'static str {
    match status {
        _ if is_refused => "it does not take this credential",
        401 => "it does not take this credential",
        403 => "it knows this credential, and does not allow it this",
        404 | 410 => "there is nothing where it was asked",
        300..=399 => "it sends elsewhere, and a credential does not go there",
        429 => "it is asked too often right now",
        500.. => "it has a fault of its own right now",
        _ => "that is not how it answers a credential that works",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_answer_has_a_meaning_for_people() {
        for (status, is_refused, words) in [
            (401, false, "does not take this credential"),
            (200, true, "does not take this credential"),
            (403, false, "does not allow it this"),
            (302, false, "sends elsewhere"),
            (404, false, "nothing where it was asked"),
            (429, false, "too often"),
            (503, false, "a fault of its own"),
            (400, false, "not how it answers"),
            (204, false, "not how it answers"),
        ] {
            assert!(meaning(status, is_refused).contains(words), "{status}");
        }
    }
}
