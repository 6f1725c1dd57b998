"""Searching the live generation, and following it when a new one is published."""

import contextlib
import logging
import os
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from backbot.embeddings import Embedder, Vectors
from backbot.errors import IndexDamaged, IndexUnusable
from backbot.index.adapter import FILE as ADAPTER_FILE
from backbot.index.adapter import adapt
from backbot.index.asked import near_questions
from backbot.index.content import Content
from backbot.index.dense import FOLDER, Dense, check_database
from backbot.index.exact import Exact
from backbot.index.generations import (
    Manifest,
    check_files,
    check_fits,
    generation_folder,
    hold,
    list_generations,
    live_name,
    read_manifest,
)
from backbot.index.lexical import Lexical, best_rows
from backbot.index.words import read_words
from backbot.records import Hit
from backbot.settings import Settings

if TYPE_CHECKING:
    from backbot.index.following import Follower, Served

RETRY_SECONDS = 30

FEW = 4_000
"""Up to so many passages all vectors are compared, which takes .03 ms for 600 and .2 ms for 4,000; of more Chroma's graph is
asked, which takes 1.5 ms, and half a second and 45 MB to open."""

CANDIDATES = 50
"""How many passages each side proposes."""

WEIGHTS = {"dense": 0.4, "heading": 0.3, "lexical": 0.25, "lexical_heading": 0.1}
"""Of the passage's cosine, its heading path's cosine and both BM25 scores. Chosen on MEDIQA-2019's training questions."""

WEIGHTS_WITH_QUESTIONS = {
    "dense": 0.13,
    "heading": 0.1,
    "sentence": 0.48,
    "lexical": 0.15,
    "asked": 0.1,
    "asked_article": 0.04,
}
"""The same where it is known what readers ask, with the votes of those questions.

By a listwise softmax regression on 3,583 known questions, each fifth of them left out of the adapter and the votes in turn,
by question and by answer. `python evals/bench/known_questions.py` prints what they find. Beside `WEIGHTS`, where nothing is
known and the vector stays as it is, the nearest sentence found no more on MEDIQA-2019's training questions.
"""


class Generation:
    """One published generation, opened for reading. Made by `Index.live`; threads may share it.

    Its files stay on the disk and open for as long as somebody holds it, whatever is published meanwhile. With a `follower`
    its passages' vectors are searched on the Chroma server, whatever their number.
    """

    def __init__(self, index: Path, manifest: Manifest, follower: "Follower | None" = None):
        folder = generation_folder(index, manifest.name)
        self._let_go = weakref.finalize(self, os.close, hold(folder))
        check_files(index, manifest)
        self.manifest = manifest
        self.content = Content(folder, manifest.dimension)
        vectors = self.content.vectors
        self._dense: Dense | Exact | Served
        if follower:
            self._dense = follower.serve(manifest, vectors)
        else:
            check_database(folder / FOLDER)
            few = manifest.passages <= FEW
            self._dense = Exact(vectors.astype(np.float32)) if few else Dense(folder / FOLDER)
        self.words, self.titles = read_words(folder / "words.json")
        self._lexical = Lexical(folder / "bm25")
        self._lexical_headings = Lexical(folder / "bm25-headings")
        self.adapter = np.load(folder / ADAPTER_FILE)

    def search(self, question: str, vector: Vectors, k: int = 10) -> list[Hit]:
        """The k best passages for the question, the best first; `vector` is the question's, shape (dimension,).

        Passages that either side proposes, and those that answer what readers are known to ask, are ordered by a weighted
        sum of scores, which are scaled to 0..1 over them but for the votes.
        """
        count = self.manifest.passages
        adapted = self.adapt(vector)
        near, _ = self._dense.search(adapted, min(max(CANDIDATES, k), count))
        lexical = self._lexical.scores(question)
        asked = near_questions(self.content.questions, self.content.answers, vector)
        rows = np.unique(np.concatenate([near, best_rows(lexical, CANDIDATES), asked.rows]).astype(np.int64))
        cosines = self.content.vectors[rows].astype(np.float32) @ adapted
        parts = {
            "dense": _scale(cosines),
            "heading": _scale(self.content.headings[rows].astype(np.float32) @ adapted),
            "lexical": _scale(lexical[rows]),
        }
        if len(self.content.questions):
            weights = WEIGHTS_WITH_QUESTIONS
            parts["sentence"] = _scale(self.content.best_sentences(rows, adapted))
            parts |= asked.votes(rows, self.content.article_numbers(rows))
        else:
            weights = WEIGHTS
            parts["lexical_heading"] = _scale(self._lexical_headings.scores_of(question, rows))
        scores = np.sum([weight * parts[name] for name, weight in weights.items()], axis=0) / sum(weights.values())
        best = np.argsort(-scores, kind="stable")[:k]
        passages = self.content.passages(rows[best].tolist())
        hits = []
        for i, passage in zip(best, passages, strict=True):
            row = int(rows[i])
            hits.append(Hit(passage, row, float(scores[i]), float(cosines[i]), float(lexical[row]), asked.by_sentence(row)))
        return hits

    def adapt(self, vector: Vectors) -> Vectors:
        """The question's vector, shape (dimension,), brought nearer to the articles' words; of length 1."""
        return adapt(vector, self.adapter)

    def unknown_share(self, question: str) -> float:
        """The share of the question's words, 0 to 1, that no passage holds."""
        return self._lexical.unknown_share(question)

    def neighbours(self, vector: Vectors) -> Vectors:
        """The vectors of the CANDIDATES passages nearest to `vector`, shape (passages, dimension).

        None where a large index's Chroma server is away.
        """
        rows, _ = self._dense.search(vector, min(CANDIDATES, self.manifest.passages))
        return self.content.vectors[rows].astype(np.float32)

    def close(self) -> None:
        """Give the files back; without it they are given back when nobody holds the generation any more."""
        self._dense.close()
        self.content.close()
        self._let_go()


