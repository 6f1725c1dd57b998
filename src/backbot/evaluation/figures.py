"""The metrics as rows of data, and their figures over the results of a run.

A share counts cases: a case is right when all its wordings are, and a crash is wrong. Means are over cases.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from backbot.evaluation.judging import FOUND_AT, CaseResult
from backbot.evaluation.statistics import mean_interval, percentile
from backbot.triage.measure import wilson

Kind = Literal["share", "mean", "time"]


@dataclass(frozen=True, slots=True)
class Metric:
    """A row: what is counted, in words for editors, with its source where it has one."""

    name: str
    title: str
    meaning: str
    kind: Kind = "share"
    check: str = ""
    """The check whose right answers are counted; the metric's own name when empty."""
    counts_wrong: bool = False
    """Whether the wrong ones are counted, so that less is better."""


_ROWS: tuple[Metric, ...] = (
    Metric("passed", "Cases with everything right", "cases of which every check is right / cases"),
    Metric("outcome", "Outcome as expected", "cases that were answered, declined or referred as expected / cases"),
    Metric("answered", "Answered", "answerable cases that were answered / answerable cases"),
    Metric("declined", "Declined", "cases to be declined that were / cases to be declined"),
    Metric(
        "over_refusal", "Declined in vain", "answerable cases not answered / answerable cases", "share", "answered", True
    ),
    Metric(
        "first_citation", "First citation right", "answerable cases whose first citation is a right article / such cases"
    ),
    Metric(
        "cited", "A right article cited", "cases with one of any_of and all of all_of cited / answerable cases with cite"
    ),
    Metric("never_cited", "No forbidden article cited", "cases that cite no article of never / cases with never"),
    Metric("facts", "Needed facts said", "cases with each group of must_say in the shown sentences / cases with must_say"),
    Metric("not_said", "Nothing forbidden said", "cases that show nothing of must_not_say / cases with must_not_say"),
    Metric(
        "quotes", "Quotes verbatim, citations valid", "cases with each quote in its article and each link at it / answered"
    ),
    Metric("figures", "Numbers as in the article", "cases with each number and unit in the passage cited for it / answered"),
    Metric("follow_ups", "Follow-ups understood", "conversations with the right outcome and first citation / conversations"),
    *(
        Metric(
            f"found_{k}",
            f"Right article in the first {k}",
            f"Success@{k} over articles of the retrieved passages (ir-measures)",
        )
        for k in FOUND_AT
    ),
    Metric("right_level", "Right level of urgency", "cases given their very level by triage / cases"),
    Metric("emergencies_called_emergency", "Emergencies called so", "emergencies given level emergency / emergencies"),
    Metric(
        "emergencies_at_least_urgent", "Emergencies at least urgent", "emergencies given urgent or emergency / emergencies"
    ),
    Metric("sensitivity", "Red flags noticed", "cases with a red flag given any level / such cases", check="flag_raised"),
    Metric("specificity", "Harmless left alone", "cases of level none given none / such cases", check="harmless_clear"),
    Metric(
        "near_miss_any_flag",
        "Near misses with a flag",
        "near misses given any level / near misses",
        "share",
        "near_miss_clear",
        True,
    ),
    Metric(
        "harmless_any_flag",
        "Harmless with a flag",
        "cases of level none given any level / such cases",
        "share",
        "harmless_clear",
        True,
    ),
    Metric("pairs_both_right", "Minimal pairs both right", "pairs of which both have the right level / pairs"),
    Metric(
        "flag_recall",
        "The flag that is missed most",
        "of each flag, cases that reached their level / cases with it; the worst",
    ),
    Metric("rr", "Reciprocal rank", "mean of 1 / place of the first right article, 0 past 10 (ir-measures RR@10)", "mean"),
    Metric(
        "ndcg",
        "nDCG@10",
        "mean nDCG@10 of the articles found, every right one gaining 1 (Järvelin 2002; ir-measures)",
        "mean",
    ),
    Metric(
        "citation_precision", "Citation precision", "mean of right and valid citations / all citations of an answer", "mean"
    ),
    Metric(
        "citation_recall",
        "Citation recall",
        "mean of wanted articles cited and valid / wanted; one of any_of is enough",
        "mean",
    ),
    Metric("reading_level", "Reading level", "mean Flesch-Kincaid grade of the answers (Kincaid 1975; textstat)", "mean"),
    Metric("words", "Words in an answer", "mean words of the shown sentences", "mean"),
    Metric("ms_p50", "Median milliseconds", "time of a whole reply, cases asked side by side", "time"),
    Metric("ms_p95", "95th percentile milliseconds", "time of a whole reply that 95 of 100 do not exceed", "time"),
)

