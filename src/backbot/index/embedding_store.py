"""Vectors by content: unchanged passages are not embedded again, and a killed ingest loses no work."""

import hashlib
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from backbot.embeddings import Embedder, Encoded
from backbot.records import Passage

PASSAGES_PER_STEP = 256

_SCHEMA = """
create table if not exists vectors (key blob primary key, vector blob not null, spans blob not null, used text not null)
without rowid
"""


class EmbeddingStore:
    """A SQLite file of the vectors of passages. `generation` is the one being built: the store remembers who used what."""

    def __init__(self, file: Path, embedder: Embedder, generation: str):
        self.computed = 0
        self._embedder = embedder
        self._generation = generation
        self._database = sqlite3.connect(file)
        self._database.execute("pragma journal_mode=wal")
        self._database.execute(_SCHEMA)

    def encode(self, passages: Sequence[Passage], advance: Callable[[int], None]) -> Iterator[Encoded]:
        """The passages' vectors in order; `advance` is told how many more are done."""
        for start in range(0, len(passages), PASSAGES_PER_STEP):
            step = passages[start : start + PASSAGES_PER_STEP]
            keys = [self._key(passage) for passage in step]
            known = {key: encoded for key in keys if (encoded := self._find(key))}
            missing = {key: passage for key, passage in zip(keys, step, strict=True) if key not in known}
            for key, encoded in zip(missing, self._embedder.encode(map(_with_spans, missing.values())), strict=True):
                known[key] = encoded
                blobs = encoded.vector.tobytes(), encoded.spans.astype(np.float16).tobytes()
                self._database.execute("insert or replace into vectors values (?, ?, ?, ?)", (key, *blobs, self._generation))
            self._database.executemany(
                "update vectors set used = ? where key = ?", [(self._generation, key) for key in keys]
            )
            self._database.commit()
            self.computed += len(missing)
            advance(len(step))
            yield from (known[key] for key in keys)

    def forget(self, before: str) -> None:
        """Drop what no generation since `before` has used."""
        self._database.execute("delete from vectors where used < ?", (before,))
        self._database.commit()

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _find(self, key: bytes) -> Encoded | None:
        row = self._database.execute("select vector, spans from vectors where key = ?", (key,)).fetchone()
        if row is None:
            return None
        vector = np.frombuffer(row[0], np.float32)
        return Encoded(vector, np.frombuffer(row[1], np.float16).reshape(-1, len(vector)).astype(np.float32))

    def _key(self, passage: Passage) -> bytes:
        spans = ",".join(f"{sentence.start}-{sentence.end}" for sentence in passage.sentences)
        parts = (self._embedder.identity.key, spans, passage.embedded_text)
        return hashlib.sha256("\0".join(parts).encode()).digest()


def _with_spans(passage: Passage) -> tuple[str, list[tuple[int, int]]]:
    """What is embedded, with the places of the passage's sentences in it."""
    text = passage.embedded_text
    offset = len(text) - len(passage.text)
    return text, [(offset + sentence.start, offset + sentence.end) for sentence in passage.sentences]
