"""Vectors by content: unchanged passages are not embedded again, and a killed ingest loses no work."""

import hashlib
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from backbot.embeddings import Embedder, Encoded

TEXTS_PER_STEP = 256

SpannedText = tuple[str, Sequence[tuple[int, int]]]
"""A text and the places of the spans in it that get a vector of their own."""

_SCHEMA = """
create table if not exists vectors (key blob primary key, vector blob not null, spans blob not null, used text not null)
without rowid
"""


class EmbeddingStore:
    """A SQLite file of the vectors of texts. `generation` is the one being built: the store remembers who used what."""

    def __init__(self, file: Path, embedder: Embedder, generation: str):
        self.computed = 0
        self._embedder = embedder
        self._generation = generation
        self._database = sqlite3.connect(file)
        self._database.execute("pragma journal_mode=wal")
        self._database.execute(_SCHEMA)

    def encode(self, texts: Sequence[SpannedText], advance: Callable[[int], None]) -> Iterator[Encoded]:
        """The texts' vectors in order; `advance` is told how many more are done."""
        for start in range(0, len(texts), TEXTS_PER_STEP):
            step = texts[start : start + TEXTS_PER_STEP]
            keys = [self._key(text) for text in step]
            known = {key: encoded for key in keys if (encoded := self._find(key))}
            missing = {key: text for key, text in zip(keys, step, strict=True) if key not in known}
            for key, encoded in zip(missing, self._embedder.encode(missing.values()), strict=True):
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

    def _key(self, text: SpannedText) -> bytes:
        words, spans = text
        parts = (self._embedder.identity.key, ",".join(f"{start}-{end}" for start, end in spans), words)
        return hashlib.sha256("\0".join(parts).encode()).digest()
