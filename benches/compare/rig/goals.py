"""The goals that the rig measures: P1, P2, P3, P4 and P10 (per request), P5 (one link), P6 (a gibibyte), P11 (idle links), FAIR."""

import os
import pathlib
import resource
import statistics
import sys
import time

from . import instructions, load, peers, process
from .upstream import Upstream

LINKS = 64

# P11, and what is left of the file descriptors beside them. With few connections: what reading 100,000 of
# them leaves behind in an allocator would hide what the links take.
IDLE_LINKS = 10_000
FEW_CONNECTIONS = 10
SPARE_FILES = 1_000

# P3: so few that each connection's token is in use before anything is measured.
WARM_CONNECTIONS = 100

# P4: what a signature covers besides the head.
BODY = '{"text": "' + "x" * 1012 + '"}'

# How long idle links may take to come to rest: attache gives their buffers back after half a second.
REST_S = 2.0

# FAIR: so few that a hash of addresses would not spread them evenly.
FEW_LINKS = 16


class Settings:
    def __init__(self, rounds: int, seconds: float, counters: bool):
        self.rounds, self.seconds, self.counters = rounds, seconds, counters


def say(text: str):
    print(f"  {text}", file=sys.stderr, flush=True)


def per_request(
    contenders: list, upstream: Upstream, scratch: pathlib.Path, tls: bool, settings: Settings, count: int = peers.COUNT, body: str = ""
) -> list:
    """Instructions, CPU time, rate and memory at 64 links. Rounds are interleaved: drift hits everybody alike."""
    lua = load.script(scratch, count, body)
    rows = {peer.name: {"name": peer.name, "cpu": [], "kernel": [], "rate": []} for peer in contenders}
    running = []
    try:
        for peer in contenders:
            scene = peers.Scene(scratch / peer.name, upstream, tls, count)
            running.append(peers.Started(peer, scene))
            load.wrk(running[-1].port, LINKS, 1, lua)  # pools filled
        for number in range(settings.rounds):
            for started in running:
                before = started.process.cpu()
                run = load.wrk(started.port, LINKS, settings.seconds, lua)
                spent = started.process.cpu() - before
                row = rows[started.peer.name]
                row["cpu"].append(spent.total_s * 1e6 / run.requests)
                row["kernel"].append(spent.kernel_share())
                row["rate"].append(run.per_s)
                say(f"round {number + 1}: {started.peer.name} {row['cpu'][-1]:.2f} µs of CPU a request")
        for started in running:
            row = rows[started.peer.name]
            row["rss"] = started.process.rss_mib()
            if settings.counters:
                row["count"] = instructions.by_counters(started, LINKS, settings.seconds, lua)
            else:
                calls = instructions.system_calls(started, LINKS, lua)
                row["count"] = instructions.Count(None, None, calls)
    finally:
        for started in running:
            started.process.stop()
    if not settings.counters:
        for peer in contenders:
            scene = peers.Scene(scratch / f"{peer.name}-counted", upstream, tls, count)
            try:
                rows[peer.name]["count"].user = instructions.by_callgrind(peer, scene, LINKS, settings.seconds, lua)
            except (process.Failed, OSError) as failure:
                say(f"{peer.name}: not counted: {failure}")
    for row in rows.values():
        for name in ("cpu", "kernel", "rate"):
            row[name] = statistics.median(row[name])
    return list(rows.values())


def one_link(contenders: list, upstream: Upstream, scratch: pathlib.Path, settings: Settings) -> list:
    """Median latency of one link with nothing else going on, and what each peer adds to the direct way."""
    lua = load.script(scratch, 1000)
    medians = {"direct": [], **{peer.name: [] for peer in contenders}}
    running = []
    try:
        for peer in contenders:
            running.append(peers.Started(peer, peers.Scene(scratch / peer.name, upstream, tls=False)))
        ports = [("direct", upstream.port), *((it.peer.name, it.port) for it in running)]
        with process.awake(scratch / "spinner.log"):
            for number in range(settings.rounds):
                for name, port in ports:
                    medians[name].append(load.wrk(port, 1, settings.seconds, lua).median_us)
                    say(f"round {number + 1}: {name} {medians[name][-1]:.1f} µs")
    finally:
        for started in running:
            started.process.stop()
    direct = statistics.median(medians.pop("direct"))
    rows = [{"name": "direct", "median": direct, "added": None}]
    for name, seen in medians.items():
        rows.append({"name": name, "median": statistics.median(seen), "added": statistics.median(seen) - direct})
    return rows


def one_gibibyte(contenders: list, upstream: Upstream, scratch: pathlib.Path, settings: Settings) -> list:
    """CPU seconds and the memory's peak for 1 GiB each way, every byte counted at the far end."""
    rows = []
    for peer in contenders:
        with peers.Started(peer, peers.Scene(scratch / peer.name, upstream, tls=False)) as started:
            row = {"name": peer.name, "idle_rss": started.process.rss_mib()}
            for way, move in (
                ("down", lambda: load.download(started.port, "/gib", peers.key(7))),
                ("up", lambda: load.upload(started.port, peers.SINK if peer.name == "attache" else peers.key(7))),
            ):
                cpu, wall = [], []
                started.process.forget_peak_rss()
                for _ in range(settings.rounds):
                    before = started.process.cpu()
                    wall.append(move())
                    cpu.append((started.process.cpu() - before).total_s)
                row[way] = statistics.median(cpu)
                row[f"{way}_wall"] = statistics.median(wall)
                row[f"{way}_rss"] = started.process.peak_rss_mib()
            say(f"{peer.name}: {row['down']:.2f} s down, {row['up']:.2f} s up")
            rows.append(row)
    return rows


def idle_links(contenders: list, upstream: Upstream, scratch: pathlib.Path) -> list:
    """What a link costs that has served one request and waits for the next, in proportional resident memory."""
    _, files = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    count = min(IDLE_LINKS, files - SPARE_FILES)
    rows = []
    for peer in contenders:
        scene = peers.Scene(scratch / peer.name, upstream, tls=False, count=FEW_CONNECTIONS, links=count + SPARE_FILES)
        with peers.Started(peer, scene) as started:
            time.sleep(REST_S)
            row = {"name": peer.name, "links": count, "before": started.process.pss_kib()}
            links = load.served_once(started.port, count)
            time.sleep(REST_S)
            row["after"] = started.process.pss_kib()
            for link in links:
                link.close()
            say(f"{peer.name}: {(row['after'] - row['before']) / count:.1f} KiB a link")
            rows.append(row)
    return rows


def fairness(upstream: Upstream, scratch: pathlib.Path, settings: Settings) -> list:
    """Requests served on each of a few links by two workers; links are opened anew for every round."""
    rounds = []
    # Everybody may use both cores: the scheduler's own fairness is part of it.
    os.sched_setaffinity(upstream.nginx.pid, {process.PROXY_CORE, process.LOAD_CORE})
    with peers.Started(peers.Attache(workers=2), peers.Scene(scratch / "attache", upstream, tls=False)) as started:
        for number in range(settings.rounds):
            rounds.append(load.by_link(started.port, FEW_LINKS, settings.seconds, scratch))
            mean = sum(rounds[-1]) / FEW_LINKS
            say(f"round {number + 1}: {min(rounds[-1]) / mean:.3f} to {max(rounds[-1]) / mean:.3f} of the mean")
    os.sched_setaffinity(upstream.nginx.pid, {process.LOAD_CORE})
    return rounds
