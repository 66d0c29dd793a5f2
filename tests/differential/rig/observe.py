"""One exchange, seen from both ends, and what two proxies did differently."""

import re
import socket
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from queue import Empty, Queue

from .cases import KEY, Case
from .proxies import TOKEN, Proxy
from .upstream import Arrived

# How long to wait for an answer that may never come, and for one that does.
SHORT_S, LONG_S = 2.0, 60.0
PROBE = "/is-the-link-still-in-step"

# What a proxy says of itself and of its own hop.
OWN_FIELDS = {"connection", "content-length", "transfer-encoding", "host", "keep-alive"}


@dataclass
class Outcome:
    """What came of one request at one proxy."""

    # Of the answers, in order: the status of each; 1xx are counted apart.
    statuses: list = field(default_factory=list)
    interim: list = field(default_factory=list)
    # kept: another request on the link is answered · closed · waits: neither within the time.
    link: str = ""
    arrived: list = field(default_factory=list)

    @property
    def verdict(self) -> str:
        """passed · refused · dropped (closed without a word) · waits · cut (the upstream saw part of it)."""
        if any(it.whole for it in self.arrived):
            return "passed"
        if self.arrived:
            return "cut"
        if self.statuses:
            return "passed" if self.statuses[0] < 300 else "refused"
        return "waits" if self.link == "waits" else "dropped"

    def told(self, aspect: str = "") -> str:
        """For people: one cell of the table, with what the aspect is about where that is more than the rest."""
        if aspect.startswith("field ") and self.arrived:
            name = aspect.removeprefix("field ")
            lines = [f"`{shown(f'{name}: {it}')}`" for it in self.arrived[0].all(name)]
            return f"{self.statuses[0] if self.statuses else 'no answer'}; upstream: {', '.join(lines) or f'no `{shown(name)}`'}"
        if aspect == "trailers" and self.arrived:
            return f"{self.statuses[0]}; upstream: {', '.join(f'`{shown(it)}`' for it in self.arrived[0].trailers) or 'no trailers'}"
        if aspect == "body" and self.arrived:
            return f"{len(self.arrived[0].body)} bytes of it at the upstream"
        said = " ".join(map(str, self.statuses)) or "no answer"
        if self.verdict in ("refused", "dropped", "waits"):
            return f"{said}, {'link ' + self.link if self.verdict != 'waits' else 'waits for more'}"
        seen = "; ".join(f"`{shown(it.line)}` {it.framing}{'' if it.whole else ', not whole'}" for it in self.arrived)
        return f"{said}, link {self.link}; upstream: {seen or 'nothing'}"


def shown(text: str) -> str:
    text = "".join(it if 0x20 <= ord(it) < 0x7F else f"\\x{ord(it):02x}" for it in text).replace("|", "\\|").replace("`", "'")
    return text if len(text) <= 60 else f"{text[:40]}… ({len(text)} bytes)"


class Client:
    def __init__(self, port: int):
        self.link = socket.create_connection(("127.0.0.1", port), LONG_S)
        self.link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.ahead, self.ended = b"", False

    def send(self, data: bytes):
        """A proxy may refuse in the middle of it: what it said is then still there to be read."""
        sender = threading.Thread(target=self._send, args=(data,), daemon=True)
        sender.start()
        if len(data) < 2**15:
            sender.join()

    def _send(self, data: bytes):
        try:
            self.link.sendall(data)
        except OSError:
            pass

    def more(self, deadline: float) -> bool:
        left = deadline - time.monotonic()
        if left <= 0 or self.ended:
            return False
        self.link.settimeout(left)
        try:
            piece = self.link.recv(2**16)
        except TimeoutError:
            return False
        except OSError:
            piece = b""
        self.ended = not piece
        self.ahead += piece
        return not self.ended

    def answer(self, method: str, within_s: float):
        """The next answer as (status, body); None where the link ends or nothing comes in time."""
        deadline = time.monotonic() + within_s
        while (end := self.ahead.find(b"\r\n\r\n")) < 0:
            if not self.more(deadline):
                return None
        head, self.ahead = self.ahead[:end].decode("latin-1"), self.ahead[end + 4 :]
        status = int(found[1]) if (found := re.match(r"HTTP/1\.[01] (\d{3})", head)) else 0
        if 100 <= status < 200 or status in (204, 304) or method == "HEAD":
            return status, b""
        length = re.search(r"(?im)^content-length: *(\d+)", head)
        if re.search(r"(?im)^transfer-encoding: *chunked", head):
            while (end := self.ahead.find(b"0\r\n\r\n")) < 0:
                if not self.more(deadline):
                    return status, self.ahead
            end += 5
        elif length:
            end = int(length[1])
            while len(self.ahead) < end and self.more(deadline):
                pass
        else:
            while self.more(deadline):
                pass
            end = len(self.ahead)
        body, self.ahead = self.ahead[:end], self.ahead[end:]
        return status, body


