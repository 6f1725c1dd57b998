"""Negation, time and person as triage reads them, measured on NegEx's own annotated sentences.

The kit (Chapman et al. 2001; rsAnnotations-1-120-random.txt) has a tab-separated line for each condition: its words, the
clinical sentence, and whether it is negated, historical or hypothetical, and about the patient or someone else.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from backbot.errors import SuiteInvalid
from backbot.triage.detector import Message, read_message
from backbot.triage.phrases import Hit
from backbot.triage.rules import Rules

_COLUMNS = 6


@dataclass(frozen=True, slots=True)
class Annotated:
    """A condition in a sentence, and what the annotators said of it."""

    condition: str
    sentence: str
    is_negated: bool
    is_past: bool
    is_hypothetical: bool
    is_other_person: bool


@dataclass(frozen=True, slots=True)
class Agreement:
    """How often triage and the annotators both say so (`both`), only triage does, only they do."""

    name: str
    both: int
    only_triage: int
    only_annotators: int

    @property
    def precision(self) -> float:
        """The share of what triage says that the annotators say."""
        return self.both / max(1, self.both + self.only_triage)

    @property
    def recall(self) -> float:
        """The share of what the annotators say that triage says."""
        return self.both / max(1, self.both + self.only_annotators)

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        return 2 * self.both / max(1, 2 * self.both + self.only_triage + self.only_annotators)


def read_annotations(path: Path) -> list[Annotated]:
    """The kit's lines; raises SuiteInvalid when the file is not the kit's."""
    try:
        lines = path.read_text("utf-8", errors="replace").splitlines()[1:]
    except OSError as error:
        raise SuiteInvalid(f"The annotated sentences in {path} cannot be read: {error}.") from None
    rows = [line.split("\t") for line in lines if line.strip()]
    if not rows or any(len(row) < _COLUMNS for row in rows):
        raise SuiteInvalid(f"{path} is not NegEx's kit: it should have {_COLUMNS} columns, parted by tabs.")
    return [
        Annotated(
            condition=row[1],
            sentence=row[2].strip().strip('"'),
            is_negated=row[3].strip().lower() == "negated",
            is_past=row[4].strip().lower() == "historical",
            is_hypothetical=row[4].strip().lower() in {"hypothetical", "not particular"},
            is_other_person=row[5].strip().lower() == "other",
        )
        for row in rows
    ]


def measure(rows: Sequence[Annotated], rules: Rules) -> list[Agreement]:
    """Agreement on negation, the past, hypothesis and person."""
    counts = {name: [0, 0, 0] for name in ("negated", "historical", "hypothetical", "someone else")}
    for row in rows:
        said = read(row.condition, row.sentence, rules)
        annotated = (row.is_negated, row.is_past, row.is_hypothetical, row.is_other_person)
        for count, ours, theirs in zip(counts.values(), said, annotated, strict=True):
            count[0] += ours and theirs
            count[1] += ours and not theirs
            count[2] += theirs and not ours
    return [Agreement(name, *count) for name, count in counts.items()]


def read(condition: str, sentence: str, rules: Rules) -> tuple[bool, bool, bool, bool]:
    """Whether the condition is negated, past, hypothetical, and about someone else, as triage reads the sentence."""
    message = read_message(sentence, rules)
    hit = _find(condition, message, rules)
    if hit is None:
        return False, False, False, False
    contexts = message.taken_back((hit,), frozenset({"negation", "history", "hypothetical"}))
    # In a clinical note "he" and "the patient" are the patient, so that only a relative is someone else.
    relative = any(other.first < hit.first for other in message.concepts.get("relative", ()))
    return "negation" in contexts, "history" in contexts, "hypothetical" in contexts, relative


def _find(condition: str, message: Message, rules: Rules) -> Hit | None:
    """The condition's words in the sentence, in capitals (as the kit marks them) if they stand there more than once."""
    wanted = [word.text for word in rules.reader.read(re.sub(r"\s+", " ", condition))]
    words = message.words
    for length in range(len(wanted), 0, -1):
        hits = [
            Hit(first, first + length - 1)
            for first in range(len(words) - length + 1)
            if [word.text for word in words[first : first + length]] == wanted[:length]
        ]
        if hits:
            marked = [hit for hit in hits if message.text[words[hit.first].start : words[hit.last].end].isupper()]
            return marked[-1] if marked else hits[0]
    return None
