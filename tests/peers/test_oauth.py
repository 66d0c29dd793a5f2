"""OAuth 2.0 against a server made with Authlib, each case by a request through attache to an API that checks its token."""

import secrets
import time
import unittest
import urllib.parse

from joserfc.jwk import ECKey
from support.attache import PATIENCE_S, Attache
from support.authlib_server import ASSERTION, PEOPLE, REDIRECT_URI, Authlib, Client
from support.browser import redirected

SECRET = f"{secrets.token_urlsafe(24)} +%/:&="
KEY = ECKey.generate_key("P-256")
PRIVATE_KEY = KEY.as_pem(private=True).decode()

# How attache proves itself as each client that consents are asked for as.
WAYS = {
    "by-none": ({"client_auth": "none"}, {}),
    "by-basic": ({"client_auth": "basic", "basic_encoding": "raw"}, {"client_secret": SECRET}),
    "by-secret-jwt": ({"client_auth": "client_secret_jwt"}, {"client_secret": SECRET}),
    "by-key-jwt": ({"client_auth": "private_key_jwt", "assertion": {"algorithm": "ES256"}}, {"private_key": PRIVATE_KEY}),
}
# attache takes tokens for good for a second only, however long the server does: so it has others again and again.
BRIEF = {"reply": {"expires_in": "/not_looked_at"}, "expiry": {"lifetime": "1s"}}


class OauthTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        clients = [
            Client("by-basic", SECRET),
            Client("by-body", SECRET, "client_secret_post"),
            Client("by-secret-jwt", SECRET, ASSERTION),
            Client("by-key-jwt", None, ASSERTION, KEY),
            Client("by-none", None, "none"),
            Client("robot", None, "none", KEY),
        ]
        cls.authlib = Authlib(clients)
        cls.addClassCleanup(cls.authlib.stop)
        cls.attache = Attache()
        cls.addClassCleanup(cls.attache.stop)

    @classmethod
    def tearDownClass(cls):
        said = cls.attache.said()
        hidden = [SECRET, PEOPLE["ann"], PRIVATE_KEY.splitlines()[1], *(it.access_token for it in cls.authlib.tokens)]
        hidden += [it.refresh_token for it in cls.authlib.tokens if it.refresh_token]
        hidden += [*cls.authlib.given_codes, *cls.authlib.devices]
        assert "GET" in said, "no access log at all, so nothing could be searched"
        assert not [it for it in hidden if it in said], "attache's own output holds what it must not"

    def connect(self, key: str, oauth2: dict, **credentials):
        whole = {"token_url": f"{self.authlib.url}/token", "scopes": ["read"]} | oauth2
        self.attache.connect(key, f"{self.authlib.url}/api", whole, credentials)

    def whoami(self, key: str, **headers) -> dict:
        status, said = self.attache.through(key, **headers)
        self.assertEqual(status, 200, f"{said}\n{self.attache.said()}")
        return said

    def token_requests(self, client_id: str) -> int:
        return self.authlib.asked[client_id]

    def test_client_credentials_by_basic_and_by_body(self):
        # Authlib takes what stands in Basic as it is, where RFC 6749 §2.3.1 has it form-encoded first.
        for name, encoding in (("basic", {"basic_encoding": "raw"}), ("body", {})):
            oauth2 = {"grant": "client_credentials", "client_auth": name} | encoding
            self.connect(f"by-{name}", oauth2, client_id=f"by-{name}", client_secret=SECRET)
            before = self.token_requests(f"by-{name}")
            for _ in range(3):
                self.assertEqual(self.whoami(f"by-{name}"), {"client_id": f"by-{name}", "sub": None, "scope": "read"})
            self.assertEqual(self.token_requests(f"by-{name}") - before, 1)

    def test_a_person_s_own_name_and_password(self):
        who = {"client_id": "by-body", "client_secret": SECRET, "username": "ann", "password": PEOPLE["ann"]}
        self.connect("password", {"grant": "password", "client_auth": "body"}, **who)
        self.assertEqual(self.whoami("password")["sub"], "ann")

    def test_a_password_that_is_refused_is_for_a_person_to_mend(self):
        who = {"client_id": "by-body", "client_secret": SECRET, "username": "ann", "password": "hunter3"}
        # Authlib says `invalid_request` where RFC 6749 §5.2 has `invalid_grant`: nobody could guess that, so it is declared.
        reply = {"authorize_again": ["Invalid 'username' or 'password'"]}
        self.connect("wrong", {"grant": "password", "client_auth": "body", "reply": reply}, **who)
        before = self.token_requests("by-body")
        for _ in range(3):
            status, said = self.attache.through("wrong")
            self.assertEqual((status, said["code"]), (424, "reauthorization_required"))
        self.assertEqual(self.token_requests("by-body") - before, 1)

    def test_a_client_that_is_unknown_is_the_operator_s_to_mend(self):
        self.connect("unknown", {"grant": "client_credentials"}, client_id="nobody", client_secret=SECRET)
        status, said = self.attache.through("unknown")
        self.assertEqual((status, said["code"]), (503, "credential_unavailable"))

    def test_clients_that_sign_an_assertion(self):
        for name in ("by-secret-jwt", "by-key-jwt"):
            with self.subTest(name):
                oauth2, credentials = WAYS[name]
                self.connect(f"robot-{name}", {"grant": "client_credentials"} | oauth2, client_id=name, **credentials)
                before = self.token_requests(name)
                for _ in range(3):
                    self.assertEqual(self.whoami(f"robot-{name}")["client_id"], name)
                self.assertEqual(self.token_requests(name) - before, 1)

    def test_an_assertion_for_the_subject_that_the_fields_name(self):
        assertion = {"algorithm": "ES256", "subject": "{subject}"}
        oauth2 = {"grant": "jwt_bearer", "assertion": assertion}
        self.connect("service", oauth2, client_id="robot", subject="ann", private_key=PRIVATE_KEY)
        self.assertEqual(self.whoami("service"), {"client_id": "robot", "sub": "ann", "scope": "read"})
        self.connect("nobody-s", oauth2, client_id="robot", subject="zoe", private_key=PRIVATE_KEY)
        # Nobody has to consent anew: what is signed here anew each time is mended over there, or in the settings.
        status, said = self.attache.through("nobody-s")
        self.assertEqual((status, said["code"]), (503, "credential_unavailable"))

    def test_a_device_asks_more_seldom_when_it_is_told_so_and_is_served_when_somebody_consents(self):
        device = {"grant": "device_code", "device_url": f"{self.authlib.url}/device/authorize", "authorize_url": None}
        holder = self.embed("screen", "by-none", device | BRIEF)
        begun = self.attache.send("POST", f"{holder}/authorize", {})
        (credential,) = (it for it in self.authlib.devices.values() if it["user_code"] == begun["user_code"])
        self.soon(lambda: len(credential["asked_at"]) == 2)
        first, second = credential["asked_at"]
        self.assertGreaterEqual(second - first, 6, "a second, and five more: RFC 8628 section 3.5")
        self.assertEqual(self.attache.through("screen@acme")[0], 424)
        self.authlib.granted[begun["user_code"]] = ("ann", True)
        before = len(self.tokens("by-none"))
        self.soon(lambda: self.attache.through("screen@acme")[0] == 200)
        self.soon(lambda: self.whoami("screen@acme")["sub"] == "ann" and len(self.tokens("by-none")) >= before + 3)
        self.assertEqual(self.authlib.reused, 0)
        self.attache.send("DELETE", holder)

    def embed(self, key: str, client_id: str, oauth2: dict) -> str:
        """A connection that people are asked to consent to, and the path of a tenant's activation under it."""
        settings, credentials = WAYS[client_id]
        url = self.authlib.url
        endpoints = {it: f"{url}/{it.removesuffix('_url')}" for it in ("authorize_url", "token_url", "revoke_url", "introspect_url")}
        whole = {"grant": "authorization_code", "issuer": url, "callback": {"iss": "required"}, "scopes": ["read"]}
        if oauth2.get("grant") == "device_code":
            del whole["callback"]
        credentials = {"client_id": client_id} | credentials
        inputs = dict.fromkeys(credentials, "global")
        self.attache.connect(key, f"{url}/api", whole | endpoints | settings | oauth2, credentials, embedded=True, inputs=inputs)
        holder = f"connections/{key}/activations/acme"
        self.attache.send("PUT", holder, {})
        return holder

    def consent(self, holder: str):
        """Whoever comes is Ann, and consents."""
        begun = self.attache.send("POST", f"{holder}/authorize", {"redirect_uri": REDIRECT_URI})
        self.assertIn("code_challenge_method=S256", begun["url"])
        back = redirected(begun["url"])
        return self.attache.send("POST", f"{holder}/callback", {"url": back, "state": begun["state"]})

    def tokens(self, client_id: str) -> list:
        return [it for it in self.authlib.tokens if it.client_id == client_id]

    def test_a_person_consents_and_every_renewal_uses_the_newest_refresh_token_once(self):
        for client_id in WAYS:
            with self.subTest(client_id):
                holder = self.embed(f"consent-{client_id}", client_id, BRIEF)
                first = len(self.tokens(client_id))
                self.consent(holder)
                self.soon(lambda: self.whoami(f"consent-{client_id}@acme") and len(self.tokens(client_id)) >= first + 4)
                self.assertEqual(self.whoami(f"consent-{client_id}@acme")["sub"], "ann")
                self.attache.send("DELETE", holder)
                given = self.tokens(client_id)[first:]
                self.assertEqual(len({it.refresh_token for it in given}), len(given))
                self.assertEqual(len({it.family for it in given}), 1)
                self.assertTrue(all(it.is_used for it in given[:-1]))
        self.assertEqual(self.authlib.reused, 0)

    def test_a_code_that_was_asked_for_elsewhere_is_refused_by_its_verifier(self):
        holder = self.embed("injected", "by-none", {})
        theirs = self.attache.send("POST", f"{holder}/authorize", {"redirect_uri": REDIRECT_URI})
        ours = self.attache.send("POST", f"{holder}/authorize", {"redirect_uri": REDIRECT_URI})
        codes = [dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(redirected(it["url"])).query)) for it in (theirs, ours)]
        mixed = f"{REDIRECT_URI}?{urllib.parse.urlencode(codes[1] | {'code': codes[0]['code']})}"
        with self.assertRaisesRegex(AssertionError, "424 .*reauthorization_required"):
            self.attache.send("POST", f"{holder}/callback", {"url": mixed, "state": ours["state"]})

    def test_a_redirect_that_does_not_say_who_sent_it_yields_no_token_request(self):
        holder = self.embed("nameless", "by-none", {})
        begun = self.attache.send("POST", f"{holder}/authorize", {"redirect_uri": REDIRECT_URI})
        back = urllib.parse.urlsplit(redirected(begun["url"]))
        query = dict(urllib.parse.parse_qsl(back.query))
        self.assertEqual(query.pop("iss"), self.authlib.url)
        before = self.tokens("by-none")
        with self.assertRaisesRegex(AssertionError, "422 .*another provider"):
            self.attache.send("POST", f"{holder}/callback", {"url": f"{REDIRECT_URI}?{urllib.parse.urlencode(query)}"})
        self.assertEqual(self.tokens("by-none"), before)

    def test_the_server_is_asked_about_a_token_and_told_when_it_is_not_used_any_more(self):
        for client_id in ("by-basic", "by-key-jwt"):
            with self.subTest(client_id):
                holder = self.embed(f"leaving-{client_id}", client_id, {})
                self.consent(holder)
                known = self.attache.send("POST", f"{holder}/introspect")
                self.assertEqual((known["active"], known["account"], known["scopes"]), (True, "ann", ["read"]))
                token = self.tokens(client_id)[-1]
                token.ends_at = time.time() - 1
                self.assertIs(self.attache.send("POST", f"{holder}/introspect")["active"], False)
                self.assertFalse(token.is_over)
                self.attache.send("DELETE", holder)
                self.soon(lambda: token.is_over)

    def test_a_grant_that_is_ended_here_is_ended_at_the_server(self):
        holder = self.embed("ended", "by-secret-jwt", {})
        self.consent(holder)
        self.whoami("ended@acme")
        ended = self.attache.send("POST", f"{holder}/revoke")
        self.assertEqual((ended["at_provider"], ended["grant"]["state"]), (True, "revoked"), ended)
        self.assertTrue(self.tokens("by-secret-jwt")[-1].is_over)
        status, said = self.attache.through("ended@acme")
        self.assertEqual((status, said["code"]), (424, "reauthorization_required"))

    def soon(self, holds):
        deadline = time.monotonic() + PATIENCE_S
        while not holds():
            self.assertLess(time.monotonic(), deadline, "not soon")
            time.sleep(0.05)


if __name__ == "__main__":
    unittest.main()
