"""What an operator relies on: a generation is whole or not there, and the former one stays."""

import contextlib
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from articles import write_article
from backbot.embeddings import Embedder
from backbot.errors import (
    BackbotError,
    IndexBusy,
    IndexDamaged,
    IndexMismatch,
    IndexMissing,
    IndexUnusable,
    IndexUnwritable,
    TooManyBadArticles,
)
from backbot.index.generations import describe_files, ingest_lock, list_generations, live_name, roll_back
from backbot.index.ingest import IngestSummary, ingest
from backbot.index.search import Index
from backbot.settings import Settings


def top(index: Index, question: str) -> str:
    return index.live().search(question, index.embedder.embed([question])[0])[0].passage.article


def test_what_was_ingested_is_found(first: IngestSummary, settings: Settings, embedder: Embedder):
    assert (first.articles, first.published, first.added) == (3, True, ("chairs", "cold-packs", "walking"))
    index = Index(settings.index, embedder)
    assert top(index, "how many minutes of cold") == "cold-packs"
    assert top(index, "height of my seat") == "chairs"


def test_an_unchanged_corpus_publishes_and_embeds_nothing(
    first: IngestSummary, small_corpus: Path, settings: Settings, embedder: Embedder
):
    second = ingest([str(small_corpus)], settings, embedder)
    assert (second.published, second.embedded, second.generation) == (False, 0, first.generation)
    assert list_generations(settings.index) == [first.generation]


def test_only_changed_passages_are_embedded_again(
    first: IngestSummary, small_corpus: Path, settings: Settings, embedder: Embedder
):
    file = small_corpus / "cold-packs.md"
    file.write_text(file.read_text().replace("Raynaud disease", "numb skin"))
    second = ingest([str(small_corpus)], settings, embedder)
    assert (second.published, second.changed, second.embedded) == (True, ("cold-packs",), 1)
    assert first.embedded > 1


def test_a_removed_or_withdrawn_article_is_gone_and_a_reader_follows(
    first: IngestSummary, small_corpus: Path, settings: Settings, embedder: Embedder
):
    index = Index(settings.index, embedder)
    former = index.live()
    (small_corpus / "walking.md").unlink()
    file = small_corpus / "chairs.md"
    file.write_text(file.read_text().replace("title:", "status: withdrawn\ntitle:"))
    second = ingest([str(small_corpus)], settings, embedder)
    assert second.removed == ("chairs", "walking")
    assert top(index, "how far should I walk") == "cold-packs"
    assert index.live() is not former
    vector = embedder.embed(["how far should I walk"])[0]
    assert former.search("how far should I walk", vector)[0].passage.article == "walking"


def test_rollback_makes_the_former_generation_live(
    first: IngestSummary, small_corpus: Path, settings: Settings, embedder: Embedder
):
    (small_corpus / "walking.md").unlink()
    ingest([str(small_corpus)], settings, embedder)
    assert roll_back(settings.index) == first.generation == live_name(settings.index)
    assert top(Index(settings.index, embedder), "how far should I walk") == "walking"
    with pytest.raises(IndexMissing, match="nothing to roll back to"):
        roll_back(settings.index)


def test_only_some_generations_are_kept(small_corpus: Path, tmp_path: Path, embedder: Embedder):
    settings = Settings(index=tmp_path / "index", keep_generations=2)
    for n in range(4):
        write_article(small_corpus, "walking", f"## How far?\n\nStart with {n + 10} minutes a day.")
        last = ingest([str(small_corpus)], settings, embedder)
    kept = list_generations(settings.index)
    assert len(kept) == 2
    assert kept[-1] == last.generation == live_name(settings.index)


def test_no_index_says_what_to_do(tmp_path: Path, embedder: Embedder):
    with pytest.raises(IndexMissing, match="backbot ingest"):
        Index(tmp_path / "nowhere", embedder)


