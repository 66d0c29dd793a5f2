"""OAuth 1.0a against a provider made with oauthlib, which checks the signature of each request as it came through attache."""

import json
import secrets
import unittest
import urllib.error
import urllib.request

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from support.attache import PATIENCE_S, Attache
from support.browser import redirected
from support.oauthlib_server import CONSUMERS_OWN, FORM, Provider

CONSUMER = "app"
SECRET = f"{secrets.token_urlsafe(16)} +%/:&="
# Nothing in it has to be encoded.
PLAIN_CONSUMER, PLAIN_SECRET = "plain-app", secrets.token_urlsafe(16)
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PRIVATE_KEY = KEY.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()
PUBLIC_KEY = KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
BACK = "https://app.example/oauth/back"
PLACES = ("header", "query", "body")
SIGNATURES = ("hmac_sha1", "hmac_sha256", "hmac_sha512", "rsa_sha256", "plaintext")
ODD = bytes(range(256)) * 3

# Method, path with query, content type, body.
REQUESTS = [
    ("GET", "/plain", None, b""),
    ("GET", "/empty?", None, b""),
    ("GET", "/q?b=2&a=1&a=0&a=1", None, b""),
    ("GET", "/q?empty=&none&=x&a=b=c", None, b""),
    ("GET", "/q?space=a%20b&plus=a+b&sign=a%2Bb", None, b""),
    ("GET", "/q?utf8=%E2%98%83&n%C3%A4me=%c3%a9", None, b""),
    ("GET", "/q?keep=-._~&other=!*'()&lower=%7e%2d", None, b""),
    ("GET", "/q?bracket%5B%5D=1&colon=a:b,c/d@e", None, b""),
    ("GET", "/path/with%20space/%E2%98%83/~x/a;b=c?z=1", None, b""),
    ("DELETE", "/gone?id=1", None, b""),
    ("POST", "/form", FORM, b"a3=2+q&c2=&a3=a&utf8=%E2%98%83&sign=%2B"),
    ("POST", "/form?x=1&a3=b", f"{FORM}; charset=utf-8", b"a3=2+q&b5=%3D%253D&c%40=&a2=r%20b"),
    ("PUT", "/form", FORM, b"only"),
    ("POST", "/none", None, b""),
    ("POST", "/json?x=%20", "application/json", '{"name": "Zoë ☃"}'.encode()),
    ("PUT", "/odd", "application/octet-stream", ODD),
    ("PATCH", "/odd", "multipart/form-data; boundary=x", b"--x\r\n\r\na=1&b=2\r\n--x--\r\n"),
]


