"""OAuth 2.0 against a server made with Authlib, each case by a request through attache to an API that checks its token."""

import secrets
import unittest

from support.attache import Attache
from support.authlib_server import PEOPLE, Authlib, Client

SECRET = f"{secrets.token_urlsafe(24)} +%/:&="


class OauthTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.authlib = Authlib([Client("by-basic", SECRET), Client("by-body", SECRET, "client_secret_post")])
        cls.addClassCleanup(cls.authlib.stop)
        cls.attache = Attache()
        cls.addClassCleanup(cls.attache.stop)

    @classmethod
    def tearDownClass(cls):
        said = cls.attache.said()
        hidden = [SECRET, PEOPLE["ann"], *(it.access_token for it in cls.authlib.tokens)]
        hidden += [it.refresh_token for it in cls.authlib.tokens if it.refresh_token]
        assert not [it for it in hidden if it in said], "attache's own output holds what it must not"

    def connect(self, key: str, oauth2: dict, **credentials):
        whole = {"token_url": f"{self.authlib.url}/token", "scopes": ["read"]} | oauth2
        self.attache.connect(key, f"{self.authlib.url}/api", whole, credentials)

    def whoami(self, key: str, **headers) -> dict:
        status, said = self.attache.through(key, **headers)
        self.assertEqual(status, 200, f"{said}\n{self.attache.said()}")
        return said

    def token_requests(self) -> int:
        return self.authlib.asked["/token"]

    def test_client_credentials_by_basic_and_by_body(self):
        # Authlib takes what stands in Basic as it is, where RFC 6749 §2.3.1 has it form-encoded first.
        for name, encoding in (("basic", {"basic_encoding": "raw"}), ("body", {})):
            oauth2 = {"grant": "client_credentials", "client_auth": name} | encoding
            self.connect(f"by-{name}", oauth2, client_id=f"by-{name}", client_secret=SECRET)
            before = self.token_requests()
            for _ in range(3):
                self.assertEqual(self.whoami(f"by-{name}"), {"client_id": f"by-{name}", "sub": None, "scope": "read"})
            self.assertEqual(self.token_requests() - before, 1)

    def test_a_person_s_own_name_and_password(self):
        who = {"client_id": "by-body", "client_secret": SECRET, "username": "ann", "password": PEOPLE["ann"]}
        self.connect("password", {"grant": "password", "client_auth": "body"}, **who)
        self.assertEqual(self.whoami("password")["sub"], "ann")

    def test_a_password_that_is_refused_is_for_a_person_to_mend(self):
        who = {"client_id": "by-body", "client_secret": SECRET, "username": "ann", "password": "hunter3"}
        # Authlib says `invalid_request` where RFC 6749 §5.2 has `invalid_grant`: nobody could guess that, so it is declared.
        reply = {"authorize_again": ["Invalid 'username' or 'password'"]}
        self.connect("wrong", {"grant": "password", "client_auth": "body", "reply": reply}, **who)
        before = self.token_requests()
        for _ in range(3):
            status, said = self.attache.through("wrong")
            self.assertEqual((status, said["code"]), (424, "reauthorization_required"))
        self.assertEqual(self.token_requests() - before, 1)

    def test_a_client_that_is_unknown_is_the_operator_s_to_mend(self):
        self.connect("unknown", {"grant": "client_credentials"}, client_id="nobody", client_secret=SECRET)
        status, said = self.attache.through("unknown")
        self.assertEqual((status, said["code"]), (503, "credential_unavailable"))


if __name__ == "__main__":
    unittest.main()
