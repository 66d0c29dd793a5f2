"""Counting instructions and system calls around a load.

Hardware counters where the machine has them (`perf stat`, user and kernel). Where it has none, as in most
virtual machines: callgrind counts the same user instructions exactly, and strace the system calls, which
are what the kernel's part is made of.
"""

import pathlib
import re
import signal
import subprocess
import time

from . import load, peers, process


class Count:
    """Per request. `kernel` is None where only callgrind could count."""

    def __init__(self, user: float | None, kernel: float | None, system_calls: float | None):
        self.user, self.kernel, self.system_calls = user, kernel, system_calls

    def total(self) -> float | None:
        return None if self.user is None or self.kernel is None else self.user + self.kernel


def has_counters() -> bool:
    try:
        done = subprocess.run(
            ["perf", "stat", "-x,", "-e", "instructions:u,instructions:k", "true"], capture_output=True, text=True
        )
    except FileNotFoundError:
        return False
    return done.returncode == 0 and "not supported" not in done.stderr and "not counted" not in done.stderr


def by_counters(started: "peers.Started", links: int, seconds: float, lua: pathlib.Path) -> Count:
    perf = subprocess.Popen(
        ["perf", "stat", "-x,", "-e", "instructions:u,instructions:k", "-p", str(started.process.pid)],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    time.sleep(0.3)  # perf attaches before it says anything
    run = load.wrk(started.port, links, seconds, lua)
    perf.send_signal(signal.SIGINT)
    report = perf.communicate()[1]
    user, kernel = (
        int(re.search(rf"^(\d+),,instructions:{mode}", report, re.M)[1]) / run.requests for mode in "uk"
    )
    return Count(user, kernel, system_calls(started, links, lua))


def by_callgrind(peer, scene: "peers.Scene", links: int, seconds: float, lua: pathlib.Path) -> float:
    """User instructions a request, on valgrind's synthetic processor (no AVX-512)."""
    out = scene.folder / "callgrind"
    # Threads take turns in order, so that each worker gets its share.
    wrapper = ["valgrind", "--tool=callgrind", "--fair-sched=try", f"--callgrind-out-file={out}"]
    with peers.Started(peer, scene, wrapper, patience_s=300) as started:
        load.wrk(started.port, links, 2, lua)  # pools filled, caches warm
        vgdb(started.process.pid, "zero")
        run = load.wrk(started.port, links, seconds, lua)
        vgdb(started.process.pid, "dump")
        # `zero` and `dump` stand between requests: the dump holds what came after `zero`.
        totals = re.findall(r"^totals: (\d+)", pathlib.Path(f"{out}.1").read_text(), re.M)
    return sum(int(it) for it in totals) / run.requests


def vgdb(pid: int, word: str):
    subprocess.run(
        ["vgdb", f"--pid={pid}", word], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120
    )


def system_calls(started: "peers.Started", links: int, lua: pathlib.Path) -> float | None:
    """System calls a request, counted by strace under a load of two seconds."""
    report = started.process.log.with_name("strace")
    try:
        strace = subprocess.Popen(
            ["strace", "-f", "-c", "-o", report, "-p", str(started.process.pid)],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
    except FileNotFoundError:
        return None
    strace.stderr.readline()  # "Process … attached"
    run = load.wrk(started.port, links, 2, lua)
    strace.send_signal(signal.SIGINT)
    strace.communicate()
    last = report.read_text().strip().splitlines()[-1].split()
    if last[-1] != "total":
        raise process.Failed(f"strace's report ends in {last}")
    return int(last[3]) / run.requests
