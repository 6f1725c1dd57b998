"""What tests share: the real model, small articles, an index of them, and no network."""

import os
import socket
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from articles import CORPUS, write_article

os.environ["HF_HUB_OFFLINE"] = "1"

from backbot.bot import Bot
from backbot.embeddings import Embedder, load_embedder
from backbot.index.ingest import ingest
from backbot.index.search import Index
from backbot.records import Article
from backbot.settings import Settings


@pytest.fixture(autouse=True)
def no_network_but_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            host = str(address[0])  # type: ignore[index]
            assert host in ("127.0.0.1", "::1", "localhost"), f"a test tried to reach {host}"
        connect(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith("BACKBOT_") and name not in (
            "BACKBOT_REQUIRE_BROWSER",
            "BACKBOT_REQUIRE_REDIS",
            "BACKBOT_MODEL_CACHE",
        ):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def embedder() -> Embedder:
    return load_embedder(Settings())


@pytest.fixture(scope="session")
def corpus_settings(tmp_path_factory: pytest.TempPathFactory, embedder: Embedder) -> Settings:
    """Settings of an index of the sample corpus. Only to be read."""
    settings = Settings(index=tmp_path_factory.mktemp("corpus-index"))
    ingest([str(CORPUS)], settings, embedder)
    return settings


@pytest.fixture(scope="session")
def bot(corpus_settings: Settings, embedder: Embedder) -> Bot:
    return Bot(Index(corpus_settings.index, embedder), corpus_settings)


@pytest.fixture
def small_corpus(tmp_path: Path) -> Path:
    """A folder with three short articles."""
    folder = tmp_path / "articles"
    write_article(
        folder,
        "cold-packs",
        "## How long should a cold pack stay on?\n\nLeave a cold pack on for 15 to 20 minutes. Put a cloth between pack and "
        "skin. Wait 2 hours before the next one.\n\n## Who should avoid cold?\n\nPeople with Raynaud disease should avoid cold.",
        title="Cold packs",
        review_by=date(2030, 1, 1),
    )
    write_article(
        folder,
        "walking",
        "## How far should I walk?\n\nStart with 10 minutes a day. Add 5 minutes each week until you walk for 30 minutes.",
        title="Walking",
    )
    write_article(
        folder,
        "chairs",
        "## How high should a chair be?\n\nSet the seat so that your feet rest flat on the floor. Your knees bend at about 90 "
        "degrees.\n\n## What should a chair have?\n\nA good chair has:\n\n- a lumbar support that moves up and down\n- armrests "
        "that move\n- a seat edge that is round",
        title="Chairs",
    )
    return folder


@pytest.fixture
def article() -> Iterator[Article]:
    yield Article(id="a", title="Title", body="## Heading\n\nOne sentence. Another one.")
