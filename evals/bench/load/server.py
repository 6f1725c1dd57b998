"""`backbot serve` in a process of its own, and how much memory it takes as time goes by."""

import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

UNLIMITED = {"BACKBOT_RATE_PER_ADDRESS": "10000000/minute", "BACKBOT_RATE_OVERALL": "10000000/minute"}
"""All come from one address here: what is measured is the server, not its rates."""


@dataclass(slots=True)
class Server:
    """A server that runs; `memory` grows by a pair a second: seconds since 1970, resident bytes of all its processes."""

    address: str
    process: subprocess.Popen[str]
    memory: list[tuple[float, int]] = field(default_factory=list)
    threads: list[int] = field(default_factory=list)

    @property
    def port(self) -> int:
        """Of loopback."""
        return int(self.address.rpartition(":")[2])

    def resident(self) -> int:
        """Bytes now, of the server and its workers."""
        return sum(_resident(process) for process in _family(self.process.pid))

    def watch(self, stopped: threading.Event) -> None:
        """Write down memory and threads, once a second."""
        while not stopped.wait(1.0):
            self.memory.append((time.time(), self.resident()))
            self.threads.append(sum(1 for _ in Path(f"/proc/{self.process.pid}/task").iterdir()))


@contextmanager
def run_server(arguments: Sequence[str], **settings: str) -> Iterator[Server]:
    """Serve with these arguments and settings until the end of the block."""
    # A thousand connections here and there need more open files than many systems give at first.
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 20_000) if most > 0 else 20_000, most))
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "backbot", "serve", "--port", "0", *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **UNLIMITED, **settings},
    )
    stopped = threading.Event()
    try:
        assert process.stdout
        line = next((line for line in process.stdout if line.startswith("backbot is ready: ")), "")
        if not line:
            sys.exit("The server did not start; the lines above say why.")
        server = Server(line.split()[3], process)
        threading.Thread(target=server.watch, args=(stopped,), daemon=True).start()
        yield server
        if process.poll() is not None:
            sys.exit(f"The server ended by itself with exit code {process.returncode}.")
    finally:
        stopped.set()
        process.terminate()
        process.wait(30)


def _family(process: int) -> list[int]:
    """The process and those that it started."""
    try:
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    except OSError:
        return [process]
    return [process, *(int(child) for child in children)]


def _resident(process: int) -> int:
    try:
        return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * resource.getpagesize()
    except OSError:
        return 0
