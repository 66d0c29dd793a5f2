//! The same requests, signed by AWS's own Rust crate.
use super::request::Request;
use super::request::prepared;
use super::request::raw;
use aws_credential_types::Credentials;
use aws_sigv4::http_request::PayloadChecksumKind;
use aws_sigv4::http_request::PercentEncodingMode;
use aws_sigv4::http_request::SignableBody;
use aws_sigv4::http_request::SignableRequest;
use aws_sigv4::http_request::SignatureLocation;
use aws_sigv4::http_request::SigningSettings;
use aws_sigv4::http_request::UriPathNormalizationMode;
use aws_sigv4::http_request::sign;
use aws_sigv4::sign::v4;
use proptest::prelude::*;
use std::time::Duration;
use std::time::UNIX_EPOCH;

const ID: &str = "AKIDEXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

#[derive(Clone, Debug)]
struct Case {
    request: Request,
    service: String,
    region: String,
    is_in_query: bool,
    token: String,
}

impl Case {
    fn is_s3(&self) -> bool {
        self.service == "s3"
    }

    fn ours(&self) -> String {
        let place = if self.is_in_query { "query" } else { "header" };
        let settings = format!(
            "{{ service: {}, region: {}, in: {place}, expires: 90s }}",
            self.service, self.region
        );
        let prepared = prepared(raw(&settings), ID, SECRET, &self.token);
        self.request.signed(&prepared).unwrap().signature().to_owned()
    }

    fn theirs(&self) -> String {
        let mut settings = SigningSettings::default();
        if self.is_s3() {
            settings.percent_encoding_mode = PercentEncodingMode::Single;
            settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
            settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        }
        if self.is_in_query {
            settings.signature_location = SignatureLocation::QueryParams;
            settings.expires_in = Some(Duration::from_secs(90));
        }
        let token = Some(self.token.clone()).filter(|it| !it.is_empty());
        let identity = Credentials::new(ID, SECRET, token, None, "test").into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(&self.service)
            .time(UNIX_EPOCH + Duration::from_millis(self.request.now.as_ms()))
            .settings(settings)
            .build()
            .unwrap()
            .into();
        let query = self.request.query.iter().flat_map(|it| ["?", it]).collect::<String>();
        let uri = format!("https://{}{}{query}", self.request.host, self.request.path);
        let fields = self.request.fields.iter();
        let fields: Vec<(&str, &str)> =
            fields.map(|it| (it.0.as_str(), std::str::from_utf8(&it.1).unwrap())).collect();
        let is_unsigned = self.is_s3() && self.is_in_query;
        let body = if is_unsigned {
            SignableBody::UnsignedPayload
        } else {
            SignableBody::Bytes(&self.request.body)
        };
        let method = self.request.method.as_str();
        let request = SignableRequest::new(method, &uri, fields.into_iter(), body).unwrap();
        sign(request, &params).unwrap().signature().to_owned()
    }
}

/// A path as clients of S3 write it: each byte encoded that has to be, and no other. What S3 makes of any other spelling
/// is not asked of the crate, which signs it as it stands.
fn object_path() -> impl Strategy<Value = String> {
    let segment = prop_oneof![
        "[A-Za-z0-9._~-]{0,8}",
        Just("%20%2B%C3%A9".to_owned()),
        Just("..".to_owned()),
        Just("%28a%29%3D%21".to_owned()),
    ];
    prop::collection::vec(segment, 1..5).prop_map(|it| format!("/{}", it.join("/")))
}

/// Any path that a request may have.
fn path() -> impl Strategy<Value = String> {
    let segment = prop_oneof![
        "[A-Za-z0-9._~!$&'()*+,;=:@-]{0,8}",
        "(%[0-9A-Fa-f]{2}|[a-z]){0,4}",
        Just("..".to_owned()),
        Just(".".to_owned()),
    ];
    prop::collection::vec(segment, 1..6).prop_map(|it| format!("/{}", it.join("/")))
}

fn query() -> impl Strategy<Value = Option<String>> {
    let piece =
        "(([A-Za-z0-9._~!$'()*,;:@/?+-]|%2[0-9A-Fa-f]|%7[0-9A-Ea-e]|%C3%A9|%e1%88%b4){0,6}=?){0,3}";
    let pairs = prop::collection::vec(piece, 0..5);
    prop::option::of(pairs.prop_map(|it| it.join("&")))
}

fn fields() -> impl Strategy<Value = Vec<(String, String)>> {
    let name = prop::sample::select(vec![
        "content-type",
        "content-md5",
        "x-amz-meta-a",
        "x-amz-meta-a-b",
        "x-amz-acl",
        "x-custom",
        "accept",
        "range",
        "x-amz-target",
    ]);
    let value = "[a-z\"]( {0,3}[a-zA-Z0-9=;,/\"]){0,6} {0,2}";
    prop::collection::vec((name.prop_map(str::to_owned), value), 0..6)
}

fn case() -> impl Strategy<Value = Case> {
    let scope = prop::sample::select(vec![
        ("s3", "eu-west-1"),
        ("execute-api", "us-east-1"),
        ("dynamodb", "us-gov-west-1"),
        ("sts", "cn-north-1"),
    ]);
    let target = scope.prop_flat_map(|(service, region)| {
        let path = if service == "s3" { object_path().boxed() } else { path().boxed() };
        (Just(service.to_owned()), Just(region.to_owned()), path)
    });
    let method = prop::sample::select(vec!["GET", "PUT", "POST", "DELETE", "HEAD", "PATCH"]);
    let token = prop_oneof![Just(String::new()), "[A-Za-z0-9+/]{20,40}={0,2}"];
    let host = prop::sample::select(vec![
        "example.amazonaws.com",
        "localhost:9000",
        "b.s3.eu-west-1.amazonaws.com",
    ]);
    let rest = (host, query(), fields(), "[ -~]{0,40}", any::<bool>(), token, 0_u64..4_102_444_800);
    (target, method, rest).prop_map(
        |(
            (service, region, path),
            method,
            (host, query, fields, body, is_in_query, token, now),
        )| {
            let mut request = Request::new(method, host, &path).body(&body).at(now);
            request.query = query;
            for (name, value) in fields {
                request = request.field(&name, &value);
            }
            Case { request, service, region, is_in_query, token }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn signatures_are_equal(case in case()) {
        prop_assert_eq!(case.ours(), case.theirs());
    }
}
