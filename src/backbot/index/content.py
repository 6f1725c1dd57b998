"""What a generation's rows stand for: articles and passages in SQLite, their vectors in memory-mapped arrays."""

import contextlib
import json
import sqlite3
import weakref
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import fields
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backbot.embeddings import Encoded, Vectors
from backbot.records import Article, Passage, ReaderQuestions, Sentence, Source

_SCHEMA = """
create table articles (id text primary key, fields text not null);
create table passages (row integer primary key, fields text not null);
"""


class ContentWriter:
    """Writes a new generation's content into `folder`; a context manager.

    Articles come first, then passages in row order, those of an article together.
    """

    def __init__(self, folder: Path):
        self._database = sqlite3.connect(folder / "content.sqlite")
        # Nobody reads what is being built, and a killed build is thrown away: `publish` brings the whole to the disk.
        self._database.executescript("pragma journal_mode = off; pragma synchronous = off;" + _SCHEMA)
        self._vectors = (folder / "vectors.bin").open("wb")
        self._headings = (folder / "headings.bin").open("wb")
        self._sentences = (folder / "sentences.bin").open("wb")
        self._questions = (folder / "questions.bin").open("wb")
        self._answers = (folder / "answers.bin").open("wb")
        self._starts = (folder / "starts.bin").open("wb")
        self._first_sentences = (folder / "first_sentences.bin").open("wb")
        self._first_sentences.write(np.int64(0).tobytes())
        self._article = ""
        self.passages = self.sentences = self.dimension = 0

    def add_article(self, article: Article) -> None:
        """Keep the article as it was read, for its page and for the next ingest."""
        self._database.execute("insert into articles values (?, ?)", (article.id, _to_json(article)))

    def articles(self) -> Iterator[Article]:
        """The articles added so far, by id, one at a time: they need not fit in memory."""
        for (text,) in self._database.execute("select fields from articles order by id"):
            yield _article(json.loads(text))

    def add_passage(self, passage: Passage, encoded: Encoded, heading: Vectors) -> None:
        """Give the passage the next row; `encoded` holds its vector and its sentences', `heading` is its heading path's."""
        self._database.execute("insert into passages values (?, ?)", (self.passages, _to_json(passage)))
        if passage.article != self._article:
            self._article = passage.article
            self._starts.write(np.int64(self.passages).tobytes())
        self._vectors.write(encoded.vector.astype(np.float16).tobytes())
        self._headings.write(heading.astype(np.float16).tobytes())
        self._sentences.write(encoded.spans.astype(np.float16).tobytes())
        self.passages += 1
        self.sentences += len(passage.sentences)
        self._first_sentences.write(np.int64(self.sentences).tobytes())
        self.dimension = len(encoded.vector)

    def add_question(self, vector: Vectors, row: int, place: int) -> None:
        """Keep a reader's question's vector and what answers it: a passage's row and the sentence's number in it."""
        self._questions.write(vector.astype(np.float32).tobytes())
        self._answers.write(np.array([row, place], np.int32).tobytes())

    def __enter__(self) -> "ContentWriter":
        return self

    def __exit__(self, *_: object) -> None:
        self._database.commit()
        self._database.close()
        self._vectors.close()
        self._headings.close()
        self._sentences.close()
        self._questions.close()
        self._answers.close()
        self._starts.close()
        self._first_sentences.close()


