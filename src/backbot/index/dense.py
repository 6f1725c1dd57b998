"""The dense side of a generation: passage vectors in an embedded Chroma. This module alone knows Chroma's package."""

import contextlib
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
    from chromadb.api.collection_configuration import CreateHNSWConfiguration

FOLDER = "chroma"
"""The folder of a generation that holds its Chroma database."""

COLLECTION = "passages"
DATABASE = "chroma.sqlite3"
BATCH = 2000

EFFORTS = ((0, 128), (10_000, 256), (50_000, 512), (100_000, 1024), (200_000, 2048), (500_000, 4096))
"""How many candidates a search looks at (`ef_search`), from how many passages on.

Chosen by the curve of evals/bench/growth.py. Of a question's ten nearest among 34,790 real passages a search finds .963 with
64 candidates, .987 with 128, .994 with 256 and .998 with 512, in 1.5, 1.8, 2.2 and 3.7 ms of processor time; among 84,000
recombined ones, which crowd closer, .962 with 256, .983 with 512 and .988 with 1024 (8 ms); among 1,000,000, .962 with 1024,
.971 with 2048, .981 with 3072 and .982 with 4096, in 5.6, 7.4, 10.7 and 12.3 ms. Twice the links (`max_neighbors` 32) find
.003 to .006 more, and nothing from 512 candidates on. Building with half the candidates (`ef_construction` 100) takes two
fifths less time and costs up to .013.
"""


def graph_of(count: int) -> "CreateHNSWConfiguration":
    """How Chroma builds and searches the graph of `count` vectors, here and on a server."""
    return {
        "space": "ip",  # the vectors have length 1
        "ef_construction": 200,
        "ef_search": max(effort for least, effort in EFFORTS if count >= least),
        "max_neighbors": 16,
    }


def build_dense(
    folder: Path, vectors: Iterable[Vectors], count: int, graph: "CreateHNSWConfiguration | None" = None
) -> None:
    """Write `count` vectors, given in batches in row order, as a Chroma database in `folder`.

    `graph` is how it is built, if not as `graph_of` says.
    """
    from chromadb.api.collection_configuration import CreateCollectionConfiguration
    from chromadb.errors import InternalError

    try:
        with contextlib.closing(_open_client(folder)) as client:
            # Chroma writes its HNSW file at each `sync_threshold`; a last sync that never came costs seconds at an opening.
            configuration = CreateCollectionConfiguration(
                hnsw={
                    **(graph or graph_of(count)),
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
    except InternalError as error:
        # Of a full disk Chroma says many things, but seldom that it is full.
        raise OSError(f"Chroma cannot write its files ({error})") from error
    # What was queued for the last sync is gone, its room in the file is not: two thirds of it.
    with contextlib.closing(sqlite3.connect(folder / DATABASE)) as database:
        database.execute("vacuum")


def check_database(folder: Path) -> None:
    """Raise IndexDamaged if the folder holds no Chroma database: a copy from a Chroma server is not served without it, where
    it would not hear of what is published."""
    if not (folder / DATABASE).is_file():
        raise IndexDamaged(f"{folder} holds no Chroma database. Run backbot ingest to build the index again.")


class Dense:
    """A published Chroma database, only ever read."""

    def __init__(self, folder: Path):
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

    def close(self) -> None:
        """Give the database's files back; without it they are given back when nobody holds this object any more."""
        self._close()


def change_effort(folder: Path, ef_search: int) -> None:
    """Have the Chroma database in `folder` look at `ef_search` candidates in each search; it must be open nowhere."""
    client = _open_client(folder)
    try:
        collection = client.get_collection(COLLECTION, embedding_function=None)
        collection.modify(configuration={"hnsw": {"ef_search": ef_search}})
    finally:
        client.close()


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
