"""Requests that attache signs by its recipes: official clients sign the same ones, and Hawk's own receiver verifies them."""

import base64
import os
import re
import secrets
import unittest
import urllib.parse
import urllib.request

import azure.appconfiguration._azure_appconfiguration_requests as app_configuration
import duo_client.client
import mohawk
import requests
from akamai.edgegrid.edgegrid import EdgeGridAuthHeaders
from azure.core.credentials import AzureKeyCredential
from azure.core.pipeline import PipelineContext, PipelineRequest
from azure.core.pipeline.transport import HttpRequest
from azure.storage.blob._shared.authentication import SharedKeyCredentialPolicy
from support.attache import Attache, asked
from support.recorder import Asked, Recorder
from tencentcloud.common.sign import Sign

SECRET = f"{secrets.token_urlsafe(24)}+/="
KEY = base64.b64encode(os.urandom(32)).decode()
FORM = "application/x-www-form-urlencoded"
# How a query and a form can be spelled.
ODD = ["", "a=1&b=2", "b=2&a=1&b=1", "q=a+b%20c&e=", "%C3%A9=%C3%A9&x=%2B%26%3D"]


class SignedRequests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.api = Recorder()
        cls.addClassCleanup(cls.api.stop)
        cls.attache = Attache()
        cls.addClassCleanup(cls.attache.stop)

    @classmethod
    def tearDownClass(cls):
        said = cls.attache.said()
        assert "GET" in said, "no access log at all, so nothing could be searched"
        assert SECRET not in said and KEY not in said, "attache's own output holds what it must not"

    def connect(self, preset: str, credentials: dict, key: str | None = None, **settings):
        key = key or preset
        method = {"signed_request": {"preset": preset} | settings}
        self.attache.send("PUT", f"connectors/{key}", {"base_url": self.api.url, "auth": {"main": method}})
        self.attache.send("PUT", f"connections/{key}", {"connector": key, "auth": "main", "credentials": credentials})

    def through(self, key: str, method: str, target: str, body: bytes | None = None, **headers) -> Asked:
        headers = {"Attache-Key": self.attache.caller_key} | {name.replace("_", "-"): it for name, it in headers.items()}
        url = f"{self.attache.proxy}/c/{key}{target}"
        status, said = asked(urllib.request.Request(url, body, headers, method=method))
        self.assertEqual(status, 200, f"{said}\n{self.attache.said()}")
        seen = self.api.only()
        self.assertEqual((seen.method, seen.target.split("?")[0]), (method, target.split("?")[0]))
        self.assertEqual(seen.body, body or b"")
        return seen

    def test_akamai_edgegrid(self):
        theirs = {"client_token": "akab-client", "client_secret": SECRET, "access_token": "akab-access"}
        self.connect("akamai-edgegrid", theirs)
        client = EdgeGridAuthHeaders(**theirs)
        cases = [("GET", f"/ccu?{it}", None) for it in ODD[1:]] + [("GET", "/ccu", None), ("PUT", "/ccu", b"x")]
        cases += [("POST", "/ccu", os.urandom(size)) for size in (1, 131_072, 131_073, 2_000_000)]
        for method, target, body in cases:
            with self.subTest(f"{method} {target}"):
                seen = self.through("akamai-edgegrid", method, target, body, Content_Type="text/plain")
                said = dict(it.split("=", 1) for it in seen.headers["Authorization"].split(" ", 1)[1].split(";"))
                same = requests.Request(method, self.api.url, data=body).prepare()
                same.url = f"{self.api.url}{seen.target}"
                self.assertEqual(client.make_auth_header(same, said["timestamp"], said["nonce"]), seen.headers["Authorization"])

    def test_duo(self):
        self.connect("duo", {"integration_key": "DIWJ8X6AEYOR5OMC6TQ1", "secret": SECRET})
        cases = [("GET", f"/admin/v1/users?{it}", None) for it in ODD[1:4]] + [("GET", "/admin/v1/users", None)]
        cases += [("POST", "/admin/v1/users", it.encode()) for it in ODD]
        for method, target, form in cases:
            with self.subTest(f"{method} {target} {form}"):
                seen = self.through("duo", method, target, form, Content_Type=FORM)
                text = form.decode() if form is not None else seen.target.partition("?")[2]
                theirs = duo_client.client.sign(
                    "DIWJ8X6AEYOR5OMC6TQ1", SECRET, method, self.api.host, "/admin/v1/users", seen.headers["Date"], 2,
                    duo_client.client.normalize_params(urllib.parse.parse_qs(text, keep_blank_values=True)),
                )  # fmt: skip
                self.assertEqual(seen.headers["Authorization"], theirs)

    def test_hawk(self):
        self.connect("hawk", {"id": "dh37fgj492je", "secret": SECRET, "ext": "some-app-data"})
        lookup = {"id": "dh37fgj492je", "key": SECRET, "algorithm": "sha256"}
        nonces = set()
        for query in ODD:
            target = f"/resource/1{'?' if query else ''}{query}"
            seen = self.through("hawk", "GET", target)
            url = f"{self.api.url}{seen.target}"
            header = seen.headers["Authorization"]
            received = mohawk.Receiver(
                lambda _: lookup, header, url, "GET", accept_untrusted_content=True,
                seen_nonce=lambda _, nonce, __: nonce in nonces or nonces.add(nonce),
            )  # fmt: skip
            self.assertEqual(received.parsed_header["ext"], "some-app-data")
            with self.assertRaises(mohawk.exc.MacMismatch):
                mohawk.Receiver(lambda _: lookup, header, f"{url}x", "GET", accept_untrusted_content=True)

    def test_hawk_with_the_payload(self):
        payload = 'hawk.1.payload\n{header.content-type|before(;)|trim|lower}\n{body}\n'
        self.connect("hawk", {"id": "1", "secret": SECRET}, "hawk-whole", let={"payload": payload, "hash": "{payload|sha256|base64}"})
        lookup = {"id": "1", "key": SECRET, "algorithm": "sha256"}
        for body in (b"{}", os.urandom(500_000)):
            seen = self.through("hawk-whole", "POST", "/resource/1", body, Content_Type="text/plain; charset=x")
            whole = {"content": seen.body, "content_type": "text/plain"}
            mohawk.Receiver(lambda _: lookup, seen.headers["Authorization"], f"{self.api.url}{seen.target}", "POST", **whole)
            with self.assertRaises(mohawk.exc.MisComputedContentHash):
                whole["content"] += b"x"
                mohawk.Receiver(lambda _: lookup, seen.headers["Authorization"], f"{self.api.url}{seen.target}", "POST", **whole)

    def test_azure_app_configuration(self):
        self.connect("azure-app-configuration", {"id": "1d", "secret": KEY})
        for method, target, body in [("GET", "/kv?key=a%2A&api-version=1.0", None), ("PUT", "/kv/k%20y?label=%00", b'{"value":"\xc3\xa9"}')]:
            seen = self.through("azure-app-configuration", method, target, body)
            app_configuration.get_current_utc_time = lambda seen=seen: seen.headers["x-ms-date"]
            same = PipelineRequest(HttpRequest(method, f"{self.api.url}{seen.target}"), PipelineContext(None))
            same.http_request.data = (body or b"").decode()
            client = app_configuration.AppConfigRequestsCredentialsPolicy(AzureKeyCredential(KEY), self.api.url, "1d")
            client._signed_request(same)
            for name in ("x-ms-date", "x-ms-content-sha256", "Authorization"):
                self.assertEqual(seen.headers[name], same.http_request.headers[name], name)

    def test_azure_storage(self):
        self.connect("azure-storage", {"account": "acc", "account_key": KEY})
        client = SharedKeyCredentialPolicy("acc", KEY)
        for method, target, body in [
            ("GET", "/c?restype=container&comp=list&prefix=a%20b", None),
            ("PUT", "/c/b%20x", os.urandom(1000)),
            ("PUT", "/c/b?comp=block&blockid=QUJD%2B%3D", os.urandom(3_000_000)),
        ]:
            own = {"x_ms_blob_type": "BlockBlob", "x_ms_meta_b": "two", "Content_Type": "text/plain"}
            seen = self.through("azure-storage", method, target, body, **own)
            same = HttpRequest(method, f"{self.api.url}{seen.target}", headers=dict(seen.headers.items()))
            ours = seen.headers["Authorization"]
            client.on_request(PipelineRequest(same, PipelineContext(None)))
            self.assertEqual(ours, same.headers["Authorization"])

    def test_tencent(self):
        self.connect("tencent-tc3", {"secret_id": "AKIDx", "secret_key": SECRET}, let={"service": "cvm"})
        for body in (b"{}", os.urandom(200_000)):
            seen = self.through("tencent-tc3", "POST", "/", body, Content_Type="application/json")
            header = seen.headers["Authorization"]
            date, signature = re.fullmatch(
                r"TC3-HMAC-SHA256 Credential=AKIDx/(\S+)/cvm/tc3_request, SignedHeaders=content-type;host, Signature=(\w+)", header
            ).groups()
            canonical = f"POST\n/\n\ncontent-type:application/json\nhost:{self.api.host}\n\ncontent-type;host\n{sha256(body)}"
            text = f"TC3-HMAC-SHA256\n{seen.headers['X-TC-Timestamp']}\n{date}/cvm/tc3_request\n{sha256(canonical.encode())}"
            self.assertEqual(signature, Sign.sign_tc3(SECRET, date, "cvm", text))


def sha256(data: bytes) -> str:
    import hashlib

    return hashlib.sha256(data).hexdigest()


if __name__ == "__main__":
    unittest.main()
