from pathlib import Path

import pytest

from articles import write_article
from backbot.embeddings import Embedder
from backbot.index.generations import live_name
from backbot.index.ingest import IngestSummary, ingest
from backbot.settings import Settings

SUITE = """
suite: Small
cases:
  - id: cold
    ask: How long should a cold pack stay on?
    expect: answer
  - id: far
    ask: How far should I walk?
    expect: answer
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(index=tmp_path / "index")


@pytest.fixture
def first(small_corpus: Path, settings: Settings, embedder: Embedder) -> IngestSummary:
    return ingest([str(small_corpus)], settings, embedder)


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    file = tmp_path / "small.yaml"
    file.write_text(SUITE)
    return file


@pytest.fixture
def edited(small_corpus: Path) -> Path:
    """The corpus with another number of minutes for cold packs."""
    file = small_corpus / "cold-packs.md"
    file.write_text(file.read_text().replace("15 to 20 minutes", "10 to 12 minutes"))
    return small_corpus


def files(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.rglob("*") if path.is_file()}


def test_a_dry_run_before_the_first_ingest_makes_no_index(backbot, small_corpus: Path, tmp_path: Path):
    ran = backbot("ingest", small_corpus, "--dry-run", "--index", tmp_path / "index")
    assert ran.code == 0
    assert "Added: walking" in ran.out
    assert not (tmp_path / "index").exists()


def test_a_dry_run_names_what_would_change_and_writes_nothing(
    first: IngestSummary, backbot, edited: Path, settings: Settings
):
    write_article(edited, "extra", "## More?\n\nWalk a little more each week.")
    (edited / "chairs.md").unlink()
    (edited / "walking.md").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    before = files(settings.index)
    ran = backbot("ingest", edited, "--dry-run", "--index", settings.index)
    assert ran.code == 1
    for line in ("Added: extra", "Changed: cold-packs", "Removed: chairs", "Stale: walking", "Left out: "):
        assert line in ran.out
    assert files(settings.index) == before


@pytest.mark.parametrize("dry", [(), ("--dry-run",)], ids=["ingest", "dry run"])
def test_diff_shows_the_old_answer_beside_the_new(
    first: IngestSummary, backbot, edited: Path, settings: Settings, suite: Path, dry: tuple[str, ...]
):
    ran = backbot("ingest", edited, "--diff", suite, *dry, "--index", settings.index)
    assert ran.code == 0
    assert "15 to 20 minutes" in ran.out
    assert "10 to 12 minutes" in ran.out
    assert "Because of: cold-packs" in ran.out
    assert "far:" not in ran.out
    assert "1 question gets another answer" in ran.out
    assert (live_name(settings.index) == first.generation) == bool(dry)
    assert not (settings.index / "building").exists()


def test_diff_of_an_unchanged_corpus_says_that_no_answer_changes(
    first: IngestSummary, backbot, small_corpus: Path, settings: Settings, suite: Path
):
    ran = backbot("ingest", small_corpus, "--diff", suite, "--index", settings.index)
    assert "0 questions get another answer" in ran.out


def test_a_suite_that_cannot_be_read_publishes_nothing(
    first: IngestSummary, backbot, edited: Path, settings: Settings, tmp_path: Path
):
    ran = backbot("ingest", edited, "--diff", tmp_path / "none.yaml", "--index", settings.index)
    assert (ran.code, "none.yaml" in ran.err) == (2, True)
    assert live_name(settings.index) == first.generation


@pytest.mark.parametrize("other", ["--rebuild", "--rollback"])
def test_a_dry_run_does_not_go_with_rebuild_or_rollback(backbot, settings: Settings, other: str):
    ran = backbot("ingest", "--dry-run", other, "--index", settings.index)
    assert (ran.code, "--dry-run" in ran.err) == (2, True)


def test_a_site_that_is_down_publishes_nothing(
    first: IngestSummary, backbot, small_corpus: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("BACKBOT_ALLOW_PRIVATE_SOURCES", "1")
    ran = backbot("ingest", small_corpus, "http://127.0.0.1:9/sitemap.xml", "--index", settings.index)
    assert (ran.code, "127.0.0.1:9" in ran.err) == (1, True)
    assert live_name(settings.index) == first.generation
