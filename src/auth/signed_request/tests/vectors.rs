//! The worked examples that the APIs' own pages publish.
use super::*;

/// The keys and requests of <https://developers.binance.com/docs/binance-spot-api-docs/rest-api/request-security>.
#[test]
fn binance() {
    let order = "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1";
    let case = Case {
        recipe: "preset: binance",
        credential: &[
            ("api_key", "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"),
            ("secret", "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"),
        ],
        method: "POST",
        url: &format!("https://api.binance.com/api/v3/order?{order}"),
        ms: 1_499_827_319_559,
        ..PLAIN
    };
    let signed = format!(
        "{order}&recvWindow=5000&timestamp=1499827319559\
         &signature=c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"
    );
    let sent = case.sent();
    assert_eq!(sent.query, signed);
    assert_eq!(
        sent.header("x-mbx-apikey"),
        "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
    );
    // What a caller put there is not what is signed.
    let forged = format!("https://api.binance.com/api/v3/order?timestamp=1&signature=no&{order}");
    assert_eq!(Case { url: &forged, ..case }.sent().query, signed);
}

/// The key and the request of <https://docs.kraken.com/api/docs/guides/spot-rest-auth>. There the nonce stands first
/// in the body; the signature is over the bytes, so the example's body is given with its nonce as it stands.
#[test]
fn kraken() {
    let body = b"nonce=1616492376594&ordertype=limit&pair=XBTUSD&price=37500&type=buy&volume=1.25";
    let case = Case {
        recipe: "{ preset: kraken, let: { nonce: '{form.nonce}' }, put: [\
                   { in: header, name: API-Key, value: '{credential.api_key}' },\
                   { in: header, name: API-Sign, value: '{signature}' }] }",
        credential: &[
            ("api_key", "key"),
            (
                "secret",
                "kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZtuZuj6F1huXg==",
            ),
        ],
        method: "POST",
        url: "https://api.kraken.com/0/private/AddOrder",
        headers: &[("content-type", "application/x-www-form-urlencoded")],
        body,
        ..PLAIN
    };
    let signature =
        "4/dpxb3iT4tp/ZCVEwSnEsLxx0bqyhLpdfOpc6fn7OR8+UClSV5n9E6aSS8MPtnRfp32bAb0nmbRn6H8ndwLUQ==";
    assert_eq!(case.sent().header("api-sign"), signature);

    // With a nonce of ours, which takes the place of the caller's.
    let sent = Case { recipe: "preset: kraken", ..case }.sent();
    let sent_body = sent.body.as_ref().unwrap();
    let ours = "ordertype=limit&pair=XBTUSD&price=37500&type=buy&volume=1.25&nonce=";
    let number = std::str::from_utf8(sent_body).unwrap().strip_prefix(ours).unwrap();
    assert!(number.parse::<u64>().unwrap() >= case.ms * 1000, "{number}");
    let same = Case { body: sent_body, ..case }.sent();
    assert_eq!(sent.header("api-sign"), same.header("api-sign"));
}

/// <https://duo.com/docs/adminapi#authentication>, whose example has HMAC-SHA1, as the API's version 1 had.
#[test]
fn duo() {
    let case = Case {
        recipe: "{ preset: duo, algorithm: hmac-sha1 }",
        credential: &[
            ("integration_key", "DIWJ8X6AEYOR5OMC6TQ1"),
            ("secret", "Zh5eGmUq9zpfQnyUIu5OL9iWoMMv5ZNmk3zLJ4Ep"),
        ],
        method: "POST",
        url: "https://api-XXXXXXXX.duosecurity.com/accounts/v1/account/list",
        headers: &[("content-type", "application/x-www-form-urlencoded")],
        body: b"username=root&realname=First+Last",
        ms: 1_345_570_158_000,
        ..PLAIN
    };
    let sent = case.sent();
    assert_eq!(sent.header("date"), "Tue, 21 Aug 2012 17:29:18 -0000");
    assert_eq!(
        sent.header("authorization"),
        "Basic RElXSjhYNkFFWU9SNU9NQzZUUTE6MmQ5N2Q2MTY2MzE5NzgxYjVhM2EwN2FmMzlkMzY2ZjQ5MTIzNGVkYw=="
    );
}

/// Both requests of <https://github.com/mozilla/hawk/blob/main/API.md>, without and with a payload's hash.
#[test]
fn hawk() {
    let case = Case {
        recipe: "{ preset: hawk, let: { id_of_request: j4h3g2 } }",
        credential: &[
            ("id", "dh37fgj492je"),
            ("secret", "werxhqb98rpaxn39848xrunpaw3489ruxnpa98w4rxn"),
            ("ext", "some-app-ext-data"),
        ],
        url: "http://example.com:8000/resource/1?b=1&a=2",
        ms: 1_353_832_234_000,
        ..PLAIN
    };
    assert_eq!(
        case.sent().header("authorization"),
        "Hawk id=\"dh37fgj492je\", ts=\"1353832234\", nonce=\"j4h3g2\", ext=\"some-app-ext-data\", \
         mac=\"6R4rV5iE+NPoym+WwjeHzjAGXUtLNIxmo1vpMofpLAE=\""
    );
    let posted = Case {
        recipe: "{ preset: hawk, let: { id_of_request: j4h3g2,\
                   payload: \"hawk.1.payload\\n{header.content-type|before(;)|trim|lower}\\n{body}\\n\",\
                   hash: '{payload|sha256|base64}' } }",
        method: "POST",
        headers: &[("content-type", "text/plain")],
        body: b"Thank you for flying Hawk",
        ..case
    };
    assert_eq!(
        posted.sent().header("authorization"),
        "Hawk id=\"dh37fgj492je\", ts=\"1353832234\", nonce=\"j4h3g2\", \
         hash=\"Yi9LfIIFRtBEPt74PVmbTF/xVAwPn7ub15ePICfgnuY=\", ext=\"some-app-ext-data\", \
         mac=\"aSe1DERmZuRl3pI36/9BdZmnErTw3sNzOOAUlfeKjVw=\""
    );
}

