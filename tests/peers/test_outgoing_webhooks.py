"""Events that attache sends, verified with the official Standard Webhooks libraries for Python and for Node."""

import base64
import http.server
import json
import os
import pathlib
import secrets
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.request

from standardwebhooks import Webhook, WebhookVerificationError

HERE = pathlib.Path(__file__).resolve().parent
PATIENCE_S = 30
EVENTS = 200


class Receiver:
    """A server that keeps what it is sent. Not there until it is started."""

    def __init__(self):
        # Bound and not listening: whoever calls is refused.
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}/events"
        self.requests: list[dict] = []
        self.server = None

    def start(self):
        kept = self.requests

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                kept.append({"body": body.decode(), "headers": {name.lower(): it for name, it in self.headers.items()}})
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(self.socket.getsockname(), Handler, bind_and_activate=False)
        self.server.socket.close()
        self.server.socket = self.socket
        self.server.server_activate()
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        if self.server:
            self.server.shutdown()
        self.socket.close()

    def ids(self) -> set:
        return {it["headers"]["webhook-id"] for it in self.requests}


class OutgoingWebhooks(unittest.TestCase):
    def setUp(self):
        self.scene = json.loads(pathlib.Path(os.environ["PEERS_SCENE"]).read_text())
        folder = tempfile.TemporaryDirectory(prefix="attache-outgoing-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.token = secrets.token_urlsafe(24)
        anywhere = {"listen": "127.0.0.1:0"}
        config = {
            "server": {"proxy": anywhere, "admin": anywhere | {"token": self.token}, "public": anywhere},
            "callers": {"runtime": {"key": secrets.token_urlsafe(24)}},
            "store": {"url": f"sqlite:{self.folder / 'attache.db'}"},
            "egress": {"allow": ["127.0.0.0/8"]},
        }
        (self.folder / "attache.yaml").write_text(json.dumps(config))
        self.environment = os.environ | {"ATTACHE_SEAL_KEY": base64.b64encode(secrets.token_bytes(32)).decode()}
        self.log = (self.folder / "attache.log").open("wb+")
        self.addCleanup(self.log.close)
        self.addCleanup(self.stop)
        self.receiver = Receiver()
        self.addCleanup(self.receiver.stop)
        self.start()

    def start(self):
        addresses = self.folder / "addresses.json"
        addresses.unlink(missing_ok=True)
        argv = [self.scene["attache"], "serve", "--config", self.folder / "attache.yaml", "--addresses", addresses]
        self.gateway = subprocess.Popen(argv, env=self.environment, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        self.until("attache to listen", addresses.exists)
        self.admin = f"http://{json.loads(addresses.read_text())['admin']}"

    def stop(self):
        self.gateway.terminate()
        self.gateway.wait(PATIENCE_S)

    def said(self) -> str:
        return (self.folder / "attache.log").read_text(errors="replace")

    def until(self, what: str, so):
        deadline = time.monotonic() + PATIENCE_S
        while not so():
            self.assertIsNone(self.gateway.poll(), self.said())
            self.assertLess(time.monotonic(), deadline, f"waited for {what}: {self.said()}")
            time.sleep(0.02)

    def send(self, method: str, path: str, body=None) -> dict:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.admin}/v1/{path}", data, headers, method=method)
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            return json.loads(answer.read() or b"null")

    def verified_by_node(self, *signed_with: str) -> list[dict]:
        requests = self.folder / "requests.json"
        requests.write_text(json.dumps({"secrets": signed_with, "requests": self.receiver.requests}))
        argv = ["node", HERE / "support/verify-outgoing.mjs", requests]
        return json.loads(subprocess.run(argv, check=True, capture_output=True, text=True).stdout)

    def test_events_arrive_once_their_receiver_is_there_whoever_was_killed_and_both_libraries_verify_them(self):
        made = self.send("POST", "event_subscriptions", {"key": "ops", "url": self.receiver.url, "types": ["tenant.created"]})
        for number in range(EVENTS):
            self.send("PUT", f"tenants/t{number}", {})
        self.until("an attempt that fails", lambda: self.send("GET", "event_subscriptions/ops")["status"] == "failing")
        self.receiver.start()
        self.until("some to arrive", lambda: len(self.receiver.ids()) > 20)
        self.gateway.send_signal(signal.SIGKILL)
        self.gateway.wait(PATIENCE_S)
        self.assertLess(len(self.receiver.ids()), EVENTS, "it was killed in the middle")
        self.start()
        self.until("all to arrive", lambda: len(self.receiver.ids()) == EVENTS)

        webhook = Webhook(made["secret"])
        keys = set()
        for it in self.receiver.requests:
            body = webhook.verify(it["body"], it["headers"])
            self.assertEqual(body["type"], "tenant.created")
            keys.add(body["data"]["key"])
            with self.assertRaises(WebhookVerificationError):
                webhook.verify(it["body"] + " ", it["headers"])
        self.assertEqual(keys, {f"t{number}" for number in range(EVENTS)})
        # The one that was under way when it was killed may have come twice.
        sent = len(self.receiver.requests)
        self.assertIn(sent, (EVENTS, EVENTS + 1))
        self.assertEqual(self.verified_by_node(made["secret"]), [{"good": sent, "forged": 0}])
        self.assertNotIn(made["secret"], self.said())

    def test_while_a_secret_is_rotated_receivers_that_know_either_one_verify(self):
        self.receiver.start()
        old = self.send("POST", "event_subscriptions", {"key": "ops", "url": self.receiver.url, "types": ["tenant.created"]})["secret"]
        new = self.send("POST", "event_subscriptions/ops/rotate", {"overlap": "1h"})["secret"]
        self.send("PUT", "tenants/acme", {})
        self.until("an event", lambda: len(self.receiver.requests) == 1)
        last = self.send("POST", "event_subscriptions/ops/rotate", {"overlap": "0s"})["secret"]
        self.send("PUT", "tenants/other", {})
        self.until("another", lambda: len(self.receiver.requests) == 2)
        first, second = self.receiver.requests
        for secret, request, is_good in [(old, first, True), (new, first, True), (last, first, False), (last, second, True), (new, second, False)]:
            if is_good:
                Webhook(secret).verify(request["body"], request["headers"])
                continue
            with self.assertRaises(WebhookVerificationError):
                Webhook(secret).verify(request["body"], request["headers"])
        counts = self.verified_by_node(old, new, last)
        self.assertEqual([it["good"] for it in counts], [1, 1, 1])


if __name__ == "__main__":
    unittest.main()
