"""Ingestion: articles in, a new generation out, if anything changed."""

import shutil
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from backbot.chunking import CHUNKING, split_passages
from backbot.embeddings import Embedder, Vectors
from backbot.errors import IndexDamaged, IndexUnusable, TooManyBadArticles
from backbot.index.content import Content, ContentWriter
from backbot.index.dense import Dense, build_dense
from backbot.index.embedding_store import EmbeddingStore, SpannedText
from backbot.index.generations import (
    Manifest,
    check_files,
    describe_files,
    generation_folder,
    ingest_lock,
    list_generations,
    live_name,
    new_name,
    publish,
    read_manifest,
    remove_leftovers,
    unwritable,
)
from backbot.index.lexical import build_lexical
from backbot.loaders import BadArticle, load_articles
from backbot.records import Article, Passage
from backbot.settings import Settings

VECTORS_PER_BATCH = 2000

Progress = Callable[[str, int, int], None]
"""Told (stage, done, total) as the work goes on."""


@dataclass(frozen=True, slots=True)
class IngestSummary:
    """What an ingest did. `generation` is the live one afterwards; `published` says whether this ingest made it."""

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
) -> IngestSummary:
    """Read the sources and publish a generation that holds exactly their published articles.

    Nothing is published when nothing changed. `rebuild` builds even then, and without the stored vectors. Raises
    IndexBusy, IndexUnwritable, SourceUnreadable, or TooManyBadArticles when more than the share `max_bad` of the
    articles cannot be read; the live generation is then untouched.
    """
    started = time.monotonic()
    index = settings.index
    with ingest_lock(index):
        try:
            remove_leftovers(index, settings.keep_generations)
            before = None if rebuild else _live_manifest(index)
            articles, bad = _read(sources, progress)
            stale = _last_good_versions(index, before, articles, bad)
            _check_share(articles, bad, max_bad)
            hashes = {article.id: article.content_hash for article in (*articles.values(), *stale.values())}
            former = before.articles if before else {}
            same_make = before is not None and (before.model, before.chunking) == (embedder.identity, CHUNKING)
            if before and same_make and hashes == former and before.stale == tuple(sorted(stale)):
                manifest, computed = before, 0
            else:
                if rebuild:
                    (index / "embeddings.sqlite").unlink(missing_ok=True)
                manifest, computed = _build(index, sources, {**articles, **stale}, tuple(sorted(stale)), embedder, progress)
                publish(index, index / "building" / manifest.name)
                remove_leftovers(index, settings.keep_generations)
            return IngestSummary(
                generation=manifest.name,
                published=manifest is not before,
                articles=len(manifest.articles),
                passages=manifest.passages,
                added=tuple(sorted(hashes.keys() - former.keys())),
                changed=tuple(sorted(name for name in hashes.keys() & former.keys() if hashes[name] != former[name])),
                removed=tuple(sorted(former.keys() - hashes.keys())),
                stale=manifest.stale,
                left_out=tuple(bad),
                embedded=computed,
                seconds=time.monotonic() - started,
            )
        except (OSError, sqlite3.OperationalError) as error:
            shutil.rmtree(index / "building", ignore_errors=True)
            raise unwritable(index, error) from error


def _read(sources: Sequence[str], progress: Progress) -> tuple[dict[str, Article], list[BadArticle]]:
    articles: dict[str, Article] = {}
    withdrawn: set[str] = set()
    bad: list[BadArticle] = []
    for source in sources:
        for found in load_articles(source):
            if isinstance(found, BadArticle):
                bad.append(found)
            elif found.id in articles or found.id in withdrawn:
                bad.append(BadArticle(source, f"two articles have the id {found.id!r}; the first was kept", ""))
            elif found.status == "withdrawn":
                withdrawn.add(found.id)
            else:
                articles[found.id] = found
            progress("Reading", len(articles), 0)
    return articles, bad


def _last_good_versions(
    index: Path, before: Manifest | None, articles: dict[str, Article], bad: Iterable[BadArticle]
) -> dict[str, Article]:
    """Articles that the sources hold in an unreadable form now and that the live generation holds in a good one."""
    names = {item.article for item in bad} - articles.keys()
    if before is None or not names:
        return {}
    content = Content(generation_folder(index, before.name), before.dimension)
    found = {name: content.article(name) for name in names & before.articles.keys()}
    return {name: article for name, article in found.items() if article}