/// <https://open.lazada.com/apps/doc/doc?nodeId=10450&docId=108069>.
#[test]
fn lazada() {
    let case = Case {
        recipe: "preset: lazada",
        credential: &[("app_key", "123456"), ("secret", "helloworld"), ("access_token", "test")],
        url: "https://api.lazada.com/rest/order/get?order_id=1234",
        ms: 1_517_820_392_000,
        ..PLAIN
    };
    assert_eq!(
        case.sent().query,
        "order_id=1234&app_key=123456&access_token=test&timestamp=1517820392000&sign_method=sha256\
         &sign=4190D32361CFB9581350222F345CB77F3B19F0E31D162316848A2C1FFD5FAB4A"
    );
    let without = Case { credential: &[("app_key", "123456"), ("secret", "helloworld")], ..case };
    assert!(!without.sent().query.contains("access_token"), "an optional field is left out");
}

/// Both requests of <https://developer.tuya.com/en/docs/iot/new-singnature?id=Kbw0q34cs2e5g>.
#[test]
fn tuya() {
    let case = Case {
        recipe: "{ preset: tuya, let: { nonce: 5138cc3a9033d69856923fd07b491173, signed_headers: 'area_id:call_id' },\
                   lists: { headers: { of: [headers], names: [area_id, call_id], pair: \"{name}:{value}\\n\", join: '' } } }",
        credential: &[
            ("client_id", "1KAD46OrT9HafiKdsXeg"),
            ("secret", "4OHBOnWOqaEC1mWXOpVL3yV50s0qGSRC"),
        ],
        url: "https://openapi.tuyaeu.com/v1.0/token?grant_type=1",
        headers: &[
            ("call_id", "8afdb70ab2ed11eb85290242ac130003"),
            ("area_id", "29a33e8796834b1efa6"),
        ],
        ms: 1_588_925_778_000,
        ..PLAIN
    };
    let sent = case.sent();
    assert_eq!(
        sent.header("sign"),
        "9E48A3E93B302EEECC803C7241985D0A34EB944F40FB573C7B5C2A82158AF13E"
    );
    assert_eq!(sent.header("signature-headers"), "area_id:call_id");
    let with_token = Case {
        credential: &[
            ("client_id", "1KAD46OrT9HafiKdsXeg"),
            ("secret", "4OHBOnWOqaEC1mWXOpVL3yV50s0qGSRC"),
            ("access_token", "3f4eda2bdec17232f67c0b188af3eec1"),
        ],
        url: "https://openapi.tuyaeu.com/v2.0/apps/schema/users?page_size=50&page_no=1",
        ..case
    };
    assert_eq!(
        with_token.sent().header("sign"),
        "AE4481C692AA80B25F3A7E12C3A5FD9BBF6251539DD78E565A1A72A508A88784"
    );
}

/// The request and its headers of <https://www.tencentcloud.com/document/product/213/33224>, whose signature is one
/// with the key as the page shows it: asterisks.
#[test]
fn tencent_tc3() {
    let case = Case {
        recipe: "preset: tencent-tc3",
        credential: &[
            ("secret_id", "AKID********************************"),
            ("secret_key", "********************************"),
        ],
        method: "POST",
        url: "https://cvm.tencentcloudapi.com/",
        headers: &[
            ("content-type", "application/json; charset=utf-8"),
            ("x-tc-action", "DescribeInstances"),
        ],
        body: br#"{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}"#,
        ms: 1_551_113_065_000,
        ..PLAIN
    };
    let sent = case.sent();
    assert_eq!(sent.header("x-tc-timestamp"), "1551113065");
    let with_action = "{ preset: tencent-tc3, let: { signed_headers: content-type;host;x-tc-action },\
        lists: { headers: { of: [headers], names: [content-type, host, x-tc-action],\
                            pair: \"{name}:{value|trim|lower}\\n\", join: '' } } }";
    let sent = Case { recipe: with_action, ..case }.sent();
    assert_eq!(
        sent.header("authorization"),
        "TC3-HMAC-SHA256 Credential=AKID********************************/2019-02-25/cvm/tc3_request, \
         SignedHeaders=content-type;host;x-tc-action, \
         Signature=10b1a37a7301a02ca19a647ad722d5e43b4b3cff309d421d85b46093f6ab6c4f"
    );
}

/// <https://www.xml.com/pub/a/2003/12/17/dive.html>.
#[test]
fn wsse() {
    let case = Case {
        recipe: "preset: wsse",
        credential: &[("username", "bob"), ("password", "taadtaadpstcsm")],
        ms: 1_071_499_387_000,
        random: 0xd36e_3162_8295_9a9e_d4c8_9851_497a_717f_u128.to_be_bytes(),
        ..PLAIN
    };
    assert_eq!(
        case.sent().header("x-wsse"),
        "UsernameToken Username=\"bob\", PasswordDigest=\"quR/EWLAV4xLf9Zqyw4pDmfV9OY=\", \
         Nonce=\"d36e316282959a9ed4c89851497a717f\", Created=\"2003-12-15T14:43:07Z\""
    );
}
