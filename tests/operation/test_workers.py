"""Several workers behind one port, several machines behind one rate store: real processes, real signals, a real store."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from backbot.web.serving import START_SECONDS
from operation.conftest import QUESTION, Server
from operation.test_metrics import figures
from waiting import wait_until

REDIS = shutil.which("valkey-server") or shutil.which("redis-server") or ""


def children(server: Server) -> set[int]:
    """The workers' process ids."""
    found = set()
    for child in Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split():
        if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes():
            found.add(int(child))
    return found


def test_workers_answer_on_one_port_are_replaced_and_renewed_and_stop_together(start: Callable[..., Server], free_port: int):
    server = start(
        "--workers",
        "2",
        BACKBOT_METRICS_PORT=str(free_port),
        BACKBOT_RATE_PER_ADDRESS="100000/minute",
        BACKBOT_RATE_OVERALL="100000/minute",
    )
    workers = children(server)
    assert len(workers) == 2
    assert [server.ask().status_code for _ in range(8)] == [200] * 8
    found = figures(httpx.get(f"http://127.0.0.1:{free_port}/metrics").text)
    assert found["backbot_questions_total", "answered"] == 8
    assert found[("backbot_streams_open",)] == 0
    assert found[("backbot_generation_age_seconds",)] > 0

    killed = workers.pop()
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: len(children(server) - {killed}) == 2)
    wait_until(lambda: any("takes its place" in line for line in server.log))
    assert [server.ask().status_code for _ in range(4)] == [200] * 4
    found = figures(httpx.get(f"http://127.0.0.1:{free_port}/metrics").text)
    assert found["backbot_questions_total", "answered"] == 12

    before = children(server)
    server.process.send_signal(signal.SIGHUP)
    codes = set()
    end = time.monotonic() + 180
    while before & children(server):
        assert time.monotonic() < end
        codes.add(server.ask().status_code)
    assert codes == {200}
    remaining = children(server)
    assert len(remaining) == 2
    assert server.stop() == 0
    assert not [pid for pid in remaining if Path(f"/proc/{pid}").exists()]


def test_a_worker_that_dies_while_it_is_asked_for_a_sign_of_life_is_replaced_at_once(start: Callable[..., Server]):
    server = start("--workers", "2")
    hanging = min(children(server))
    os.kill(hanging, signal.SIGSTOP)
    time.sleep(2)
    os.kill(hanging, signal.SIGKILL)
    wait_until(lambda: len(children(server) - {hanging}) == 2, START_SECONDS / 2)
    assert server.ask().status_code == 200


def test_what_stops_every_worker_is_said_and_is_a_failure(start: Callable[..., Server], index: Path):
    for file in index.glob("generations/*/content.sqlite"):
        file.write_bytes(b"")
    server = start("--workers", "2", ready=False)
    assert server.process.wait(120) == 2
    assert "The index is damaged" in "".join(server.log)
    assert "backbot doctor" in "".join(server.log)
    assert "Traceback" not in "".join(server.log)


def test_no_index_is_said_once(start: Callable[..., Server], index: Path):
    (index / "live").unlink()
    server = start("--workers", "2", ready=False)
    assert server.process.wait(60) == 2
    assert len(server.log) == 1
    assert "Run: backbot ingest" in server.log[0]


def test_without_the_chat_page_everything_else_is_served_and_gradio_is_not_loaded(start: Callable[..., Server]):
    server = start("--no-page")
    page = httpx.get(server.address)
    assert (page.status_code, page.headers["location"]) == (307, "/demo")
    for path in ("/demo", "/embed", "/widget.js", "/articles/heat-vs-cold", "/readyz"):
        assert httpx.get(server.address + path).status_code == 200
    assert httpx.post(f"{server.address}/gradio_api/queue/join", json={}).status_code == 404
    assert server.ask().json()["outcome"] == "answered"
    assert "gradio" not in Path(f"/proc/{server.process.pid}/maps").read_text()


class Redis:
    """A store of its own on a free port, in memory alone."""

    def __init__(self, port: int, folder: Path):
        self.address = f"async+valkey://127.0.0.1:{port}"
        self._command = [REDIS, "--port", str(port), "--save", "", "--appendonly", "no", "--dir", str(folder)]
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)

    def stop(self) -> None:
        self._process.kill()
        self._process.wait(10)


@pytest.fixture
def redis(free_port: int, tmp_path: Path) -> Iterator[Redis]:
    if not REDIS and os.environ.get("BACKBOT_REQUIRE_REDIS") != "1":
        pytest.skip("neither valkey-server nor redis-server is installed")
    assert REDIS, "BACKBOT_REQUIRE_REDIS is 1, but there is neither valkey-server nor redis-server on the PATH"
    store = Redis(free_port, tmp_path)
    yield store
    store.stop()


def test_two_machines_share_their_rates_and_go_on_alone_while_the_store_is_away(start: Callable[..., Server], redis: Redis):
    shared = {"BACKBOT_RATE_STORE": redis.address, "BACKBOT_RATE_KEY": "the same", "BACKBOT_RATE_PER_ADDRESS": "4/hour"}
    one, two = start("--no-page", **shared), start("--no-page", **shared)
    assert [server.ask().status_code for server in (one, two, one, two)] == [200] * 4
    refused = two.ask()
    assert (refused.status_code, one.ask().status_code) == (429, 429)
    assert 0 < int(refused.headers["retry-after"]) <= 3600

    redis.stop()
    assert [one.ask().status_code for _ in range(5)] == [200] * 4 + [429]
    assert [line for line in one.log if "The rate store is away" in line]

    redis.start()
    wait_until(lambda: one.ask().status_code == 200)
    assert not [line for line in one.log if "Traceback" in line]


def test_workers_of_one_machine_share_their_rates_without_a_key_from_the_operator(
    start: Callable[..., Server], redis: Redis
):
    server = start("--workers", "2", BACKBOT_RATE_STORE=redis.address, BACKBOT_RATE_PER_ADDRESS="5/hour")
    with httpx.Client(headers={"Connection": "close"}) as client:
        codes = [
            client.post(f"{server.address}/api/chat", json=QUESTION, headers={"Origin": server.address}).status_code
            for _ in range(8)
        ]
    assert codes == [200] * 5 + [429] * 3
