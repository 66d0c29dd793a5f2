//! `assume_role` as written: keys that are lent for a role, and asked for with the credential's own.
use super::AwsSigv4;
use super::settings::RawAwsSigv4;

/// The region whose endpoint is asked where nothing says another, and whose name is signed.
const REGION: &str = "us-east-1";
const SERVICE: &str = "sts";

/// The settings as written. Texts but `policy` are templates over credential fields and variables.
#[derive(
    Clone, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema,
)]
#[serde(default, deny_unknown_fields)]
pub struct RawAssumeRole {
    /// `arn:aws:iam::123456789012:role/attache`, or `"{role_arn}"` where each tenant has its own.
    pub role_arn: String,
    /// What the role's trust policy asks for. It is for whoever runs the gateway to choose, a different one for each
    /// tenant: else a tenant could have another one's role assumed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// What the role's own logs call whoever assumed it. Default: attache.
    pub session_name: String,
    /// How long lent keys are good: 15m to 12h. Default: 1h.
    pub duration: String,
    /// A session policy in JSON, sent as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// Default: the endpoint of `region`, or https://sts.amazonaws.com.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sts_url: Option<String>,
}

impl Default for RawAssumeRole {
    fn default() -> Self {
        Self {
            role_arn: String::new(),
            external_id: None,
            session_name: "attache".into(),
            duration: "1h".into(),
            policy: None,
            sts_url: None,
        }
    }
}

impl RawAwsSigv4 {
    /// Where keys are lent: as written, or the endpoint of the region.
    pub fn sts_url(&self) -> String {
        if let Some(url) = self.assume_role.as_ref().and_then(|it| it.sts_url.as_deref()) {
            return url.to_owned();
        }
        let Some(region) = self.region.as_deref() else {
            return "https://sts.amazonaws.com".into();
        };
        let suffix = if region.starts_with("cn-") { ".amazonaws.com.cn" } else { ".amazonaws.com" };
        ["https://sts.", region, suffix].concat()
    }
}

impl AwsSigv4 {
    /// How the message is signed that asks for lent keys: for the region that its host's name says, or that is set.
    pub fn for_sts(&self) -> Self {
        let else_region = self.region.clone().unwrap_or_else(|| REGION.into());
        let plain = Self::try_from(RawAwsSigv4::default()).expect("the defaults are sound");
        Self { service: Some(SERVICE.into()), else_region: Some(else_region), ..plain }
    }
}
