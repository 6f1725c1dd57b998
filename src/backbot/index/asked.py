"""What readers are known to ask, as a way to the passages that answer it.

The nearest known questions speak for the passage that holds their answer, and vote for its article, with how near they
are. It is what a k-nearest-neighbours classifier does (Cover and Hart 1967), with its votes weighted by nearness.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backbot.embeddings import Vectors
from backbot.index.lexical import best_rows

FLOOR = 0.4
"""The cosine of two questions from which on they may ask the same."""

MOST = 20
"""So many known questions at most vote, the nearest."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The known questions near a question, arrays of one length: `nearness`, above 0 to 1, and what answers each.

    `rows` are passages' rows, `places` the numbers of the sentences in them.
    """

    rows: NDArray[np.int32]
    places: NDArray[np.int32]
    nearness: Vectors

    def by_sentence(self, row: int) -> dict[int, float]:
        """The nearness of the nearest question for each sentence of the row's passage that answers one."""
        here = self.rows == row
        found: dict[int, float] = {}
        # The nearest come first.
        for place, near in zip(self.places[here].tolist(), self.nearness[here].tolist(), strict=True):
            found.setdefault(place, near)
        return found

    def votes(self, rows: NDArray[np.int64], articles: NDArray[np.int64]) -> dict[str, Vectors]:
        """For each of `rows`, which are sorted and hold all rows that answer: how near the nearest question that it answers
        is, and the share of all votes for its article. `articles` are the rows' articles, as numbers."""
        nearest = np.zeros(len(rows), np.float32)
        at = np.searchsorted(rows, self.rows)
        np.maximum.at(nearest, at, self.nearness)
        shares = self.nearness / max(float(self.nearness.sum()), 1e-9)
        _, of = np.unique(articles, return_inverse=True)
        return {
            "asked": nearest,
            "asked_article": np.bincount(of[at], shares, len(rows))[of].astype(np.float32),
        }


def near_questions(questions: Vectors, answers: NDArray[np.int32], vector: Vectors) -> Asked:
    """The known questions near the question's `vector`, the nearest first.

    `questions` are their vectors, shape (questions, dimension); `answers` what answers each, shape (questions, 2): a
    passage's row and a sentence's number in it.
    """
    above = questions @ vector - FLOOR
    nearest = best_rows(above, MOST)
    rows, places = answers[nearest].T
    return Asked(rows, places, above[nearest] / (1 - FLOOR))
