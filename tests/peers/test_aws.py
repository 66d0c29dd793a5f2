"""AWS signatures, each checked by botocore: of attache's own, and of botocore's clients that have attache as their endpoint."""

import hashlib
import http.client
import json
import pathlib
import secrets
import unittest
import urllib.parse
import urllib.error
import urllib.request

import botocore.config
import botocore.session
from botocore.exceptions import ClientError
from support.attache import PATIENCE_S, Attache
from support.aws_verifier import STREAMING, Verifier

KEY_ID, SECRET, TOKEN = "AKIDEXAMPLE", f"{secrets.token_urlsafe(30)}/+", f"{secrets.token_urlsafe(60)}/+=="
LENT_ID = "ASIAEXAMPLE"
ODD = bytes(range(256)) * 5
UPLOAD_LEN = 100 << 20
# Beyond what attache has at rest, while an upload goes through it.
GROWTH_MAX = 48 << 20


class AwsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.verifier = Verifier({KEY_ID: SECRET, LENT_ID: SECRET})
        cls.verifier.tokens[LENT_ID] = TOKEN
        cls.addClassCleanup(cls.verifier.stop)
        cls.attache = Attache()
        cls.addClassCleanup(cls.attache.stop)

    @classmethod
    def tearDownClass(cls):
        said = cls.attache.said()
        assert "PUT" in said, "no access log at all, so nothing could be searched"
        assert not [it for it in (SECRET, TOKEN, "lent+/", "tok+en/") if it in said], "attache's own output holds what it must not"

    def connect(self, key: str, settings: dict, key_id: str = KEY_ID, **more):
        credentials = {"access_key_id": key_id, "secret_access_key": SECRET} | more
        auth = {"main": {"aws_sigv4": settings}}
        self.attache.send("PUT", f"connectors/{key}", {"base_url": self.verifier.url, "auth": auth})
        self.attache.send("PUT", f"connections/{key}", {"connector": key, "auth": "main", "credentials": credentials})

    def ask(self, key: str, method: str, path: str, body: bytes | None = None, **headers) -> dict:
        """What the verifier saw of a request that it took."""
        fields = {"Attache-Key": self.attache.caller_key, "Content-Type": "application/octet-stream"} | headers
        url = f"{self.attache.proxy}/c/{key}{path}"
        status, said = self.answered(urllib.request.Request(url, body, fields, method=method))
        self.assertEqual(status, 200, f"{said}\n{self.attache.said()[-2000:]}")
        return self.verifier.last()

    def answered(self, request):
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read()

    def test_each_form_of_a_signature_is_the_one_that_botocore_makes(self):
        forms = {
            "fields": {},
            "query": {"in": "query"},
            "query-signed": {"in": "query", "payload": "signed"},
            "unsigned": {"payload": "unsigned"},
        }
        for form, settings in forms.items():
            for service in ("s3", "execute-api"):
                if form in ("unsigned", "query-signed") and service != "s3":
                    continue
                key = f"{form}-{service}"
                self.connect(key, {"service": service, "region": "eu-west-1"} | settings)
                for method, path, body in (
                    ("GET", "/", None),
                    ("GET", "/a/b%20c/%C3%A9?b=2&a=1&a=0&empty=&plus=%2B%20&utf=%E1%88%B4", None),
                    ("PUT", "/odd", ODD),
                    ("POST", "/text", "grüße".encode()),
                    ("DELETE", "/gone?versionId=a%2Fb", None),
                ):
                    with self.subTest(key, method=method, path=path):
                        seen = self.ask(key, method, path, body, **{"X-Amz-Meta-A": "a   b", "X-Custom": " c "})
                        self.assertEqual((seen["service"], seen["region"]), (service, "eu-west-1"))
                        self.assertEqual(seen["sha256"], hashlib.sha256(body or b"").hexdigest())
                        self.assertEqual(seen["is_in_query"], "query" in form)
                        self.assertIn("content-type", seen["names"])

    def test_the_verifier_takes_no_signature_by_another_secret(self):
        self.connect("wrong", {"service": "s3", "region": "eu-west-1"}, secret_access_key=f"{SECRET}x")
        headers = {"Attache-Key": self.attache.caller_key}
        status, said = self.answered(urllib.request.Request(f"{self.attache.proxy}/c/wrong/x", b"body", headers, method="PUT"))
        self.assertEqual(status, 403)
        self.assertIn(b"another signature", said)

    def test_a_session_token_goes_with_both_forms(self):
        for place in ("header", "query"):
            with self.subTest(place):
                self.connect(f"lent-{place}", {"service": "s3", "region": "eu-west-1", "in": place}, LENT_ID, session_token=TOKEN)
                self.assertEqual(self.ask(f"lent-{place}", "PUT", "/x", b"body")["key_id"], LENT_ID)

    def test_an_upload_of_100_mb_is_signed_in_pieces_and_attache_does_not_grow(self):
        self.connect("streamed", {"service": "s3", "region": "eu-west-1", "payload": "streaming"})
        self.ask("streamed", "PUT", "/warm", b"x" * 100_000)
        before, block = self.peak(), secrets.token_bytes(1 << 20)
        proxy = urllib.parse.urlsplit(self.attache.proxy)
        link = http.client.HTTPConnection(proxy.hostname, proxy.port, timeout=10 * PATIENCE_S)
        fields = {"Attache-Key": self.attache.caller_key, "Content-Length": str(UPLOAD_LEN)}
        link.request("PUT", "/c/streamed/big", (block for _ in range(UPLOAD_LEN >> 20)), fields)
        answer = link.getresponse()
        self.assertEqual(answer.status, 200, answer.read())
        seen = self.verifier.last()
        self.assertEqual((seen["said"], seen["length"]), (STREAMING, UPLOAD_LEN))
        expected = hashlib.sha256()
        for _ in range(UPLOAD_LEN >> 20):
            expected.update(block)
        self.assertEqual(seen["sha256"], expected.hexdigest())
        self.assertLess(self.peak() - before, GROWTH_MAX)

    def test_an_upload_of_100_mb_that_is_hashed_first_does_not_grow_it_either(self):
        self.connect("spilled", {"service": "s3", "region": "eu-west-1"})
        self.ask("spilled", "PUT", "/warm", b"x" * 100_000)
        before = self.peak()
        seen = self.ask("spilled", "PUT", "/big", bytes(UPLOAD_LEN))
        self.assertEqual((seen["said"], seen["length"]), (seen["sha256"], UPLOAD_LEN))
        self.assertLess(self.peak() - before, GROWTH_MAX)

    def peak(self) -> int:
        """The most memory that attache has ever had, in bytes."""
        status = pathlib.Path(f"/proc/{self.attache.process.pid}/status").read_text()
        return int(next(it for it in status.splitlines() if it.startswith("VmHWM")).split()[1]) << 10

    def client(self, service: str, key: str, **config):
        """A client of botocore's that knows attache's caller key and nothing of the credential."""
        session = botocore.session.Session()
        return session.create_client(
            service,
            region_name="us-east-1",
            endpoint_url=f"{self.attache.proxy}/c/{key}",
            aws_access_key_id=self.attache.caller_key,
            aws_secret_access_key="not-looked-at",
            aws_session_token="not-looked-at-either",
            config=botocore.config.Config(retries={"max_attempts": 1}, **config),
        )

    def test_botocore_s_own_client_of_s3_works_through_attache(self):
        self.connect("sdk", {"service": "s3", "region": "eu-central-1"})
        client = self.client("s3", "sdk", s3={"addressing_style": "path"})
        for name in ("plain.txt", "a b/ü+(1)!~'*.txt", "deep//er/.x/y..z"):
            with self.subTest(name):
                client.put_object(Bucket="bucket", Key=name, Body=ODD, Metadata={"by": "botocore"}, ContentType="text/plain")
                seen = self.verifier.last()
                self.assertEqual((seen["key_id"], seen["region"], seen["length"]), (KEY_ID, "eu-central-1", len(ODD)))
                self.assertNotIn("not-looked-at", json.dumps(seen["headers"]))
        client.head_object(Bucket="bucket", Key="x")
        client.delete_object(Bucket="bucket", Key="x", VersionId="a/b+c")

    def test_a_url_that_botocore_presigned_is_signed_anew(self):
        self.connect("presigned", {"service": "s3", "region": "eu-central-1"})
        client = self.client("s3", "presigned", s3={"addressing_style": "path"}, signature_version="s3v4")
        url = client.generate_presigned_url("get_object", Params={"Bucket": "bucket", "Key": "a b"}, ExpiresIn=60)
        self.assertIn("X-Amz-Signature=", url)
        with urllib.request.urlopen(url, timeout=PATIENCE_S) as answer:
            self.assertEqual(answer.status, 200)
        seen = self.verifier.last()
        self.assertEqual((seen["path"], seen["is_in_query"], seen["key_id"]), ("/bucket/a%20b", False, KEY_ID))

    def test_botocore_s_own_client_of_dynamodb_works_through_attache(self):
        self.connect("tables", {"service": "dynamodb", "region": "eu-central-1"})
        self.assertEqual(self.client("dynamodb", "tables").list_tables()["TableNames"], ["films"])
        self.assertIn("x-amz-target", self.verifier.last()["names"])

    def test_a_client_with_another_key_is_nobody(self):
        self.connect("closed", {"service": "s3", "region": "eu-central-1"})
        seen = len(self.verifier.seen)
        session = botocore.session.Session()
        url = f"{self.attache.proxy}/c/closed"
        client = session.create_client(
            "s3", region_name="us-east-1", endpoint_url=url, aws_access_key_id="AKIDSOMEBODYELSE", aws_secret_access_key=SECRET
        )
        with self.assertRaises(ClientError) as refused:
            client.get_object(Bucket="bucket", Key="x")
        self.assertEqual(refused.exception.response["ResponseMetadata"]["HTTPStatusCode"], 401)
        self.assertEqual(len(self.verifier.seen), seen)

    def test_keys_are_lent_for_a_role_by_a_signed_message_and_sign_from_then_on(self):
        role = {"role_arn": "{role_arn}", "external_id": "{external_id}", "sts_url": f"{self.verifier.url}/"}
        settings = {"service": "s3", "region": "eu-west-1", "assume_role": role}
        self.connect("role", settings, role_arn="arn:aws:iam::123456789012:role/demo", external_id="acme & co")
        before = self.verifier.lent
        for _ in range(3):
            seen = self.ask("role", "PUT", "/x", b"body")
            self.assertTrue(seen["key_id"].startswith("ASIA0"), seen)
        self.assertEqual(self.verifier.lent - before, 1)
        (asked_for,) = (it for it in self.verifier.seen if it["service"] == "sts")
        self.assertEqual(asked_for["key_id"], KEY_ID)
        form = urllib.parse.parse_qs(asked_for["body"].decode())
        self.assertEqual((form["Action"], form["ExternalId"]), (["AssumeRole"], ["acme & co"]))


if __name__ == "__main__":
    unittest.main()
