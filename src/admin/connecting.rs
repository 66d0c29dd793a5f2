//! What connect sessions are made with: who asks, where people come back to, and where they may be sent on to.
use super::error::ApiError;
use crate::config::ConnectSettings;
use crate::grant::RedirectUri;

/// Where the provider sends people back to, below the public URL.
const CALLBACK: &str = "/oauth/callback";

/// Where links lead to, below it.
const LINKS: &str = "/connect/";

/// What connect sessions are made with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Connecting {
    pub settings: ConnectSettings,
    /// The URL that the internet knows the public listener by, without a final slash; none where nobody has said it.
    pub public_url: Option<String>,
}

impl Connecting {
    /// Who asks, as customers know them.
    pub(super) fn name(&self) -> Option<&str> {
        self.settings.name.as_deref()
    }

    pub(super) fn link(&self, token: &str) -> Result<String, ApiError> {
        Ok([self.public_url()?, LINKS, token].concat())
    }

    /// As providers know it.
    pub(super) fn redirect_uri(&self) -> Result<RedirectUri, ApiError> {
        let uri = [self.public_url()?, CALLBACK].concat();
        RedirectUri::parse(&uri).map_err(|it| {
            let problem = format!("people can't come back to `server.public.url`: {it}");
            ApiError::invalid(
                "",
                problem,
                "set it to the https:// URL that the internet knows it by",
            )
        })
    }

    fn public_url(&self) -> Result<&str, ApiError> {
        self.public_url.as_deref().ok_or_else(|| {
            let problem = "nobody knows where the links would lead";
            ApiError::invalid(
                "",
                problem,
                "set `server.public.url` to the URL that the internet knows it by",
            )
        })
    }

    /// Where people may be sent on to when they are done.
    pub(super) fn return_url(&self, text: &str) -> Result<String, ApiError> {
        let at = "/return_url";
        let hint =
            "send one of `connect.return_urls`, or what lies below one of them that ends in `/`";
        let url =
            RedirectUri::parse(text).map_err(|it| ApiError::invalid(at, it.to_string(), hint))?;
        if self.settings.allows(&url) {
            return Ok(text.to_owned());
        }
        Err(ApiError::invalid(at, "it is not among `connect.return_urls`", hint))
    }
}
