"""attache, nginx and HAProxy on loopback, each set up to do the same: a bearer token put on, one upstream a slot.

A slot is a listener of the proxy (or, for attache, a connection) with an upstream of its own, so that exchanges can
run side by side and each be seen alone.
"""

import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import time

from .cases import KEY
from .upstream import Upstream

REPOSITORY = pathlib.Path(__file__).resolve().parents[3]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target"))
TOKEN = "the-real-token"
READY_S = 30


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [it.getsockname()[1] for it in sockets]
    for it in sockets:
        it.close()
    return ports


class Proxy:
    """One running proxy; `ports[slot]` is where a slot's requests go, `upstreams[slot]` what they reach."""

    name = ""

    def __init__(self, folder: pathlib.Path, slots: int, binary: pathlib.Path):
        self.binary = binary
        self.folder = folder / self.name
        self.folder.mkdir()
        self.upstreams = [Upstream() for _ in range(slots)]
        self.ports: list[int] = []
        self.log = self.folder / "log"
        with self.log.open("wb") as log:
            argv = [str(it) for it in self.command(slots)]
            self.child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        deadline = time.monotonic() + READY_S
        while not self.is_ready():
            if time.monotonic() > deadline or self.child.poll() is not None:
                self.stop()
                raise SystemExit(f"differential: {self.name} did not get ready:\n{self.log.read_text(errors='replace')}")
            time.sleep(0.02)

    def command(self, slots: int) -> list:
        raise NotImplementedError

    def is_ready(self) -> bool:
        try:
            for port in self.ports:
                socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            return False
        return bool(self.ports)

    def stop(self):
        self.child.terminate()
        try:
            self.child.wait(10)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
        for it in self.upstreams:
            it.close()


class Attache(Proxy):
    name = "attache"

    @staticmethod
    def built() -> pathlib.Path:
        if named := os.environ.get("ATTACHE_BIN"):
            return pathlib.Path(named)
        subprocess.run(["cargo", "build", "--quiet", "--locked", "--bin", "attache"], cwd=REPOSITORY, check=True)
        return TARGET / "debug" / "attache"

    def command(self, slots: int) -> list:
        anywhere = {"listen": "127.0.0.1:0"}
        self.slots = slots
        config = {
            "log": {"access": "off"},
            "server": {
                "proxy": anywhere,
                "admin": anywhere | {"token": "an-admin-token-of-the-test"},
                "public": anywhere,
                "shutdown": {"ready_delay": "0s", "drain": "1s"},
            },
            "egress": {"allow": ["127.0.0.0/8"]},
            "callers": {"test": {"key": KEY}},
            "connectors": {
                f"to{it}": {"base_url": f"http://127.0.0.1:{upstream.port}", "auth": {"main": {"bearer": {}}}}
                for it, upstream in enumerate(self.upstreams)
            },
            "connections": {
                f"slot{it}": {"connector": f"to{it}", "auth": "main", "credentials": {"token": TOKEN}} for it in range(slots)
            },
        }
        file = self.folder / "attache.yaml"
        file.write_text(json.dumps(config))  # YAML 1.2 takes JSON as it is
        self.addresses = self.folder / "addresses.json"
        return [self.binary, "serve", "--config", file, "--addresses", self.addresses]

    def is_ready(self) -> bool:
        if not self.ports and self.addresses.exists() and (text := self.addresses.read_text()):
            self.ports = [int(json.loads(text)["proxy"].rsplit(":", 1)[1])] * self.slots
        return super().is_ready()


class Nginx(Proxy):
    name = "nginx"

    @staticmethod
    def version() -> str:
        told = subprocess.run(["nginx", "-v"], capture_output=True, text=True)
        return re.search(r"nginx/([\d.]+)", told.stdout + told.stderr)[1]

    def command(self, slots: int) -> list:
        self.ports = free_ports(slots)
        servers = "".join(
            f"server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://127.0.0.1:{it.port}; }} }}\n"
            for port, it in zip(self.ports, self.upstreams)
        )
        file = self.folder / "nginx.conf"
        file.write_text(f"""
daemon off; master_process off; pid pid; error_log stderr crit;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  client_max_body_size 0; proxy_request_buffering off; proxy_max_temp_file_size 0;
  proxy_http_version 1.1;
  proxy_set_header Connection ""; proxy_set_header Authorization "Bearer {TOKEN}";
  proxy_set_header Attache-Key ""; proxy_set_header Attache-Connection "";
  {servers}}}
""")
        return ["nginx", "-e", "stderr", "-p", self.folder, "-c", file]


class HaProxy(Proxy):
    name = "HAProxy"

    @staticmethod
    def version() -> str:
        told = subprocess.run(["haproxy", "-v"], capture_output=True, text=True).stdout
        return re.search(r"version (\d+(?:\.\d+)*)", told)[1]

    def command(self, slots: int) -> list:
        self.ports = free_ports(slots)
        sections = "".join(
            f"frontend f{slot}\n  bind 127.0.0.1:{port}\n  default_backend b{slot}\n"
            f"backend b{slot}\n  http-request set-header Host 127.0.0.1:{it.port}\n"
            f'  http-request set-header Authorization "Bearer {TOKEN}"\n'
            "  http-request del-header Attache-Key\n  http-request del-header Attache-Connection\n"
            f"  server one 127.0.0.1:{it.port}\n"
            for slot, (port, it) in enumerate(zip(self.ports, self.upstreams))
        )
        file = self.folder / "haproxy.cfg"
        file.write_text(f"""
global
  nbthread 1
  maxconn 1024
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
{sections}""")
        return ["haproxy", "-db", "-f", file]


if __name__ == "__main__":
    sys.exit("differential: start tests/differential/run")
