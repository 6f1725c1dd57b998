"""Ingestion: articles in, a new generation out, if anything changed."""

import contextlib
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from backbot.chunking import CHUNKING
from backbot.embeddings import Embedder
from backbot.errors import IndexDamaged, IndexMismatch, IndexUnusable
from backbot.index.building import embed_articles, finish_generation
from backbot.index.content import Content, ContentWriter
from backbot.index.dense import FOLDER
from backbot.index.generations import (
    Manifest,
    check_files,
    generation_folder,
    ingest_lock,
    live_name,
    new_name,
    publish,
    read_manifest,
    remove_leftovers,
    unwritable,
)
from backbot.index.reading import Account, Progress, check_share, find_stale, read_sources
from backbot.index.search import Generation
from backbot.loaders import BadArticle
from backbot.records import Article
from backbot.settings import Settings

if TYPE_CHECKING:
    from backbot.index.sharing import SharedIndex

Compare = Callable[[Generation, Generation], None]
"""Shown the live generation and the one that was built, before that is published."""


@dataclass(frozen=True, slots=True)
class IngestSummary:
    """What an ingest did. `generation` is the live one afterwards; `published` says whether this ingest made it.

    `embedded` counts passages and heading paths that were not known. Of a dry run it is what would be done.
    """

    generation: str
    published: bool
    articles: int
    passages: int
    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    stale: tuple[str, ...]
    left_out: tuple[BadArticle, ...]
    embedded: int
    seconds: float


def ingest(
    sources: Sequence[str],
    settings: Settings,
    embedder: Embedder,
    progress: Progress = lambda stage, done, total: None,
    max_bad: float = 0.05,
    rebuild: bool = False,
    compare: Compare | None = None,
    dry_run: bool = False,
) -> IngestSummary:
    """Read the sources and publish a generation that holds exactly their published articles.

    Nothing is published when nothing changed. `rebuild` builds even then, and without the stored vectors. A new generation
    is shown to `compare` together with the one that it replaces; after a `dry_run` it is thrown away, its vectors are kept
    for the ingest that follows. Raises IndexBusy, IndexUnwritable, SourceUnreadable, or TooManyBadArticles when more than
    the share `max_bad` of the articles cannot be read; the live generation is then untouched.

    With a Chroma server, what that has published is the live generation, and what is published goes there first; raises
    ChromaUnavailable when it cannot be asked.
    """
    started = time.monotonic()
    index = settings.index
    building = index / "building"
    with ingest_lock(index), _clean_failure(index):
        remove_leftovers(index, settings.keep_generations)
        shared = _open_shared(settings)
        before = None if rebuild else _live_manifest(index, is_local=shared is None)
        folder = generation_folder(building, new_name())
        folder.mkdir(parents=True)
        with ContentWriter(folder) as writer:
            account = read_sources(sources, settings, writer.add_article, progress)
            stale = find_stale(account, before)
            check_share(account, max_bad)
            for article in _last_good_versions(index, before, stale):
                assert before is not None
                writer.add_article(article)
                account.hashes[article.id] = before.articles[article.id]
                account.origins[article.id] = before.origins.get(article.id, "")
            is_same = before is not None and (
                (before.model, before.chunking, before.articles, before.stale)
                == (embedder.identity, CHUNKING, account.hashes, tuple(stale))
            )
            if not is_same:
                if rebuild:
                    (index / "embeddings.sqlite").unlink(missing_ok=True)
                embedded = embed_articles(index, folder.name, writer, len(account.hashes), embedder, progress)
        if before is not None and is_same:
            manifest, embedded = before, 0
            if shared and not dry_run and not shared.has_published(manifest):
                shared.share(generation_folder(index, manifest.name), manifest, progress)
        else:
            manifest = finish_generation(folder, writer, account, sources, stale, embedder.identity, progress)
            if compare and before:
                _show(compare, index, before, building, manifest, shared)
            if not dry_run:
                if shared:
                    shared.share(folder, manifest, progress)
                publish(index, folder)
        remove_leftovers(index, settings.keep_generations)
        is_published = manifest is not before and not dry_run
        live = manifest.name if is_published else before.name if before else ""
        return _summary(account, before, stale, live, is_published, manifest.passages, embedded, started)


