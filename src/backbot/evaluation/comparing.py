"""A run beside an earlier one, paired by case: what got worse, what got better, and whether that could be chance."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

from backbot.errors import SuiteInvalid
from backbot.evaluation.asking import Answer
from backbot.evaluation.checks import outcome_of
from backbot.evaluation.figures import METRICS
from backbot.evaluation.judging import CaseResult
from backbot.evaluation.run import Run, times_note
from backbot.evaluation.statistics import mcnemar

SLOWER = 1.25
"""The ratio of medians from which a pipeline is called slower; below it machines differ from run to run."""

RISKS = {"high": 0, "medium": 1, "low": 2, "": 3}
"""The order in which cases are shown."""


@dataclass(frozen=True, slots=True)
class Change:
    """A case before and after; `articles` are those of its right articles that changed in between."""

    before: CaseResult
    after: CaseResult
    articles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shift:
    """A metric over the cases of both runs: `worse` were right and are wrong, `better` the other way; p is McNemar's."""

    name: str
    title: str
    worse: int
    better: int
    p: float


@dataclass(frozen=True, slots=True)
class Speed:
    """Medians in milliseconds over the wordings of both runs, and p of the Wilcoxon signed-rank test of their pairs."""

    before: float
    after: float
    p: float
    note: str = ""
    """Which of the times are older than their run."""

    @property
    def is_slower(self) -> bool:
        """Whether the difference is neither small nor likely to be chance."""
        return self.after > SLOWER * self.before and self.p < 0.05


@dataclass(frozen=True, slots=True)
class Comparison:
    """What changed since the baseline; changes with the highest risk come first."""

    newly_failing: tuple[Change, ...]
    newly_passing: tuple[Change, ...]
    other_answers: tuple[Change, ...]
    """Right or wrong as before, but what is said has changed."""
    added: tuple[str, ...]
    removed: tuple[str, ...]
    rewritten: tuple[str, ...]
    """Cases whose question or expectation is another now: they are not compared."""
    shifts: tuple[Shift, ...]
    speed: Speed
    baseline: dict[str, str]
    """What the baseline asked."""


def compare(run: Run, baseline: Run) -> Comparison:
    """The run beside the baseline; raises SuiteInvalid when they share no case."""
    before = {result.case.id: result for result in baseline.cases}
    after = {result.case.id: result for result in run.cases}
    shared = [name for name in after if name in before]
    if not shared:
        raise SuiteInvalid(
            f"The baseline is a run of {baseline.suite!r} and shares no case with {run.suite!r}. Name another run."
        )
    rewritten = tuple(name for name in shared if not _same(before[name], after[name]))
    paired = [name for name in shared if name not in rewritten]
    changes = [_change(before[name], after[name], run, baseline) for name in paired]
    changes.sort(key=lambda change: RISKS[change.after.case.risk])
    return Comparison(
        newly_failing=tuple(c for c in changes if c.before.is_right and not c.after.is_right),
        newly_passing=tuple(c for c in changes if c.after.is_right and not c.before.is_right),
        other_answers=tuple(c for c in changes if c.before.is_right == c.after.is_right and said(c.before) != said(c.after)),
        added=tuple(name for name in after if name not in before),
        removed=tuple(name for name in before if name not in after),
        rewritten=rewritten,
        shifts=tuple(_shifts(changes)),
        speed=_speed(run, baseline, paired),
        baseline={**baseline.asked, "when": baseline.times.started},
    )


def said(result: CaseResult) -> list[str]:
    """What was said to each wording: the outcome, then the sentences with the articles that they cite."""
    return [said_to(answer) for answer in result.answers]


def said_to(answer: Answer) -> str:
    """One answer as text."""
    if answer.error:
        return f"(crashed: {answer.error})"
    parts = [f"({outcome_of(answer)})"]
    if answer.triage and answer.triage.level != "none":
        parts.append(answer.triage.advice)
    if answer.reply:
        articles = {citation.n: citation.article for citation in answer.reply.citations}
        for sentence in answer.reply.sentences:
            cited = ", ".join(dict.fromkeys(articles.get(n, "?") for n in sentence.citations))
            parts.append(f"{sentence.text} [{cited}]")
    return " ".join(parts)


def _same(one: CaseResult, other: CaseResult) -> bool:
    """Whether the case asks and expects the same; where it stands and who checked it do not matter."""
    return replace(one.case, line=0, checked_by=other.case.checked_by) == replace(other.case, line=0)


def _change(before: CaseResult, after: CaseResult, run: Run, baseline: Run) -> Change:
    names = after.case.right_articles
    return Change(before, after, tuple(name for name in names if run.articles.get(name) != baseline.articles.get(name)))


def _shifts(changes: Sequence[Change]) -> list[Shift]:
    """The metrics of whose cases any changed sides; `passed` always."""
    pairs: dict[str, list[tuple[bool, bool]]] = {"passed": [(c.before.is_right, c.after.is_right) for c in changes]}
    for change in changes:
        for name, right in change.after.checks.items():
            if name in METRICS and name in change.before.checks:
                pairs.setdefault(name, []).append((change.before.checks[name], right))
    shifts = []
    for name, sides in pairs.items():
        worse, better = sides.count((True, False)), sides.count((False, True))
        if worse or better or name == "passed":
            shifts.append(Shift(name, METRICS[name].title, worse, better, mcnemar(worse, better)))
    return shifts


def _speed(run: Run, baseline: Run, names: Sequence[str]) -> Speed:
    from scipy.stats import wilcoxon

    pairs = [
        (old, new)
        for name in names
        for old, new in zip(baseline.times.by_case.get(name, ()), run.times.by_case.get(name, ()), strict=False)
    ]
    if not pairs:
        return Speed(0.0, 0.0, 1.0)
    before, after = [old for old, _ in pairs], [new for _, new in pairs]
    p = float(wilcoxon(before, after).pvalue) if any(old != new for old, new in pairs) else 1.0
    wordings = sum(len(times) for one in (run, baseline) for times in one.times.by_case.values())
    return Speed(1000 * median(before), 1000 * median(after), p, times_note(run.times.kept + baseline.times.kept, wordings))
