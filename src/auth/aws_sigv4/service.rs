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

pub(super) fn has_token_behind(service: &str) -> bool {
    service == TOKEN_BEHIND
}

pub(super) fn path_rule(service: &str) -> PathRule {
    let is_object_store = is_object_store(service);
    PathRule { normalized: !is_object_store, encoded_twice: !is_object_store }
}
