"""Two serving machines and one that ingests, over a real Chroma server: real processes, asked over HTTP all the while."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from articles import write_article
from backbot.embeddings import Embedder
from backbot.index.ingest import ingest
from backbot.index.sharing import open_shared
from backbot.settings import Settings
from chroma_process import Chroma, chroma
from operation.conftest import Server
from operation.test_metrics import figures
from waiting import wait_until

__all__ = ["chroma"]

WALK = {"turns": ["How far should I walk?"]}
EMERGENCY = {"turns": ["I am numb between my legs and cannot pee"]}


@pytest.fixture
def author(chroma: Chroma, small_corpus: Path, tmp_path: Path, embedder: Embedder) -> Settings:
    """The machine that ingests, when it has."""
    settings = Settings(index=tmp_path / "author", chroma_url=chroma.url)
    ingest([str(small_corpus)], settings, embedder)
    return settings


@pytest.fixture
def machine(author: Settings, start: Callable[..., Server], tmp_path: Path) -> Callable[..., Server]:
    """Starts a serving machine of that name; all that it is told is the address."""

    def run(name: str, *arguments: str, **env: str) -> Server:
        told = {"BACKBOT_CHROMA_URL": author.chroma_url, "BACKBOT_RATE_PER_ADDRESS": "100000/minute"}
        told["BACKBOT_RATE_OVERALL"] = "100000/minute"
        return start("--no-page", *arguments, BACKBOT_INDEX=str(tmp_path / name), **told, **env)

    return run


def quoted(server: Server) -> str:
    answer = server.ask(WALK)
    assert answer.status_code == 200, answer.text
    return " ".join(sentence["text"] for sentence in answer.json()["sentences"])


def ready(server: Server) -> dict[str, object]:
    answer = httpx.get(f"{server.address}/readyz", timeout=60)
    assert answer.status_code == 200, answer.text
    found: dict[str, object] = answer.json()
    return found


def test_a_publish_and_a_rollback_reach_both_machines_while_readers_ask(
    machine: Callable[..., Server], author: Settings, small_corpus: Path, embedder: Embedder
):
    servers = [machine("web-1"), machine("web-2", "--workers", "2")]
    stop = threading.Event()
    faults: list[BaseException] = []
    heard: list[list[str]] = [[], []]

    def read(number: int) -> None:
        while not stop.is_set():
            try:
                heard[number].append(quoted(servers[number]))
            except BaseException as error:
                faults.append(error)
                return

    readers = [threading.Thread(target=read, args=(number,)) for number in (0, 1)]
    for reader in readers:
        reader.start()
    try:
        write_article(small_corpus, "walking", "## How far should I walk?\n\nStart with 45 minutes a day.", title="Walking")
        ingest([str(small_corpus)], author, embedder)
        for said in heard:
            wait_until(lambda said=said: faults or (said and "45 minutes" in said[-1]))
        open_shared(author).roll_back()
        # The machine of several workers follows when each of them does.
        for said in heard:
            wait_until(lambda said=said: faults or all("10 minutes" in answer for answer in said[-8:]))
    finally:
        stop.set()
        for reader in readers:
            reader.join()
    assert faults == []
    for said in heard:
        assert all(("10 minutes" in answer) != ("45 minutes" in answer) for answer in said)


def test_a_dead_chroma_server_is_seen_by_whoever_watches_and_by_no_reader(
    machine: Callable[..., Server], author: Settings, chroma: Chroma, free_port: int
):
    server = machine("web", BACKBOT_METRICS_PORT=str(free_port))

    def degraded() -> float:
        return figures(httpx.get(f"http://127.0.0.1:{free_port}/metrics", timeout=60).text)[("backbot_degraded",)]

    wait_until(lambda: ready(server)["status"] == "ready")
    assert degraded() == 0
    before = quoted(server)
    chroma.kill()
    assert [quoted(server) for _ in range(5)] == [before] * 5
    assert server.ask(EMERGENCY).json()["outcome"] == "referred"
    wait_until(lambda: ready(server)["status"] == "degraded")
    told = ready(server)
    assert "copy on this machine answers" in str(told["reason"])
    assert chroma.url not in str(told)
    assert degraded() == 1
    env = {**os.environ, "BACKBOT_INDEX": str(author.index), "BACKBOT_CHROMA_URL": chroma.url, "COLUMNS": "300"}
    for command, code in (("status", 0), ("doctor", 0)):
        run = subprocess.run(
            [sys.executable, "-m", "backbot", command], capture_output=True, text=True, env=env, check=False
        )
        assert f"{chroma.url} does not answer" in run.stdout, run.stdout
        assert run.returncode == code, run.stdout
    chroma.start()
    wait_until(lambda: ready(server)["status"] == "ready")
    assert degraded() == 0
    assert quoted(server) == before
    wait_until(lambda: any("No longer degraded" in line for line in server.log))
    assert len([line for line in server.log if "egraded" in line]) == 2, server.log


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_machine_without_server_and_copy_says_so_once_and_does_not_start(
    workers: str, start: Callable[..., Server], tmp_path: Path, free_port: int
):
    url = f"http://127.0.0.1:{free_port}"
    server = start("--workers", workers, ready=False, BACKBOT_INDEX=str(tmp_path / "web"), BACKBOT_CHROMA_URL=url)
    assert server.process.wait(60) == 2
    wait_until(lambda: server.log)
    assert len(server.log) == 1
    assert server.log[0].startswith(f"backbot: The Chroma server at {url} does not answer (")
    assert "no copy of the index" in server.log[0]
