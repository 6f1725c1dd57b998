"""Sources that are broken in part, or down: what was good goes on being served, what was withdrawn does not."""

import json
from pathlib import Path

import pytest

from articles import write_article
from backbot.embeddings import Embedder
from backbot.errors import SourceUnreadable
from backbot.index.generations import live_name, read_manifest
from backbot.index.ingest import IngestSummary, ingest
from backbot.settings import Settings

ROWS = [{"id": f"a{n}", "title": f"Part {n}", "body": f"## What of {n}?\n\nRest for {n} minutes."} for n in range(30)]


@pytest.fixture
def export(tmp_path: Path) -> Path:
    file = tmp_path / "export.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return file


def test_an_article_behind_a_line_that_broke_keeps_its_last_good_version(
    export: Path, settings: Settings, embedder: Embedder
):
    ingest([str(export)], settings, embedder)
    export.write_text(export.read_text().replace('{"id": "a7"', '{"id": "a7'))
    summary = ingest([str(export)], settings, embedder)
    assert (summary.stale, len(summary.left_out), summary.removed) == (("a7",), 1, ())
    assert ingest([str(export)], settings, embedder).published is False
    export.write_text("".join(json.dumps(row) + "\n" for row in ROWS[:-1]))
    mended = ingest([str(export)], settings, embedder)
    assert (mended.stale, mended.removed) == ((), ("a29",))


def test_only_the_source_that_is_broken_keeps_missing_articles(
    export: Path, small_corpus: Path, settings: Settings, embedder: Embedder
):
    sources = [str(export), str(small_corpus)]
    ingest(sources, settings, embedder)
    export.write_text("not json\n" + export.read_text())
    (small_corpus / "chairs.md").unlink()
    assert ingest(sources, settings, embedder).removed == ("chairs",)


def test_an_export_that_was_cut_short_takes_no_article_away(export: Path, settings: Settings, embedder: Embedder):
    ingest([str(export)], settings, embedder)
    text = export.read_text()
    export.write_text(text[: len(text) // 2])
    summary = ingest([str(export)], settings, embedder)
    assert (summary.articles, summary.removed) == (30, ())


def test_a_withdrawn_article_does_not_come_back_through_its_double(
    first: IngestSummary, small_corpus: Path, settings: Settings, embedder: Embedder
):
    file = small_corpus / "walking.md"
    published = file.read_text()
    file.write_text(published.replace("title:", "status: withdrawn\ntitle:"))
    (small_corpus / "zz").mkdir()
    (small_corpus / "zz" / "walking.md").write_text(published)
    summary = ingest([str(small_corpus)], settings, embedder)
    assert (summary.removed, summary.stale, len(summary.left_out)) == (("walking",), (), 1)


def test_a_source_that_is_down_takes_no_article_away(
    first: IngestSummary, small_corpus: Path, settings: Settings, embedder: Embedder
):
    local = Settings(index=settings.index, allow_private_sources=True)
    with pytest.raises(SourceUnreadable, match=r"127\.0\.0\.1"):
        ingest([str(small_corpus), "http://127.0.0.1:9/sitemap.xml"], local, embedder)
    assert live_name(settings.index) == first.generation
    assert not (settings.index / "building").exists()


def test_private_addresses_are_refused_unless_the_setting_allows_them(settings: Settings, embedder: Embedder):
    with pytest.raises(SourceUnreadable, match=r"BACKBOT_ALLOW_PRIVATE_SOURCES|private"):
        ingest(["http://127.0.0.1:9/sitemap.xml"], settings, embedder)


def test_the_manifest_remembers_which_source_an_article_came_from(
    small_corpus: Path, tmp_path: Path, settings: Settings, embedder: Embedder
):
    write_article(tmp_path / "others", "extra", "## More?\n\nWalk a little more.")
    sources = [str(small_corpus), str(tmp_path / "others")]
    summary = ingest(sources, settings, embedder)
    origins = read_manifest(settings.index, summary.generation).origins
    assert (origins["walking"], origins["extra"]) == tuple(sources)
