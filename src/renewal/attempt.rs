//! One renewal from its first message to its verdict, whatever the way in which the token is had.
use super::Job;
use super::bureau::Bureau;
use super::bureau::Replied;
use super::bureau::Sending;
use super::had::Got;
use super::had::Heard;
use super::had::Kept;
use super::had::Missed;
use super::proof;
use super::putting::Putting;
use super::signed;
use crate::catalog::AssumedRole;
use crate::catalog::Way;
use crate::grant::Answer;
use crate::grant::Ask;
use crate::grant::DPOP_KEY;
use crate::grant::Expiry;
use crate::grant::Fault;
use crate::grant::Login;
use crate::grant::Oauth2;
use crate::grant::Occasion;
use crate::grant::Outcome;
use crate::grant::SessionLogin;
use crate::grant::TokenSet;
use crate::grant::Why;
use crate::model::Credential;
use std::collections::BTreeMap;
use std::time::Instant;

/// Has a token by one message after the other, `before` being what was had last. `putting`: what is put down of
/// it, where it is.
pub(super) async fn once(
    bureau: &Bureau,
    job: &Job,
    before: Option<&TokenSet>,
    putting: Option<&mut Putting>,
) -> Result<Got, Missed> {
    match &job.holder.method.way {
        Way::Oauth2(method) => oauth2(bureau, job, method, before, putting).await,
        Way::Session(login) => session(bureau, job, login).await,
        Way::Role(role) => assumed(bureau, job, role).await,
        // It is good as far as anybody knows, or somebody has to consent.
        Way::Oauth1(_) => {
            let why = "only a person's consent gives another token";
            Err(match before {
                Some(_) => Missed::again(Fault::Operator, why),
                None => Missed::dead(why),
            })
        }
    }
}

async fn oauth2(
    bureau: &Bureau,
    job: &Job,
    method: &Oauth2,
    before: Option<&TokenSet>,
    mut putting: Option<&mut Putting>,
) -> Result<Got, Missed> {
    let holder = &*job.holder;
    let (mut credential, variables) = with_tokens(&holder.credential, &holder.variables, before);
    proof::provide_key(method, &mut credential);
    let occasion = |secret| Occasion {
        credential: &credential,
        variables: &variables,
        secret,
        now: bureau.now(),
        random: random(),
    };
    // What is used up by being sent is sent once, and its answer is waited for.
    let may_repeat = putting.as_ref().is_none_or(|it| !it.keeps);
    let sending = Sending { may_repeat, ..Sending::of(job) };
    let mut found = None;
    if method.needs_discovery() {
        let metadata = bureau.metadata(sending, method, &occasion(0)).await?;
        found = Some(method.with_metadata(&metadata));
    }
    let method = found.as_ref().unwrap_or(method);
    let Some(mut ask) = method.renewal(&credential) else {
        let why = Why::NoRefreshToken;
        let is_alive =
            |it: &TokenSet| !matches!(it.expiry, Expiry::At(ends) if ends <= bureau.now());
        return Err(match before.is_some_and(is_alive) {
            // It is good as far as anybody knows: an API that refuses it once takes no customer.
            true => Missed::again(Fault::Operator, why.to_string()),
            false => Missed::dead(why.to_string()),
        });
    };
    let secrets = credential.values("client_secret").len().max(1);
    let (mut secret, mut refused) = (job.secret.min(secrets - 1), 0);
    let mut has_nonce = false;
    loop {
        let request = method.request(ask, &occasion(secret));
        let mut request = request.map_err(|it| Missed::of_settings(&it))?;
        proof::prove(bureau, method, &credential, &mut request)?;
        let place = bureau.place_at(request.target.origin()).await?;
        if let Some(putting) = putting.as_deref_mut() {
            putting.intend(&credential, random()).await?;
        }
        let (asked_at, asked_since) = (bureau.now(), Instant::now());
        let replied = match bureau.send_from(place, sending, &request).await {
            Err(missed)
                if missed.heard == Heard::Lost
                    && putting.as_deref_mut().is_some_and(Putting::may_send_again) =>
            {
                continue;
            }
            replied => replied?,
        };
        let Replied { status, headers, body } = replied;
        let answer = Answer::new(status.as_u16(), &headers, body);
        if let Some(putting) = putting.as_deref_mut() {
            putting.answered(&answer, asked_at).await;
        }
        match method.outcome(ask, &answer, &credential, asked_at) {
            Outcome::Token(tokens) => {
                let tokens = match before {
                    // Only what is renewed goes on being good; a new grant has what it has.
                    Some(before) if matches!(ask, Ask::Refresh) => tokens.following(before),
                    _ => *tokens,
                };
                let dpop_key = credential.field(DPOP_KEY).cloned().map(Box::new);
                let tokens = TokenSet { dpop_key, ..tokens };
                for name in &tokens.unkept {
                    let connection = job.place.connection.as_str();
                    tracing::warn!(
                        connection,
                        "what the provider says of `{name}` does not fit its pattern, and is not kept"
                    );
                }
                let guarded = found.as_ref().map(|it| it.guarded(&occasion(secret)));
                let (kept, guarded) = (Kept::Tokens(tokens), guarded.unwrap_or_default());
                return Ok(Got { kept, asked_at, asked_since, secret, guarded });
            }
            // It has come with the answer.
            Outcome::TryAgain { why: Why::Nonce, .. } if !has_nonce => has_nonce = true,
            Outcome::TryAgain { why, .. } if why.refuses_client() && refused + 1 < secrets => {
                // One of them is the old one, or not the new one yet.
                refused += 1;
                secret = (secret + 1) % secrets;
            }
            dead @ Outcome::AuthorizeAgain { .. } => match method.fallback(ask) {
                Some(other) => ask = other,
                None => return Err(dead.into()),
            },
            missed => return Err(missed.into()),
        }
    }
}

