"""A real server in a process of its own, over an index that the test may break."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from backbot.settings import Settings

QUESTION = {"turns": ["Should I put ice or heat on my back?"]}


@dataclass
class Server:
    """`backbot serve` as an operator starts it; what it prints and logs is gathered."""

    process: subprocess.Popen[str]
    out: list[str] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    address: str = ""

    def ask(self, question: dict[str, object] = QUESTION, **headers: str) -> httpx.Response:
        sent = {"Origin": self.address, "Accept": "application/json", **headers}
        return httpx.post(f"{self.address}/api/chat", json=question, headers=sent, timeout=60)

    def stop(self, how: signal.Signals = signal.SIGTERM, seconds: float = 60) -> int:
        """Send the signal and give the exit code."""
        self.process.send_signal(how)
        return self.process.wait(seconds)


@pytest.fixture
def index(corpus_settings: Settings, tmp_path: Path) -> Path:
    """A copy of the sample corpus's index."""
    return Path(shutil.copytree(corpus_settings.index, tmp_path / "index"))


@pytest.fixture
def start(index: Path, tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Starts servers on free ports; whatever still runs at the end is killed with its workers."""
    servers: list[Server] = []

    def run(*arguments: str, ready: bool = True, **env: str) -> Server:
        variables = {**os.environ, "BACKBOT_INDEX": str(index), **env}
        process = subprocess.Popen(
            [sys.executable, "-m", "backbot", "serve", "--port", "0", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=variables,
            cwd=tmp_path,
            start_new_session=True,
        )
        server = Server(process)
        servers.append(server)
        is_ready = threading.Event()

        def read_out() -> None:
            assert process.stdout
            for line in process.stdout:
                server.out.append(line)
                if line.startswith("backbot is ready: "):
                    server.address = line.split()[3]
                    is_ready.set()
            is_ready.set()

        def read_log() -> None:
            assert process.stderr
            server.log.extend(process.stderr)

        threading.Thread(target=read_out, daemon=True).start()
        threading.Thread(target=read_log, daemon=True).start()
        if ready:
            assert is_ready.wait(120)
            assert server.address, server.log
        return server

    yield run
    for server in servers:
        if server.process.poll() is None:
            os.killpg(server.process.pid, signal.SIGKILL)
            server.process.wait(10)


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        yield taken.getsockname()[1]


@pytest.fixture
def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])
