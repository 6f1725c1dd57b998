"""The lexical side of a generation: BM25 over the same rows, memory-mapped. This module alone knows bm25s."""

import functools
import re
from array import array
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

PART = 64
"""Of so many rows at a time `best_rows` looks at the best one first."""

_WORD = re.compile(r"\w+")
STOP_WORDS = frozenset(
    """
    a an and are as at be been but by can could did do does for from had has have how i if in into is it its me my of on or
    our should so than that the their them then there these they this to was we were what when where which who why will
    with would you your am im ive get got just about any also ten
    """.split()  # noqa: SIM905  # a hundred quoted words would not be read
)
"""Ten, because its stem is that of TENS."""


def split_words(text: str) -> list[str]:
    """The stems of the words that count for retrieval, in order."""
    return _stem([word for word in _WORD.findall(text.lower()) if word not in STOP_WORDS])


def build_lexical(folder: Path, texts: Iterable[str]) -> None:
    """Write the BM25 index of `texts`, in row order, into `folder`; of the texts only word numbers are held in memory."""
    import bm25s

    numbers: dict[str, int] = {}
    # bm25s cannot index a corpus without a single word.
    rows = [array("i", [numbers.setdefault(word, len(numbers)) for word in split_words(text) or ["\0"]]) for text in texts]
    index = bm25s.BM25(method="lucene")
    index.index((rows, numbers), show_progress=False)
    index.save(str(folder), show_progress=False)


class Lexical:
    """A published BM25 index, only ever read."""

    def __init__(self, folder: Path):
        import bm25s

        self._index: Any = bm25s.BM25.load(str(folder), mmap=True)
        # Each slice of a memmap costs microseconds to make, of the plain array over it none.
        held = self._index.scores
        held.update({name: held[name].view(np.ndarray) for name in ("data", "indices", "indptr")})

    def scores(self, question: str) -> NDArray[np.float32]:
        """The BM25 score of every row."""
        words = self._known(question)
        if not words:
            return np.zeros(self._index.scores["num_docs"], np.float32)
        scores: NDArray[np.float32] = self._index.get_scores(words)
        return scores

    def scores_of(self, question: str, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """The BM25 scores of some rows: the same as of `scores`, without a number for every other row."""
        held = self._index.scores
        scores = np.zeros(len(rows), np.float32)
        # Of another kind of number than the index's, the search would turn all of a word's rows into that kind first.
        wanted = rows.astype(held["indices"].dtype)
        for number in self._index.get_tokens_ids(self._known(question)):
            start, end = held["indptr"][number : number + 2]
            of_word = held["indices"][start:end]
            places = np.minimum(np.searchsorted(of_word, wanted), len(of_word) - 1)
            scores += np.where(of_word[places] == wanted, held["data"][start + places], np.float32(0))
        return scores

    def unknown_share(self, question: str) -> float:
        """The share of the question's words, 0 to 1, that no row holds."""
        words = set(split_words(question))
        return 1 - len(words & self._index.vocab_dict.keys()) / len(words) if words else 0.0

    def _known(self, question: str) -> list[str]:
        return [word for word in split_words(question) if word in self._index.vocab_dict]


def best_rows(scores: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    """The k rows with the highest scores above 0, or as many as there are, the best first; equals in their order.

    NumPy's own partition of a million scores takes 28 ms. Here the k-th best of the parts' maxima, which the k-th best score
    cannot be below, leaves a few dozen rows to sort.
    """
    least = np.float32(0)
    if len(scores) >= k * PART:
        maxima = scores[: len(scores) // PART * PART].reshape(PART, -1).max(axis=0)
        least = np.partition(maxima, -k)[-k]
    rows = np.flatnonzero(scores >= least if least > 0 else scores > 0)
    return rows[np.argsort(-scores[rows], kind="stable")[:k]]


def _stem(words: list[str]) -> list[str]:
    stems: list[str] = _stemmer().stemWords(words)
    return stems


@functools.cache
def _stemmer() -> Any:
    import Stemmer

    return Stemmer.Stemmer("english")
