//! Signatures that the APIs' official clients made of the same requests, their clocks stopped at the same moment.
use super::*;

const BODY: &[u8] = br#"{"instId":"BTC-USDT"}"#;
/// What clients whose keys are Base64 were given.
const ENCODED: &str = "czNjcjN0IGtleQ==";
const KEYS: &[(&str, &str)] = &[("api_key", "k3y"), ("secret", "s3cr3t")];

/// python-okx 0.4.4, `okx.utils.signature`.
#[test]
fn okx() {
    let case = Case {
        recipe: "preset: okx",
        credential: &[("api_key", "k3y"), ("secret", "s3cr3t"), ("passphrase", "pa ss")],
        method: "POST",
        url: "https://www.okx.com/api/v5/trade/order?x=1",
        body: BODY,
        ..PLAIN
    };
    let sent = case.sent();
    assert_eq!(sent.header("ok-access-timestamp"), "2023-11-14T22:13:20.123Z");
    assert_eq!(sent.header("ok-access-sign"), "q5/S+LgRwyrFij50+MDfCjgW6VO6xNTZ950hiilft+g=");
}

/// pybit 5.17.0, `_V5HTTPManager._auth`.
#[test]
fn bybit() {
    let case = Case {
        recipe: "preset: bybit",
        credential: KEYS,
        url: "https://api.bybit.com/v5/order/realtime?category=linear&symbol=BTC%20USDT",
        ..PLAIN
    };
    assert_eq!(
        case.sent().header("x-bapi-sign"),
        "2081500f65ef08c794a3470a55edeeac4f964d5454946073cc264729279c020a"
    );
    let posted = Case { method: "POST", body: BODY, ..case };
    assert_eq!(
        posted.sent().header("x-bapi-sign"),
        "051acb63bfb8b8343df1b8040d19e61fb499e66c5662aa17f744d898121e24b2"
    );
    assert_eq!((case.body_use(), posted.body_use()), (BodyUse::Untouched, BodyUse::Fed));
}

/// kucoin-universal-sdk 1.3.2, `KcSigner.headers`.
#[test]
fn kucoin() {
    let case = Case {
        recipe: "preset: kucoin",
        credential: &[("api_key", "k3y"), ("secret", "s3cr3t"), ("passphrase", "pa ss")],
        method: "POST",
        url: "https://api.kucoin.com/api/v1/orders?a=b%20c",
        body: BODY,
        ..PLAIN
    };
    let sent = case.sent();
    assert_eq!(sent.header("kc-api-passphrase"), "mmSD362nGr94nJSKrZm1pQDgBadoy2J9Q2sGdBjeI6k=");
    assert_eq!(sent.header("kc-api-sign"), "j/o9BMkHlDK0g5daahKxqQg5dlUHAzMLNdclSrSgNqU=");
}

/// bitfinex-api-py 4.0.0, `Middleware.__get_authentication_headers`.
#[test]
fn bitfinex() {
    let case = Case {
        recipe: "{ preset: bitfinex, let: { nonce: '1700000000123000' } }",
        credential: KEYS,
        method: "POST",
        url: "https://api.bitfinex.com/v2/auth/r/wallets",
        body: BODY,
        ..PLAIN
    };
    let sent = case.sent();
    assert_eq!(sent.header("bfx-nonce"), "1700000000123000");
    assert_eq!(
        sent.header("bfx-signature"),
        "50fc659d3a83baca10415208ed5ceda84dcf58299f95f78453c47ee198e062fc71ab3876492a8828f8b8edf499c1214b"
    );
}

/// Within one moment, with a clock that goes back, and of signers that know nothing of each other, as those before and
/// behind a reload.
#[test]
fn numbers_grow_whoever_signs() {
    let case = Case { recipe: "preset: bitfinex", credential: KEYS, ..PLAIN };
    let signers = [(); 2].map(|()| prepared(case.recipe, case.credential));
    let number = |back: u64, signer: &Prepared| {
        let sent = Case { ms: case.ms - back, ..case }.signed_by(signer).unwrap();
        sent.header("bfx-nonce").parse::<u64>().unwrap()
    };
    let numbers = [0, 0, 1, 999_999].map(|back| signers.each_ref().map(|it| number(back, it)));
    let numbers = numbers.concat();
    assert!(numbers[0] >= case.ms * 1000, "{numbers:?}");
    assert!(numbers.windows(2).all(|it| it[0] < it[1]), "{numbers:?}");
}

/// azure-appconfiguration 1.10.0, `AppConfigRequestsCredentialsPolicy`.
#[test]
fn azure_app_configuration() {
    let case = Case {
        recipe: "preset: azure-app-configuration",
        credential: &[("id", "1d"), ("secret", ENCODED)],
        method: "PUT",
        url: "https://x.azconfig.io/kv/k%20y?api-version=1.0&label=%2A",
        body: BODY,
        ..PLAIN
    };
    let sent = case.sent();
    assert_eq!(sent.header("x-ms-date"), "Tue, 14 Nov 2023 22:13:20 GMT");
    assert_eq!(sent.header("x-ms-content-sha256"), "/lbxHr8JGSOy5vKrjVyv+o7W7U70MBWxdJHwZxIfFpo=");
    assert_eq!(
        sent.header("authorization"),
        "HMAC-SHA256 Credential=1d&SignedHeaders=x-ms-date;host;x-ms-content-sha256\
         &Signature=cCzFFkB/0bJ68mOyHjG1om0W8D9/wIIVrw3nY7aJIP0="
    );
}

