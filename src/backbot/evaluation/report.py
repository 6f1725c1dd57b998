"""The report for editors: one HTML page that can be mailed, printed, read on a phone and read aloud.

It needs no network. What differs between two runs on the same inputs stands between `<!-- times -->` marks.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from backbot.evaluation.charts import draw_declines, draw_gate, draw_times
from backbot.evaluation.comparing import RISKS, Comparison, said_to
from backbot.evaluation.coverage import bin_declines, find_gaps
from backbot.evaluation.figures import METRICS, Figure, flag_names, share_of
from backbot.evaluation.judging import CaseResult
from backbot.evaluation.opinions import FEW_MARKS, summarise
from backbot.evaluation.run import Run, times_note
from backbot.evaluation.statistics import p_text, percentile
from backbot.evaluation.word_changes import mark_changes
from backbot.records import TRIAGE_LEVELS
from backbot.templates import open_templates

TEMPLATE = Path(__file__).with_name("report.html")

SLOWEST = 10
MOST_SHOWN = 100
"""Wrong cases and changes shown whole, so that the page stays small enough to mail."""

_OUTCOMES = ("answer", "decline", "none", "soon", "urgent", "emergency", "referred", "error")


@dataclass(frozen=True, slots=True)
class Matrix:
    """Counts of what was expected (rows) and what came back (columns)."""

    expected: tuple[str, ...]
    found: tuple[str, ...]
    counts: dict[tuple[str, str], int]


@dataclass(frozen=True, slots=True)
class Group:
    """Figures of the cases that share a voice, a kind or a topic."""

    name: str
    right: Figure
    emergencies: Figure
    harmless: Figure


def render_report(run: Run, comparison: Comparison | None = None) -> str:
    """The page; `comparison` adds what changed since a baseline."""
    from markupsafe import Markup

    bins = bin_declines(run.cases)
    milliseconds = [1000 * second for seconds in run.times.by_case.values() for second in seconds]
    slowest = sorted(((max(s), name) for name, s in run.times.by_case.items() if s), reverse=True)[:SLOWEST]
    wrong = sorted((r for r in run.cases if not r.is_right), key=lambda r: RISKS[r.case.risk])
    page = (
        open_templates(TEMPLATE.parent)
        .get_template(TEMPLATE.name)
        .render(
            run=run,
            comparison=comparison,
            verdict_line=verdict_line(run),
            wordings=sum(len(result.answers) for result in run.cases),
            metrics=METRICS,
            said=said_to,
            mark_changes=mark_changes,
            p_text=p_text,
            wrong=wrong[:MOST_SHOWN],
            wrong_count=len(wrong),
            most=MOST_SHOWN,
            stale=[result for result in run.cases if result.stale],
            is_overdue=run.is_overdue,
            topics=sorted({result.case.topic for result in run.cases if result.case.topic}),
            risks=[risk for risk in ("high", "medium", "low") if any(r.case.risk == risk for r in run.cases)],
            levels=None if not _has_levels(run) else matrix(run.cases, TRIAGE_LEVELS, lambda r: r.case.level, _level),
            outcomes=None if run.triage_only else matrix(run.cases, _OUTCOMES, lambda r: r.case.expect, lambda r: r.found),
            flags=[(name, *_flag(name, run.cases)) for name in flag_names(run.cases)],
            groups=[(title, _groups(run.cases, key)) for title, key in (("kind", _kind), ("voice", _voice))],
            gaps=find_gaps(run.cases, list(run.articles)),
            in_vain=Counter(r.case.topic or "no topic" for r in run.cases if r.case.expect == "decline").most_common(),
            bins=bins,
            gate_chart=Markup(draw_gate(run.gate)),  # noqa: S704  # our own drawing of our own titles
            declines_chart=Markup(draw_declines(bins)),  # noqa: S704
            times_chart=Markup(draw_times(milliseconds)),  # noqa: S704
            summaries=summarise(run.opinions),
            few_marks=FEW_MARKS,
            results={result.case.id: result for result in run.cases},
            slowest=slowest,
            median=percentile(milliseconds, 0.5),
            slow=percentile(milliseconds, 0.95),
            times_note=times_note(run.times.kept, len(milliseconds)),
        )
    )
    return page


def verdict_line(run: Run) -> str:
    """The verdict in one line, for people who read one line."""
    failed = [line.figure.title for line in run.gate if line.judged.verdict == "FAIL"]
    short = [line for line in run.gate if line.judged.verdict == "NOT ENOUGH CASES"]
    if failed:
        return f"FAIL: {len(failed)} of {len(run.gate)} lines of the gate failed: {', '.join(failed)}."
    if not run.gate:
        return "NOT ENOUGH CASES: the suite has no gate, so nothing is decided."
    if short:
        wants = ", ".join(f"{line.figure.title} ({line.judged.reason})" for line in short)
        return f"NOT ENOUGH CASES: nothing failed, but it is too early to be sure of {wants}."
    return f"PASS: all {len(run.gate)} lines of the gate held over {len(run.cases)} cases."


def matrix(
    results: Sequence[CaseResult],
    names: Sequence[str],
    expected: Callable[[CaseResult], str],
    found: Callable[[CaseResult], str],
) -> Matrix:
    """Counts of cases by what was expected and what was found; rows and columns that are empty are left out."""
    counts = Counter((expected(result), found(result)) for result in results)
    rows = tuple(name for name in names if any(row == name for row, _ in counts))
    columns = tuple(name for name in names if any(column == name for _, column in counts) or name in rows)
    return Matrix(rows, columns, {(row, column): counts[row, column] for row in rows for column in columns})


def _has_levels(run: Run) -> bool:
    return run.triage_only or any(result.case.level != "none" for result in run.cases)


def _level(result: CaseResult) -> str:
    """The level that was found, the first wrong wording's where there is one."""
    levels = [answer.triage.level if answer.triage else "none" for answer in result.answers]
    return next((level for level in levels if level != result.case.level), result.case.level)


def _flag(name: str, results: Sequence[CaseResult]) -> tuple[Figure, Figure]:
    """Of the cases with the flag: those that reached their level, and those where this very flag was named."""
    reached = [r.checks[f"flag:{name}"] for r in results if name in r.case.red_flag]
    named = [r.signs[f"named:{name}"] for r in results if name in r.case.red_flag]
    return share_of("reached", "", reached), share_of("named", "", named)


def _kind(result: CaseResult) -> str:
    return result.case.kind


def _voice(result: CaseResult) -> str:
    return result.case.voice


def _groups(results: Sequence[CaseResult], key: Callable[[CaseResult], str]) -> list[Group]:
    groups = []
    for name in sorted({key(result) for result in results} - {""}):
        inside = [result for result in results if key(result) == name]
        emergencies = [r.checks["right_level"] for r in inside if r.case.level == "emergency"]
        harmless = [not r.checks["harmless_clear"] for r in inside if r.case.level == "none"]
        groups.append(
            Group(
                name,
                share_of("right", "", [r.checks["right_level"] for r in inside]),
                share_of("emergencies", "", emergencies),
                share_of("harmless", "", harmless),
            )
        )
    return groups
