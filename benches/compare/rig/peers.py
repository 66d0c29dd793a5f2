"""The peers: how each is told to put a credential on, and how each is started."""

import json
import os
import pathlib
import sys
import time

from . import load, process
from .upstream import Upstream

COUNT = 100_000
SINK = "sink"
REPOSITORY = pathlib.Path(__file__).resolve().parents[3]
ATTACHE = pathlib.Path(os.environ.get("ATTACHE_BIN", REPOSITORY / "target/release/attache"))


def key(index: int) -> str:
    return f"conn-{index:06d}"


def credential(index: int) -> str:
    return f"secret-of-{key(index)}"


class Scene:
    """What a peer is set up for: its folder, the upstream, whether TLS goes to it, connections, most client links."""

    def __init__(self, folder: pathlib.Path, upstream: Upstream, tls: bool, count: int = COUNT, links: int = 8192):
        self.folder, self.upstream, self.tls, self.count, self.links = folder, upstream, tls, count, links
        self.upstream_port = upstream.tls_port if tls else upstream.port
        folder.mkdir(parents=True, exist_ok=True)


class Nginx:
    name = "nginx"
    keyed = True
    about = "`map` + `proxy_set_header`, keep-alive upstream"

    def missing(self) -> str | None:
        return None

    def command(self, scene: Scene) -> tuple[list, int]:
        port = process.free_port()
        entries = scene.folder / "map"
        entries.write_text("".join(f'{key(it)} "Bearer {credential(it)}";\n' for it in range(scene.count)))
        tls = f"""
      proxy_ssl_verify on; proxy_ssl_trusted_certificate {scene.upstream.certificate};
      proxy_ssl_server_name on; proxy_ssl_name localhost; proxy_ssl_protocols TLSv1.3;""" if scene.tls else ""
        config = scene.folder / "nginx.conf"
        config.write_text(f"""
daemon off; master_process off; pid pid; error_log stderr;
events {{ worker_connections {scene.links}; }}
http {{
  access_log off; tcp_nodelay on;
  keepalive_requests 1000000000; keepalive_timeout 1h;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  map_hash_max_size 262144; map_hash_bucket_size 128;
  map $http_attache_connection $credential {{ default ""; include {entries}; }}
  upstream api {{ server 127.0.0.1:{scene.upstream_port}; keepalive 256; keepalive_requests 1000000000; }}
  upstream sink {{ server 127.0.0.1:{scene.upstream.sink.port}; keepalive 4; }}
  proxy_http_version 1.1; proxy_set_header Connection "";
  proxy_set_header Authorization $credential;
  proxy_set_header Attache-Connection ""; proxy_set_header Attache-Key "";
  proxy_max_temp_file_size 0; client_max_body_size 0;
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{
      proxy_pass {"https" if scene.tls else "http"}://api;{tls}
    }}
    location = /up {{ proxy_pass http://sink; proxy_request_buffering off; }}
  }}
}}
""")
        return ["nginx", "-e", "stderr", "-p", scene.folder, "-c", config], port


class HaProxy:
    name = "HAProxy"
    keyed = True
    about = "`http-request set-header` from a `map`"

    def missing(self) -> str | None:
        return None

    def command(self, scene: Scene) -> tuple[list, int]:
        port = process.free_port()
        entries = scene.folder / "map"
        entries.write_text("".join(f"{key(it)} Bearer {credential(it)}\n" for it in range(scene.count)))
        tls = (
            f" ssl verify required ca-file {scene.upstream.certificate} sni str(localhost) verifyhost localhost ssl-min-ver TLSv1.3"
            if scene.tls
            else ""
        )
        config = scene.folder / "haproxy.cfg"
        config.write_text(f"""
global
  nbthread 1
  maxconn 8192
defaults
  mode http
  http-reuse always
  timeout connect 5s
  timeout client 1h
  timeout server 1h
frontend proxy
  bind 127.0.0.1:{port}
  http-request set-header Authorization %[req.hdr(attache-connection),map({entries})]
  http-request del-header Attache-Connection
  http-request del-header Attache-Key
  use_backend sink if {{ path /up }}
  default_backend api
backend api
  server one 127.0.0.1:{scene.upstream_port} pool-max-conn 256{tls}
backend sink
  server one 127.0.0.1:{scene.upstream.sink.port}
""")
        return ["haproxy", "-db", "-f", config], port


