"""Whether the passages found hold an answer at all. When they do not, backbot says so."""

from collections.abc import Sequence

from backbot.answering.extractive import Candidate
from backbot.records import Hit

NEAREST_PASSAGE = 0.36
NEAREST_SENTENCE = 0.34


def holds_answer(hits: Sequence[Hit], ranked: Sequence[Candidate]) -> bool:
    """Whether the best passage and the best sentence are near enough to the question."""
    if not hits or not ranked:
        return False
    return max(hit.dense for hit in hits) >= NEAREST_PASSAGE and max(c.meaning for c in ranked) >= NEAREST_SENTENCE