async fn session(bureau: &Bureau, job: &Job, method: &SessionLogin) -> Result<Got, Missed> {
    let holder = &*job.holder;
    let sending = Sending::of(job);
    let mut login = Login::default();
    let (mut asked_at, mut asked_since) = (bureau.now(), Instant::now());
    loop {
        let occasion = Occasion {
            credential: &holder.credential,
            variables: &holder.variables,
            secret: 0,
            now: bureau.now(),
            random: random(),
        };
        let request = method.request(&login, &occasion).map_err(|it| Missed::of_settings(&it))?;
        let Some(request) = request else { break };
        (asked_at, asked_since) = (bureau.now(), Instant::now());
        let Replied { status, headers, body } = bureau.send(sending, &request).await?;
        let held = &holder.credential;
        method.answered(&mut login, status.as_u16(), &headers, &body, held, asked_at)?;
    }
    let session = method.session(&login, &holder.credential, asked_at);
    let session = session.ok_or_else(|| Missed::again(Fault::Provider, "the login is not over"))?;
    let mut values = Credential::default();
    for name in holder.method.scheme.fields() {
        values.insert(name, session.values.values(name).to_vec());
    }
    let kept = Kept::Session { values, expiry: session.expiry };
    let (secret, guarded) = (0, Vec::new());
    Ok(Got { kept, asked_at, asked_since, secret, guarded })
}

async fn assumed(bureau: &Bureau, job: &Job, role: &AssumedRole) -> Result<Got, Missed> {
    let holder = &*job.holder;
    let occasion = Occasion {
        credential: &holder.credential,
        variables: &holder.variables,
        secret: 0,
        now: bureau.now(),
        random: random(),
    };
    let request = role.asked.request(&occasion);
    let mut request = request.map_err(|it| Missed::of_settings(&it))?;
    // Its place first: a signature is as old as it waits.
    let place = bureau.place_at(request.target.origin()).await?;
    let keys = role.scheme.prepare(&role.asked.keys(&holder.credential));
    let keys = keys.map_err(|errors| {
        let words = errors.first().map_or_else(String::new, ToString::to_string);
        Missed::again(Fault::Operator, words)
    })?;
    let (asked_at, asked_since) = (bureau.now(), Instant::now());
    signed::sign(&keys, &mut request, asked_at)?;
    let replied = bureau.send_from(place, Sending::of(job), &request).await?;
    let Replied { status, headers, body } = replied;
    let held = &holder.credential;
    let session = role.asked.answered(status.as_u16(), &headers, &body, held, asked_at)?;
    let kept = Kept::Session { values: session.values, expiry: session.expiry };
    let (secret, guarded) = (0, Vec::new());
    Ok(Got { kept, asked_at, asked_since, secret, guarded })
}

/// The holder's own fields and variables, and over them what came with the last token.
pub(super) fn with_tokens(
    credential: &Credential,
    variables: &BTreeMap<String, String>,
    tokens: Option<&TokenSet>,
) -> (Credential, BTreeMap<String, String>) {
    let Some(tokens) = tokens else { return (credential.clone(), variables.clone()) };
    let mut variables = variables.clone();
    variables.extend(tokens.kept.iter().map(|(name, value)| (name.clone(), value.clone())));
    (credential.overlaid(&tokens.to_credential()), variables)
}

pub(super) fn random() -> [u8; 16] {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes).expect("the operating system has randomness");
    bytes
}

pub(super) fn chance() -> u8 {
    random()[0]
}
