from pathlib import Path

import pytest

from backbot.embeddings import Embedder
from backbot.index.ingest import IngestSummary, ingest
from backbot.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(index=tmp_path / "index")


@pytest.fixture
def first(small_corpus: Path, settings: Settings, embedder: Embedder) -> IngestSummary:
    return ingest([str(small_corpus)], settings, embedder)
