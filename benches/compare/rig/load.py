"""The load: wrk for requests, a plain socket for the gibibytes. Both on the load's core."""

import os
import pathlib
import re
import socket
import subprocess
import time

from . import process
from .upstream import GIB, read_head

CALLER_KEY = "compare-rig-caller-key-0123456789"

# Requests are written out before the load begins; the stride visits every connection in a scattered order.
KEYED = """
local requests, at = {{}}, 0
function init()
  for i = 0, {count} - 1 do
    local key = string.format("conn-%06d", (i * 7919) % {count})
    local fields = {{ ["Attache-Connection"] = key, ["Attache-Key"] = "{caller_key}" }}
    {request}
  end
end
function request()
  at = (at + 1) % {count}
  return requests[at]
end
"""


def script(folder: pathlib.Path, count: int, body: str = "") -> pathlib.Path:
    """What wrk sends: GET, or POST of this JSON body."""
    path = folder / f"keyed-{count}.lua"
    request = 'requests[i] = wrk.format("GET", "/", fields)'
    if body:
        request = f"""fields["Content-Type"] = "application/json"
    requests[i] = wrk.format("POST", "/", fields, '{body}')"""
    path.write_text(KEYED.format(count=count, caller_key=CALLER_KEY, request=request))
    return path


class Run:
    """What wrk counted. The median is in µs."""

    def __init__(self, text: str):
        self.requests = int(re.search(r"(\d+) requests in", text)[1])
        number, unit = re.search(r"50%\s+([\d.]+)(us|ms|s)", text).groups()
        self.median_us = float(number) * {"us": 1, "ms": 1e3, "s": 1e6}[unit]
        self.per_s = float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1])
        if bad := re.search(r"Non-2xx or 3xx responses: (\d+)", text):
            raise process.Failed(f"{bad[1]} of {self.requests} answers were not 2xx")
        if bad := re.search(r"Socket errors: (.*)", text):
            if any(int(it) for it in re.findall(r"\d+", bad[1].replace("timeout", ""))[:3]):
                raise process.Failed(f"socket errors: {bad[1]}")


def wrk(port: int, links: int, seconds: float, lua: pathlib.Path) -> Run:
    argv = ["wrk", "-t1", f"-c{links}", f"-d{seconds:g}s", "--timeout", "60s", "--latency", "-s", str(lua), f"http://127.0.0.1:{port}"]
    done = subprocess.run(
        argv, capture_output=True, text=True, preexec_fn=lambda: os.sched_setaffinity(0, {process.LOAD_CORE})
    )
    if done.returncode:
        raise process.Failed(f"wrk failed: {done.stderr.strip()}")
    return Run(done.stdout)


# One thread and one link each, counted apart.
BY_LINK = """
local threads = {{}}
function setup(thread) table.insert(threads, thread) end
wrk.headers["Attache-Connection"] = "conn-000007"
wrk.headers["Attache-Key"] = "{caller_key}"
served = 0
function response(status) if status == 200 then served = served + 1 end end
function done() for _, thread in ipairs(threads) do print("served " .. thread:get("served")) end end
"""


def by_link(port: int, links: int, seconds: float, folder: pathlib.Path) -> list[int]:
    """Requests served on each of `links` links under full load, from both cores."""
    lua = folder / "by-link.lua"
    lua.write_text(BY_LINK.format(caller_key=CALLER_KEY))
    argv = ["wrk", f"-t{links}", f"-c{links}", f"-d{seconds:g}s", "-s", str(lua), f"http://127.0.0.1:{port}"]
    done = subprocess.run(argv, capture_output=True, text=True)
    served = [int(it) for it in re.findall(r"^served (\d+)", done.stdout, re.M)]
    if done.returncode or len(served) != links:
        raise process.Failed(f"wrk counted {len(served)} links: {done.stderr.strip()}")
    return served


def served_once(port: int, links: int) -> list[socket.socket]:
    """Open links, each of which has had one answer."""
    request = head("GET", "/", "conn-000007")
    kept = []
    for _ in range(links):
        link = socket.create_connection(("127.0.0.1", port), 60)
        link.sendall(request)
        front, rest = read_head(link)
        length = re.search(r"content-length: (\d+)", front.lower())
        if " 200 " not in front.splitlines()[0] or not length:
            raise process.Failed(f"a link was answered {front.splitlines()[0]!r}")
        while len(rest) < int(length[1]):
            rest += link.recv(65536)
        kept.append(link)
    return kept


def head(method: str, path: str, connection: str, *fields: str) -> bytes:
    lines = [
        f"{method} {path} HTTP/1.1",
        "Host: 127.0.0.1",
        f"Attache-Connection: {connection}",
        f"Attache-Key: {CALLER_KEY}",
        "Authorization: Bearer what the caller sent",
        *fields,
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def ask(port: int, path: str, connection: str) -> tuple[int, str]:
    """One small exchange: status and body."""
    with socket.create_connection(("127.0.0.1", port), 10) as link:
        link.sendall(head("GET", path, connection, "Connection: close"))
        answer = b""
        while part := link.recv(65536):
            answer += part
    front, _, body = answer.partition(b"\r\n\r\n")
    if b"transfer-encoding: chunked" in front.lower():
        body = body.split(b"\r\n")[1]
    return int(front.split()[1]), body.decode("latin-1")


def download(port: int, path: str, connection: str) -> float:
    """Seconds for 1 GiB down. Every byte is counted."""
    started = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), 60) as link:
        link.sendall(head("GET", path, connection))
        front, rest = read_head(link)
        if " 200 " not in front.splitlines()[0] or f"content-length: {GIB}" not in front.lower():
            raise process.Failed(f"the download began with {front.splitlines()[0]!r}")
        arrived, buffer = len(rest), bytearray(1 << 18)
        while arrived < GIB:
            count = link.recv_into(buffer)
            if not count:
                raise process.Failed(f"the download ended after {arrived} bytes")
            arrived += count
    return time.monotonic() - started


def upload(port: int, connection: str) -> float:
    """Seconds for 1 GiB up, until the sink says that all of it arrived."""
    started = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), 60) as link:
        link.sendall(head("POST", "/up", connection, f"Content-Length: {GIB}"))
        piece = memoryview(bytes(1 << 18))
        for _ in range(GIB // len(piece)):
            link.sendall(piece)
        front, rest = read_head(link)
    if " 200 " not in front.splitlines()[0]:
        raise process.Failed(f"the upload was answered {front.splitlines()[0]!r} {rest[:200]!r}")
    return time.monotonic() - started
