//! A message that is signed as a request of an API is: AWS lends keys to whoever asks so.
use super::attempt::random;
use super::had::Missed;
use crate::auth::Draft;
use crate::auth::Moment;
use crate::auth::Prepared;
use crate::grant::Fault;
use crate::grant::TokenRequest;
use crate::model::UnixTime;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::header::HOST;

/// Signs with each of the signers, and puts on what they put on.
pub(super) fn sign(
    keys: &Prepared,
    request: &mut TokenRequest,
    now: UnixTime,
) -> Result<(), Missed> {
    let unsignable = |words: String| Missed::again(Fault::Operator, words);
    let target = request.target.path_and_query();
    let (path, query) = target.split_once('?').map_or((&**target, None), |it| (it.0, Some(it.1)));
    let origin = request.target.origin();
    let host = HeaderValue::try_from(origin.authority());
    let host = host.map_err(|_| unsignable("the host is no field's value".into()))?;
    let own = request.headers.iter().map(|it| (it.0.clone(), it.1.clone()));
    let fields: Vec<(HeaderName, HeaderValue)> = own.chain([(HOST, host)]).collect();
    let mut draft = Draft::new(&request.method, origin, path, query, fields);
    draft.body_len = Some(request.body.len() as u64);
    draft.body = Some(&request.body);
    for signer in keys.signers() {
        let moment = Moment { now, random: random() };
        let feeds = signer.begin(&draft, &moment);
        let mut feeds = feeds.map_err(|it| unsignable(it.to_string()))?;
        feeds.iter_mut().for_each(|it| it.update(&request.body));
        signer.sign(&mut draft, &moment, feeds).map_err(|it| unsignable(it.to_string()))?;
    }
    let mut headers = HeaderMap::new();
    for (name, value) in draft.into_fields().into_iter().filter(|it| it.0 != HOST) {
        headers.append(name, value);
    }
    request.headers = headers;
    Ok(())
}