class Index:
    """The index in a folder: `live` is the generation to ask, always the newest one published. Threads may share it.

    A `follower` keeps the folder the same as on a Chroma server. Where the live generation is damaged at the start, the
    newest whole one before it is served until another is published: `degraded` says so.
    """

    _follower: "Follower | None" = None
    _behind = ""
    """Why an earlier generation is served than the one that was published."""

    _tell: Callable[[bool], None] = staticmethod(lambda is_degraded: None)

    def __init__(self, folder: Path, embedder: Embedder, follower: "Follower | None" = None):
        self.folder = folder
        self.embedder = embedder
        self._follower = follower
        if follower:
            weakref.finalize(self, follower.stop)
        self._lock = threading.Lock()
        self._unusable = ""
        self._retry_at = 0.0
        try:
            self._generation = self._open_newest(live_name(folder))
        except IndexDamaged as damage:
            self._generation = self._open_before(damage)

    def live(self) -> Generation:
        """The live generation; opens it first when a new one was published since the last call.

        Whoever asks after a publish waits for the new generation: what was withdrawn must not be quoted any more. One that
        cannot be opened leaves the former one serving, and is tried again every RETRY_SECONDS.
        """
        name = live_name(self.folder)
        if self._is_behind(name):
            with self._lock:
                if self._is_behind(name):
                    self._follow(name)
        elif self._behind and name == self._generation.manifest.name:
            self._catch_up()
        return self._generation

    @property
    def degraded(self) -> str:
        """Why what is published is not served, or the Chroma server not asked; empty if all is well."""
        return self._behind or ((self._follower.away or self._follower.behind) if self._follower else "")

    def on_degraded(self, tell: Callable[[bool], None]) -> None:
        """Call `tell` with whether the index is degraded, now and at each change."""
        self._tell = tell
        if self._follower:
            self._follower.on_change(tell)
        tell(bool(self.degraded))

    def _is_behind(self, name: str) -> bool:
        is_waiting = name == self._unusable and time.monotonic() < self._retry_at
        return name != self._generation.manifest.name and not is_waiting

    def _follow(self, name: str) -> None:
        try:
            self._generation = self._open_newest(name)
            self._catch_up()
        except Exception as error:
            # Whatever went wrong, from a lost file to Chroma's own errors: the former generation still answers.
            self._stay_behind(name, self._generation.manifest.name, error)

    def _open_before(self, damage: IndexDamaged) -> Generation:
        """The newest whole generation before the live one; raises `damage` when there is none."""
        live = live_name(self.folder)
        for name in reversed([name for name in list_generations(self.folder) if name < live]):
            with contextlib.suppress(IndexUnusable):
                generation = self._open(name)
                self._stay_behind(live, name, damage)
                return generation
        raise damage

    def _catch_up(self) -> None:
        self._behind = ""
        self._tell(bool(self.degraded))

    def _stay_behind(self, live: str, served: str, error: Exception) -> None:
        self._unusable, self._retry_at = live, time.monotonic() + RETRY_SECONDS
        self._behind = f"Serving {served}, which may hold what was withdrawn since, and not {live}: {error}"
        logging.getLogger(__name__).error("%s", self._behind)
        self._tell(True)

    def _open_newest(self, name: str) -> Generation:
        """The generation of that name; the newer one that was published where this one was removed meanwhile."""
        while True:
            try:
                return self._open(name)
            except IndexUnusable:
                newer = live_name(self.folder)
                if newer == name:
                    raise
                name = newer

    def _open(self, name: str) -> Generation:
        manifest = read_manifest(self.folder, name)
        check_fits(self.folder, manifest, self.embedder.identity)
        return Generation(self.folder, manifest, self._follower)


def open_index(settings: Settings, embedder: Embedder) -> Index:
    """The index that the settings name, kept the same as on their Chroma server if they name one; raises IndexUnusable."""
    if not settings.chroma_url:
        return Index(settings.index, embedder)
    # Only what has a server pays for what speaks with it.
    from backbot.index.following import follow

    return Index(settings.index, embedder, follow(settings))


class FixedIndex(Index):
    """An index that stays at one generation, whatever is published: for asking two of them the same question."""

    def __init__(self, generation: Generation, embedder: Embedder):
        self.embedder = embedder
        self._generation = generation

    def live(self) -> Generation:
        """The one generation."""
        return self._generation


def _scale(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scores moved to 0..1; all 0 where they do not differ."""
    if not scores.size:
        return scores
    low, high = scores.min(), scores.max()
    scaled: NDArray[np.float32] = (scores - low) / (high - low) if high > low else np.zeros_like(scores)
    return scaled
