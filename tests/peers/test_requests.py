"""`requests`: the tags as headers, or the caller key wherever the library can put a credential."""

import hashlib

import requests

from support.scene import CALLER_KEY, CREDENTIALS, PROXY, SCENE, PeerTest, seen, tags


class Requests(PeerTest):
    def test_tag_headers_and_a_session(self):
        with requests.Session() as session:
            session.headers.update(tags("python"))
            for number in range(3):
                answer = session.get(f"{PROXY}/items", params={"page": number, "q": "a b&c"}, timeout=10)
                self.assertEqual(answer.status_code, 200, answer.text)
                self.assertIn("Attache-Request-Id", answer.headers)
                self.assertNotIn("Attache-Error", answer.headers)
                record = self.only_seen("/python")
                self.assertEqual(record["url"], f"/python/items?page={number}&q=a+b%26c")
                self.assertEqual(record["headers"]["authorization"], f"Bearer {CREDENTIALS['python']}")

    def test_basic_auth_by_path_tag_of_a_tenant(self):
        url = f"{PROXY}/c/desk@acme%20inc/tickets.json"
        answer = requests.get(url, auth=("ignored", CALLER_KEY), timeout=10)
        self.assertEqual(answer.status_code, 200, answer.text)
        record = self.only_seen("/desk")
        self.assertEqual(record["url"], "/desk/acme/tickets.json")
        expected = requests.auth._basic_auth_str("ops@acme.test", CREDENTIALS["desk"])
        self.assertEqual(record["headers"]["authorization"], expected)

    def test_the_key_in_the_query(self):
        answer = requests.get(f"{PROXY}/c/query/find?q=a%2Fb&api_key={CALLER_KEY}&tail", timeout=10)
        self.assertEqual(answer.status_code, 200, answer.text)
        record = self.only_seen("/query")
        self.assertEqual(record["url"], f"/query/find?q=a%2Fb&tail&api_key={CREDENTIALS['query']}")

    def test_the_key_in_a_cookie_beside_others(self):
        jar = {"theme": "dark", "session": CALLER_KEY}
        answer = requests.get(f"{PROXY}/c/cookie/home", cookies=jar, timeout=10)
        self.assertEqual(answer.status_code, 200, answer.text)
        cookies = self.only_seen("/cookie")["headers"]["cookie"].split("; ")
        self.assertEqual(sorted(cookies), [f"session={CREDENTIALS['cookie']}", "theme=dark"])

    def test_a_custom_scheme_puts_on_several_things(self):
        answer = requests.get(f"{PROXY}/x", headers={**tags("custom"), "X-App": "the caller's"}, timeout=10)
        self.assertEqual(answer.status_code, 200, answer.text)
        record = self.only_seen("/custom")
        self.assertEqual(record["headers"]["x-app"], "app-7")
        self.assertEqual(record["headers"]["x-signature"], f"id=app-7;key={CREDENTIALS['custom']}")

    def test_an_environment_assigns_the_connection(self):
        headers = {"Attache-Environment": "production", "Attache-Connector": "shop", "Attache-Key": CALLER_KEY}
        answer = requests.get(f"{PROXY}/orders", headers=headers, timeout=10)
        self.assertEqual(answer.status_code, 200, answer.text)
        self.assertEqual(self.only_seen("/python")["url"], "/python/orders")

    def test_a_chunked_upload_and_a_streamed_download(self):
        piece = bytes(range(256)) * 256
        hashed = hashlib.sha256(piece * 128).hexdigest()
        answer = requests.put(f"{PROXY}/up", data=(piece for _ in range(128)), headers=tags("python"), timeout=30)
        self.assertEqual((answer.json()["sha256"], answer.json()["length"]), (hashed, len(piece) * 128))
        self.only_seen("/python")
        size = 32 << 20
        with requests.get(f"{PROXY}/down?bytes={size}", headers=tags("python"), stream=True, timeout=30) as answer:
            self.assertEqual(sum(len(it) for it in answer.iter_content(1 << 16)), size)
        self.only_seen("/python")

    def test_an_event_stream_is_not_held_back(self):
        with requests.get(f"{PROXY}/events", headers=tags("python"), stream=True, timeout=10) as answer:
            lines = answer.iter_lines()
            self.assertEqual(next(lines), b"data: first")
            # The second event is sent only now that the first has been read through attache.
            requests.get(f"{SCENE['upstream']}/__next_event", timeout=10)
            self.assertEqual([it for it in lines if it], [b"data: second"])
        self.only_seen("/python")

    def test_refusals_are_problems_with_a_code(self):
        for headers, path, status, code in [
            ({"Attache-Key": CALLER_KEY}, "/items", 400, "untagged"),
            ({}, "/items", 401, "caller_unauthenticated"),
            ({"Attache-Connection": "python"}, "/items", 401, "caller_unauthenticated"),
            (tags("nothing"), "/items", 404, "connection_not_found"),
            (tags("desk"), "/items", 400, "tenant_required"),
            ({**tags("desk"), "Attache-Tenant": "nobody"}, "/items", 404, "activation_not_found"),
            (tags("python"), "/a/%2e%2e/%2e%2e/admin", 400, "path_escapes_base"),
        ]:
            with self.subTest(code=code):
                answer = requests.get(PROXY + path, headers=headers, timeout=10)
                self.assertEqual((answer.status_code, answer.headers.get("Attache-Error")), (status, code))
                self.assertEqual(answer.headers["Content-Type"], "application/problem+json")
                self.assertEqual(answer.json()["code"], code)
        self.assertEqual(seen("/python"), [])
