"""Processes as an operator runs them, started again whenever they end; of `backbot serve` the wall clock can be set."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx

READY_SECONDS = 90.0
FAKETIME = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
"""The library that sets a process's clock, where Debian's package is installed."""


class Supervised:
    """A command that is started again whenever it ends, unless it is held down; what it says goes into `log`."""

    def __init__(self, command: Sequence[str], log: Path, environment: Callable[[], dict[str, str]] = dict):
        self.log = log
        self.starts = 0
        self._command = command
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None
        self._may_run = threading.Event()
        self._is_over = False

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """It runs inside the block."""
        thread = threading.Thread(target=self._watch)
        thread.start()
        self._may_run.set()
        try:
            yield
        finally:
            self._is_over = True
            self._may_run.clear()
            self.kill()
            thread.join()

    def _watch(self) -> None:
        while not self._is_over:
            if not self._may_run.wait(0.2):
                continue
            with self.log.open("ab") as log:
                environment = {**os.environ, **self._environment()}
                self._process = subprocess.Popen(self._command, stdout=log, stderr=log, env=environment)  # noqa: S603
            self.starts += 1
            self._process.wait()
            time.sleep(0.1)

    @contextlib.contextmanager
    def down(self) -> Iterator[None]:
        """Kill it at once, and start it again after the block."""
        self._may_run.clear()
        self.kill()
        yield
        self._may_run.set()

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """It keeps its connections and does nothing inside the block."""
        self._send(signal.SIGSTOP)
        yield
        self._send(signal.SIGCONT)

    def kill(self) -> None:
        """As the out-of-memory killer does."""
        self._send(signal.SIGKILL)
        if self._process:
            self._process.wait()

    def _send(self, number: signal.Signals) -> None:
        if self._process and self._process.poll() is None:
            self._process.send_signal(number)


class BackbotServer(Supervised):
    """`backbot serve` on one port of loopback; `settings` are further environment variables."""

    def __init__(self, index: Path, port: int, log: Path, clock: Path | None = None, **settings: str):
        self.index = index
        self.port = port
        rates = dict.fromkeys(("BACKBOT_RATE_PER_ADDRESS", "BACKBOT_RATE_OVERALL"), "1000/minute")
        command = [sys.executable, "-m", "backbot", "serve", "--no-page", "--port", str(port)]
        super().__init__(command, log, lambda: {**rates, **settings, **clock_from(clock), "BACKBOT_INDEX": str(index)})

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


def clock_from(file: Path | None) -> dict[str, str]:
    """The environment of a process whose wall clock goes by what stands in the file; empty without libfaketime."""
    if FAKETIME is None or file is None:
        return {}
    return {
        "LD_PRELOAD": str(FAKETIME),
        "FAKETIME_TIMESTAMP_FILE": str(file),
        "FAKETIME_CACHE_DURATION": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
