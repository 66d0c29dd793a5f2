//! What each value and each filter comes out as.
use super::*;

const CASE: Case<'static> = Case {
    method: "POST",
    url: "http://api.test:8080/v1/a%20b/?q=1%2B2+3&e=&q=x&%C3%A9=%C3%A9&bare",
    headers: &[
        ("content-type", "application/x-www-form-urlencoded"),
        ("x-two", "1"),
        ("x-two", " 2  3 "),
        ("x-empty", ""),
    ],
    body: b"b=2+2&a=%C3%A9&b=1",
    ..PLAIN
};

/// What `content` is, by way of a signature that is left as it is: none.
fn content(template: &str, more: &str) -> Result<String, SignError> {
    let recipe = format!(
        "{{ algorithm: sha1, content: '{{credential.secret}}', {more} \
           put: [{{ in: header, name: X-Out, value: \"<{template}>\" }},\
                 {{ in: header, name: X-Sig, value: '{{signature}}' }}] }}"
    );
    let sent = Case { recipe: &recipe, ..CASE }.signed()?;
    let out = sent.header("x-out");
    Ok(out[1..out.len() - 1].to_owned())
}

#[test]
fn every_value_is_what_is_sent() {
    for (template, text) in [
        ("{method} {scheme} {host} {hostname} {port}", "POST http api.test:8080 api.test 8080"),
        ("{path}", "/v1/a%20b/"),
        ("{query}", "q=1%2B2+3&e=&q=x&%C3%A9=%C3%A9&bare"),
        ("{target}", "/v1/a%20b/?q=1%2B2+3&e=&q=x&%C3%A9=%C3%A9&bare"),
        ("{url}", "http://api.test:8080/v1/a%20b/?q=1%2B2+3&e=&q=x&%C3%A9=%C3%A9&bare"),
        ("{query.q} {query.é} {query.e}.{query.none?}", "1+2 3 é ."),
        ("{form.b}{form.a}", "2 2é"),
        ("{header.x-two}|{header.x-empty}", "1,  2  3 |"),
        ("{header.x-two|squeeze}", "1, 2 3"),
        ("{body.length}", "18"),
        ("{timestamp.unix_s} {timestamp.date}", "1700000000 2023-11-14"),
        ("{nonce.hex}", "30313233343536373839616263646566"),
        ("{nonce.uuid}", "30313233-3435-4637-b839-616263646566"),
        ("{nonce.base64} {nonce.base64url}", "MDEyMzQ1Njc4OWFiY2RlZg== MDEyMzQ1Njc4OWFiY2RlZg"),
        ("{nonce.number}{nonce.number|first(0)}", "1700000000123000"),
        ("{credential.secret}", "s3cr3t"),
        ("{{[[{method}]]}}", "{[POST]}"),
        ("[a{header.x-none}b][c{header.x-empty}d][e{method}f]", "ePOSTf"),
        ("{header.x-none?|or(none)}{header.x-empty|or(empty)}", "noneempty"),
    ] {
        assert_eq!(content(template, "").unwrap(), text, "{template}");
    }
}

#[test]
fn every_filter_does_what_it_says() {
    // Digests of `POST`, by Python's hashlib and hmac.
    for (template, text) in [
        ("{method|lower}{method|lower|upper}", "postPOST"),
        ("{method|md5|hex}", "a02439ec229d8be0e74b0c1602392310"),
        ("{method|sha1|hex_upper}", "61FF81C30AA3C76E78AFEA62B2E3BD1DFA49E854"),
        ("{method|sha1|base64|from_base64|hex|from_hex|base64url}", "Yf-Bwwqjx254r-pisuO9HfpJ6FQ"),
        ("{method|hmac_sha1(k)|hex}", "15b05abd97814a17ff99185da30413bb1db9d847"),
        ("{path|urlencode}{query|before(&)|urldecode}", "%2Fv1%2Fa%2520b%2Fq=1+2+3"),
        ("{query.q|formencode}", "1%2B2+3"),
        ("{path|without_prefix(/v1)|ending(/)|ending(!)}", "/a%20b/!"),
        ("{method|first(2)}{method|only(GET PUT)}{method|except(POST)}", "PO"),
        ("{method|only(POST)}", "POST"),
        ("{zero|nonzero}[x{zero|nonzero}]", ""),
    ] {
        let got = content(template, "let: { k: 'k3y', zero: '0' },");
        assert_eq!(got.unwrap(), text, "{template}");
    }
}

