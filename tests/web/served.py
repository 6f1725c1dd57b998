"""`backbot serve` as operators run it: a process of its own, on a free port of loopback."""

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from backbot.settings import Settings

UNLIMITED = {"BACKBOT_RATE_PER_ADDRESS": "1000000/minute", "BACKBOT_RATE_OVERALL": "1000000/minute"}


@dataclass(frozen=True, slots=True)
class Served:
    """A server that runs: its address, and the file into which it writes whatever it says."""

    address: str
    port: int
    pid: int
    said: Path

    @property
    def memory(self) -> int:
        """Bytes that are resident."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * resource.getpagesize()


@contextmanager
def run_server(settings: Settings, folder: Path, most_files: int = 0, **environment: str) -> Iterator[Served]:
    """Serve the settings' index with `folder` as home, working and temporary folder; `most_files` limits open files."""
    for name in ("home", "tmp"):
        (folder / name).mkdir(parents=True)
    said = folder / "said.txt"
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "HF_HUB_OFFLINE") if name in os.environ}
    limited = ["sh", "-c", 'ulimit -n "$0" && exec "$@"', str(most_files)] if most_files else []
    with said.open("wb") as output:
        process = subprocess.Popen(
            [*limited, sys.executable, "-m", "backbot", "serve", "--port", "0"],
            cwd=folder / "home",
            stdout=output,
            stderr=subprocess.STDOUT,
            env={
                **kept,
                "HOME": str(folder / "home"),
                "TMPDIR": str(folder / "tmp"),
                "PYTHONUNBUFFERED": "1",
                "BACKBOT_INDEX": str(settings.index),
                "BACKBOT_MODEL_CACHE": str(settings.model_cache.expanduser()),
                **environment,
            },
        )
        try:
            while b"backbot is ready: " not in said.read_bytes():
                assert process.poll() is None, said.read_text()
                try:
                    process.wait(0.05)
                except subprocess.TimeoutExpired:
                    continue
            address = said.read_text().split("backbot is ready: ")[1].split()[0]
            yield Served(address, int(address.rsplit(":", 1)[1]), process.pid, said)
            assert process.poll() is None, "the server ended"
        finally:
            process.terminate()
            process.wait(20)