class Envoy:
    name = "Envoy"
    keyed = False
    about = "`request_headers_to_add`: one fixed credential, as it has no table to look one up in"

    def __init__(self, binary: pathlib.Path | None):
        self.binary = binary

    def missing(self) -> str | None:
        return None if self.binary else "not installed"

    def command(self, scene: Scene) -> tuple[list, int]:
        port = process.free_port()
        config = scene.folder / "envoy.json"
        routes = [
            {"match": {"path": "/up"}, "route": {"cluster": "sink", "timeout": "0s"}},
            {"match": {"prefix": "/"}, "route": {"cluster": "api", "timeout": "0s"}},
        ]
        manager = {
            "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": "proxy",
            "route_config": {
                "request_headers_to_add": [
                    {
                        "header": {"key": "Authorization", "value": f"Bearer {credential(7)}"},
                        "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
                    }
                ],
                "request_headers_to_remove": ["attache-connection", "attache-key"],
                "virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes}],
            },
            "http_filters": [
                {
                    "name": "envoy.filters.http.router",
                    "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"},
                }
            ],
        }
        api = cluster("api", scene.upstream_port)
        if scene.tls:
            api["transport_socket"] = {
                "name": "envoy.transport_sockets.tls",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
                    "sni": "localhost",
                    "common_tls_context": {
                        "tls_params": {
                            "tls_minimum_protocol_version": "TLSv1_3",
                            "tls_maximum_protocol_version": "TLSv1_3",
                        },
                        "validation_context": {"trusted_ca": {"filename": str(scene.upstream.certificate)}},
                    },
                },
            }
        chain = {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
        resources = {
            "listeners": [{"name": "proxy", "address": address(port), "filter_chains": [chain]}],
            "clusters": [api, cluster("sink", scene.upstream.sink.port)],
        }
        config.write_text(json.dumps({"static_resources": resources}))
        return [self.binary, "-c", config, "--concurrency", "1", "--disable-hot-restart", "-l", "warn"], port


class Attache:
    """With everything on. `auth` is the auth method's type; a worker beyond the first may use the other core, too."""

    keyed = True
    about = "everything on: caller keys, guards, metrics, access log to a file"

    def __init__(self, name: str = "attache", auth: str = "api_key", workers: int = 1):
        self.name, self.auth, self.workers = name, auth, workers
        self.cores = {process.PROXY_CORE} if workers == 1 else {process.PROXY_CORE, process.LOAD_CORE}

    def missing(self) -> str | None:
        return None if ATTACHE.exists() else f"{ATTACHE} is not built (cargo build --release)"

    def command(self, scene: Scene) -> tuple[list, int]:
        port = process.free_port()
        scheme = "https" if scene.tls else "http"
        upstream = {"ca": scene.upstream.certificate.read_text()} if scene.tls else {}
        rows = "\n".join(
            f"  {key(it)}: {{ connector: api, auth: token, credentials: {{ {self._fields(it)} }} }}"
            for it in range(scene.count)
        )
        connectors = {
            "api": self._connector(f"{scheme}://127.0.0.1:{scene.upstream_port}", upstream),
            SINK: self._connector(f"http://127.0.0.1:{scene.upstream.sink.port}", {}),
        }
        config = scene.folder / "attache.yaml"
        config.write_text(f"""
server:
  proxy: {{ listen: "127.0.0.1:{port}", workers: {self.workers} }}
  admin: {{ listen: "127.0.0.1:0", token: an-admin-token-for-the-rig }}
  public: {{ listen: "127.0.0.1:0" }}
log: {{ access: {scene.folder}/access.log }}
egress: {{ allow: [127.0.0.0/8] }}
callers: {{ rig: {{ key: {load.CALLER_KEY}, rate: {{ requests: 1000000 }} }} }}
connectors: {json.dumps(connectors)}  # YAML 1.2 takes JSON as it is
connections:
  {SINK}: {{ connector: {SINK}, auth: token, credentials: {{ {self._fields(0)} }} }}
{rows}
""")
        return [ATTACHE, "serve", "--config", config], port

    def puts(self, index: int) -> str:
        """How what it puts on begins."""
        return {"oauth1": "OAuth ", "aws_sigv4": "AWS4-HMAC-SHA256 "}.get(self.auth, f"Bearer {credential(index)}||")

    def _fields(self, index: int) -> str:
        if self.auth == "oauth1":
            return f"consumer_key: rig, consumer_secret: rig-secret, token: rig-token, token_secret: {credential(index)}"
        if self.auth == "aws_sigv4":
            return f"access_key_id: AKIDEXAMPLE, secret_access_key: {credential(index)}"
        if self.auth != "oauth2":
            return f"{'token' if self.auth == 'bearer' else 'key'}: {credential(index)}"
        ends = int(time.time()) + 86_400
        return f"client_id: rig, client_secret: rig-secret, refresh_token: r, access_token: {credential(index)}, expires_at: '{ends}'"

    def _connector(self, base_url: str, upstream: dict) -> dict:
        api_key = {"in": "header", "name": "Authorization", "format": "Bearer {key}"}
        # Nobody listens there: the tokens live for a day.
        oauth2 = {"grant": "refresh_token", "token_url": "http://127.0.0.1:9/token", "refresh": {"rotates": False}}
        token = {
            "api_key": {"api_key": api_key},
            "bearer": {"bearer": {}},
            "oauth2": {"oauth2": oauth2},
            "oauth1": {"oauth1": {"signature": "hmac_sha1"}},
            "aws_sigv4": {"aws_sigv4": {"service": "execute-api", "region": "eu-west-1"}},
        }[self.auth]
        # Limits that are never reached are counted all the same.
        upstream = upstream | {"concurrency": {"max": 10_000}}
        return {"base_url": base_url, "auth": {"token": token}, "upstream": upstream}


def address(port: int) -> dict:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def cluster(name: str, port: int) -> dict:
    endpoint = {"endpoint": {"address": address(port)}}
    return {
        "name": name,
        "type": "STATIC",
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]},
    }


class Started:
    """A running peer that has shown that it puts the right credential on and keeps its own headers back."""

    def __init__(self, peer, scene: Scene, wrapper: list | None = None, patience_s: float = 60.0):
        argv, self.port = peer.command(scene)
        self.peer = peer
        self.process = process.Process(
            peer.name,
            [*(wrapper or []), *argv],
            getattr(peer, "cores", {process.PROXY_CORE}),
            scene.folder / "log",
        )
        try:
            self.process.wait_for_port(self.port, patience_s)
            self._check(scene.count)
        except BaseException:
            self.process.stop()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stop()

    def _check(self, count: int):
        for index in (7, count - 1) if self.peer.keyed else (7,):
            status, seen = load.ask(self.port, "/seen", key(index))
            expected = self.peer.puts(index) if hasattr(self.peer, "puts") else f"Bearer {credential(index)}||"
            if status != 200 or not seen.startswith(expected):
                raise process.Failed(f"{self.peer.name}: the upstream saw {status} {seen!r}, not {expected!r}")
        print(f"  {self.peer.name}: the right credential arrives", file=sys.stderr)
