"""The dense side of a generation: passage vectors in Chroma. This module alone knows Chroma."""

import hashlib
import sqlite3
import weakref
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from backbot.embeddings import Vectors
from backbot.errors import IndexDamaged, IndexUnwritable

if TYPE_CHECKING:
    from chromadb.api.client import Client

COLLECTION = "passages"
DATABASE = "chroma.sqlite3"
BATCH = 2000


def build_dense(folder: Path, vectors: Iterable[Vectors], count: int) -> None:
    """Write `count` vectors, given in batches in row order, as a Chroma database in `folder`."""
    from chromadb.api.collection_configuration import CreateCollectionConfiguration

    client = _open_client(folder)
    try:
        # Chroma writes its HNSW file at each `sync_threshold`; a last sync that never came costs seconds at every opening.
        configuration = CreateCollectionConfiguration(
            hnsw={
                "space": "ip",  # the vectors have length 1
                "ef_construction": 200,
                "ef_search": 128,
                "max_neighbors": 16,
                "sync_threshold": max(count, 2),
                "batch_size": max(min(count, 1000), 2),
            }
        )
        collection = client.create_collection(COLLECTION, configuration=configuration, embedding_function=None)
        row = 0
        for batch in vectors:
            for start in range(0, len(batch), BATCH):
                part = batch[start : start + BATCH]
                collection.add(ids=[str(row + i) for i in range(len(part))], embeddings=part)
                row += len(part)
    finally:
        client.close()


class Dense:
    """A published Chroma database, only ever read."""

    def __init__(self, folder: Path):
        if not (folder / DATABASE).is_file():
            raise IndexDamaged(f"{folder} holds no Chroma database. Run backbot ingest to build the index again.")
        client = _open_client(folder)
        # Chroma keeps every client it opened until it is closed; this one is, when the last search that uses it ends.
        self._close = weakref.finalize(self, client.close)
        self._collection = client.get_collection(COLLECTION, embedding_function=None)

    def count(self) -> int:
        """How many vectors the database holds."""
        return self._collection.count()

    def search(self, vector: Vectors, k: int) -> tuple[NDArray[np.int64], Vectors]:
        """Rows of the k nearest vectors and their cosines, the nearest first."""
        found = self._collection.query(query_embeddings=vector[None], n_results=k, include=["distances"])
        distances = found["distances"]
        assert distances is not None
        rows = np.fromiter((int(i) for i in found["ids"][0]), np.int64)
        return rows, 1 - np.asarray(distances[0], np.float32)

    def nearest(self, vectors: Vectors) -> Vectors:
        """The cosine of each vector's nearest neighbour, shape (vectors,)."""
        found = self._collection.query(query_embeddings=vectors, n_results=1, include=["distances"])
        distances = found["distances"]
        assert distances is not None
        return 1 - np.asarray(distances, np.float32)[:, 0]

    def close(self) -> None:
        """Give the database's files back; without it they are given back when nobody holds this object any more."""
        self._close()


def database_sha256(file: Path) -> str:
    """SHA-256 of what a Chroma database file holds, which opening it does not change; raises sqlite3.DatabaseError.

    Chroma adds a row to its table `acquire_write` at every opening, so the file's own checksum does not last.
    """
    digest = hashlib.sha256()
    database = sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
    try:
        tables = database.execute("select name from sqlite_master where type = 'table' order by name").fetchall()
        for (table,) in tables:
            if table != "acquire_write":
                for row in database.execute(f'select * from "{table}"'):  # noqa: S608  # Chroma's own table names
                    digest.update(repr((table, row)).encode())
    finally:
        database.close()
    return digest.hexdigest()


def _open_client(folder: Path) -> "Client":
    # Half a second: only what opens an index pays for it.
    import chromadb
    from chromadb.config import Settings as ChromaSettings

    try:
        return cast("Client", chromadb.PersistentClient(str(folder), ChromaSettings(anonymized_telemetry=False)))
    except Exception as error:
        if "readonly" in str(error) or isinstance(error, PermissionError):
            raise IndexUnwritable(
                f"Chroma cannot open {folder} on a read-only file system. Copy the index to a folder that can be written "
                "and name it with --index."
            ) from None
        raise
