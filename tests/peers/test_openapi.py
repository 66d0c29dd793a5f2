"""The admin API against its own OpenAPI document: schemathesis sends what the document allows and what it does not, and
looks for answers that are a fault of the server's or are not in the document."""

import base64
import fcntl
import json
import os
import pathlib
import secrets
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

PATIENCE_S = 30
REPOSITORY = pathlib.Path(__file__).resolve().parent.parent.parent

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

# Their paths are those of one connector and of one connect session as well, and take these's methods.
SHARED = ["/v1/connectors/import", "/v1/connect-sessions/callback"]

# Answers without an end: who asks for one waits until the request's own time is over.
ENDLESS = ["streamExchanges"]

# The resources that the document's examples name, so that its paths lead somewhere.
FURNITURE = [
    ("connectors/github", {
        "base_url": "https://api.github.com",
        "auth": {"token": {"bearer": {}}},
        "endpoints": {"list-issues": {"method": "GET", "path": "/repos/{owner}/{repo}/issues"}},
    }),
    ("connections/github-prod", {"connector": "github", "auth": "token", "embedded": True}),
    ("connections/github-prod/activations/acme", {"credentials": {"token": "a-token"}}),
    ("integrations/ticket-sync", {"connectors": {"github": {"connector": "github"}}}),
    ("environments/production", {"integration": "ticket-sync", "assign": {"github": "github-prod"}}),
    ("tenants/acme", {"name": "Acme"}),
    ("callers/runtime-eu", {}),
    ("event_subscriptions/operations", {"url": "https://events.example.com/attache", "enabled": False}),
]


class Scene:
    """attache with a store, furnished."""

    def open(self, store_url: str):
        scene = json.loads(pathlib.Path(os.environ["PEERS_SCENE"]).read_text())
        folder = pathlib.Path(self.folder.name)
        self.token = secrets.token_urlsafe(24)
        anywhere = {"listen": "127.0.0.1:0"}
        config = {
            "server": {"proxy": anywhere, "admin": anywhere | {"token": self.token}, "public": anywhere},
            "callers": {"runtime": {"key": secrets.token_urlsafe(24)}},
            "store": {"url": store_url},
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

    def conforms(self, long: bool):
        excluded = [it for path in SHARED for it in ("--exclude-path", path)]
        self.run_schemathesis(long, [*excluded, "--checks", ",".join(CHECKS)])
        checks = [it for it in CHECKS if it != "allow_header_conformance"]
        for path in SHARED:
            self.run_schemathesis(long, ["--include-path", path, "--checks", ",".join(checks)])

    def run_schemathesis(self, long: bool, what: list[str]):
        argv = [sys.executable, "-m", "schemathesis.cli", "run", f"{self.admin}/openapi.json", "--url", self.admin]
        argv += ["--header", f"Authorization: Bearer {self.token}", *what]
        argv += ["--phases", "examples,coverage,fuzzing,stateful" if long else "examples,coverage,fuzzing"]
        argv += [it for id in ENDLESS for it in ("--exclude-operation-id", id)]
        argv += ["--max-examples", "300" if long else "4"]
        argv += ["--max-time", "900"] if long else ["--seed", "1"]
        # The feed of events may be asked to wait for up to a minute.
        argv += ["--request-timeout", "75"]
        argv += ["--suppress-health-check", "all", "--warnings", "off", "--continue-on-failure"]
        environment = os.environ | {"HYPOTHESIS_STORAGE_DIRECTORY": self.folder.name, "NO_COLOR": "1"}
        done = subprocess.run(argv, cwd=self.folder.name, env=environment, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout[-20000:] + done.stderr[-2000:])
        self.assertIsNone(self.gateway.poll(), self.said())
        self.assertNotIn("panicked", self.said())

    def in_a_folder(self) -> pathlib.Path:
        self.folder = tempfile.TemporaryDirectory(prefix="attache-openapi-")
        self.addCleanup(self.folder.cleanup)
        return pathlib.Path(self.folder.name)


class OnSqlite(Scene, unittest.TestCase):
    def test_no_answer_is_a_server_error_or_undocumented(self):
        self.open(f"sqlite:{self.in_a_folder() / 'attache.db'}")
        self.conforms(os.environ.get("ATTACHE_TEST_LONG") == "1")


@unittest.skipIf(os.environ.get("ATTACHE_TEST_POSTGRES") == "none", "ATTACHE_TEST_POSTGRES is none, so there is no PostgreSQL")
class OnPostgres(Scene, unittest.TestCase):
    def test_no_answer_is_a_server_error_or_undocumented(self):
        folder = self.in_a_folder()
        # The server goes away by itself once nobody holds the lock.
        users = (folder / "postgres.users").open("w")
        self.addCleanup(users.close)
        fcntl.flock(users, fcntl.LOCK_SH)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        # Not below the test's own folder, which is for this user alone: as root the server runs as another.
        server = pathlib.Path(tempfile.gettempdir()) / f"attache-openapi-postgres-{os.getpid()}"
        argv = [REPOSITORY / "scripts/test-postgres", "run", server, users.name, str(port), "0"]
        log = (folder / "postgres.log").open("wb")
        self.addCleanup(log.close)
        script = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.addCleanup(lambda: (users.close(), script.wait(PATIENCE_S)))
        deadline = time.monotonic() + 2 * PATIENCE_S
        while not (server / "ready").exists():
            self.assertIsNone(script.poll(), (folder / "postgres.log").read_text())
            self.assertLess(time.monotonic(), deadline, "PostgreSQL does not start")
            time.sleep(0.05)
        self.open(f"postgres://attache@127.0.0.1:{port}/postgres")
        self.conforms(long=False)


if __name__ == "__main__":
    unittest.main()
