"""What stands behind every peer: nginx answering 1 KB of JSON from memory, and a sink for uploads."""

import json
import os
import pathlib
import socket
import subprocess
import threading

from . import process

GIB = 1 << 30


def answer_of_1_kb() -> str:
    row = {"id": 1296269, "name": "attache", "private": False, "owner": {"login": "octo", "id": 1}, "note": ""}
    row["note"] = "x" * (1024 - len(json.dumps(row)))
    return json.dumps(row)


class Upstream:
    """nginx on the load's core: `/` 1 KB of JSON, `/seen` the credential that arrived, `/gib` 1 GiB."""

    def __init__(self, scratch: pathlib.Path):
        self.folder = scratch / "upstream"
        self.folder.mkdir()
        self.port, self.tls_port = process.free_port(), process.free_port()
        self.certificate = make_certificate(self.folder)
        with (self.folder / "gib").open("wb") as hole:
            hole.truncate(GIB)
        config = self.folder / "nginx.conf"
        config.write_text(self._config())
        self.nginx = process.Process(
            "the upstream (nginx)",
            ["nginx", "-e", "stderr", "-p", self.folder, "-c", config],
            {process.LOAD_CORE},
            self.folder / "log",
        )
        self.sink = Sink()

    def __enter__(self):
        self.nginx.wait_for_port(self.port)
        return self

    def __exit__(self, *_):
        self.nginx.stop()
        self.sink.close()

    def _config(self) -> str:
        answer = answer_of_1_kb()
        return f"""
daemon off; master_process off; pid pid; error_log stderr;
events {{ worker_connections 8192; }}
http {{
  access_log off; sendfile on; tcp_nodelay on;
  keepalive_requests 1000000000; keepalive_timeout 1h;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  server {{
    listen 127.0.0.1:{self.port} backlog=4096;
    listen 127.0.0.1:{self.tls_port} ssl backlog=4096;
    ssl_certificate {self.certificate}; ssl_certificate_key {self.certificate.with_suffix(".key")};
    ssl_protocols TLSv1.3;
    default_type application/json;
    location / {{ return 200 '{answer}'; }}
    location = /seen {{ default_type text/plain; return 200 '$http_authorization|$http_attache_connection|$http_attache_key'; }}
    location = /gib {{ default_type application/octet-stream; root {self.folder}; }}
  }}
}}
"""


def make_certificate(folder: pathlib.Path) -> pathlib.Path:
    """A self-signed certificate for 127.0.0.1 and localhost, its key beside it."""
    certificate = folder / "upstream.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
         "-addext", "basicConstraints=critical,CA:FALSE",
         "-keyout", certificate.with_suffix(".key"), "-out", certificate],
        check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    return certificate


class Sink:
    """Takes uploads with a Content-Length or in chunks to the end, and answers how much arrived."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self):
        self.listener.close()

    def _serve(self):
        while True:
            try:
                link, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._take, args=(link,), daemon=True).start()

    def _take(self, link: socket.socket):
        os.sched_setaffinity(0, {process.LOAD_CORE})
        buffer = memoryview(bytearray(1 << 18))
        with link:
            while head := read_head(link):
                text, rest = head
                fields = text.lower()
                arrived = len(rest)
                if "transfer-encoding: chunked" in fields:
                    tail = rest[-5:]
                    while tail != b"0\r\n\r\n":
                        count = link.recv_into(buffer)
                        if not count:
                            return
                        arrived += count
                        tail = (tail + bytes(buffer[max(0, count - 5) : count]))[-5:]
                elif "content-length: " in fields:
                    length = int(fields.split("content-length: ")[1].split("\r\n")[0])
                    while arrived < length:
                        count = link.recv_into(buffer)
                        if not count:
                            return
                        arrived += count
                body = str(arrived).encode()
                link.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))


def read_head(link: socket.socket) -> tuple[str, bytes] | None:
    """One message head and what came with it; None at the end of the link."""
    gathered = b""
    while b"\r\n\r\n" not in gathered:
        part = link.recv(65536)
        if not part:
            return None
        gathered += part
    head, rest = gathered.split(b"\r\n\r\n", 1)
    return head.decode("latin-1") + "\r\n", rest
