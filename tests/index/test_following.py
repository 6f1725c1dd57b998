"""A running reader follows what is published: never dropped, never behind, nothing left open."""

import contextlib
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from articles import publish
from backbot.embeddings import Embedder
from backbot.index import search
from backbot.index.dense import DATABASE
from backbot.index.generations import generation_folder, list_generations, live_name
from backbot.index.ingest import IngestSummary, ingest
from backbot.index.search import Index
from backbot.settings import Settings
from waiting import wait_until

READERS = 12


def top(index: Index, question: str) -> str:
    return index.live().search(question, index.embedder.embed([question])[0])[0].passage.article


def open_files() -> list[str]:
    """What this process holds open below its temporary folders."""
    found = []
    for descriptor in Path("/proc/self/fd").iterdir():
        try:
            found.append(str(descriptor.readlink()))
        except OSError:
            continue
    return [path for path in found if "/generations/" in path or "/building/" in path]


def count_threads() -> int:
    return len(list(Path("/proc/self/task").iterdir()))


def wait_for_chroma(is_closed: Callable[[], bool]) -> None:
    """Chroma closes a database from a thread of its own, some milliseconds after `close`; all else is closed at once."""
    with contextlib.suppress(AssertionError):
        wait_until(is_closed, seconds=20)


def test_readers_are_answered_while_generations_are_published(
    first: IngestSummary, small_corpus: Path, settings: Settings, embedder: Embedder
):
    index = Index(settings.index, embedder)
    stop = threading.Event()
    failures: list[BaseException] = []
    answered = [0] * READERS

    def ask(reader: int) -> None:
        while not stop.is_set():
            try:
                assert top(index, "height of my seat") == "chairs"
                answered[reader] += 1
            except BaseException as error:
                failures.append(error)
                return

    threads = [threading.Thread(target=ask, args=(reader,)) for reader in range(READERS)]
    for thread in threads:
        thread.start()
    for n in range(5):
        publish(small_corpus, settings, embedder, n + 11)
    stop.set()
    for thread in threads:
        thread.join()
    assert failures == []
    assert min(answered) > 0


def test_whoever_asks_after_a_publish_never_reads_what_was_withdrawn(
    first: IngestSummary, small_corpus: Path, settings: Settings, embedder: Embedder
):
    index = Index(settings.index, embedder)
    question = "how far should I walk"
    vector = embedder.embed([question])[0]
    is_published = threading.Event()
    stop = threading.Event()
    quoted: list[str] = []
    asked_after = [0] * READERS

    def ask(reader: int) -> None:
        while not stop.is_set():
            was_published = is_published.is_set()
            articles = {hit.passage.article for hit in index.live().search(question, vector, 100)}
            if was_published:
                asked_after[reader] += 1
                quoted.extend(articles & {"walking"})

    threads = [threading.Thread(target=ask, args=(reader,)) for reader in range(READERS)]
    for thread in threads:
        thread.start()
    file = small_corpus / "walking.md"
    file.write_text(file.read_text().replace("title:", "status: withdrawn\ntitle:"))
    assert ingest([str(small_corpus)], settings, embedder).removed == ("walking",)
    is_published.set()
    while min(asked_after) < 3 and any(thread.is_alive() for thread in threads):
        stop.wait(0.01)
    stop.set()
    for thread in threads:
        thread.join()
    assert min(asked_after) >= 3
    assert quoted == []


def test_a_former_generation_is_closed_when_its_last_search_ends(
    first: IngestSummary, small_corpus: Path, settings: Settings, embedder: Embedder
):
    index = Index(settings.index, embedder)
    top(index, "height of my seat")
    in_flight = index.live()
    publish(small_corpus, settings, embedder, 17)
    top(index, "height of my seat")
    assert any(first.generation in path for path in open_files())
    vector = embedder.embed(["seat"])[0]
    assert in_flight.search("seat", vector)[0].passage.article == "chairs"
    del in_flight
    still_open = [path for path in open_files() if first.generation in path]
    assert [path for path in still_open if not path.endswith(DATABASE)] == []
    wait_for_chroma(lambda: not any(first.generation in path for path in open_files()))
    assert not any(first.generation in path for path in open_files())


def test_following_many_generations_leaves_neither_files_nor_threads_open(
    first: IngestSummary, small_corpus: Path, settings: Settings, embedder: Embedder
):
    index = Index(settings.index, embedder)
    held = []
    for n in range(6):
        publish(small_corpus, settings, embedder, n + 11)
        top(index, "height of my seat")
        held.append((len(open_files()), count_threads()))
    files, threads = held[0]
    wait_for_chroma(lambda: len(open_files()) <= files + 3 and count_threads() <= threads)
    # One generation has about 18 files open; Chroma's own pool opens one more or less.
    assert len(open_files()) <= files + 3
    assert count_threads() <= threads


def test_threads_that_ended_leave_no_connection_open(first: IngestSummary, settings: Settings, embedder: Embedder):
    index = Index(settings.index, embedder)
    top(index, "height of my seat")
    before = len(open_files())
    for _ in range(5):
        threads = [threading.Thread(target=top, args=(index, "height of my seat")) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    # One connection for each that reads at the same time, six at most; one for each thread would be thirty.
    assert len(open_files()) <= before + 6


def test_a_generation_that_a_slow_reader_holds_is_not_removed(
    first: IngestSummary, small_corpus: Path, tmp_path: Path, settings: Settings, embedder: Embedder
):
    few = Settings(index=settings.index, keep_generations=2)
    slow = Index(settings.index, embedder).live()
    for n in range(4):
        last = publish(small_corpus, few, embedder, n + 11)
    assert first.generation in list_generations(settings.index)
    # A thread that has not read before opens the articles anew.
    answers: list[str] = []
    vector = embedder.embed(["seat"])[0]
    thread = threading.Thread(target=lambda: answers.append(slow.search("seat", vector)[0].passage.article))
    thread.start()
    thread.join()
    assert answers == ["chairs"]
    slow.close()
    ingest([str(small_corpus)], few, embedder)
    assert first.generation not in list_generations(settings.index)
    assert live_name(settings.index) == last.generation


def test_a_reader_whose_generation_was_removed_before_it_opened_takes_the_newer_one(
    first: IngestSummary, settings: Settings, embedder: Embedder, monkeypatch: pytest.MonkeyPatch
):
    names = iter(["20200101T000000.000000"])
    monkeypatch.setattr(search, "live_name", lambda folder: next(names, first.generation))
    assert Index(settings.index, embedder).live().manifest.name == first.generation


def test_a_publish_that_cannot_be_opened_leaves_the_former_serving_and_is_tried_again(
    first: IngestSummary, small_corpus: Path, settings: Settings, embedder: Embedder, monkeypatch: pytest.MonkeyPatch
):
    index = Index(settings.index, embedder)
    (small_corpus / "walking.md").unlink()
    second = ingest([str(small_corpus)], settings, embedder)
    vectors = generation_folder(settings.index, second.generation) / "vectors.bin"
    shutil.move(vectors, settings.index / "aside")
    assert top(index, "how far should I walk") == "walking"
    shutil.move(settings.index / "aside", vectors)
    assert top(index, "how far should I walk") == "walking"
    monkeypatch.setattr(index, "_retry_at", 0.0)
    assert top(index, "how far should I walk") != "walking"