METRICS: dict[str, Metric] = {row.name: row for row in _ROWS}


@dataclass(frozen=True, slots=True)
class Figure:
    """A metric's value with its 95 % interval: Wilson's for a share of `hits` in `total`, bootstrap for a mean.

    Where `total` is 0 nothing was measured, whatever the value says.
    """

    name: str
    title: str
    kind: Kind
    value: float
    low: float
    high: float
    hits: int
    total: int

    def __str__(self) -> str:
        if self.total == 0:
            return "-"
        if self.kind == "share":
            return f"{self.hits}/{self.total} = {self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"
        return f"{self.value:.1f} ms" if self.kind == "time" else f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def measure(results: Sequence[CaseResult]) -> Iterable[Figure]:
    """The figure of each metric that the results can tell of, times left out."""
    for row in METRICS.values():
        if row.kind != "time" and (figure := figure_of(row.name, results)).total:
            yield figure
    for name in flag_names(results):
        yield share_of(f"flag:{name}", name, [r.checks[f"flag:{name}"] for r in results if f"flag:{name}" in r.checks])


def flag_names(results: Sequence[CaseResult]) -> list[str]:
    """The red flags that cases have, in alphabetical order."""
    return sorted({flag for result in results for flag in result.case.red_flag})


def figure_of(name: str, results: Sequence[CaseResult], milliseconds: Sequence[float] = ()) -> Figure:
    """The figure of one metric; its total is 0 where no case tells of it."""
    row = METRICS.get(name) or Metric(
        name, name.removeprefix("flag:"), "cases with this flag that reached their level / all"
    )
    match row.kind:
        case "time":
            value = percentile(milliseconds, int(name.removeprefix("ms_p")) / 100)
            return Figure(name, row.title, "time", value, value, value, 0, len(milliseconds))
        case "mean":
            values = [result.numbers[name] for result in results if name in result.numbers]
            low, high = mean_interval(values)
            return Figure(name, row.title, "mean", sum(values) / len(values) if values else 0.0, low, high, 0, len(values))
    if name == "flag_recall":
        flags = [figure_of(f"flag:{flag}", results) for flag in flag_names(results)]
        worst = min(flags, key=lambda figure: (figure.value, figure.low), default=None)
        return (
            Figure(name, f"{row.title}: {worst.title}", "share", worst.value, worst.low, worst.high, worst.hits, worst.total)
            if worst
            else share_of(name, row.title, [])
        )
    return share_of(name, row.title, [right != row.counts_wrong for right in _counted(row, results)])


def _counted(row: Metric, results: Sequence[CaseResult]) -> list[bool]:
    """Whether each case, or pair of cases, that the metric is about is right."""
    if row.name == "passed":
        return [result.is_right for result in results]
    if row.name == "pairs_both_right":
        pairs: dict[str, list[bool]] = {}
        for result in results:
            if result.case.pair:
                pairs.setdefault(result.case.pair, []).append(result.checks["right_level"])
        return [all(both) for both in pairs.values() if len(both) > 1]
    check = row.check or row.name
    told = [{**result.checks, **result.signs} for result in results]
    return [checks[check] for checks in told if check in checks]


def share_of(name: str, title: str, rights: Sequence[bool]) -> Figure:
    """The figure of a share: how many of `rights` are true."""
    hits, total = sum(rights), len(rights)
    low, high = wilson(hits, total)
    return Figure(name, title, "share", hits / total if total else 0.0, low, high, hits, total)
