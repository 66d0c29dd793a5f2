//! A page that is fetched without a credential: the public keys of whoever sends webhooks.
use super::bureau::Replied;
use super::bureau::Sending;
use super::errand::ErrandError;
use super::errand::Errands;
use crate::catalog::UpstreamSettings;
use crate::grant::Target;
use crate::grant::TokenRequest;
use crate::model::Key;
use http::HeaderMap;
use http::HeaderValue;
use http::Method;
use http::StatusCode;
use http::header::ACCEPT;
use http::header::USER_AGENT;
use std::sync::Arc;
use zeroize::Zeroizing;

/// Longest page, in bytes: sets of keys are a few thousand.
pub const PAGE_LEN_MAX: usize = 64 * 1024;

impl Errands {
    /// What is at an https URL, asked for with nothing but its name. No redirect is followed: whatever
    /// is not there with a 200 is not there. Reached under the connection's settings and egress guard.
    pub async fn page(
        &self,
        connection: Key,
        settings: Arc<UpstreamSettings>,
        url: &str,
    ) -> Result<Vec<u8>, ErrandError> {
        let target = Target::page(url).ok_or(ErrandError::Unfit("it is not an https URL"))?;
        self.run(async move |bureau| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, HeaderValue::from_static("application/json, */*;q=0.1"));
            headers.insert(USER_AGENT, HeaderValue::from_static("attache"));
            let request =
                TokenRequest { method: Method::GET, target, headers, body: Zeroizing::default() };
            let sending = Sending {
                settings: &settings,
                connection: &connection,
                certificate: None,
                may_repeat: true,
            };
            let Replied { status, body, .. } = bureau.send(sending, &request).await?;
            if status != StatusCode::OK {
                let words = format!("the answer was {}", status.as_u16());
                return Err(ErrandError::away(words));
            }
            if body.len() > PAGE_LEN_MAX {
                return Err(ErrandError::away(format!("it is over {PAGE_LEN_MAX} bytes")));
            }
            Ok(body.to_vec())
        })
        .await
    }
}
