"""Digest authentication against httpbin, which checks each answer; and requests, which it answers the same."""

import collections
import http.client
import logging
import threading
import unittest
import urllib.parse

import httpbin
import requests
import werkzeug.serving
from support.attache import Attache

logging.getLogger("werkzeug").setLevel(logging.ERROR)

# httpbin hashes its path without the escapes that it was sent with, so that nobody is let in where there are any.
PEOPLE = [("Mufasa", "Circle-of-Life"), ("ann", "p+w&=:;,@$!*'()~x")]
# What stands in a path as it is (RFC 3986 §3.3).
SAFE = "!$&'()*+,;=:@~"
# httpbin has no SHA-512-256; its SHA-512 stands in no registry.
ALGORITHMS = ["MD5", "SHA-256", "SHA-512"]


class DigestTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.statuses = collections.Counter()

        def counted(environ, start):
            def told(status, *rest):
                cls.statuses[status[:3]] += 1
                return start(status, *rest)

            return httpbin.app(environ, told)

        cls.server = werkzeug.serving.make_server("127.0.0.1", 0, counted, threaded=True)
        threading.Thread(target=cls.server.serve_forever, daemon=True).start()
        cls.addClassCleanup(cls.server.shutdown)
        cls.url = f"http://127.0.0.1:{cls.server.server_port}"
        cls.attache = Attache()
        cls.addClassCleanup(cls.attache.stop)

    @classmethod
    def tearDownClass(cls):
        said = cls.attache.said()
        assert "GET" in said, "no access log at all, so nothing could be searched"
        # Passwords stand in httpbin's own paths: what must not be there is an answer to a challenge.
        assert "response=" not in said

    def connect(self, key: str, username: str, password: str, **settings):
        auth = {"m": {"digest": settings}}
        self.attache.send("PUT", f"connectors/{key}", {"base_url": self.url, "auth": auth})
        credentials = {"username": username, "password": password}
        self.attache.send("PUT", f"connections/{key}", {"connector": key, "auth": "m", "credentials": credentials})

    def through(self, key: str, path: str, body: bytes | None = None) -> int:
        proxy = urllib.parse.urlsplit(self.attache.proxy)
        link = http.client.HTTPConnection(proxy.hostname, proxy.port, timeout=30)
        link.request("GET", f"/c/{key}{path}", body, {"Attache-Key": self.attache.caller_key})
        status = link.getresponse().status
        link.close()
        return status

    def test_each_algorithm_and_what_it_covers(self):
        for number, (username, password) in enumerate(PEOPLE):
            for algorithm in ALGORITHMS:
                for qop in ("auth", "auth-int"):
                    with self.subTest(f"{username} {algorithm} {qop}"):
                        key = f"p{number}-{algorithm.lower()}-{qop}"
                        self.connect(key, username, password)
                        name, word = (urllib.parse.quote(it, safe=SAFE) for it in (username, password))
                        path = f"/digest-auth/{qop}/{name}/{word}/{algorithm}"
                        self.statuses.clear()
                        for body in (None, b"a=1&b=%20", b"\x00\xff" * 50_000):
                            self.assertEqual(self.through(key, path, body), 200)
                        self.assertEqual(self.statuses, {"401": 1, "200": 3}, "warm, it is one round trip")

    def test_requests_is_answered_the_same(self):
        for algorithm in ALGORITHMS:
            path = f"/digest-auth/auth/Mufasa/secret/{algorithm}"
            self.connect(f"same-{algorithm.lower()}", "Mufasa", "secret")
            auth = requests.auth.HTTPDigestAuth("Mufasa", "secret")
            direct = requests.get(self.url + path, auth=auth, timeout=30)
            self.assertEqual((direct.status_code, self.through(f"same-{algorithm.lower()}", path)), (200, 200))

    def test_a_nonce_that_goes_stale(self):
        self.connect("stale", "Mufasa", "secret")
        # httpbin keeps how often a nonce is good in cookies, which a caller keeps: without them each is good for good.
        self.assertEqual(self.through("stale", "/digest-auth/auth/Mufasa/secret/MD5/1"), 200)
        self.assertEqual(self.through("stale", "/digest-auth/auth/Mufasa/secret/MD5/1"), 200)

    def test_a_wrong_password_and_a_weak_algorithm(self):
        self.connect("wrong", "Mufasa", "other")
        self.statuses.clear()
        self.assertEqual(self.through("wrong", "/digest-auth/auth/Mufasa/secret/SHA-256"), 401)
        self.assertEqual(self.statuses, {"401": 2})
        self.connect("strict", "Mufasa", "secret", algorithms=["SHA-256", "SHA-512-256"])
        self.statuses.clear()
        self.assertEqual(self.through("strict", "/digest-auth/auth/Mufasa/secret/MD5"), 401)
        self.assertEqual(self.statuses, {"401": 1}, "MD5 is never answered")
        self.assertEqual(self.through("strict", "/digest-auth/auth/Mufasa/secret/SHA-256"), 200)


if __name__ == "__main__":
    unittest.main()
