//! One message to a provider, and its answer: the same for all that is asked besides renewals.
use super::bureau::Bureau;
use super::bureau::Replied;
use super::bureau::Sending;
use super::had::Missed;
use super::proof;
use crate::grant::Answer;
use crate::grant::Ask;
use crate::grant::Oauth2;
use crate::grant::Occasion;
use std::borrow::Cow;

/// The method with the URL that `ask` goes to, which the issuer's metadata may have to tell first.
pub(super) async fn discovered<'m>(
    bureau: &Bureau,
    sending: Sending<'_>,
    method: &'m Oauth2,
    ask: Option<Ask<'_>>,
    occasion: &Occasion<'_>,
) -> Result<Cow<'m, Oauth2>, Missed> {
    if !method.needs_discovery() && !ask.is_some_and(|it| method.is_unknown(it)) {
        return Ok(Cow::Borrowed(method));
    }
    let metadata = bureau.metadata(sending, method, occasion).await?;
    Ok(Cow::Owned(method.with_metadata(&metadata)))
}

/// Asks, and takes the answer whatever it says.
pub(super) async fn asked(
    bureau: &Bureau,
    sending: Sending<'_>,
    method: &Oauth2,
    ask: Ask<'_>,
    occasion: &Occasion<'_>,
) -> Result<Answer, Missed> {
    let request = method.request(ask, occasion);
    let mut request = request.map_err(|it| Missed::of_settings(&it))?;
    if matches!(ask, Ask::Token | Ask::Refresh | Ask::Code { .. } | Ask::DeviceToken { .. }) {
        proof::prove(bureau, method, occasion.credential, &mut request)?;
    }
    let Replied { status, headers, body } = bureau.send(sending, &request).await?;
    Ok(Answer::new(status.as_u16(), &headers, body))
}
