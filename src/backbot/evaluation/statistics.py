"""What a few cases can tell: intervals, verdicts, and how many cases are missing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from backbot.triage.measure import wilson

Verdict = Literal["PASS", "FAIL", "NOT ENOUGH CASES"]

LEAST_CASES = 5
"""With fewer cases nothing is ever called a PASS."""

_MOST_CASES = 100_000

_WORTH_ADDING = 500
"""Nobody writes more cases than that to learn whether a share is just below its limit."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A verdict with its reason in plain words, and how many cases more would settle it (0: settled, or no number would)."""

    verdict: Verdict
    reason: str
    add: int = 0


def judge_share(hits: int, total: int, limit: float, margin: float, *, is_max: bool) -> Judged:
    """Hold `hits` of `total` against a limit.

    FAIL: the share is on the wrong side of the limit. PASS: it is on the right side, and Wilson's 95 % interval lies no
    further than `margin` beyond the limit (a non-inferiority test). Between the two there are NOT ENOUGH CASES.
    """
    if is_max:
        return judge_share(total - hits, total, 1 - limit, margin, is_max=False)
    if total == 0:
        return Judged("NOT ENOUGH CASES", f"no case measures this; add {LEAST_CASES} or more", LEAST_CASES)
    # A share that is exactly at the limit, as 23/25 at 0.92, must not fall to a rounding error.
    if hits / total < limit - 1e-9:
        add = _missing(hits, total, limit, margin, decided_below=True)
        if wilson(hits, total)[1] < limit:
            chance = ""
        elif 0 < add <= _WORTH_ADDING:
            chance = f"; this could be chance: {add} more cases would tell"
        else:
            chance = "; so near the limit that it could be chance: mend what fails rather than add cases"
        return Judged("FAIL", f"{total - hits} of {total} wrong{chance}", add if add <= _WORTH_ADDING else 0)
    if total >= LEAST_CASES and wilson(hits, total)[0] >= limit - margin:
        return Judged("PASS", f"{hits} of {total}")
    add = _missing(hits, total, limit, margin, decided_below=False)
    return Judged("NOT ENOUGH CASES", f"add {add} more to be sure" if add else "no number of cases would settle this", add)


def _missing(hits: int, total: int, limit: float, margin: float, *, decided_below: bool) -> int:
    """How many cases, right and wrong as those so far, would settle it; 0 when it is settled or none would."""

    def settled(more: int) -> bool:
        cases = total + more
        low, high = wilson(hits * cases // total, cases)
        return high < limit if decided_below else cases >= LEAST_CASES and low >= limit - margin

    if settled(0) or not settled(_MOST_CASES):
        return 0
    low, high = 0, _MOST_CASES
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if settled(middle) else (middle, high)
    return high


def judge_mean(value: float, total: int, limit: float, *, is_max: bool) -> Judged:
    """Hold a mean, or a number of milliseconds, against a limit; it takes ten cases to call it a PASS."""
    if total == 0:
        return Judged("NOT ENOUGH CASES", "no case measures this; add 10 or more", 10)
    if (value > limit) if is_max else (value < limit):
        return Judged("FAIL", f"{value:.4g} over {total} cases")
    if total < 10:
        return Judged("NOT ENOUGH CASES", f"add {10 - total} more to be sure", 10 - total)
    return Judged("PASS", f"{value:.4g} over {total} cases")


def mean_interval(values: Sequence[float]) -> tuple[float, float]:
    """The 95 % percentile bootstrap interval of the mean over cases; always the same for the same values."""
    import numpy as np

    if len(values) < 2:
        return (values[0], values[0]) if values else (0.0, 0.0)
    data = np.asarray(values)
    draws = np.random.default_rng(0).integers(0, len(data), (1000, len(data)))
    low, high = np.percentile(data[draws].mean(axis=1), [2.5, 97.5])
    return float(low), float(high)


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` of the values do not exceed (nearest rank); 0 when there are none."""
    ordered = sorted(values)
    return ordered[max(0, -(-int(share * 100) * len(ordered) // 100) - 1)] if ordered else 0.0


def p_text(p: float) -> str:
    """A p as it is printed: one that is very small is not 0."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def mcnemar(newly_wrong: int, newly_right: int) -> float:
    """The exact two-sided p of McNemar's test (1947): could as many have changed one way by chance?"""
    from scipy.stats import binomtest

    changed = newly_wrong + newly_right
    return float(binomtest(newly_wrong, changed).pvalue) if changed else 1.0