class Oauth1Test(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.provider = Provider({CONSUMER: SECRET, PLAIN_CONSUMER: PLAIN_SECRET}, PUBLIC_KEY)
        cls.addClassCleanup(cls.provider.stop)
        cls.attache = Attache()
        cls.addClassCleanup(cls.attache.stop)

    @classmethod
    def tearDownClass(cls):
        said = cls.attache.said()
        assert "GET" in said, "no access log at all, so nothing could be searched"
        hidden = [SECRET, PLAIN_SECRET, PRIVATE_KEY.splitlines()[1], *cls.provider.validator.tokens.values()]
        assert not [it for it in hidden if it in said], "attache's own output holds what it must not"

    def connect(self, key: str, oauth1: dict, base: str = "/api", **credentials):
        fields = {"consumer_key": CONSUMER} | ({"private_key": PRIVATE_KEY} if oauth1["signature"].startswith("rsa") else {"consumer_secret": SECRET})
        self.attache.send("PUT", f"connectors/{key}", {"base_url": f"{self.provider.url}{base}", "auth": {"main": {"oauth1": oauth1}}})
        self.attache.send("PUT", f"connections/{key}", {"connector": key, "auth": "main", "credentials": fields | credentials})

    def ask(self, key: str, method: str, path: str, content_type: str | None, body: bytes) -> tuple[int, dict]:
        headers = {"Attache-Key": self.attache.caller_key} | ({"Content-Type": content_type} if content_type else {})
        request = urllib.request.Request(f"{self.attache.proxy}/c/{key}{path}", body or None, headers, method=method)
        if not content_type and body == b"" and method in ("POST", "PUT"):
            request.data, request.headers["Content-type"] = None, None
            del request.headers["Content-type"]
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as refused:
            return refused.code, json.loads(refused.read() or b"null")

    def signs_all(self, key: str, place: str, token: str | None):
        for method, path, content_type, body in REQUESTS:
            with self.subTest(key, request=f"{method} {path}"):
                status, said = self.ask(key, method, path, content_type, body)
                self.assertEqual(status, 200, f"{said}\n{self.attache.said()[-2000:]}")
                self.assertEqual(said["token"], token)
                sent, is_form = bytes.fromhex(said["body"]), bool(content_type and content_type.startswith(FORM)) or path == "/none"
                if place == "body" and is_form:
                    self.assertTrue(sent.startswith(body), sent)
                else:
                    self.assertEqual(sent, body)
                if place == "query":
                    self.assertTrue(said["path"].startswith(f"/api{path}"), said["path"])
                else:
                    self.assertEqual(said["path"].rstrip("?"), f"/api{path}".rstrip("?"))

    def test_every_signature_method_in_every_place(self):
        for signature in SIGNATURES:
            for place in PLACES:
                # oauthlib decodes this one signature twice where it is not in the header, and so refuses its own client's.
                is_plain = signature == "plaintext" and place != "header"
                token, secret = self.provider.give_token("") if is_plain else self.provider.give_token()
                consumer = {"consumer_key": PLAIN_CONSUMER, "consumer_secret": PLAIN_SECRET} if is_plain else {}
                key = f"{signature}-{place}".replace("_", "-")
                self.connect(key, {"signature": signature, "in": place}, token=token, token_secret=secret, **consumer)
                self.signs_all(key, place, token)

    def test_rsa_sha1_where_it_is_built_in(self):
        try:
            token, secret = self.provider.give_token()
            self.connect("rsa-sha1", {"signature": "rsa_sha1"}, token=token, token_secret=secret)
        except AssertionError as refused:
            self.assertIn("--features rsa-sha1", str(refused))
            self.skipTest("this attache was built without it")
        self.signs_all("rsa-sha1", "header", token)

    def test_two_legged(self):
        right = {"client": True, "signature": True}
        for place in PLACES:
            key = f"two-legged-{place}"
            self.connect(key, {"signature": "hmac_sha1", "in": place}, CONSUMERS_OWN)
            for method, path, content_type, body in REQUESTS:
                with self.subTest(f"{key} {method} {path}"):
                    status, said = self.ask(key, method, path, content_type, body)
                    self.assertEqual((status, said["valid"], said["token"], said["log"]), (200, True, None, right), said)

    def test_two_legged_with_a_wrong_secret_is_refused(self):
        self.connect("two-legged-wrong", {"signature": "hmac_sha1"}, CONSUMERS_OWN, consumer_secret="wrong")
        status, said = self.ask("two-legged-wrong", "GET", "/a", None, b"")
        self.assertEqual((status, said["valid"], said["log"]), (401, False, {"client": True, "signature": False}))

    def test_a_wrong_secret_is_refused(self):
        token, _ = self.provider.give_token()
        self.connect("wrong", {"signature": "hmac_sha256"}, token=token, token_secret="wrong")
        status, said = self.ask("wrong", "GET", "/a", None, b"")
        self.assertEqual((status, said["log"]["signature"]), (401, False))

    def test_a_person_consents(self):
        url = self.provider.url
        for place in PLACES:
            with self.subTest(place):
                key = f"dance-{place}"
                urls = {"request_url": f"{url}/initiate", "authorize_url": f"{url}/authorize", "token_url": f"{url}/token"}
                self.connect(key, {"signature": "hmac_sha256", "in": place} | urls)
                status, said = self.ask(key, "GET", "/a", None, b"")
                self.assertEqual((status, said["code"]), (424, "reauthorization_required"))
                begun = self.attache.send("POST", f"connections/{key}/authorize", {"redirect_uri": f"{BACK}?for={place}"})
                back = redirected(begun["url"])
                self.assertTrue(back.startswith(f"{BACK}?for={place}&"), back)
                given = self.attache.send("POST", f"connections/{key}/callback", {"url": back, "state": begun["state"]})
                self.assertEqual(given["grant"]["state"], "active")
                self.signs_all(key, place, list(self.provider.validator.tokens)[-1])
                self.assertFalse(self.provider.validator.temporary, "temporary credentials are used up")


if __name__ == "__main__":
    unittest.main()
