"""A new generation made from the articles of an ingest, one article at a time, and checked as a reader would."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from backbot.chunking import CHUNKING, split_passages
from backbot.embeddings import Embedder, ModelIdentity, Vectors
from backbot.errors import IndexDamaged, TooManyBadArticles
from backbot.index.adapter import FILE as ADAPTER_FILE
from backbot.index.adapter import learn_adapter
from backbot.index.content import Content, ContentWriter
from backbot.index.dense import Dense, build_dense
from backbot.index.embedding_store import EmbeddingStore, SpannedText
from backbot.index.generations import Manifest, describe_files, list_generations
from backbot.index.lexical import build_lexical
from backbot.index.reading import Account, Progress
from backbot.index.words import write_words
from backbot.records import Article, Passage, ReaderQuestions

VECTORS_PER_BATCH = 2000


def embed_articles(index: Path, name: str, writer: ContentWriter, total: int, embedder: Embedder, progress: Progress) -> int:
    """Split and embed the `total` articles that `writer` holds; returns how many texts were embedded, the rest were known.

    Raises TooManyBadArticles when there is no text at all.
    """
    store = EmbeddingStore(index / "embeddings.sqlite", embedder, name)
    try:
        article, done, heading = "", 0, np.zeros(0, np.float32)
        places: dict[str, tuple[int, int]] = {}
        for item, encoded in store.encode(_texts(writer.articles())):
            if isinstance(item, str):
                heading = encoded.vector
            elif isinstance(item, ReaderQuestions):
                if item.answer in places:
                    writer.add_question(encoded.vector, *places[item.answer])
            else:
                if item.article != article:
                    article, done, places = item.article, done + 1, {}
                    progress("Embedding", done, total)
                for place, sentence in enumerate(item.sentences):
                    places.setdefault(item.quote(sentence), (writer.passages, place))
                writer.add_passage(item, encoded, heading)
        if not writer.passages:
            raise TooManyBadArticles(
                "The articles hold no text; nothing was published. Check them with: backbot corpus read"
            )
        progress("Embedding", total, total)
        store.forget(before=min((*list_generations(index), name)))
        return store.computed
    finally:
        store.close()


def finish_generation(
    folder: Path,
    writer: ContentWriter,
    account: Account,
    sources: Sequence[str],
    stale: Sequence[str],
    model: ModelIdentity,
    progress: Progress,
) -> Manifest:
    """Index what `writer` wrote into `folder`, check it and describe it; raises IndexDamaged when it does not work."""
    content = Content(folder, writer.dimension)
    steps: tuple[Callable[[], None], ...] = (
        lambda: build_lexical(folder / "bm25", (passage.embedded_text for passage in content.all_passages())),
        lambda: build_lexical(folder / "bm25-headings", (passage.heading_path for passage in content.all_passages())),
        lambda: write_words(folder / "words.json", content.all_passages()),
        lambda: _write_adapter(folder / ADAPTER_FILE, content),
        lambda: build_dense(folder / "chroma", _batches(content.vectors), writer.passages),
        lambda: _check(folder, content.vectors),
    )
    for done, step in enumerate(steps):
        progress("Indexing", done, len(steps))
        step()
    manifest = Manifest(
        name=folder.name,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        model=model,
        dimension=writer.dimension,
        sources=tuple(sources),
        articles=dict(sorted(account.hashes.items())),
        stale=tuple(stale),
        passages=writer.passages,
        sentences=writer.sentences,
        files=describe_files(folder),
        chunking=CHUNKING,
        origins=account.origins,
    )
    manifest.write(folder)
    progress("Indexing", len(steps), len(steps))
    return manifest


def _texts(articles: Iterable[Article]) -> Iterator[tuple[str | Passage | ReaderQuestions, SpannedText]]:
    """Each passage with what is embedded of it, and before it its heading path unless that was the last one's too.

    After an article's passages come its readers' questions.
    """
    last = ""
    for article in articles:
        for passage in split_passages(article):
            if passage.heading_path != last:
                last = passage.heading_path
                yield last, (last, ())
            yield passage, _with_spans(passage)
        for row in article.questions:
            for asked in row.asked:
                yield row, (asked, ())


def _with_spans(passage: Passage) -> SpannedText:
    """What is embedded, with the places of the passage's sentences in it."""
    text = passage.embedded_text
    offset = len(text) - len(passage.text)
    return text, [(offset + sentence.start, offset + sentence.end) for sentence in passage.sentences]


def _write_adapter(file: Path, content: Content) -> None:
    np.save(file, learn_adapter(content.questions, *content.answering(content.answers)))


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