def exchange(case: Case, proxy: Proxy, slot: int) -> Outcome:
    tag = b"slot%d" % slot
    outcome = Outcome()
    client = Client(proxy.ports[slot])
    client.send(case.sent.replace(b"SLOT", tag))
    method = case.method
    patience = SHORT_S if case.may_wait else LONG_S
    probed = False
    while True:
        answer = client.answer(method, patience)
        if answer is None:
            outcome.link = "closed" if client.ended else "waits"
            break
        status, body = answer
        if 100 <= status < 200:
            outcome.interim.append(status)
            if status != 101:
                continue
        if probed and PROBE.encode() in body:
            outcome.link = "kept"
            break
        outcome.statuses.append(status)
        if not probed:
            tags = f"Attache-Key: {KEY}\r\nAttache-Connection: slot{slot}\r\n"
            client.send(f"GET {PROBE} HTTP/1.1\r\nHost: gateway\r\n{tags}\r\n".encode())
            probed, method = True, "GET"
    client.link.close()
    upstream = proxy.upstreams[slot]
    outcome.arrived = [normal(it, upstream.port, tag) for it in upstream.take() if PROBE not in it.line.split(" ")[1:2]]
    return outcome


def normal(it: Arrived, port: int, tag: bytes) -> Arrived:
    """Without what differs from slot to slot."""
    it.fields = [(name, value.replace(f"127.0.0.1:{port}", "UPSTREAM")) for name, value in it.fields]
    it.line = it.line.replace(f"127.0.0.1:{port}", "UPSTREAM")
    it.body, it.surplus = it.body.replace(tag, b"SLOT"), it.surplus.replace(tag, b"SLOT")
    return it


def all_of(cases: list[Case], proxies: list[Proxy], slots: int) -> dict:
    """Every case at every proxy, `slots` at a time each: {proxy's name: [Outcome, …]}."""
    outcomes = {it.name: [None] * len(cases) for it in proxies}
    failures = []

    def work(proxy: Proxy, slot: int, queue: Queue):
        while True:
            try:
                index = queue.get_nowait()
                outcomes[proxy.name][index] = exchange(cases[index], proxy, slot)
            except Empty:
                return
            except Exception as failure:  # noqa: BLE001: told with its case, and the run fails
                failures.append(f"{proxy.name}, {cases[index].title}: {failure!r}")

    threads = []
    for proxy in proxies:
        queue = Queue()
        for index in range(len(cases)):
            queue.put(index)
        threads += [threading.Thread(target=work, args=(proxy, slot, queue)) for slot in range(slots)]
    for it in threads:
        it.start()
    for it in threads:
        it.join()
    if failures:
        raise SystemExit("differential: " + "\n".join(failures))
    return outcomes


def differences(ours: Outcome, theirs: Outcome) -> dict:
    """What differs, by aspect: {aspect: a word or two on how}."""
    if ours.verdict != theirs.verdict:
        return {"verdict": f"{ours.verdict}, not {theirs.verdict}"}
    found = {}
    if [it // 100 for it in ours.statuses] != [it // 100 for it in theirs.statuses]:
        found["status"] = f"{ours.statuses}, not {theirs.statuses}"
    if set(ours.interim) != set(theirs.interim):
        found["interim"] = f"{ours.interim}, not {theirs.interim}"
    if ours.link != theirs.link:
        found["link"] = f"{ours.verdict}: {ours.link}, not {theirs.link}"
    if len(ours.arrived) != len(theirs.arrived):
        found["requests"] = f"{len(ours.arrived)}, not {len(theirs.arrived)}"
        return found
    for mine, other in zip(ours.arrived, theirs.arrived):
        for aspect in ("line", "framing", "whole", "body", "trailers", "surplus"):
            if getattr(mine, aspect) != getattr(other, aspect):
                found[aspect] = f"{short(getattr(mine, aspect))}, not {short(getattr(other, aspect))}"
        for name in sorted({it for it, _ in mine.fields + other.fields} - (OWN_FIELDS - {"host"})):
            if mine.all(name) != other.all(name):
                found[f"field {name}"] = f"{short(mine.all(name))}, not {short(other.all(name))}"
    return found


def short(value) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:60]}… ({len(value)})"


def unsafe(case: Case, outcome: Outcome) -> list[str]:
    """What attache must never do, whatever others do: rules of its own, not of comparison."""
    wrong = []
    for it in outcome.arrived:
        if it.framing.startswith("AMBIGUOUS"):
            wrong.append(f"two framings went on: {it.framing}")
        if it.surplus:
            wrong.append(f"bytes behind the request went on: {it.surplus[:40]!r}")
        if it.all("host") != ["UPSTREAM"]:
            wrong.append(f"Host went on as {it.all('host')}")
        if it.all("authorization") != [f"Bearer {TOKEN}"]:
            wrong.append(f"Authorization went on as {it.all('authorization')}")
        wrong += [f"{name} went on" for name, _ in it.fields if name.startswith("attache")]
    sent_requests = case.sent.count(b"HTTP/1.")
    if len(outcome.arrived) > max(1, sent_requests):
        wrong.append(f"{len(outcome.arrived)} requests of {sent_requests}")
    return wrong


def by_peer(cases: list[Case], outcomes: dict) -> list:
    """[(index of the case, peer, aspect, how)] for everything that attache does otherwise than a peer."""
    found = []
    for peer in (it for it in outcomes if it != "attache"):
        for index, (ours, theirs) in enumerate(zip(outcomes["attache"], outcomes[peer])):
            found += [(index, peer, aspect, how) for aspect, how in differences(ours, theirs).items()]
    return found


def counted(found: list) -> dict:
    count = defaultdict(int)
    for _, peer, _, _ in found:
        count[peer] += 1
    return dict(count)