/// azure-communication-identity 1.5.0, `HMACCredentialsPolicy`.
#[test]
fn azure_communication() {
    let case = Case {
        recipe: "preset: azure-communication",
        credential: &[("access_key", ENCODED)],
        method: "POST",
        url: "https://x.communication.azure.com/identities?api-version=2022-06-01",
        body: BODY,
        ..PLAIN
    };
    assert_eq!(
        case.sent().header("authorization"),
        "HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256\
         &Signature=+7txT7TtQISYUy+YERKifo/gQWBrr9Q6IlN0vq3zsac="
    );
}

/// azure-storage-blob 12.31.1, `SharedKeyCredentialPolicy`.
#[test]
fn azure_storage() {
    let case = Case {
        recipe: "preset: azure-storage",
        credential: &[("account", "acc"), ("account_key", ENCODED)],
        method: "PUT",
        url: "https://acc.blob.core.windows.net/c/b%20x?comp=metadata&prefix=a%20b+c&restype=container",
        headers: &[
            ("x-ms-meta-b", "two"),
            ("x-ms-blob-type", "BlockBlob"),
            ("content-type", "text/plain"),
            ("if-match", "\"x\""),
            ("x-ms-date", "forged"),
        ],
        body: BODY,
        ..PLAIN
    };
    assert_eq!(
        case.sent().header("authorization"),
        "SharedKey acc:JFToF5ZEvOfaznFISZVBEkSwTd+VG90gRBwZwolnXo0="
    );
    assert_eq!(case.body_use(), BodyUse::Untouched);
}

/// huaweicloudsdkcore 3.1.219, `Signer.sign`.
#[test]
fn huawei() {
    let case = Case {
        recipe: "preset: huawei",
        credential: &[("access_key", "k3y"), ("secret_key", "s3cr3t")],
        method: "POST",
        url: "https://ecs.example.com/v1/p%20x/servers?limit=1&a=b+c&a=~%C3%A9&e=",
        body: BODY,
        ..PLAIN
    };
    assert_eq!(
        case.sent().header("authorization"),
        "SDK-HMAC-SHA256 Access=k3y, SignedHeaders=host;x-sdk-date, \
         Signature=213063143ba3425cb455ceb082c7b5a3855f3a656456e31ce1b12b5cbec48cc0"
    );
}

/// edgegrid-python 2.0.9, `EdgeGridAuthHeaders.make_auth_header`.
#[test]
fn akamai_edgegrid() {
    let case = Case {
        recipe: "preset: akamai-edgegrid",
        credential: &[
            ("client_token", "akab-client"),
            ("client_secret", "s3cr3t"),
            ("access_token", "akab-access"),
        ],
        url: "https://akaa.luna.akamaiapis.net/ccu/v3",
        ..PLAIN
    };
    let with_headers = "{ preset: akamai-edgegrid, lists: { headers: { of: [headers], names: [X-B, X-A],\
                          sort: names, pair: '{name}:{value|squeeze}', join: \"\\t\" } } }";
    let with_headers = Case {
        recipe: with_headers,
        url: "https://akaa.luna.akamaiapis.net/ccu/v3?q=a%20b",
        headers: &[("x-a", "one  two"), ("x-b", "b")],
        ..case
    };
    let longer_than_is_hashed = vec![b'x'; 131_073];
    let posted = Case { method: "POST", body: &longer_than_is_hashed, ..case };
    let put = Case { method: "PUT", body: b"x", ..case };
    let empty = Case { method: "POST", ..case };
    for (name, case, signature, body_use) in [
        (
            "headers",
            with_headers,
            "EC4upk4xgPxNVEAQmW2Tc4ged7RUe/c5pARz8UcuyM8=",
            BodyUse::Untouched,
        ),
        ("POST", posted, "Rb+VTl9yhKvAIsQe9LAnJvPIjJpdJGjfyY9EfQjpcO0=", BodyUse::Fed),
        ("PUT", put, "gCLG0Cy4lslWSzVG9VZaw1C//ktd1PrCqYlXAX8xqj0=", BodyUse::Untouched),
        ("empty", empty, "TgmxvlkKY2akFoYP8UIpvCLOlU4RnWNZwD0YYoCrHik=", BodyUse::Fed),
    ] {
        assert_eq!(
            case.sent().header("authorization"),
            format!(
                "EG1-HMAC-SHA256 client_token=akab-client;access_token=akab-access;timestamp=20231114T22:13:20+0000;\
                 nonce=30313233-3435-4637-b839-616263646566;signature={signature}"
            ),
            "{name}"
        );
        assert_eq!(case.body_use(), body_use, "{name}");
    }
}

/// duo_client 5.7.0, `sign` with signature version 2: the order is that of the encoded names.
#[test]
fn duo() {
    let case = Case {
        recipe: "preset: duo",
        credential: &[("integration_key", "DIWJ8X6AEYOR5OMC6TQ1"), ("secret", "s3cr3t")],
        method: "POST",
        url: "https://api-x.duosecurity.com/admin/v1/users",
        headers: &[("content-type", "application/x-www-form-urlencoded")],
        body: b"%C3%A9=%C3%A9&x=%2B%26%3D&a-b=1&a=2&a=1+",
        ..PLAIN
    };
    assert_eq!(
        case.sent().header("authorization"),
        "Basic RElXSjhYNkFFWU9SNU9NQzZUUTE6MWJiMDc5NjU2Mjc5OThhNjk4NzU1M2M0ZjFjZWNhZTQyMGZkNWNiN2UxMGMwZWU2NGI1NDdmM2FiNzE5ODYwYmJiNTQ5NzZmZGU1YzgzMTU5N2UzOTFlYjJmMDU3Mzg5NmVhYTNhMmJiMTQxM2RiN2Q0NDA2YTFiMjBiNDk4MDg="
    );
}