def preview(
    sources: Sequence[str],
    settings: Settings,
    progress: Progress = lambda stage, done, total: None,
    max_bad: float = 0.05,
) -> IngestSummary:
    """What an ingest would change, without writing to the index (pages of sites are kept for the ingest that follows).

    Raises SourceUnreadable and TooManyBadArticles as the ingest would.
    """
    started = time.monotonic()
    if settings.chroma_url:
        with ingest_lock(settings.index):
            _open_shared(settings)
    before = _live_manifest(settings.index, is_local=not settings.chroma_url)
    account = read_sources(sources, settings, lambda article: None, progress)
    stale = find_stale(account, before)
    check_share(account, max_bad)
    for name in stale:
        assert before is not None
        account.hashes[name] = before.articles[name]
    live, passages = (before.name, before.passages) if before else ("", 0)
    return _summary(account, before, stale, live, False, passages, 0, started)


def _summary(
    account: Account,
    before: Manifest | None,
    stale: Sequence[str],
    live: str,
    is_published: bool,
    passages: int,
    embedded: int,
    started: float,
) -> IngestSummary:
    hashes, former = account.hashes, before.articles if before else {}
    return IngestSummary(
        generation=live,
        published=is_published,
        articles=len(hashes),
        passages=passages,
        added=tuple(sorted(hashes.keys() - former.keys())),
        changed=tuple(sorted(name for name in hashes.keys() & former.keys() if hashes[name] != former[name])),
        removed=tuple(sorted(former.keys() - hashes.keys())),
        stale=tuple(stale),
        left_out=tuple(account.bad),
        embedded=embedded,
        seconds=time.monotonic() - started,
    )


def _last_good_versions(index: Path, before: Manifest | None, stale: Sequence[str]) -> Iterator[Article]:
    if before is None or not stale:
        return
    content = Content(generation_folder(index, before.name), before.dimension)
    for name in stale:
        if article := content.article(name):
            yield article


def _show(
    compare: Compare, index: Path, before: Manifest, building: Path, manifest: Manifest, shared: "SharedIndex | None"
) -> None:
    # The former generation may have been taken up from a Chroma server; the built one is here alone.
    follower = None
    if shared:
        from backbot.index.following import Follower

        follower = Follower(shared)
    with (
        contextlib.closing(Generation(index, before, follower)) as former,
        contextlib.closing(Generation(building, manifest)) as built,
    ):
        compare(former, built)


def _open_shared(settings: Settings) -> "SharedIndex | None":
    """The index on a Chroma server, if the settings name one; the index folder then has live what is live there.

    What cannot be used there is built anew.
    """
    if not settings.chroma_url:
        return None
    from backbot.index.sharing import open_shared

    shared = open_shared(settings)
    with contextlib.suppress(IndexDamaged, IndexMismatch):
        if name := shared.live():
            shared.take_up(name)
    return shared


def _live_manifest(index: Path, *, is_local: bool) -> Manifest | None:
    """The live generation's manifest; None when there is none or it is damaged: it is then built anew.

    So it is when it came from a Chroma server, without its vectors' index, and is to be searched here (`is_local`).
    """
    try:
        manifest = read_manifest(index, live_name(index))
        check_files(index, manifest)
        return None if is_local and not (generation_folder(index, manifest.name) / FOLDER).is_dir() else manifest
    except IndexUnusable:
        return None


@contextlib.contextmanager
def _clean_failure(index: Path) -> Iterator[None]:
    """Leave nothing half built, and say what to do about a full or read-only disk."""
    try:
        yield
    except (OSError, sqlite3.OperationalError) as error:
        raise unwritable(index, error) from error
    finally:
        shutil.rmtree(index / "building", ignore_errors=True)
