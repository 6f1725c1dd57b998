"""Vectors by content: unchanged passages are not embedded again, and a killed ingest loses no work."""

import hashlib
import itertools
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np

from backbot.embeddings import Embedder, Encoded

TEXTS_PER_STEP = 512

SpannedText = tuple[str, Sequence[tuple[int, int]]]
"""A text and the places of the spans in it that get a vector of their own."""

_SCHEMA = """
create table if not exists vectors (key blob primary key, vector blob not null, spans blob not null, used text not null);
create table if not exists uses (key blob primary key, generation text not null) without rowid;
"""

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class _Step(Generic[Item]):
    """Some items on their way: those whose vectors are known, and those that are being computed."""

    items: list[tuple[Item, bytes]]
    known: dict[bytes, Encoded]
    missing: list[bytes]
    computed: "Future[list[Encoded]]"


class EmbeddingStore:
    """A SQLite file of the vectors of texts. `generation` is the one being built: the store remembers who used what."""

    def __init__(self, file: Path, embedder: Embedder, generation: str):
        self.computed = 0
        self._embedder = embedder
        self._generation = generation
        self._ahead = ThreadPoolExecutor(1, "embedding-step")
        self._database = sqlite3.connect(file)
        # In a write-ahead log this loses nothing when the process is killed; a power cut costs the last steps.
        self._database.executescript("pragma journal_mode = wal; pragma synchronous = normal;" + _SCHEMA)

    def encode(self, texts: Iterable[tuple[Item, SpannedText]]) -> Iterator[tuple[Item, Encoded]]:
        """Each item with its text's vectors, in order. One step is computed while the next is read and the last is used."""
        under_way: _Step[Item] | None = None
        for step in _steps(texts):
            following = self._begin(step)
            if under_way:
                yield from self._finish(under_way)
            under_way = following
        if under_way:
            yield from self._finish(under_way)

    def forget(self, before: str) -> None:
        """Drop what no generation since `before` has used."""
        self._database.execute("delete from uses where generation < ?", (before,))
        self._database.execute("delete from vectors where used < ? and key not in (select key from uses)", (before,))
        self._database.commit()

    def close(self) -> None:
        """Close the file; what is still being computed is dropped."""
        self._ahead.shutdown(cancel_futures=True)
        self._database.close()

    def _begin(self, step: list[tuple[Item, SpannedText]]) -> _Step[Item]:
        items = [(item, self._key(text)) for item, text in step]
        texts = {key: text for (_, key), (_, text) in zip(items, step, strict=True)}
        known = {key: encoded for key in texts if (encoded := self._find(key))}
        missing = [key for key in texts if key not in known]
        return _Step(items, known, missing, self._ahead.submit(self._embedder.encode, [texts[key] for key in missing]))

    def _finish(self, step: _Step[Item]) -> Iterator[tuple[Item, Encoded]]:
        computed = dict(zip(step.missing, step.computed.result(), strict=True))
        self._database.executemany(
            "insert or replace into vectors values (?, ?, ?, ?)",
            (
                (key, encoded.vector.tobytes(), encoded.spans.astype(np.float16).tobytes(), self._generation)
                for key, encoded in computed.items()
            ),
        )
        # A table of its own: to note the use beside the vectors would write them all again at every ingest.
        self._database.executemany(
            "insert or replace into uses values (?, ?)", [(key, self._generation) for _, key in step.items]
        )
        self._database.commit()
        self.computed += len(computed)
        vectors = step.known | computed
        yield from ((item, vectors[key]) for item, key in step.items)

    def _find(self, key: bytes) -> Encoded | None:
        row = self._database.execute("select vector, spans from vectors where key = ?", (key,)).fetchone()
        if row is None:
            return None
        vector = np.frombuffer(row[0], np.float32)
        return Encoded(vector, np.frombuffer(row[1], np.float16).reshape(-1, len(vector)).astype(np.float32))

    def _key(self, text: SpannedText) -> bytes:
        words, spans = text
        parts = (self._embedder.identity.key, ",".join(f"{start}-{end}" for start, end in spans), words)
        return hashlib.sha256("\0".join(parts).encode()).digest()


def _steps(texts: Iterable[tuple[Item, SpannedText]]) -> Iterator[list[tuple[Item, SpannedText]]]:
    rest = iter(texts)
    while step := list(itertools.islice(rest, TEXTS_PER_STEP)):
        yield step
