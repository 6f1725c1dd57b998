"""`backbot serve` as an operator runs it, started again whenever it ends; its wall clock can be set."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

READY_SECONDS = 90.0
FAKETIME = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
"""The library that sets a process's clock, where Debian's package is installed."""


@dataclass
class Supervised:
    """`backbot serve` on one port, started again whenever it ends, unless it is held down."""

    index: Path
    port: int
    log: Path
    clock: Path
    starts: int = 0
    process: subprocess.Popen[bytes] | None = None
    may_run: threading.Event = field(default_factory=threading.Event)
    is_over: bool = False

    def watch(self) -> None:
        """Start it, wait for its end, start it again."""
        command = [sys.executable, "-m", "backbot", "serve", "--no-page", "--port", str(self.port)]
        rates = dict.fromkeys(("BACKBOT_RATE_PER_ADDRESS", "BACKBOT_RATE_OVERALL"), "1000/minute")
        while not self.is_over:
            if not self.may_run.wait(0.2):
                continue
            with self.log.open("ab") as log:
                environment = {**os.environ, **rates, **clock_from(self.clock), "BACKBOT_INDEX": str(self.index)}
                self.process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)  # noqa: S603
            self.starts += 1
            self.process.wait()
            time.sleep(0.1)

    @contextlib.contextmanager
    def down(self) -> Iterator[None]:
        """Kill it at once, and start it again after the block."""
        self.may_run.clear()
        self.kill()
        yield
        self.may_run.set()

    def kill(self) -> None:
        """As the out-of-memory killer does."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    def ready(self) -> dict[str, Any]:
        """What /readyz says; empty when nothing answers, or when it is not ready."""
        try:
            answer = httpx.get(f"http://127.0.0.1:{self.port}/readyz", timeout=30, trust_env=False)
            return dict(answer.json()) if answer.status_code == 200 else {}
        except (httpx.HTTPError, ValueError):
            return {}

    def wait_until(self, is_so: Callable[[dict[str, Any]], bool], seconds: float = READY_SECONDS) -> bool:
        """Whether /readyz says so in time."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if is_so(self.ready()):
                return True
            time.sleep(0.1)
        return False


def clock_from(file: Path) -> dict[str, str]:
    """The environment of a process whose wall clock goes by what stands in the file; empty without libfaketime."""
    if FAKETIME is None:
        return {}
    return {
        "LD_PRELOAD": str(FAKETIME),
        "FAKETIME_TIMESTAMP_FILE": str(file),
        "FAKETIME_CACHE_DURATION": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
