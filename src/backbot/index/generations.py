"""Immutable generations: built aside, checked, published by one atomic rename, kept for rollback.

    <index>/live                    the name of the published generation: the pointer that is renamed
    <index>/generations/<name>/     manifest.json, content.sqlite, *.bin, chroma/, bm25/
    <index>/building/               laid out as the index, for what is being made; a killed ingest's is removed by the next
    <index>/embeddings.sqlite       vectors of passages by content, so that none is computed twice
    <index>/fetched/                pages of sites, so that an unchanged one is not fetched again
    <index>/lock                    held by the one ingest that may run; says who holds it

An index folder is as trusted as code: Chroma's HNSW folder holds a pickle. The manifest's checksums are compared at opening.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import socket
import sqlite3
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from backbot.chunking import CHUNKING
from backbot.embeddings import ModelIdentity
from backbot.errors import IndexBusy, IndexDamaged, IndexMismatch, IndexMissing, IndexUnwritable
from backbot.index.dense import DATABASE, database_sha256

SCHEMA_VERSION = 8
HASHED_BYTES = 32 * 2**20
"""Larger files are compared by size alone at opening, so that a large index opens at once; `backbot status` reads all."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a generation holds and what it was made with."""

    name: str
    created: str
    model: ModelIdentity
    dimension: int
    sources: tuple[str, ...]
    articles: dict[str, str]
    """Content hash by article id."""
    stale: tuple[str, ...]
    """Articles that serve their last good version, because what the source holds now cannot be read."""
    passages: int
    sentences: int
    files: dict[str, tuple[int, str]]
    """Size and SHA-256 by path."""
    chunking: dict[str, int]
    origins: dict[str, str] = field(default_factory=dict)
    """Source by article id."""
    schema_version: int = SCHEMA_VERSION

    def write(self, folder: Path) -> None:
        """Write manifest.json into the generation's folder."""
        (folder / "manifest.json").write_text(json.dumps(asdict(self), indent=1, ensure_ascii=False))


def new_name() -> str:
    """A name for a generation made now; later ones sort after earlier ones."""
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")


def live_name(index: Path) -> str:
    """The name of the published generation; raises IndexMissing when there is none."""
    try:
        return (index / "live").read_text().strip()
    except UnicodeDecodeError:
        raise _damaged(index, f"{index / 'live'} names no generation") from None
    except (FileNotFoundError, NotADirectoryError):
        raise IndexMissing(f"There is no index in {index}. Run: backbot ingest (or name another with --index).") from None


def generation_folder(index: Path, name: str) -> Path:
    """Where the generation stands."""
    return index / "generations" / name


def read_manifest(index: Path, name: str) -> Manifest:
    """The generation's manifest; raises IndexDamaged or IndexMismatch."""
    file = generation_folder(index, name) / "manifest.json"
    try:
        values: dict[str, Any] = json.loads(file.read_text())
        version = values["schema_version"]
        if version == SCHEMA_VERSION:
            values["model"] = ModelIdentity(**values["model"])
            values["files"] = {path: (size, sha256) for path, (size, sha256) in values["files"].items()}
            values["sources"], values["stale"] = tuple(values["sources"]), tuple(values["stale"])
            return Manifest(**values)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _damaged(index, f"{file} cannot be read ({error})") from None
    raise IndexMismatch(
        f"The index in {index} has schema {version}, this backbot reads {SCHEMA_VERSION}. Run: backbot ingest"
    )


def check_fits(index: Path, manifest: Manifest, model: ModelIdentity) -> None:
    """Raise IndexMismatch unless the index was made with this model and this chunking."""
    if manifest.model != model:
        raise IndexMismatch(
            f"The index in {index} was made with {_describe(manifest.model)}, the settings name {_describe(model)}. "
            "Run backbot ingest, or change the settings back."
        )
    if manifest.chunking != CHUNKING:
        raise IndexMismatch(f"The index in {index} was made by another version of backbot. Run: backbot ingest")


def check_files(index: Path, manifest: Manifest, *, every_byte: bool = False) -> None:
    """Raise IndexDamaged unless the generation's files are those that were published."""
    folder = generation_folder(index, manifest.name)
    for path, (size, sha256) in manifest.files.items():
        file = folder / path
        if not file.is_file():
            raise _damaged(index, f"{file} is missing")
        found = file.stat().st_size
        if found < size or (found > size and file.name != DATABASE):
            raise _damaged(index, f"{file} has {found} bytes instead of {size}")
        if (every_byte or size <= HASHED_BYTES) and _content_sha256(file) != sha256:
            raise _damaged(index, f"{file} has changed")


