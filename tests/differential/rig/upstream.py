"""A recording third party: it keeps every byte of a link, reads one request strictly, answers, and ends the link."""

import re
import socket
import threading
import time
from dataclasses import dataclass, field

# Far more than loopback needs: met only where a proxy holds a link open and says nothing.
PATIENCE_S = 30
HEAD_MAX = 4 * 2**20


@dataclass
class Arrived:
    """One request as it came."""

    line: str = ""
    fields: list = field(default_factory=list)
    framing: str = "none"
    body: bytes = b""
    trailers: list = field(default_factory=list)
    whole: bool = False
    surplus: bytes = b""

    def all(self, name: str) -> list:
        return [value for it, value in self.fields if it == name]


class Upstream:
    """Listens on loopback until closed. Answers each request with 200 and its request line."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.lock = threading.Condition()
        self.arrived: list[Arrived] = []
        self.open = 0
        self.accepted: set = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def take(self) -> list[Arrived]:
        """Everything that has come since the last time, once all links are over."""
        deadline = time.monotonic() + PATIENCE_S
        # A link of our own: links are accepted in their order, so those before it have been seen then.
        with socket.create_connection(("127.0.0.1", self.port), PATIENCE_S) as last:
            with self.lock:
                while last.getsockname() not in self.accepted and time.monotonic() < deadline:
                    self.lock.wait(0.2)
                self.accepted.clear()
        with self.lock:
            while self.open and time.monotonic() < deadline:
                self.lock.wait(0.2)
            arrived, self.arrived = self.arrived, []
            return arrived

    def close(self):
        self.listener.close()

    def _accept(self):
        while True:
            try:
                link, peer = self.listener.accept()
            except OSError:
                return
            with self.lock:
                self.open += 1
                self.accepted.add(peer)
                self.lock.notify_all()
            threading.Thread(target=self._serve, args=(link,), daemon=True).start()

    def _serve(self, link: socket.socket):
        arrived, reader = Arrived(), Reader(link)
        try:
            head = reader.head()
            if head is not None:
                # In the order of arrival of the heads, whoever ends first.
                with self.lock:
                    self.arrived.append(arrived)
                parse_head(arrived, head)
                if any("100-continue" in it.lower() for it in arrived.all("expect")):
                    link.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
                reader.body(arrived)
                if arrived.whole:
                    link.sendall(answer(arrived))
                    link.shutdown(socket.SHUT_WR)
                    arrived.surplus = reader.rest()
        except OSError:
            pass
        finally:
            link.close()
            with self.lock:
                self.open -= 1
                self.lock.notify_all()


class Reader:
    def __init__(self, link: socket.socket):
        link.settimeout(PATIENCE_S)
        self.link, self.ahead = link, b""

    def more(self) -> bool:
        try:
            piece = self.link.recv(2**16)
        except TimeoutError:
            return False
        self.ahead += piece
        return bool(piece)

    def until(self, mark: bytes) -> bytes | None:
        at = 0
        while (found := self.ahead.find(mark, at)) < 0:
            at = max(0, len(self.ahead) - len(mark))
            if len(self.ahead) > HEAD_MAX or not self.more():
                return None
        found += len(mark)
        taken, self.ahead = self.ahead[:found], self.ahead[found:]
        return taken

    def exactly(self, count: int) -> bytes | None:
        pieces, have = [self.ahead], len(self.ahead)
        while have < count:
            self.ahead = b""
            if not self.more():
                self.ahead = b"".join(pieces)
                return None
            pieces.append(self.ahead)
            have += len(self.ahead)
        whole = b"".join(pieces)
        self.ahead = whole[count:]
        return whole[:count]

    def head(self) -> bytes | None:
        return self.until(b"\r\n\r\n")

    def rest(self) -> bytes:
        while len(self.ahead) < HEAD_MAX and self.more():
            pass
        return self.ahead

    def body(self, arrived: Arrived):
        if arrived.framing == "chunked":
            self.chunks(arrived)
        elif arrived.framing.startswith("length "):
            body = self.exactly(int(arrived.framing.removeprefix("length ")))
            arrived.whole, arrived.body = body is not None, self.ahead if body is None else body
        else:
            arrived.whole = arrived.framing == "none"

    def chunks(self, arrived: Arrived):
        pieces = []
        while (line := self.until(b"\r\n")) is not None and re.fullmatch(rb"[0-9a-fA-F]{1,8}\r\n", line):
            size = int(line, 16)
            if size == 0:
                while (trailer := self.until(b"\r\n")) not in (None, b"\r\n"):
                    arrived.trailers.append(trailer[:-2].decode("latin-1").lower())
                arrived.whole = trailer is not None
                break
            chunk = self.exactly(size + 2)
            if chunk is None or chunk[-2:] != b"\r\n":
                break
            pieces.append(chunk[:-2])
        arrived.body = b"".join(pieces)


def parse_head(arrived: Arrived, head: bytes):
    """Strictly: lines end in CRLF, a field has a name and a colon, and there is one framing at most."""
    line, *lines = head[:-4].decode("latin-1").split("\r\n")
    arrived.line = line
    for it in lines:
        name, _, value = it.partition(":")
        arrived.fields.append((name.lower(), value.strip(" \t")))
    lengths, codings = arrived.all("content-length"), arrived.all("transfer-encoding")
    if not lengths and not codings:
        arrived.framing = "none"
    elif not codings and len(lengths) == 1 and re.fullmatch("[0-9]{1,18}", lengths[0]):
        arrived.framing = f"length {int(lengths[0])}"
    elif not lengths and [it.lower() for it in codings] == ["chunked"]:
        arrived.framing = "chunked"
    else:
        arrived.framing = f"AMBIGUOUS: lengths {lengths}, codings {codings}"


def answer(arrived: Arrived) -> bytes:
    body = b"saw " + arrived.line.encode("latin-1")[:64]
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
    return head if arrived.line.startswith("HEAD ") else head + body
