"""A follow-up and the reader's earlier messages -> a question that stands alone. No language model, no state."""

import re
from collections.abc import Sequence

from backbot.index.lexical import split_words

MAX_HISTORY = 20
"""Earlier messages that are read for what a follow-up is about."""

MAX_FOLLOW_UP_WORDS = 12

_OPENS_FOLLOW_UP = re.compile(
    r"^\W*(?:and|but|so|or|then|ok(?:ay)?|also|what about|how about|what if|no,? i meant?|i meant?|i mean|sorry|actually)\b",
    re.I,
)
_POINTS_BACK = re.compile(r"\b(?:it|its|they|them|their|that|this|those|these|one|ones|either|both|there|the same)\b", re.I)
_CORRECTS = re.compile(r"^\W*(?:no\W+)?(?:sorry\W+)?(?:actually\W+)?i mean[t]?\b|^\W*no\W+not\b", re.I)
_FILLER = re.compile(
    r"^\W*(?:(?:and|but|so|or|then|ok(?:ay)?|also|no|sorry|actually|what about|how about|i meant?|i mean)\b\W*)+", re.I
)


def stand_alone(question: str, history: Sequence[str]) -> str:
    """The question as somebody who had read nothing before it would have to ask it.

    `history` is the reader's earlier messages, the oldest first. A question that names its own subject comes back as it is.
    """
    if not history or not _follows(question):
        return question
    for earlier in reversed(history[-MAX_HISTORY:]):
        if not _follows(earlier) or len(split_words(earlier)) > 3:
            return _join(question, earlier)
    return question


def _follows(question: str) -> bool:
    """Whether the question leans on what was said before."""
    words = question.split()
    if len(words) > MAX_FOLLOW_UP_WORDS:
        return False
    named = len(split_words(question))
    return bool(_OPENS_FOLLOW_UP.match(question) or (_POINTS_BACK.search(question) and named <= 4) or named <= 1)


def _join(question: str, earlier: str) -> str:
    own = _FILLER.sub("", question).strip() or question.strip()
    if _CORRECTS.match(question):
        return f"{own} ({earlier.strip()})"
    return f"{own[0].upper()}{own[1:]} ({earlier.strip()})"