def describe_files(folder: Path) -> dict[str, tuple[int, str]]:
    """Size and SHA-256 of every file below `folder`, by relative path."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(file.relative_to(folder)): (file.stat().st_size, _content_sha256(file)) for file in files}


def publish(index: Path, building: Path) -> None:
    """Move the built generation to its place and make it the live one, by one atomic rename."""
    for file in (path for path in building.rglob("*") if path.is_file()):
        _sync(file)
    target = generation_folder(index, building.name)
    target.parent.mkdir(exist_ok=True)
    building.rename(target)
    _sync(target.parent)
    point_to(index, building.name)


def point_to(index: Path, name: str) -> None:
    """Make the generation the live one."""
    pointer = index / "live.new"
    pointer.write_text(name + "\n")
    _sync(pointer)
    pointer.replace(index / "live")
    _sync(index)


def list_generations(index: Path) -> list[str]:
    """The names of the kept generations, the oldest first."""
    folder = index / "generations"
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def roll_back(index: Path) -> str:
    """Make the newest whole generation before the live one live again and return its name.

    Raises IndexMissing when there is none before it, and IndexDamaged when all are damaged.
    """
    with ingest_lock(index):
        live = live_name(index)
        earlier = [name for name in list_generations(index) if name < live]
        if not earlier:
            raise IndexMissing(f"There is no generation before {live} in {index}: nothing to roll back to.")
        for name in reversed(earlier):
            with contextlib.suppress(IndexDamaged):
                check_files(index, read_manifest(index, name))
                point_to(index, name)
                return name
        raise _damaged(index, f"none of the {len(earlier)} generations before {live} is whole")


def hold(folder: Path) -> int:
    """An open descriptor that keeps the generation in `folder` from being removed; raises IndexDamaged when it is gone.

    The kernel frees it when its holder dies. Close it with `os.close`.
    """
    try:
        descriptor = os.open(folder / "manifest.json", os.O_RDONLY)
    except OSError as error:
        raise _damaged(folder.parent.parent, f"{folder} cannot be read ({error.strerror})") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise _damaged(folder.parent.parent, f"{folder} is being removed") from None
    except OSError:
        # A file system without locks: its readers rely on `keep_generations` alone.
        pass
    return descriptor


def _remove(folder: Path) -> None:
    """Remove the generation unless a reader holds it: then a later ingest does."""
    try:
        with (folder / "manifest.json").open("rb") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
    except BlockingIOError:
        return
    except OSError:
        # No manifest any more, or a file system without locks.
        shutil.rmtree(folder, ignore_errors=True)


def remove_leftovers(index: Path, keep: int) -> None:
    """Remove what killed ingests left, and all but the `keep` newest generations; the live one and those held stay."""
    shutil.rmtree(index / "building", ignore_errors=True)
    (index / "live.new").unlink(missing_ok=True)
    with contextlib.suppress(IndexMissing):
        live = live_name(index)
        for name in list_generations(index)[:-keep]:
            if name != live:
                _remove(generation_folder(index, name))


@contextlib.contextmanager
def ingest_lock(index: Path, patience: float = 0) -> Iterator[None]:
    """Hold the index's lock; raises IndexBusy saying who holds it, after `patience` seconds.

    The kernel frees it when its holder dies.
    """
    try:
        index.mkdir(parents=True, exist_ok=True)
        lock = FileLock(index / "lock", timeout=patience)
        holder = index / "lock.holder"
        with lock:
            holder.write_text(f"process {os.getpid()} on {socket.gethostname()} since {datetime.now():%Y-%m-%d %H:%M:%S}")
            try:
                yield
            finally:
                holder.unlink(missing_ok=True)
    except Timeout:
        who = holder.read_text() if holder.is_file() else "another process"
        raise IndexBusy(f"Another ingest is writing {index} ({who}). Wait for it to end, then try again.") from None
    except OSError as error:
        raise unwritable(index, error) from None


def unwritable(index: Path, error: Exception) -> IndexUnwritable:
    """The error for a full or read-only disk."""
    reason = getattr(error, "strerror", None) or str(error)
    return IndexUnwritable(
        f"The index in {index} cannot be written: {reason}. The live generation is untouched. "
        "Free some space or name a folder that can be written with --index."
    )


def _damaged(index: Path, what: str) -> IndexDamaged:
    return IndexDamaged(f"The index is damaged: {what}. Run backbot ingest, or backbot ingest --rollback for {index}.")


def _describe(model: ModelIdentity) -> str:
    return f"{model.name} ({model.engine} {model.precision}, weights {model.weights_sha256[:8]})"


def _content_sha256(file: Path) -> str:
    if file.name == DATABASE:
        try:
            return database_sha256(file)
        except sqlite3.DatabaseError as error:
            return str(error)
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
