"""What several readers asked and the articles do not answer, and where answers failed; never one reader's question."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from backbot.embeddings import Embedder
from backbot.insights.store import Insights

LEAST = 5
"""Nothing is shown that stands on fewer questions. The same question again on the same day counts once: who asked is not
known, and one reader may ask five times."""

ALIKE = 0.65
"""Cosine from which two questions are about the same thing."""

MOST_COMPARED = 2_000
"""Questions that are compared, the newest first; embedding them takes some seconds."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that readers ask and the articles do not answer: the words that at least LEAST questions share."""

    words: str
    count: int
    days: int


@dataclass(frozen=True, slots=True)
class Complaint:
    """An article whose answers got at least LEAST thumbs down, and the reason given; empty when none was."""

    article: str
    reason: str
    count: int


def content_gaps(insights: Insights, embedder: Embedder, least: int = LEAST) -> tuple[Gap, ...]:
    """What the articles lack, the most asked first. A `least` under LEAST is taken as LEAST."""
    least = max(least, LEAST)
    # How often each question was asked on which day, the one asked last first.
    days: dict[str, Counter[str]] = {}
    for day, words in insights.declined():
        if words in days or len(days) < MOST_COMPARED:
            days.setdefault(words, Counter())[day] += 1
    gaps = []
    for group in _groups(list(days), embedder):
        if shared := _shared(group, days, least):
            on = {day for question in group for day in days[question]}
            gaps.append(Gap(shared, sum(days[question].total() for question in group), len(on)))
    return tuple(sorted(gaps, key=lambda gap: (-gap.count, gap.words)))


def complaints(insights: Insights, least: int = LEAST) -> tuple[Complaint, ...]:
    """Articles whose answers failed readers, the most often first. A `least` under LEAST is taken as LEAST."""
    counted = Counter((article, reason) for _, reason, article in insights.faults())
    return tuple(
        Complaint(article, reason, count)
        for (article, reason), count in sorted(counted.items(), key=lambda item: (-item[1], item[0]))
        if count >= max(least, LEAST)
    )


def _groups(questions: Sequence[str], embedder: Embedder) -> list[list[str]]:
    """Questions that are about the same thing: each joins the nearest group whose first question it is ALIKE."""
    if not questions:
        return []
    vectors = embedder.embed(questions)
    firsts: list[int] = []
    groups: list[list[str]] = []
    for i, question in enumerate(questions):
        cosines = vectors[firsts] @ vectors[i]
        if firsts and cosines.max() >= ALIKE:
            groups[int(np.argmax(cosines))].append(question)
        else:
            firsts.append(i)
            groups.append([question])
    return groups


def _shared(group: Sequence[str], days: dict[str, Counter[str]], least: int) -> str:
    """The words that enough questions of the group hold, in the order of the question that holds most of them.

    A question counts once for each day; empty where too few have a word in common.
    """
    counted: Counter[str] = Counter()
    for question in group:
        counted.update(dict.fromkeys(question.split(), len(days[question])))
    common = {word for word, count in counted.items() if count >= least}
    fullest = max(group, key=lambda question: (len(common & set(question.split())), -len(question)))
    return " ".join(dict.fromkeys(word for word in fullest.split() if word in common))
