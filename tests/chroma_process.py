"""A real Chroma server that a test may kill, freeze and start again."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from waiting import wait_until


@dataclass
class Chroma:
    """`chroma run` on a loopback port; its collections can be reached behind backbot's back."""

    folder: Path
    port: int
    _running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        run = ["run", "--path", str(self.folder), "--host", "127.0.0.1", "--port", str(self.port)]
        self._running.append(
            subprocess.Popen(
                [sys.executable, "-c", "from chromadb.cli.cli import app; app()", *run],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "ANONYMIZED_TELEMETRY": "False"},
            )
        )
        wait_until(self.is_up)

    def is_up(self) -> bool:
        try:
            return httpx.get(f"{self.url}/api/v2/heartbeat", timeout=2).is_success
        except httpx.HTTPError:
            return False

    def send(self, number: signal.Signals) -> None:
        self._running[-1].send_signal(number)

    def kill(self) -> None:
        self.send(signal.SIGKILL)
        self._running.pop().wait(30)

    def stop(self) -> None:
        while self._running:
            self.kill()

    def ask(self, method: str, path: str = "", body: object = None) -> httpx.Response:
        database = f"{self.url}/api/v2/tenants/default_tenant/databases/default_database"
        answer = httpx.request(method, f"{database}/collections{path}", json=body, timeout=60)
        answer.raise_for_status()
        return answer

    def collections(self) -> dict[str, str]:
        """Their ids by name."""
        return {found["name"]: found["id"] for found in self.ask("GET").json()}


@pytest.fixture
def chroma(tmp_path: Path) -> Iterator[Chroma]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    server = Chroma(tmp_path / "chroma", port)
    server.start()
    yield server
    server.stop()
