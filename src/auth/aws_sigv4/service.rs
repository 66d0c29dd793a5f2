//! What services want of a signature that is not the same for all.

/// How a path is written in the canonical request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PathRule {
    /// Dot segments and repeated slashes are resolved first.
    pub normalized: bool,
    /// What is percent-encoded already is encoded once more.
    pub encoded_twice: bool,
}

/// Services that store objects under keys that may have any spelling: a path is what it is.
/// Source: Amazon S3 API Reference, "Signature Calculations for the Authorization Header".
const OBJECT_STORES: [&str; 4] = ["s3", "s3express", "s3-outposts", "s3-object-lambda"];

/// Services that answer with an error where X-Amz-Content-Sha256 is missing, besides object stores.
/// Sources: Amazon OpenSearch Service Developer Guide, "Signing HTTP requests with other clients"; VPC Lattice User
/// Guide, "SIGv4 authenticated requests"; Amazon S3 Glacier Developer Guide, "Signing Requests".
const WITH_PAYLOAD_FIELD: [&str; 3] = ["aoss", "glacier", "vpc-lattice-svcs"];

/// Takes no other hash of a body than `UNSIGNED-PAYLOAD`. Source: VPC Lattice User Guide, "SIGv4 authenticated requests".
const UNSIGNED_ONLY: &str = "vpc-lattice-svcs";

/// Take no body that is not signed, as far as that is known. The object stores take one, and [`UNSIGNED_ONLY`].
/// Sources: Amazon CloudFront Developer Guide, "Restrict access to an AWS Lambda function URL origin"; for the others the
/// models of AWS's botocore, in which no operation of theirs goes without its hash (`v4-unsigned-body`).
const SIGNED_ONLY: [&str; 10] =
    ["dynamodb", "ec2", "iam", "kms", "lambda", "secretsmanager", "sns", "sqs", "ssm", "sts"];

/// Names with capitals. Source: `signingName` in the models of AWS's botocore.
const WITH_CAPITALS: [&str; 2] = ["IoTSecuredTunneling", "IngestionService"];

/// Checks the session token apart from the signature: in a query it stands behind what is signed.
/// Source: AWS IoT Core Developer Guide, "MQTT over the WebSocket protocol".
const TOKEN_BEHIND: &str = "iotdevicegateway";

pub(super) fn is_object_store(service: &str) -> bool {
    OBJECT_STORES.contains(&service)
}

pub(super) fn wants_payload_field(service: &str) -> bool {
    is_object_store(service) || WITH_PAYLOAD_FIELD.contains(&service)
}

pub(super) fn is_unsigned_only(service: &str) -> bool {
    service == UNSIGNED_ONLY
}

pub(super) fn is_signed_only(service: &str) -> bool {
    SIGNED_ONLY.contains(&service)
}

/// Whether the name is written as no service's is: those that know one compare it byte for byte.
pub(super) fn is_misspelt(service: &str) -> bool {
    service.bytes().any(|it| it.is_ascii_uppercase()) && !WITH_CAPITALS.contains(&service)
}

pub(super) fn has_token_behind(service: &str) -> bool {
    service == TOKEN_BEHIND
}

pub(super) fn path_rule(service: &str) -> PathRule {
    let is_object_store = is_object_store(service);
    PathRule { normalized: !is_object_store, encoded_twice: !is_object_store }
}
