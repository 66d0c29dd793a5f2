//! Where messages go: which settings say it, and who says whose host it is.
use super::assume_role::AssumeRole;
use super::error::Step;
use super::oauth1::Oauth1Grant;
use super::session::SessionLogin;
use super::settings::Oauth2;
use super::target::UrlTemplate;

/// A URL that what a holder proves itself with, or a token, is sent to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint<'s> {
    /// Where it is written, from the settings' root: `refresh`, `url`.
    pub setting: Vec<Step>,
    url: &'s UrlTemplate,
}

impl Endpoint<'_> {
    /// Its origin. What has no value stands in its braces.
    pub fn origin<'v>(&self, find: impl Fn(&str) -> Option<&'v str>) -> String {
        self.url.origin_text(find)
    }

    /// The names that say whose host it is, or which of its ports.
    pub fn whose_host(&self) -> Vec<&str> {
        self.url.whose_host()
    }
}

impl Oauth2 {
    /// The URLs that are written. Those that an issuer's metadata names are the issuer's own.
    pub fn endpoints(&self) -> Vec<Endpoint<'_>> {
        let rules = &*self.0;
        let urls = &rules.urls;
        let all: [(&[&'static str], &Option<UrlTemplate>); 8] = [
            (&["issuer"], &rules.issuer),
            (&["token_url"], &urls.token),
            (&["refresh", "url"], &urls.refresh),
            (&["revoke_url"], &urls.revoke),
            (&["introspect_url"], &urls.introspect),
            (&["userinfo_url"], &urls.userinfo),
            (&["device_url"], &urls.device),
            (&["par_url"], &urls.par),
        ];
        let written = all.into_iter().filter_map(|(setting, url)| Some((setting, url.as_ref()?)));
        written
            .map(|(setting, url)| {
                let setting = setting.iter().map(|it| Step::from(*it)).collect();
                Endpoint { setting, url }
            })
            .collect()
    }
}

impl Oauth1Grant {
    /// The URLs that what a holder proves itself with goes to.
    pub fn endpoints(&self) -> Vec<Endpoint<'_>> {
        let urls = [("request_url", &self.urls.request), ("token_url", &self.urls.token)];
        urls.into_iter()
            .map(|(setting, url)| Endpoint { setting: vec![setting.into()], url })
            .collect()
    }
}

impl SessionLogin {
    /// The URLs of the calls.
    pub fn endpoints(&self) -> Vec<Endpoint<'_>> {
        let urls = self.urls().enumerate();
        urls.map(|(index, url)| {
            let setting = vec!["steps".into(), Step::Index(index), "url".into()];
            Endpoint { setting, url }
        })
        .collect()
    }
}

impl AssumeRole {
    /// Where keys are lent.
    pub fn endpoints(&self) -> Vec<Endpoint<'_>> {
        let setting = vec!["assume_role".into(), "sts_url".into()];
        vec![Endpoint { setting, url: self.url() }]
    }
}