def test_an_index_of_another_model_is_refused(first: IngestSummary, settings: Settings):
    from backbot.embeddings import load_embedder

    with pytest.raises(IndexMismatch, match="fp32"):
        Index(settings.index, load_embedder(Settings(precision="fp32")))


def test_every_file_that_is_cut_or_lost_is_noticed(first: IngestSummary, settings: Settings, embedder: Embedder):
    folder = settings.index / "generations" / first.generation
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    assert len(files) > 8
    for file in files:
        whole = file.read_bytes()
        for damage in (lambda f=file: f.unlink(), lambda f=file, w=whole: f.write_bytes(w[: len(w) // 2])):
            damage()
            # An empty file cannot be cut in half.
            if file.is_file() and file.read_bytes() == whole:
                continue
            with pytest.raises((IndexDamaged, IndexMismatch), match="backbot ingest"):
                Index(settings.index, embedder)
            file.write_bytes(whole)
    assert top(Index(settings.index, embedder), "height of my seat") == "chairs"


def test_a_changed_byte_is_noticed(first: IngestSummary, settings: Settings, embedder: Embedder):
    file = settings.index / "generations" / first.generation / "content.sqlite"
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 0xFF
    file.write_bytes(data)
    with pytest.raises(IndexDamaged, match=r"content\.sqlite has changed"):
        Index(settings.index, embedder)


def test_searching_changes_no_file_of_the_generation(first: IngestSummary, settings: Settings, embedder: Embedder):
    folder = settings.index / "generations" / first.generation
    before = describe_files(folder)
    for _ in range(2):
        index = Index(settings.index, embedder)
        top(index, "cold")
        index.live().close()
    assert describe_files(folder) == before


def test_a_second_ingest_says_who_holds_the_lock(settings: Settings, small_corpus: Path, embedder: Embedder):
    with ingest_lock(settings.index), pytest.raises(IndexBusy, match=str(os.getpid())):
        ingest([str(small_corpus)], settings, embedder)
    assert ingest([str(small_corpus)], settings, embedder).published


def test_a_bad_article_is_left_out_and_named(
    first: IngestSummary, small_corpus: Path, settings: Settings, embedder: Embedder
):
    (small_corpus / "broken.md").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    summary = ingest([str(small_corpus)], settings, embedder)
    assert [Path(bad.place.split(":")[0]).name for bad in summary.left_out] == ["broken.md"]
    assert summary.articles == 3


def test_an_article_that_turned_bad_keeps_its_last_good_version(
    first: IngestSummary, small_corpus: Path, settings: Settings, embedder: Embedder
):
    (small_corpus / "walking.md").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    summary = ingest([str(small_corpus)], settings, embedder)
    assert summary.stale == ("walking",)
    assert top(Index(settings.index, embedder), "how far should I walk") == "walking"


def test_too_many_bad_articles_publish_nothing(
    first: IngestSummary, small_corpus: Path, settings: Settings, embedder: Embedder
):
    for n in range(3):
        (small_corpus / f"broken-{n}.md").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    with pytest.raises(TooManyBadArticles, match="--max-bad"):
        ingest([str(small_corpus)], settings, embedder)
    assert live_name(settings.index) == first.generation


def test_an_empty_folder_publishes_nothing(first: IngestSummary, tmp_path: Path, settings: Settings, embedder: Embedder):
    (tmp_path / "empty").mkdir()
    with pytest.raises(BackbotError):
        ingest([str(tmp_path / "empty")], settings, embedder)
    assert live_name(settings.index) == first.generation


def test_a_full_disk_leaves_the_live_generation(
    first: IngestSummary, small_corpus: Path, settings: Settings, embedder: Embedder
):
    """A real limit on file sizes stands in for a full disk: the same errors reach the writer."""
    write_article(
        small_corpus,
        "more",
        "## More?\n\n" + " ".join(f"Walk {n} steps more each day, and rest when you must." for n in range(3000)),
    )
    code = (
        "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "from pathlib import Path; from backbot.settings import Settings; from backbot.embeddings import load_embedder\n"
        "from backbot.index.ingest import ingest\n"
        "embedder = load_embedder(Settings()); resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000))\n"
        f"ingest([{str(small_corpus)!r}], Settings(index=Path({str(settings.index)!r})), embedder)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert "IndexUnwritable" in run.stderr
    assert live_name(settings.index) == first.generation
    assert top(Index(settings.index, embedder), "how far should I walk") == "walking"
    assert ingest([str(small_corpus)], settings, embedder).published


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path, small_corpus: Path, embedder: Embedder):
    (tmp_path / "file").write_text("")
    with pytest.raises(IndexUnwritable, match="--index"):
        ingest([str(small_corpus)], Settings(index=tmp_path / "file" / "index"), embedder)


def test_twenty_kills_leave_the_former_generation_and_nothing_else(
    first: IngestSummary, small_corpus: Path, settings: Settings, embedder: Embedder
):
    for n in range(60):
        write_article(small_corpus, f"extra-{n}", f"## What of {n}?\n\n" + f"Rest for {n} minutes, then walk. " * 30)
    chance = random.Random(4)
    command = [sys.executable, "-m", "backbot", "ingest", str(small_corpus), "--index", str(settings.index)]
    killed = 0
    for _ in range(20):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(chance.uniform(0.3, 2.5))
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            killed += 1
        process.wait()
        index = Index(settings.index, embedder)
        assert top(index, "how far should I walk") == "walking"
        index.live().close()
        # A finished ingest would make the rest of the rounds no-ops.
        write_article(small_corpus, "extra-0", f"## What now?\n\nWait for {chance.randint(1, 10**6)} minutes.")
    assert killed >= 10
    summary = ingest([str(small_corpus)], settings, embedder)
    assert summary.articles == 63
    assert not (settings.index / "building").exists()
    assert {path.name for path in settings.index.iterdir()} == {"live", "generations", "embeddings.sqlite", "lock"}


def stored_vectors(index: Path) -> int:
    try:
        with contextlib.closing(sqlite3.connect(f"file:{index}/embeddings.sqlite?mode=ro", uri=True)) as store:
            return store.execute("select count(*) from vectors").fetchone()[0]
    except sqlite3.OperationalError:
        return 0


def test_a_killed_ingest_loses_no_embedding_work(small_corpus: Path, settings: Settings, embedder: Embedder):
    for n in range(400):
        write_article(small_corpus, f"extra-{n}", f"## What of {n}?\n\n" + f"Rest for {n} minutes, then walk. " * 15)
    command = [sys.executable, "-m", "backbot", "ingest", str(small_corpus), "--index", str(settings.index)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while stored_vectors(settings.index) < 256 and process.poll() is None:
        time.sleep(0.01)
    process.kill()
    process.wait()
    done = stored_vectors(settings.index)
    summary = ingest([str(small_corpus)], settings, embedder)
    assert summary.published
    assert done >= 256
    assert 0 < summary.embedded == stored_vectors(settings.index) - done


def test_a_manifest_of_another_schema_is_refused(first: IngestSummary, settings: Settings, embedder: Embedder):
    file = settings.index / "generations" / first.generation / "manifest.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "schema_version": 99}))
    with pytest.raises(IndexMismatch, match="schema 99"):
        Index(settings.index, embedder)


def test_a_damaged_index_is_mended_by_ingest(
    first: IngestSummary, small_corpus: Path, settings: Settings, embedder: Embedder
):
    shutil.rmtree(settings.index / "generations" / first.generation / "chroma")
    with pytest.raises(IndexUnusable):
        Index(settings.index, embedder)
    assert ingest([str(small_corpus)], settings, embedder).published
    assert top(Index(settings.index, embedder), "height of my seat") == "chairs"
