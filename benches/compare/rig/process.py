"""Processes the rig starts: pinned to a core, measured by pid, ended by pid."""

import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

PROXY_CORE = 0
LOAD_CORE = 1
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


class Failed(Exception):
    """A peer that did not start or did not answer as it must; the text says what to look at."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Process:
    """One child on its cores. Its output goes to a file, so a peer that dies can be read afterwards."""

    def __init__(self, name: str, argv: list, cores: set, log: pathlib.Path, env: dict | None = None):
        self.name = name
        self.log = log
        with log.open("wb") as sink:
            self.child = subprocess.Popen(
                [str(it) for it in argv],
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(env or {})},
                preexec_fn=lambda: os.sched_setaffinity(0, cores),
            )
        self.pid = self.child.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self, patience_s: float = 10.0):
        if self.child.poll() is not None:
            return
        self.child.send_signal(signal.SIGTERM)
        try:
            self.child.wait(patience_s)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()

    def wait_for(self, ready, what: str, patience_s: float):
        """Polls `ready` until it is true, the child is gone or the time is up."""
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline:
            if self.child.poll() is not None:
                break
            if ready():
                return
            time.sleep(0.02)
        raise Failed(f"{self.name} never got to {what}; its last words:\n{self.last_words()}")

    def wait_for_port(self, port: int, patience_s: float = 30.0):
        self.wait_for(lambda: accepts(port), f"listen on port {port}", patience_s)

    def last_words(self, lines: int = 15) -> str:
        text = self.log.read_text(errors="replace")
        return "\n".join(text.splitlines()[-lines:])

    def cpu(self) -> "Cpu":
        """CPU time so far, all threads: the scheduler's nanoseconds, and the tick-counted user/system split."""
        run_ns = 0
        for task in pathlib.Path(f"/proc/{self.pid}/task").iterdir():
            run_ns += int((task / "schedstat").read_text().split()[0])
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return Cpu(run_ns / 1e9, int(fields[11]) / TICKS_PER_S, int(fields[12]) / TICKS_PER_S)

    def rss_mib(self) -> float:
        return self._memory_kib("VmRSS") / 1024

    def peak_rss_mib(self) -> float:
        return self._memory_kib("VmHWM") / 1024

    def forget_peak_rss(self):
        """Starts the peak anew (proc(5), clear_refs)."""
        pathlib.Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    def pss_kib(self) -> int:
        """Its share of resident memory, exact where RSS may be counted in batches (proc(5), smaps_rollup)."""
        text = pathlib.Path(f"/proc/{self.pid}/smaps_rollup").read_text()
        return int(next(it for it in text.splitlines() if it.startswith("Pss:")).split()[1])

    def _memory_kib(self, field: str) -> int:
        for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1])
        raise Failed(f"{self.name}: no {field} in its status")


class Cpu:
    """CPU seconds. `total_s` is exact; the split into user and system is sampled at every tick."""

    def __init__(self, total_s: float, user_s: float, system_s: float):
        self.total_s, self.user_s, self.system_s = total_s, user_s, system_s

    def __sub__(self, earlier: "Cpu") -> "Cpu":
        return Cpu(
            self.total_s - earlier.total_s,
            self.user_s - earlier.user_s,
            self.system_s - earlier.system_s,
        )

    def kernel_share(self) -> float:
        ticks = self.user_s + self.system_s
        return self.system_s / ticks if ticks else 0.0


def awake(log: pathlib.Path) -> contextlib.ExitStack:
    """Keeps both cores from halting: a spinner on each that yields to everything else.

    In a virtual machine waking a halted core costs tens of µs, several times what is to be measured.
    """
    stack = contextlib.ExitStack()
    spin = "import os; os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))\nwhile True: pass"
    for core in (PROXY_CORE, LOAD_CORE):
        stack.enter_context(Process("the spinner", [sys.executable, "-c", spin], {core}, log))
    return stack


def accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False
