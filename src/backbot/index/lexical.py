"""The lexical side of a generation: BM25 over the same rows, memory-mapped. This module alone knows bm25s."""

import functools
import re
from array import array
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_WORD = re.compile(r"\w+")
STOP_WORDS = frozenset(
    """
    a an and are as at be been but by can could did do does for from had has have how i if in into is it its me my of on or
    our should so than that the their them then there these they this to was we were what when where which who why will
    with would you your am im ive get got just about any also
    """.split()  # noqa: SIM905  # a hundred quoted words would not be read
)


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

    def scores(self, question: str) -> NDArray[np.float32]:
        """The BM25 score of every row."""
        words = [word for word in split_words(question) if word in self._index.vocab_dict]
        if not words:
            return np.zeros(self._index.scores["num_docs"], np.float32)
        scores: NDArray[np.float32] = self._index.get_scores(words)
        return scores


def _stem(words: list[str]) -> list[str]:
    stems: list[str] = _stemmer().stemWords(words)
    return stems


@functools.cache
def _stemmer() -> Any:
    import Stemmer

    return Stemmer.Stemmer("english")
