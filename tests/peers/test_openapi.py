"""The admin API against its own OpenAPI document: schemathesis sends what the document allows and what it does not, and
looks for answers that are a fault of the server's or are not in the document."""

import base64
import json
import os
import pathlib
import secrets
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

PATIENCE_S = 30

# What is asked of every answer. Not `ignored_auth`: whoever sends wrong tokens is not heard for a while.
CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "allow_header_conformance",
]

# The resources that the document's examples name, so that its paths lead somewhere.
FURNITURE = [
    ("connectors/github", {"base_url": "https://api.github.com", "auth": {"token": {"bearer": {}}}}),
    ("connections/github-prod", {"connector": "github", "auth": "token", "embedded": True}),
    ("connections/github-prod/activations/acme", {"credentials": {"token": "a-token"}}),
    ("integrations/ticket-sync", {"connectors": {"github": {"connector": "github"}}}),
    ("environments/production", {"integration": "ticket-sync", "assign": {"github": "github-prod"}}),
    ("tenants/acme", {"name": "Acme"}),
    ("callers/runtime-eu", {}),
]


class Conformance(unittest.TestCase):
    def setUp(self):
        scene = json.loads(pathlib.Path(os.environ["PEERS_SCENE"]).read_text())
        self.folder = tempfile.TemporaryDirectory(prefix="attache-openapi-")
        self.addCleanup(self.folder.cleanup)
        folder = pathlib.Path(self.folder.name)
        self.token = secrets.token_urlsafe(24)
        anywhere = {"listen": "127.0.0.1:0"}
        config = {
            "server": {"proxy": anywhere, "admin": anywhere | {"token": self.token}, "public": anywhere},
            "callers": {"runtime": {"key": secrets.token_urlsafe(24)}},
            "store": {"url": f"sqlite:{folder / 'attache.db'}"},
        }
        (folder / "attache.yaml").write_text(json.dumps(config))
        addresses = folder / "addresses.json"
        environment = os.environ | {"ATTACHE_SEAL_KEY": base64.b64encode(secrets.token_bytes(32)).decode()}
        self.log = (folder / "attache.log").open("wb+")
        self.addCleanup(self.log.close)
        argv = [scene["attache"], "serve", "--config", folder / "attache.yaml", "--addresses", addresses]
        self.gateway = subprocess.Popen(argv, env=environment, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        self.addCleanup(self.stop)
        deadline = time.monotonic() + PATIENCE_S
        while not addresses.exists():
            self.assertIsNone(self.gateway.poll(), self.said())
            self.assertLess(time.monotonic(), deadline, self.said())
            time.sleep(0.02)
        self.admin = f"http://{json.loads(addresses.read_text())['admin']}"
        for path, body in FURNITURE:
            self.assertEqual(self.send("PUT", f"/v1/{path}", body), 201, path)
        self.assertEqual(self.send("POST", "/v1/tokens", {"key": "ci", "role": "viewer"}), 201)

    def stop(self):
        self.gateway.terminate()
        self.gateway.wait(PATIENCE_S)

    def said(self) -> str:
        self.log.seek(0)
        return self.log.read().decode(errors="replace")

    def send(self, method: str, path: str, body) -> int:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        request = urllib.request.Request(self.admin + path, json.dumps(body).encode(), headers, method=method)
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            return answer.status

    def test_no_answer_is_a_server_error_or_undocumented(self):
        long = os.environ.get("ATTACHE_TEST_LONG") == "1"
        argv = [sys.executable, "-m", "schemathesis.cli", "run", f"{self.admin}/openapi.json", "--url", self.admin]
        argv += ["--header", f"Authorization: Bearer {self.token}", "--checks", ",".join(CHECKS)]
        argv += ["--phases", "examples,coverage,fuzzing,stateful" if long else "examples,coverage,fuzzing"]
        argv += ["--max-examples", "300" if long else "4"]
        argv += ["--max-time", "900"] if long else ["--seed", "1"]
        argv += ["--suppress-health-check", "all", "--warnings", "off", "--continue-on-failure"]
        environment = os.environ | {"HYPOTHESIS_STORAGE_DIRECTORY": self.folder.name, "NO_COLOR": "1"}
        done = subprocess.run(argv, cwd=self.folder.name, env=environment, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout[-20000:] + done.stderr[-2000:])
        self.assertIsNone(self.gateway.poll(), self.said())
        self.assertNotIn("panicked", self.said())


if __name__ == "__main__":
    unittest.main()
