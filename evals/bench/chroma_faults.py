"""Faults of a shared index under load: what readers of two machines are told while Chroma, a server or an ingest is killed.

    python evals/bench/chroma_faults.py --rounds 100

A real `chroma run`, two `backbot serve` that follow it, each with a folder of its own, and `backbot ingest` from a third.
Every answer must be the healthy bot's, with the same quotes of the same articles, or a refusal, or no connection while a
server is down. After each round both servers must be ready, not degraded, and answer from what was published last. Exit
code 1 when anything was different. Counts on the screen and in reports/chroma_faults.json.
"""

import contextlib
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from readers import Readers, prepare
from rounds import Plan, free_port, main, play
from supervised import BackbotServer, Supervised

from backbot.index.generations import live_name


@dataclass
class Bench:
    """Chroma, the two servers that follow it, the folder of the machine that ingests, and two versions of the articles."""

    chroma: Supervised
    url: str
    servers: tuple[BackbotServer, BackbotServer]
    author: Path
    versions: tuple[Path, Path]
    chance: random.Random
    ingest_seconds: float = 0.0
    published: int = 0

    def start_ingest(self) -> subprocess.Popen[str]:
        """`backbot ingest` of the version that was not published last."""
        return subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "backbot", "ingest", str(self.versions[self.published % 2]), "--index", str(self.author)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "BACKBOT_CHROMA_URL": self.url},
        )

    def ingest(self) -> str:
        """Ingest to the end; what went wrong, empty if nothing did."""
        said, _ = (process := self.start_ingest()).communicate()
        if process.returncode:
            return f"ingest exited with {process.returncode}: {said.strip()[-300:]}"
        self.published += 1
        return ""

    def wait_for_chroma(self) -> None:
        """Until it answers."""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            with contextlib.suppress(httpx.HTTPError):
                if httpx.get(f"{self.url}/api/v2/heartbeat", timeout=2, trust_env=False).is_success:
                    return
            time.sleep(0.1)

    def amiss(self) -> str:
        """Which server is not ready again with what was published last; empty when both are."""
        wanted = live_name(self.author)
        for number, server in enumerate(self.servers, 1):
            if not server.wait_until(lambda ready: ready.get("status") == "ready" and ready["generation"] == wanted):
                return f"server {number} has {server.ready()} and not {wanted}: {server.log.read_text()[-300:]}"
        return ""


def kill_chroma(bench: Bench) -> str:
    """Chroma is killed, and away for up to five seconds."""
    with bench.chroma.down():
        time.sleep(bench.chance.uniform(0, 5))
    return "started again"


def freeze_chroma(bench: Bench) -> str:
    """Chroma keeps its connections and says nothing for up to five seconds."""
    with bench.chroma.frozen():
        time.sleep(bench.chance.uniform(0.2, 5))
    return "went on"


def kill_server(bench: Bench) -> str:
    """One of the servers is killed, now and then while Chroma is away, too."""
    server = bench.chance.choice(bench.servers)
    if bench.chance.random() < 0.7:
        server.kill()
        return "started again"
    with bench.chroma.down():
        server.kill()
        time.sleep(bench.chance.uniform(0, 8))
    return "started again while Chroma was away"


def kill_ingest(bench: Bench) -> str:
    """An ingest is killed at some instant; the next one ends."""
    return _break(bench, lambda process: process.kill())


def kill_chroma_in_ingest(bench: Bench) -> str:
    """Chroma is killed at some instant of an ingest; the next one ends."""
    return _break(bench, lambda process: bench.chroma.kill())


def _break(bench: Bench, how: Callable[[subprocess.Popen[str]], None]) -> str:
    process = bench.start_ingest()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=bench.chance.uniform(0, 1.1 * bench.ingest_seconds))
    was_running = process.poll() is None
    how(process)
    said, _ = process.communicate()
    bench.wait_for_chroma()
    if process.returncode > 0 and "Traceback" in said:
        return f"WRONG: {said.strip()[-300:]}"
    bench.published += process.returncode == 0
    if fault := bench.ingest():
        return f"WRONG: {fault}"
    if not was_running:
        return "after its end"
    return "in its midst" if process.returncode else "in its midst, and it came through"


FAULTS: dict[str, Callable[[Bench], str]] = {
    "Chroma killed": kill_chroma,
    "an ingest killed": kill_ingest,
    "Chroma frozen": freeze_chroma,
    "Chroma killed in an ingest": kill_chroma_in_ingest,
    "a server killed": kill_server,
}


def run(plan: Plan, folder: Path) -> dict[str, Any]:
    """Play the rounds and count."""
    versions, healthy = prepare(folder)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-c", "from chromadb.cli.cli import app; app()", "run", "--path", str(folder / "chroma")]
    chroma = Supervised([*command, "--host", "127.0.0.1", "--port", str(port)], folder / "chroma.log")
    servers = (
        BackbotServer(folder / "web1", free_port(), folder / "web1.log", BACKBOT_CHROMA_URL=url),
        BackbotServer(folder / "web2", free_port(), folder / "web2.log", BACKBOT_CHROMA_URL=url),
    )
    bench = Bench(chroma, url, servers, folder / "author", versions, random.Random(plan.seed))  # noqa: S311
    with chroma.watched():
        bench.wait_for_chroma()
        begun = time.monotonic()
        for _ in versions:
            if fault := bench.ingest():
                sys.exit(fault)
        bench.ingest_seconds = (time.monotonic() - begun) / 2
        with servers[0].watched(), servers[1].watched():
            if fault := bench.amiss():
                sys.exit(fault)
            faults = {kind: partial(fault, bench) for kind, fault in FAULTS.items()}
            readers = Readers([server.port for server in servers], healthy, plan.seed)
            return play(plan, faults, bench.chance, bench.amiss, readers) | {
                "generations published": bench.published,
                "starts": sum(server.starts for server in servers),
                "starts of Chroma": chroma.starts,
                "tracebacks": sum(server.log.read_text().count("Traceback") for server in servers),
            }


if __name__ == "__main__":
    main(__doc__, run, list(FAULTS), Path("reports/chroma_faults.json"))