#[test]
fn lists_choose_order_and_join() {
    for (list, text) in [
        ("of: [query]", "bare=&e=&q=1+2 3&q=x&é=é"),
        ("of: [query], sort: none", "q=1+2 3&e=&q=x&é=é&bare="),
        ("of: [query], raw: true", "%C3%A9=%C3%A9&bare=&e=&q=1%2B2+3&q=x"),
        ("of: [query], skip_empty: true, without: [é], join: ''", "q=1+2 3q=x"),
        ("of: [query], merge: ',', names: [q, e], sort: names", "q=1+2 3,x&e="),
        ("of: [query, form], names: [a, b, e]", "a=é&b=1&b=2 2&e="),
        (
            "of: [query], pair: '{value|urlencode}:{name|upper}', sort: pair, names: [q, e]",
            "1%2B2%203:Q&:E&x:Q",
        ),
        (
            "of: [headers], prefix: X-T, pair: '{name}:{value|trim}', join: ';'",
            "x-two:2  3;x-two:1",
        ),
        ("of: [headers], names: [Host, x-empty], merge: ','", "host=api.test:8080&x-empty="),
        ("of: [headers], names: []", ""),
        ("of: [query], sort: encoded, names: [é, q], pair: '{name|urlencode}'", "%C3%A9&q&q"),
    ] {
        let more = format!("lists: {{ all: {{ {list} }} }},");
        let got = content("{all}", &more).unwrap();
        assert_eq!(got, text, "{list}");
    }
}

#[test]
fn what_the_request_lacks_is_told() {
    for (template, problem) in [
        (
            "{header.x-none}",
            "the signature covers the field `x-none`, which the request does not have",
        ),
        (
            "{query.none}",
            "the signature covers the query parameter `none`, which the request does not have",
        ),
        (
            "{form.none}",
            "the signature covers the form parameter `none`, which the request does not have",
        ),
        ("{query|from_base64}", "a value that the signature covers is not Base64"),
    ] {
        assert_eq!(content(template, "").unwrap_err().to_string(), problem, "{template}");
    }
    let newline = Case {
        recipe: "{ content: x, put: [{ in: header, name: X-Out, value: '{query.n}' },\
        { in: cookie, name: sid, value: '{signature}' }] }",
        url: "https://a.test/?n=%0A",
        ..PLAIN
    };
    let problem = newline.signed().unwrap_err().to_string();
    assert_eq!(problem, "the value of `x-out` would have a character that no field can have");
}

#[test]
fn a_query_that_is_empty_is_sent_and_so_it_is_signed() {
    let out = |url: &str| {
        let recipe = "{ content: x, put: [{ in: header, name: X-Out, value: '{target}|{query}' },\
                        { in: header, name: X-Sig, value: '{signature}' }] }";
        Case { recipe, url, ..PLAIN }.sent().header("x-out").to_owned()
    };
    assert_eq!(out("https://a.test/p?"), "/p?|");
    assert_eq!(out("https://a.test/p"), "/p|");
}

#[test]
fn a_cookie_goes_beside_the_callers() {
    let case = Case {
        recipe: "{ content: '{method}', put: [{ in: cookie, name: sig, value: '{signature|first(8)}' }] }",
        headers: &[("cookie", "a=1; sig=forged; b=2"), ("cookie", "c=3")],
        ..PLAIN
    };
    let sent = case.sent();
    let ours = &sent.header("cookie")[..12];
    assert_eq!(sent.header("cookie"), format!("{ours}; a=1; b=2; c=3"));
    assert!(ours.starts_with("sig="));
}
