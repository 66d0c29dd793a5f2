//! The examples that AWS's documentation works through.
use super::request::Request;
use super::request::Sent;
use super::request::prepared;
use super::request::raw;

/// 2013-05-24T00:00:00Z.
const MAY_24: u64 = 1_369_353_600;
const ID: &str = "AKIAIOSFODNN7EXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const BUCKET: &str = "examplebucket.s3.amazonaws.com";

fn sent(request: Request, settings: &str) -> Sent {
    request.at(MAY_24).signed(&prepared(raw(settings), ID, SECRET, "")).unwrap()
}

/// Amazon S3 API Reference, "Signature Calculations for the Authorization Header: Transferring Payload in a Single Chunk",
/// "Examples: Signature Calculations". Region and service are read from the host.
#[test]
fn of_s3_with_the_signature_in_a_field() {
    let get = Request::new("GET", BUCKET, "/test.txt").field("range", "bytes=0-9");
    let sent_get = sent(get, "{}");
    assert_eq!(
        sent_get.value("authorization").unwrap(),
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, \
         SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, \
         Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
    );
    assert_eq!(sent_get.value("x-amz-date"), Some("20130524T000000Z"));

    let put = Request::new("PUT", BUCKET, "/test$file.text")
        .field("date", "Fri, 24 May 2013 00:00:00 GMT")
        .field("x-amz-storage-class", "REDUCED_REDUNDANCY")
        .body("Welcome to Amazon S3.");
    let sent_put = sent(put, "{}");
    assert_eq!(
        sent_put.signature(),
        "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"
    );
    assert_eq!(
        sent_put.value("x-amz-content-sha256"),
        Some("44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072")
    );

    let lifecycle = sent(Request::new("GET", BUCKET, "/?lifecycle"), "{}");
    assert_eq!(
        lifecycle.signature(),
        "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"
    );
    let list = sent(Request::new("GET", BUCKET, "/?max-keys=2&prefix=J"), "{}");
    assert_eq!(
        list.signature(),
        "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"
    );
}

/// Amazon S3 API Reference, "Authenticating Requests: Using Query Parameters".
#[test]
fn of_s3_with_the_signature_in_the_query() {
    let get = Request::new("GET", BUCKET, "/test.txt");
    let sent = sent(get, "{ in: query, expires: 24h }");
    assert_eq!(
        sent.query.as_deref().unwrap(),
        "X-Amz-Algorithm=AWS4-HMAC-SHA256\
         &X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request\
         &X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host\
         &X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404",
    );
    assert_eq!(sent.value("authorization"), None);
}

/// Amazon S3 API Reference, "Signature Calculations for the Authorization Header: Transferring Payload in Multiple Chunks
/// (Chunked Upload)". Content-Length is among the signed fields there; a link of ours puts it on behind the signature.
#[test]
fn of_s3_with_the_body_in_signed_pieces() {
    let body = "a".repeat(66_560);
    let put = Request::new("PUT", "s3.amazonaws.com", "/examplebucket/chunkObject.txt")
        .field("x-amz-storage-class", "REDUCED_REDUNDANCY")
        .field("content-length", "66824")
        .body(&body);
    for piece_len in [1, 1_000, 65_536, 66_560] {
        let mut sent = sent(put.clone(), "{ service: s3, payload: streaming }");
        assert_eq!(
            sent.value("authorization").unwrap(),
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, \
             SignedHeaders=content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;\
             x-amz-decoded-content-length;x-amz-storage-class, \
             Signature=4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
        );
        let mut chunks = sent.chunks.take().unwrap();
        assert_eq!(chunks.sent_len(), 66_824);
        let mut ready = Vec::new();
        for piece in body.as_bytes().chunks(piece_len) {
            ready.extend(chunks.push(piece).unwrap());
        }
        ready.extend(chunks.end().unwrap());
        let ready = String::from_utf8(ready.concat()).unwrap();
        let expected = [
            "10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n",
            &"a".repeat(65_536),
            "\r\n400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n",
            &"a".repeat(1_024),
            "\r\n0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n",
        ];
        assert!(ready == expected.concat(), "pieces of {piece_len}");
    }
}

/// Amazon S3 API Reference, "Signature Calculations for the Authorization Header: Including Trailing Headers (Chunked
/// Upload)": the example, sent by an SDK that has signed it with another key.
#[test]
fn of_s3_with_a_checksum_behind_signed_pieces() {
    let body = "a".repeat(66_560);
    let theirs = format!(
        "10400;chunk-signature=00\r\n{body}\r\n0;chunk-signature=11\r\n\
         x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:22\r\n\r\n"
    );
    let put = Request::new("PUT", "s3.amazonaws.com", "/examplebucket/chunkObject.txt")
        .field("x-amz-storage-class", "REDUCED_REDUNDANCY")
        .field("content-encoding", "aws-chunked")
        .field("x-amz-decoded-content-length", "66560")
        .field("x-amz-trailer", "x-amz-checksum-crc32c")
        .field("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER")
        .body(&theirs);
    let mut sent = sent(put, "{}");
    assert_eq!(
        sent.value("authorization").unwrap(),
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, \
         SignedHeaders=content-encoding;host;x-amz-content-sha256;x-amz-date;\
         x-amz-decoded-content-length;x-amz-storage-class;x-amz-trailer, \
         Signature=106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e",
    );
    let mut chunks = sent.chunks.take().unwrap();
    let said = chunks.sent_len();
    let mut ready = Vec::new();
    for piece in theirs.as_bytes().chunks(1_000) {
        ready.extend(chunks.push(piece).unwrap());
    }
    ready.extend(chunks.end().unwrap());
    let ready = String::from_utf8(ready.concat()).unwrap();
    assert_eq!(ready.len() as u64, said);
    let expected = [
        "10000;chunk-signature=b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2\r\n",
        &"a".repeat(65_536),
        "\r\n400;chunk-signature=1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7\r\n",
        &"a".repeat(1_024),
        "\r\n0;chunk-signature=2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992\r\n\
         x-amz-checksum-crc32c:sOO8/Q==\r\n\
         x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n",
    ];
    assert_eq!(ready.replace('a', ""), expected.concat().replace('a', ""));
}

/// AWS General Reference, "Signature Version 4 signing process": the request that its steps are shown on.
#[test]
fn of_iam() {
    let list = Request::new("GET", "iam.amazonaws.com", "/?Action=ListUsers&Version=2010-05-08")
        .field("content-type", "application/x-www-form-urlencoded; charset=utf-8");
    let key = prepared(raw("{}"), "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "");
    let sent = list.signed(&key).unwrap();
    assert_eq!(
        sent.value("authorization").unwrap(),
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, \
         SignedHeaders=content-type;host;x-amz-date, \
         Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
    );
    assert_eq!(sent.value("x-amz-content-sha256"), None);
}

/// `double-url-encode` of the suite in `aws-sigv4` (tests/fixtures/aws_sigv4/README.md): an ARN in a path, encoded twice.
#[test]
fn of_lambda_with_an_arn_in_the_path() {
    let target = "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-west-2%3A892717189312%3Afunction%3Amy-rusty-fun/invocations";
    let invoke = Request::new("POST", "lambda.us-east-2.amazonaws.com", target).at(1_620_747_645);
    let key = prepared(raw("{}"), "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "");
    let sent = invoke.signed(&key).unwrap();
    assert_eq!(
        sent.signature(),
        "4b93abbcc68be32bd64c18e2c71150660ab4c29bbd6c32a383a7517a88fc1804"
    );
}
