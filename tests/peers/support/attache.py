"""An attache of a test's own, with a store of its own, set up by its admin API."""

import base64
import json
import os
import pathlib
import secrets
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

PATIENCE_S = 30


class Attache:
    def __init__(self):
        self.kept = tempfile.TemporaryDirectory(prefix="attache-oauth-")
        self.folder = pathlib.Path(self.kept.name)
        self.token, self.caller_key = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
        anywhere = {"listen": "127.0.0.1:0"}
        configuration = {
            "server": {"proxy": anywhere, "admin": anywhere | {"token": self.token, "export_access": ["admin"]}, "public": anywhere, "shutdown": {"ready_delay": "0s"}},
            "callers": {"runtime": {"key": self.caller_key}},
            "store": {"url": f"sqlite:{self.folder / 'attache.db'}"},
            "egress": {"allow": ["127.0.0.0/8"]},
        }
        (self.folder / "attache.yaml").write_text(json.dumps(configuration))
        self.environment = os.environ | {"ATTACHE_SEAL_KEY": base64.b64encode(secrets.token_bytes(32)).decode()}
        self.start()

    def start(self):
        addresses = self.folder / "addresses.json"
        addresses.unlink(missing_ok=True)
        scene = json.loads(pathlib.Path(os.environ["PEERS_SCENE"]).read_text())
        argv = [scene["attache"], "serve", "--config", self.folder / "attache.yaml", "--addresses", addresses]
        with (self.folder / "attache.log").open("ab") as log:
            self.process = subprocess.Popen(argv, env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + PATIENCE_S
        while not addresses.exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"attache does not listen: {self.said()}")
            time.sleep(0.02)
        listening = json.loads(addresses.read_text())
        self.admin, self.proxy = f"http://{listening['admin']}", f"http://{listening['proxy']}"

    def stop(self):
        self.process.terminate()
        self.process.wait(PATIENCE_S)
        self.kept.cleanup()

    def said(self) -> str:
        return (self.folder / "attache.log").read_text(errors="replace")

    def send(self, method: str, path: str, body=None):
        """A request of the admin API; what it refuses fails with what it says."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        status, said = asked(urllib.request.Request(f"{self.admin}/v1/{path}", data, headers, method=method))
        if status >= 300:
            raise AssertionError(f"{method} {path}: {status} {said}")
        return said

    def connect(self, key: str, base_url: str, oauth2: dict, credentials: dict, **more):
        """A connector with one auth method, and a connection that uses it."""
        self.send("PUT", f"connectors/{key}", {"base_url": base_url, "auth": {"main": {"oauth2": oauth2}}})
        self.send("PUT", f"connections/{key}", {"connector": key, "auth": "main", "credentials": credentials} | more)

    def through(self, key: str, path: str = "/whoami", **headers) -> tuple[int, dict]:
        """What a caller is answered who asks through a connection."""
        return asked(urllib.request.Request(f"{self.proxy}/c/{key}{path}", headers={"Attache-Key": self.caller_key} | headers))


def asked(request: urllib.request.Request) -> tuple[int, dict | None]:
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            return answer.status, json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as refused:
        return refused.code, json.loads(refused.read() or b"null")