class Content:
    """A published generation's content, only ever read; threads may share it."""

    def __init__(self, folder: Path, dimension: int):
        self._file = folder / "content.sqlite"
        # A thread takes a connection and brings it back. One for each thread would stay open long after the thread ended.
        self._idle: deque[sqlite3.Connection] = deque()
        self._close = weakref.finalize(self, _close_all, self._idle)
        self.vectors = _open_vectors(folder / "vectors.bin", dimension)
        self.headings = _open_vectors(folder / "headings.bin", dimension)
        self._sentences = _open_vectors(folder / "sentences.bin", dimension)
        # Not halved: all of them are compared with each question, and NumPy is slow with numbers of two bytes.
        self.questions = _open_vectors(folder / "questions.bin", dimension, np.float32)
        self.answers = _open_vectors(folder / "answers.bin", 2, np.int32)
        self._starts = _open_vectors(folder / "starts.bin", 1, np.int64).ravel()
        # One more than there are passages: a passage's sentences end where the next one's begin.
        self._first_sentences = _open_vectors(folder / "first_sentences.bin", 1, np.int64).ravel()

    def passages(self, rows: Sequence[int]) -> list[Passage]:
        """The passages of the rows, in the order of the rows."""
        marks = ",".join("?" * len(rows))
        query = f"select row, fields from passages where row in ({marks})"  # noqa: S608  # only question marks are put in
        found = dict(self._read(query, [int(row) for row in rows]))
        return [_passage(json.loads(found[int(row)])) for row in rows]

    def sentence_vectors(self, row: int) -> Vectors:
        """The vectors of the sentences of the row's passage, shape (sentences, dimension)."""
        first, end = self._first_sentences[row : row + 2]
        return self._sentences[first:end].astype(np.float32)

    def best_sentences(self, rows: NDArray[np.int64], vector: Vectors) -> Vectors:
        """For each of the rows the cosine of `vector` with the nearest sentence of its passage, shape (rows,)."""
        first = self._first_sentences[rows]
        counts = self._first_sentences[rows + 1] - first
        of = np.repeat(np.arange(len(rows)), counts)
        within = np.arange(len(of)) - np.repeat(np.cumsum(counts) - counts, counts)
        best = np.zeros(len(rows), np.float32)
        np.maximum.at(best, of, self._sentences[first[of] + within].astype(np.float32) @ vector)
        return best

    def answering(self, answers: NDArray[np.int32]) -> tuple[NDArray[np.int64], Vectors, Vectors]:
        """The sentences that `answers` name, each by its passage's row and its place there, shape (answers, 2).

        Their numbers among all sentences, shape (answers,), their vectors and those of the heading paths that they stand
        under, both of shape (answers, dimension).
        """
        rows, places = answers.T
        numbers = self._first_sentences[rows] + places
        return numbers, self._sentences[numbers].astype(np.float32), self.headings[rows].astype(np.float32)

    def article_numbers(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """For each row a number that its article's other passages have too."""
        return np.searchsorted(self._starts, rows, side="right")

    def article(self, name: str) -> Article | None:
        """The article of that id; None when there is none."""
        for (text,) in self._read("select fields from articles where id = ?", [name]):
            return _article(json.loads(text))
        return None

    def articles(self) -> Iterator[Article]:
        """All articles, by id, one at a time."""
        with contextlib.closing(self._connect()) as database:
            for (text,) in database.execute("select fields from articles order by id"):
                yield _article(json.loads(text))

    def all_passages(self) -> Iterator[Passage]:
        """All passages, in row order, one at a time."""
        with contextlib.closing(self._connect()) as database:
            for (text,) in database.execute("select fields from passages order by row"):
                yield _passage(json.loads(text))

    def close(self) -> None:
        """Close the database; without it, it is closed when nobody holds this object any more."""
        self._close()

    def _read(self, query: str, values: list[Any]) -> list[tuple[Any, ...]]:
        try:
            database = self._idle.pop()
        except IndexError:
            database = self._connect()
        try:
            return database.execute(query, values).fetchall()
        finally:
            self._idle.append(database)

    def _connect(self) -> sqlite3.Connection:
        # Immutable: no lock file, no journal; a published generation never changes.
        address = f"{self._file.absolute().as_uri()}?mode=ro&immutable=1"
        return sqlite3.connect(address, uri=True, check_same_thread=False)


def _close_all(connections: deque[sqlite3.Connection]) -> None:
    while connections:
        connections.pop().close()


def _open_vectors(file: Path, dimension: int, kind: type[Any] = np.float16) -> NDArray[Any]:
    if file.stat().st_size == 0:
        return np.zeros((0, dimension), kind)
    # As a plain array: each slice of a memmap costs microseconds to make, and a reply takes hundreds.
    return np.memmap(file, kind, "r").reshape(-1, dimension).view(np.ndarray)


_RECORDS = (Article, Source, ReaderQuestions, Passage, Sentence)


def _to_json(record: Article | Passage) -> str:
    return json.dumps(record, default=_plain, ensure_ascii=False)


def _plain(value: Any) -> dict[str, Any] | str:
    """A record's fields; a date's text. `asdict` gives the same in ten times the time."""
    return {name: getattr(value, name) for name in value.__slots__} if isinstance(value, _RECORDS) else str(value)


def _passage(values: dict[str, Any]) -> Passage:
    values["headings"] = tuple(values["headings"])
    values["sentences"] = tuple(Sentence(**sentence) for sentence in values["sentences"])
    return Passage(**_with_dates(values))


def _article(values: dict[str, Any]) -> Article:
    values["topics"] = tuple(values["topics"])
    values["sources"] = tuple(Source(**source) for source in values["sources"])
    values["questions"] = tuple(ReaderQuestions(row["answer"], tuple(row["asked"])) for row in values["questions"])
    return Article(**_with_dates(values))


_DATES = {field.name for field in (*fields(Article), *fields(Passage)) if "date" in str(field.type)}


def _with_dates(values: dict[str, Any]) -> dict[str, Any]:
    return {name: date.fromisoformat(value) if name in _DATES and value else value for name, value in values.items()}