def _check_share(articles: dict[str, Article], bad: Sequence[BadArticle], max_bad: float) -> None:
    total = len(articles) + len(bad)
    if total == 0 or not articles:
        first = f" The first: {bad[0].place}: {bad[0].reason}." if bad else ""
        raise TooManyBadArticles(
            f"The sources hold no article that can be read; nothing was published.{first} Name a folder with articles."
        )
    # One bad article in a small corpus is more than 5 %, and must not take the others down.
    if len(bad) > max(max_bad * total, 1):
        raise TooManyBadArticles(
            f"{len(bad)} of {total} articles cannot be read, more than --max-bad {max_bad:.0%}; nothing was published. "
            f"The first: {bad[0].place}: {bad[0].reason}. Mend them, or raise --max-bad."
        )


def _build(
    index: Path,
    sources: Sequence[str],
    articles: dict[str, Article],
    stale: tuple[str, ...],
    embedder: Embedder,
    progress: Progress,
) -> tuple[Manifest, int]:
    name = new_name()
    folder = index / "building" / name
    folder.mkdir(parents=True)
    ordered = [articles[key] for key in sorted(articles)]
    passages = [passage for article in ordered for passage in split_passages(article)]
    store = EmbeddingStore(index / "embeddings.sqlite", embedder, name)
    try:
        dimension = _write_content(folder, ordered, passages, store, progress)
        progress("Indexing", 0, 0)
        build_lexical(folder / "bm25", (passage.embedded_text for passage in passages))
        build_lexical(folder / "bm25-headings", (passage.heading_path for passage in passages))
        vectors = np.memmap(folder / "vectors.bin", np.float16, "r").reshape(-1, dimension)
        build_dense(folder / "chroma", _batches(vectors), len(passages))
        _check(folder, vectors)
        manifest = Manifest(
            name=name,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            model=embedder.identity,
            dimension=dimension,
            sources=tuple(sources),
            articles={article.id: article.content_hash for article in ordered},
            stale=stale,
            passages=len(passages),
            sentences=sum(len(passage.sentences) for passage in passages),
            files=describe_files(folder),
            chunking=CHUNKING,
        )
        manifest.write(folder)
        store.forget(before=min((*list_generations(index), name)))
        return manifest, store.computed
    finally:
        store.close()


def _write_content(
    folder: Path, articles: Sequence[Article], passages: Sequence[Passage], store: EmbeddingStore, progress: Progress
) -> int:
    """Write the generation's content and return the vectors' dimension."""
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        progress("Embedding", done, len(passages))

    if not passages:
        raise TooManyBadArticles("The articles hold no text; nothing was published. Check them with: backbot corpus read")
    paths = list(dict.fromkeys(passage.heading_path for passage in passages))
    headings = {
        path: encoded.vector
        for path, encoded in zip(paths, store.encode([(path, ()) for path in paths], lambda done: None), strict=True)
    }
    with ContentWriter(folder) as writer:
        for article in articles:
            writer.add_article(article)
        texts = [_with_spans(passage) for passage in passages]
        for passage, encoded in zip(passages, store.encode(texts, advance), strict=True):
            writer.add_passage(passage, encoded, headings[passage.heading_path])
    return len(encoded.vector)


def _with_spans(passage: Passage) -> SpannedText:
    """What is embedded, with the places of the passage's sentences in it."""
    text = passage.embedded_text
    offset = len(text) - len(passage.text)
    return text, [(offset + sentence.start, offset + sentence.end) for sentence in passage.sentences]


def _batches(vectors: np.ndarray) -> Iterator[Vectors]:
    for start in range(0, len(vectors), VECTORS_PER_BATCH):
        yield vectors[start : start + VECTORS_PER_BATCH].astype(np.float32)


def _check(folder: Path, vectors: np.ndarray) -> None:
    """Open what was built as a reader would, and find some passages by their own vectors."""
    dense = Dense(folder / "chroma")
    try:
        if dense.count() != len(vectors):
            raise IndexDamaged(f"Chroma holds {dense.count()} of {len(vectors)} passages. Run backbot ingest again.")
        rows = np.linspace(0, len(vectors) - 1, min(len(vectors), 20)).astype(int)
        samples = vectors[rows].astype(np.float32)
        found = sum(dense.search(vector, 1)[1][0] > 0.99 * float(vector @ vector) for vector in samples)
        # The search is approximate: among many near-copies it may miss one.
        if found < 0.8 * len(rows):
            raise IndexDamaged(
                f"Chroma finds {found} of {len(rows)} passages by their own vectors. Run backbot ingest again."
            )
    finally:
        dense.close()


def _live_manifest(index: Path) -> Manifest | None:
    """The live generation's manifest; None when there is none or it is damaged: it is then built anew."""
    try:
        manifest = read_manifest(index, live_name(index))
        check_files(index, manifest)
        return manifest
    except IndexUnusable:
        return None
