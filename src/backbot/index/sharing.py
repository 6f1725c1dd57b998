"""Generations on a Chroma server, for any number of machines: one shares what it made, the others take it up.

    collection backbot-live             its metadata name the published generation: the pointer, which is changed last
    collection backbot-<name>-passages  the passages' vectors, by row
    collection backbot-<name>-files     all other files, in one archive cut into pieces; its metadata describe the archive,
                                        and are written once all of it is there

A generation is taken up into the index folder, as if it had been published there, but without Chroma's files: its passages'
vectors are searched on the server. No file that travels is a pickle, so a server can change answers, but not run code here.
"""

import base64
import hashlib
import json
import re
import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from backbot.errors import ChromaUnavailable, IndexDamaged, IndexMissing
from backbot.index.chroma_server import RECORDS, VALUE_CHARACTERS, ChromaServer, Collection, open_server
from backbot.index.content import Content
from backbot.index.dense import FOLDER, graph_of
from backbot.index.generations import (
    Manifest,
    check_files,
    generation_folder,
    ingest_lock,
    live_name,
    point_to,
    publish,
    read_manifest,
    remove_leftovers,
)
from backbot.index.reading import Progress
from backbot.settings import Settings

POINTER = "backbot-live"
VALUES = 8
"""How many values of metadata a record of the archive has."""

RECORD_BYTES = VALUES * VALUE_CHARACTERS // 4 * 3
RECORDS_AT_ONCE = 20
"""Records of the archive in one request: less than a megabyte."""

POINTER_SECONDS = 5.0
"""How long the server may take to say what is published."""

INGEST_AGAIN = "Run backbot ingest where the articles are."
REBUILD = "Run backbot ingest --rebuild where the articles are."

_NAME = re.compile(r"\d{8}T\d{6}\.\d{6}")
_ONE_DIMENSION = {"space": "l2"}


