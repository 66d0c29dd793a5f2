"""JWTs that attache signs, each verified with PyJWT by the API that they are sent to."""

import hashlib
import http.server
import json
import secrets
import threading
import unittest
import urllib.request

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from support.attache import Attache, asked

SECRET = secrets.token_urlsafe(64)
RSA = rsa.generate_private_key(65537, 2048)
KEYS = (
    {f"{kind}{size}": RSA for kind in ("RS", "PS") for size in (256, 384, 512)}
    | {"ES256": ec.generate_private_key(ec.SECP256R1()), "ES384": ec.generate_private_key(ec.SECP384R1())}
    | {"ES512": ec.generate_private_key(ec.SECP521R1()), "EdDSA": ed25519.Ed25519PrivateKey.generate()}
)
SYMMETRIC = ["HS256", "HS384", "HS512"]
PEM, PKCS8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8


class Api(http.server.BaseHTTPRequestHandler):
    """Answers what it was asked, as JSON."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        said = json.dumps({"path": self.path, "headers": {name.lower(): value for name, value in self.headers.items()}, "body_sha256": hashlib.sha256(body).hexdigest()})
        self.send_response(200)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said.encode())

    do_GET = do_POST

    def log_message(self, *_):
        pass


class JwtTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.api = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Api)
        threading.Thread(target=cls.api.serve_forever, daemon=True).start()
        cls.addClassCleanup(cls.api.shutdown)
        cls.url = f"http://127.0.0.1:{cls.api.server_port}"
        cls.attache = Attache()
        cls.addClassCleanup(cls.attache.stop)

    def connect(self, key: str, settings: dict, **credentials):
        auth = {"m": {"jwt": settings}}
        self.attache.send("PUT", f"connectors/{key}", {"base_url": self.url, "auth": auth})
        self.attache.send("PUT", f"connections/{key}", {"connector": key, "auth": "m", "credentials": credentials})

    def through(self, key: str, path="/x", body=None) -> dict:
        headers = {"Attache-Key": self.attache.caller_key, "Authorization": "Bearer theirs"}
        status, said = asked(urllib.request.Request(f"{self.attache.proxy}/c/{key}{path}", body, headers))
        self.assertEqual(status, 200, said)
        return said

    def token(self, said: dict) -> str:
        kind, token = said["headers"]["authorization"].split(" ")
        self.assertEqual(kind, "Bearer")
        return token

    def test_every_algorithm(self):
        settings = {"claims": {"iss": "{issuer}", "aud": ["api"], "sub": "someone"}, "header": {"kid": "{issuer}-1"}}
        for name in [*KEYS, *SYMMETRIC]:
            with self.subTest(name):
                key = KEYS.get(name)
                pem = key and key.private_bytes(PEM, PKCS8, serialization.NoEncryption()).decode()
                credential = {"private_key": pem} if pem else {"secret": SECRET}
                self.connect(name.lower(), {"algorithm": name} | settings, issuer="me", **credential)
                token = self.token(self.through(name.lower()))
                self.assertEqual(jwt.get_unverified_header(token), {"alg": name, "typ": "JWT", "kid": "me-1"})
                public = key.public_key() if key else SECRET
                options = {"require": ["exp", "iat", "iss", "aud"]}
                claims = jwt.decode(token, public, [name], audience="api", issuer="me", options=options)
                self.assertEqual(claims["exp"] - claims["iat"], 300)
                other = ("x" * 86) if not key else KEYS["ES256" if name == "ES384" else "ES384"].public_key()
                with self.assertRaises((jwt.InvalidTokenError, jwt.InvalidKeyError, TypeError)):
                    jwt.decode(token, other, [name], audience="api", issuer="me")

    def test_one_request_s_own_claims(self):
        settings = {
            "algorithm": "HS256",
            "claims": {"iss": "{app_id}", "uri": "{path}", "hash": "{body_sha256}", "nonce": "{jti}"},
            "lifetime": "55s",
        }
        self.connect("bank", settings, secret=SECRET, app_id="ä \"quoted\" \\ app")
        nonces = set()
        for body in (None, b"", b'{"amount": "1.00"}', bytes(range(256)) * 8192):
            said = self.through("bank", "/v1/a%20b", body)
            claims = jwt.decode(self.token(said), SECRET, ["HS256"])
            self.assertEqual(claims["iss"], "ä \"quoted\" \\ app")
            self.assertEqual((claims["uri"], claims["hash"]), ("/v1/a%20b", said["body_sha256"]))
            nonces.add(claims["nonce"])
        self.assertEqual(len(nonces), 4)

    def test_a_token_is_kept_for_its_life(self):
        self.connect("kept", {"algorithm": "ES256"}, private_key=KEYS["ES256"].private_bytes(PEM, PKCS8, serialization.NoEncryption()).decode())
        self.assertEqual(len({self.token(self.through("kept")) for _ in range(5)}), 1)

    def test_a_token_in_the_query(self):
        self.connect("query", {"algorithm": "HS256", "in": "query", "name": "jwt"}, secret=SECRET)
        path = self.through("query", "/x?a=%2F&jwt=theirs&b=+")["path"]
        before, token = path.split("&jwt=")
        self.assertEqual(before, "/x?a=%2F&b=+")
        jwt.decode(token, SECRET, ["HS256"])


if __name__ == "__main__":
    unittest.main()
