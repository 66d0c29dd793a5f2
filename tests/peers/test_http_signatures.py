"""RFC 9421: `http-message-signatures` verifies what attache signs, and signs the same."""

import datetime
import os
import secrets
import unittest
import urllib.request

import http_message_signatures as peer
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from http_message_signatures import algorithms
from support.attache import Attache, asked
from support.recorder import Recorder

SECRET = f"{secrets.token_urlsafe(24)}+/="
PRIVATE = {
    "rsa-pss-sha512": rsa.generate_private_key(65537, 2048),
    "rsa-v1_5-sha256": rsa.generate_private_key(65537, 2048),
    "ecdsa-p256-sha256": ec.generate_private_key(ec.SECP256R1()),
    "ecdsa-p384-sha384": ec.generate_private_key(ec.SECP384R1()),
    "ed25519": ed25519.Ed25519PrivateKey.generate(),
}
ALGORITHMS = {it.algorithm_id: it for it in vars(algorithms).values() if hasattr(it, "algorithm_id")}
COMPONENTS = [
    "@method", "@target-uri", "@authority", "@scheme", "@request-target", "@path", "@query", "host", "x-twice", "x-empty",
    "content-digest", "content-type", '@query-param;name="q"', 'priority;key="b"', "priority;sf", "x-twice;bs",
]  # fmt: skip


def pem(key) -> str:
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key.private_bytes(*form).decode()


class Keys(peer.HTTPSignatureKeyResolver):
    def resolve_public_key(self, key_id: str):
        return SECRET.encode() if key_id == "hmac-sha256" else PRIVATE[key_id].public_key()

    def resolve_private_key(self, key_id: str):
        return SECRET.encode() if key_id == "hmac-sha256" else PRIVATE[key_id]


class Message:
    """What arrived, as the peer wants it."""

    def __init__(self, url: str, seen):
        self.method, self.url, self.headers = seen.method, f"{url}{seen.target}", seen.headers


class HttpSignatures(unittest.TestCase):
    made = 0

    @classmethod
    def setUpClass(cls):
        cls.api = Recorder()
        cls.addClassCleanup(cls.api.stop)
        cls.attache = Attache()
        cls.addClassCleanup(cls.attache.stop)

    @classmethod
    def tearDownClass(cls):
        said = cls.attache.said()
        hidden = [SECRET, *(pem(it).splitlines()[1] for it in PRIVATE.values())]
        assert "PUT" in said, "no access log at all, so nothing could be searched"
        assert not [it for it in hidden if it in said], "attache's own output holds what it must not"

    def signed(self, algorithm: str, settings: dict, body: bytes, target: str):
        credentials = {"key_id": algorithm}
        credentials |= {"secret": SECRET} if algorithm == "hmac-sha256" else {"private_key": pem(PRIVATE[algorithm])}
        method = {"http_signature": {"algorithm": algorithm} | settings}
        HttpSignatures.made += 1
        key = f"api-{self.made}"
        self.attache.send("PUT", f"connectors/{key}", {"base_url": self.api.url, "auth": {"main": method}})
        self.attache.send("PUT", f"connections/{key}", {"connector": key, "auth": "main", "credentials": credentials})
        headers = {"Attache-Key": self.attache.caller_key, "Content-Type": "text/plain;  a=b", "X-Empty": ""}
        headers |= {"X-Twice": "one, two", "Priority": "a=1,   b=2;x=\"y\" , c=(a  b)", "Signature": "sig1=:AA==:"}
        request = urllib.request.Request(f"{self.attache.proxy}/c/{key}{target}", body, headers, method="PUT")
        status, said = asked(request)
        self.assertEqual(status, 200, f"{said}\n{self.attache.said()}")
        seen = self.api.only()
        self.assertEqual(seen.body, body)
        return seen

    def test_each_algorithm_over_every_kind_of_component(self):
        for algorithm in ["hmac-sha256", *PRIVATE]:
            for digest in ("sha-256", "sha-512"):
                with self.subTest(algorithm, digest=digest):
                    settings = {"components": [it for it in COMPONENTS], "digest": digest, "nonce": True, "tag": "a tag", "expires_s": 60}
                    body = os.urandom(100_000)
                    seen = self.signed(algorithm, settings, body, "/a%20b/c?q=x+y%20z&%C3%A9=1&e=")
                    verifier = peer.HTTPMessageVerifier(signature_algorithm=ALGORITHMS[algorithm], key_resolver=Keys())
                    (result,) = verifier.verify(Message(self.api.url, seen), expect_tag="a tag", body=body)
                    self.assertEqual(len(result.covered_components), len(COMPONENTS) + 1)
                    broken = Message(self.api.url, seen)
                    broken.url += "x"
                    with self.assertRaises(peer.InvalidSignature):
                        verifier.verify(broken, expect_tag="a tag")

    def test_the_peer_signs_the_same(self):
        components = ["@method", "@target-uri", "@authority", "content-digest", "content-type", "x-empty"]
        for algorithm in ("hmac-sha256", "ed25519"):
            with self.subTest(algorithm):
                body = b'{"hello": "world"}'
                seen = self.signed(algorithm, {"components": components, "alg": True, "digest": "sha-512"}, body, "/foo?param=Value&Pet=dog")
                ours = {name: seen.headers[name] for name in ("Signature-Input", "Signature")}
                created = int(ours["Signature-Input"].split(";created=")[1].split(";")[0])
                same = Message(self.api.url, seen)
                for name in ours:
                    del same.headers[name]
                signer = peer.HTTPMessageSigner(signature_algorithm=ALGORITHMS[algorithm], key_resolver=Keys())
                signer.sign(
                    same, key_id=algorithm, label="sig1", created=datetime.datetime.fromtimestamp(created),
                    covered_component_ids=components, use_existing_digest=True,
                )  # fmt: skip
                theirs = {name: same.headers[name] for name in ours}
                self.assertEqual(theirs, ours)


if __name__ == "__main__":
    unittest.main()
