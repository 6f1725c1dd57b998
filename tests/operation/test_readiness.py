"""Alive and ready are two questions: a server that has lost its index is alive, and not ready."""

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from backbot.bot import Bot
from backbot.embeddings import Embedder
from backbot.index.search import Index
from backbot.operation import readiness
from backbot.settings import Settings
from backbot.web.server import create_app


@pytest.fixture
def own_bot(index: Path, embedder: Embedder) -> Bot:
    return Bot(Index(index, embedder), Settings(index=index))


@pytest.fixture
def client(own_bot: Bot, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    monkeypatch.setattr(readiness, "KEPT_SECONDS", 0.0)
    return TestClient(create_app(own_bot, own_bot.settings))


def test_a_server_with_an_index_is_ready_and_names_the_generation(client: TestClient, own_bot: Bot):
    ready = client.get("/readyz")
    assert ready.status_code == 200
    assert ready.json() == {
        "status": "ready",
        "generation": own_bot.index.live().manifest.name,
        "passages": own_bot.index.live().manifest.passages,
    }


def test_a_server_that_lost_its_index_is_alive_but_not_ready_until_it_is_back(client: TestClient, index: Path):
    pointer = (index / "live").read_text()
    (index / "live").unlink()
    lost = client.get("/readyz")
    assert lost.status_code == 503
    assert lost.json()["reason"].startswith("Nothing has been ingested yet.")
    assert str(index) not in lost.text
    assert int(lost.headers["retry-after"]) > 0
    assert client.get("/healthz").json() == {"status": "ok"}
    (index / "live").write_text(pointer)
    assert client.get("/readyz").status_code == 200


def test_a_server_whose_model_fails_is_not_ready(client: TestClient, own_bot: Bot, monkeypatch: pytest.MonkeyPatch):
    def fail(*_: object) -> None:
        raise MemoryError("secretword")

    monkeypatch.setattr(own_bot.index.embedder, "_run", fail)
    lost = client.get("/readyz")
    assert (lost.status_code, "MemoryError" in lost.text, "secretword" in lost.text) == (503, True, False)


def test_a_server_whose_triage_sees_nothing_is_not_ready(client: TestClient, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(readiness, "RED_FLAG", "my chair is blue")
    lost = client.get("/readyz")
    assert (lost.status_code, "red flag" in lost.json()["reason"]) == (503, True)


def test_readiness_is_found_out_at_most_once_a_moment(own_bot: Bot, index: Path):
    asked = readiness.Readiness(own_bot)
    assert not asked.check().reason
    (index / "live").unlink()
    assert not asked.check().reason