class SharedIndex:
    """The index on a Chroma server, and its copy in the folder `index`. Methods raise ChromaUnavailable if that is away."""

    def __init__(self, server: ChromaServer, index: Path, keep: int):
        self.server = server
        self.index = index
        self._keep = keep

    def live(self) -> str:
        """The name of the published generation; empty when there is none yet."""
        pointer = self.server.find(POINTER, POINTER_SECONDS)
        name = str(pointer.metadata.get("generation", "")) if pointer else ""
        if name and not _NAME.fullmatch(name):
            raise IndexDamaged(f"{self.server} has a pointer that names no generation. {REBUILD}")
        return name

    def whole(self) -> list[str]:
        """The names of the generations that are wholly on the server, the oldest first."""
        return sorted(name for name, files in self._files().items() if files.metadata)

    def passages(self, name: str, seconds: float) -> Collection:
        """The collection with the generation's vectors; raises ChromaUnavailable when it is lost."""
        found = self.server.find(_passages_of(name), seconds)
        if found is None:
            raise ChromaUnavailable(f"{self.server} has lost the vectors of {name}. {INGEST_AGAIN}")
        return found

    def has_published(self, manifest: Manifest) -> bool:
        """Whether the server's pointer names this generation, and all of it is there."""
        if self.live() != manifest.name or manifest.name not in self.whole():
            return False
        passages = self.server.find(_passages_of(manifest.name))
        return passages is not None and self.server.count(passages) == manifest.passages

    def share(self, folder: Path, manifest: Manifest, progress: Progress) -> None:
        """Put the generation in `folder` on the server and point to it there; delete old ones there but the newest.

        Whoever calls this holds the index's lock. A kill at any instant leaves the former one live and whole.
        """
        self._share_vectors(folder, manifest, progress)
        self._share_files(folder, manifest, progress)
        self._point_to(manifest.name)
        self._remove_old(manifest.name)

    def roll_back(self) -> str:
        """Make the generation before the live one live again and return its name; raises IndexMissing when there is none."""
        with ingest_lock(self.index):
            live = self.live()
            earlier = [name for name in self.whole() if name < live]
            if not earlier:
                raise IndexMissing(f"{self.server} holds no generation before {live}: nothing to roll back to.")
            self._point_to(earlier[-1])
            self.take_up(earlier[-1])
            return earlier[-1]

    def has_taken_up(self, name: str) -> bool:
        """Whether the copy's live generation is this one."""
        try:
            return live_name(self.index) == name
        except IndexMissing:
            return False

    def is_whole_here(self, name: str) -> bool:
        """Whether the copy holds this generation, undamaged."""
        try:
            check_files(self.index, read_manifest(self.index, name))
            return True
        except IndexDamaged:
            return False

    def take_up(self, name: str) -> None:
        """Make the generation the copy's live one, fetching it unless it is there whole already.

        Whoever calls this holds the index's lock. Raises IndexDamaged when what the server holds is not what was shared; the
        generation that was live then stays so.
        """
        if not self.is_whole_here(name):
            self._fetch(name)
        elif not self.has_taken_up(name):
            point_to(self.index, name)
        remove_leftovers(self.index, self._keep)

    def _share_vectors(self, folder: Path, manifest: Manifest, progress: Progress) -> None:
        content = Content(folder, manifest.dimension)
        try:
            vectors = content.vectors
            passages = self.server.create(_passages_of(manifest.name), graph_of(len(vectors)))
            for start in range(0, len(vectors), RECORDS):
                progress("Sharing vectors", start, len(vectors))
                part = vectors[start : start + RECORDS].astype(np.float32)
                self.server.add(passages, [str(start + i) for i in range(len(part))], part)
        finally:
            content.close()
        if self.server.count(passages) != manifest.passages:
            raise IndexDamaged(f"{self.server} lost some vectors; nothing was published. {INGEST_AGAIN}")

    def _share_files(self, folder: Path, manifest: Manifest, progress: Progress) -> None:
        files = self.server.create(_files_of(manifest.name), _ONE_DIMENSION)
        archive = self._scratch() / f"{manifest.name}.zip"
        _pack(folder, manifest, archive)
        size, digest, count = archive.stat().st_size, hashlib.sha256(), 0
        with archive.open("rb") as stream:
            while data := stream.read(RECORD_BYTES * RECORDS_AT_ONCE):
                progress("Sharing files", stream.tell(), size)
                digest.update(data)
                records = [_to_values(data[start : start + RECORD_BYTES]) for start in range(0, len(data), RECORD_BYTES)]
                numbers = np.arange(count, count + len(records), dtype=np.float32)
                self.server.add(files, [str(count + i) for i in range(len(records))], numbers[:, None], records)
                count += len(records)
        archive.unlink()
        self.server.describe(files, {"records": str(count), "sha256": digest.hexdigest()})

    def _fetch(self, name: str) -> None:
        scratch = self._scratch()
        folder = generation_folder(scratch, name)
        archive = scratch / f"{name}.zip"
        try:
            files = self._files()[name]
            digest = hashlib.sha256()
            with archive.open("wb") as stream:
                for record in self._records(files):
                    stream.write(record)
                    digest.update(record)
            if digest.hexdigest() != files.metadata["sha256"]:
                raise ValueError("its SHA-256 is another")
            with zipfile.ZipFile(archive) as packed:
                packed.extractall(folder)
            if (folder / FOLDER).exists():
                raise ValueError(f"it brings files of Chroma's own ({FOLDER}/), which are never shared")
        except (KeyError, ValueError, zipfile.BadZipFile) as error:
            what = f"{error} is missing" if isinstance(error, KeyError) else error
            raise IndexDamaged(f"{self.server} holds {name} other than it was shared: {what}. {REBUILD}") from None
        check_files(scratch, read_manifest(scratch, name), every_byte=True)
        # What stands in its place is damaged, or it would not have been fetched.
        shutil.rmtree(generation_folder(self.index, name), ignore_errors=True)
        publish(self.index, folder)

    def _records(self, files: Collection) -> Iterator[bytes]:
        """The archive, record by record; raises KeyError or ValueError where one is missing or holds something else."""
        ids = [str(number) for number in range(int(files.metadata["records"]))]
        for start in range(0, len(ids), RECORDS_AT_ONCE):
            part = ids[start : start + RECORDS_AT_ONCE]
            found = self.server.read(files, part)
            for record in part:
                values = found[record]
                yield base64.b64decode("".join(str(values[str(i)]) for i in range(len(values))), validate=True)

    def _scratch(self) -> Path:
        """Where archives are on their way; what a killed process leaves there is removed by the next ingest."""
        scratch = self.index / "building"
        scratch.mkdir(exist_ok=True)
        return scratch

    def _point_to(self, name: str) -> None:
        pointer = self.server.find(POINTER)
        if pointer:
            self.server.describe(pointer, {"generation": name})
        else:
            self.server.create(POINTER, _ONE_DIMENSION, {"generation": name})

    def _remove_old(self, live: str) -> None:
        """Delete what killed ingests left, and all but the newest generations; the live one and the one before it stay."""
        whole = self.whole()
        before = [name for name in whole if name < live][-1:]
        kept = {live, *before, *whole[-self._keep :]}
        for collection in self.server.collections():
            name = _generation_of(collection.name)
            if name and name not in kept:
                self.server.delete(collection.name)

    def _files(self) -> dict[str, Collection]:
        """The collections of generations' files, by generation."""
        there = self.server.collections()
        return {_generation_of(found.name): found for found in there if found.name == _files_of(_generation_of(found.name))}


def open_shared(settings: Settings) -> SharedIndex:
    """The index on the Chroma server that the settings name, not asked yet; raises SettingsInvalid."""
    return SharedIndex(open_server(settings), settings.index, settings.keep_generations)


def _pack(folder: Path, manifest: Manifest, archive: Path) -> None:
    """Write the generation's files but Chroma's, and a manifest of those, into one archive."""
    files = {path: described for path, described in manifest.files.items() if not path.startswith(f"{FOLDER}/")}
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
        packed.writestr("manifest.json", json.dumps(asdict(replace(manifest, files=files)), ensure_ascii=False))
        for path in files:
            packed.write(folder / path, path)


def _to_values(record: bytes) -> dict[str, str]:
    text = base64.b64encode(record).decode()
    parts = range(0, len(text), VALUE_CHARACTERS)
    return {str(number): text[start : start + VALUE_CHARACTERS] for number, start in enumerate(parts)}


def _passages_of(name: str) -> str:
    return f"backbot-{name}-passages"


def _files_of(name: str) -> str:
    return f"backbot-{name}-files"


def _generation_of(collection: str) -> str:
    """The generation that the collection belongs to; empty if it is none of backbot's, or the pointer."""
    found = re.fullmatch(rf"backbot-({_NAME.pattern})-(passages|files)", collection)
    return found[1] if found else ""
