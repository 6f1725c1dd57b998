"""How phrases and the classifier are put together.

Phrases are exact about words that they know and blind to the rest; the classifier reads the whole conversation and is never
quite sure. Three small logistic functions weigh both: is this at least soon, at least urgent, an emergency? They were
fitted on messages of a writer from whom the classifier had not learnt. So a phrase counts for much, agreement of both for
more, and a phrase alone is dropped where the classifier is as good as sure that the message is harmless: measured, a
classifier that may drop nothing leaves one harmless message in nine with a false emergency, which teaches readers to
ignore the real one. The bar for an emergency is set low (see evals/triage/README.md). Without a classifier phrases decide.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from backbot.records import TRIAGE_LEVELS, Flag, TriageLevel
from backbot.triage.classifier import LEVEL_LABELS, Opinion, sigmoid
from backbot.triage.rules import FlagRow, Rules

_SURELY_NOT, _SURELY = -6.0, 3.0
_SURE_ENOUGH = 5.0
"""Logits beyond this say no more: the classifier is as sure of a bare "numb bum" as of a question about chairs."""

_LIKELY = 0.5
"""A flag that the classifier holds for at least this likely is named beside those that phrases found."""

_EXPLAINS = -1.0
"""The least logit of the likeliest flag at which the classifier may give a level that phrases do not give. On messages of a
writer that it had not learnt from it costs 1 emergency in 270; of 1,300 ordinary questions it clears a fifth of the false
alarms."""


def features(opinion: Opinion, phrases: Sequence[Flag], rules: Rules) -> list[float]:
    """What the judgement sees: a one; the classifier's three logits of levels; its largest logit of a flag of each level;
    whether phrases reached each level; for each level, how far the classifier agrees with a flag that phrases found."""
    rank = max((TRIAGE_LEVELS.index(flag.level) for flag in phrases), default=0)
    levels = TRIAGE_LEVELS[1:]
    return [
        1.0,
        *(_bounded(opinion.logits[label]) for label in LEVEL_LABELS),
        *(_bounded(max(opinion.logits[row.id] for row in rules.flags if row.level == level)) for level in levels),
        *(float(rank >= least) for least in range(1, len(levels) + 1)),
        *(max((_agreement(opinion, flag) for flag in phrases if flag.level == level), default=0.0) for level in levels),
    ]


def _bounded(logit: float) -> float:
    return max(-_SURE_ENOUGH, min(_SURE_ENOUGH, logit))


def _agreement(opinion: Opinion, flag: Flag) -> float:
    """From 0 (the classifier is sure that the flag is not there) upwards."""
    return min(_SURELY, max(_SURELY_NOT, opinion.logits[flag.id])) - _SURELY_NOT


def judge(
    phrases: Sequence[Flag], opinion: Opinion, weights: Mapping[str, Sequence[float]], turns: Sequence[str], rules: Rules
) -> tuple[Flag, ...]:
    """The flags of a conversation, from those that phrases found and the classifier's opinion; empty: no flag.

    `weights` has, for each of LEVEL_LABELS, one number for each of `features`.
    """
    if not phrases and max(opinion.logits[row.id] for row in rules.flags) < _EXPLAINS:
        return ()
    seen = features(opinion, phrases, rules)
    reached = [rank for rank, label in enumerate(LEVEL_LABELS, 1) if float(np.dot(seen, weights[label])) > 0.0]
    level = TRIAGE_LEVELS[max(reached, default=0)]
    if level == "none":
        return ()
    found = {flag.id for flag in phrases}
    if any(row.is_crisis and (row.id in found or sigmoid(opinion.logits[row.id]) >= _LIKELY) for row in rules.flags):
        level = "emergency"
    return _name(level, phrases, opinion, turns, rules)


def _name(
    level: TriageLevel, phrases: Sequence[Flag], opinion: Opinion, turns: Sequence[str], rules: Rules
) -> tuple[Flag, ...]:
    """Flags that explain a level: those of the phrases and the likely ones, none above it, at least one at it."""
    found = {flag.id: flag for flag in phrases}
    named: list[Flag] = []
    for row in rules.flags:
        if row.id in found or sigmoid(opinion.logits[row.id]) >= _LIKELY:
            own = found.get(row.id)
            reached = _at_most(own.level if own else row.level, level, row)
            if reached is not None:
                named.append(_flag(row, reached, own, opinion, turns))
    if not any(flag.level == level for flag in named):
        rows = [row for row in rules.flags if level in row.advice]
        top = max(rows, key=lambda row: (row.id in found, opinion.logits[row.id]))
        named = [flag for flag in named if flag.id != top.id]
        named.insert(0, _flag(top, level, found.get(top.id), opinion, turns))
    return tuple(
        sorted(named, key=lambda flag: (-TRIAGE_LEVELS.index(flag.level), flag.id not in found, -opinion.logits[flag.id]))
    )


def _flag(row: FlagRow, level: TriageLevel, own: Flag | None, opinion: Opinion, turns: Sequence[str]) -> Flag:
    """The flag with the reader's words: those that the phrases found, or the sentence that the classifier looked at."""
    if own is not None:
        return Flag(row.id, row.label, level, own.quote, own.turn)
    place = opinion.places[row.id]
    return Flag(row.id, row.label, level, turns[place.turn][place.start : place.end].strip(), place.turn)


def _at_most(wanted: TriageLevel, level: TriageLevel, row: FlagRow) -> TriageLevel | None:
    """The most urgent level that the flag can have, neither above what it was found at nor above `level`; None: none."""
    most = min(TRIAGE_LEVELS.index(wanted), TRIAGE_LEVELS.index(level))
    possible = [TRIAGE_LEVELS.index(own) for own in row.advice if TRIAGE_LEVELS.index(own) <= most]
    return TRIAGE_LEVELS[max(possible)] if possible else None
