"""A run: a suite asked once, judged, counted and held against its gate. It is also the file that `--baseline` reads."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from backbot.errors import SuiteInvalid
from backbot.evaluation.articles import Articles
from backbot.evaluation.asking import Answer
from backbot.evaluation.coverage import ArticleCover, map_coverage
from backbot.evaluation.figures import METRICS, Figure, figure_of, measure
from backbot.evaluation.judging import CaseResult, judge_case
from backbot.evaluation.opinions import Opinion
from backbot.evaluation.statistics import Judged, Verdict, judge_mean, judge_share
from backbot.evaluation.suite import Limit, Suite

RUN_FORMAT = 1


@dataclass(frozen=True, slots=True)
class GateLine:
    """A line of the gate with its verdict and what it rests on; the figure of a time is kept with the times."""

    limit: Limit
    figure: Figure
    judged: Judged


@dataclass(frozen=True, slots=True)
class Times:
    """All that differs between two runs on the same inputs: when, and how many seconds each wording took, by case."""

    started: str = ""
    seconds: float = 0.0
    kept: int = 0
    """How many answers were taken from the cache."""
    by_case: dict[str, list[float]] = field(default_factory=dict)


def times_note(kept: int, total: int) -> str:
    """What to know of `total` times of which `kept` came with answers from the cache; empty where none did."""
    return f"Times of an earlier run, whose answers were kept: {kept} of {total}; --fresh asks anew." if kept else ""


@dataclass(frozen=True, slots=True)
class Run:
    """What a suite showed. `asked` says what was asked: the index's generation, the model, the engine."""

    suite: str
    owner: str
    review_by: str
    margin: float
    triage_only: bool
    asked: dict[str, str]
    verdict: Verdict
    gate: tuple[GateLine, ...]
    figures: tuple[Figure, ...]
    cases: tuple[CaseResult, ...]
    problems: tuple[str, ...]
    """What an editor should see to before trusting the figures."""
    articles: dict[str, str]
    """Content hash by article id, of the index that was asked."""
    coverage: tuple[ArticleCover, ...]
    times: Times
    opinions: tuple[Opinion, ...] = ()
    """What judges think of the answers: advice, which no verdict rests on."""
    format: int = RUN_FORMAT

    @property
    def is_overdue(self) -> bool:
        """Whether the suite should have been looked at again before the day on which it was asked."""
        return bool(self.review_by) and self.review_by < self.times.started[:10]


def make_run(
    suite: Suite,
    answers: Mapping[str, Sequence[Answer]],
    articles: Articles,
    asked: Mapping[str, str],
    times: Times,
) -> Run:
    """Judge the answers (by case id, one for each wording) and hold them against the suite's gate."""
    results = tuple(judge_case(case, answers[case.id], articles, triage_only=suite.triage_only) for case in suite.cases)
    by_case = {case.id: [answer.seconds for answer in answers[case.id]] for case in suite.cases}
    milliseconds = [1000 * second for case in by_case.values() for second in case]
    figures = tuple(measure(results))
    gate = tuple(_hold(limit, results, milliseconds, suite.margin) for limit in suite.gate)
    return Run(
        suite=suite.name,
        owner=suite.owner,
        review_by=suite.review_by,
        margin=suite.margin,
        triage_only=suite.triage_only,
        asked=dict(asked),
        verdict=overall(line.judged.verdict for line in gate),
        gate=gate,
        figures=figures,
        cases=results,
        problems=_problems(suite, articles),
        articles=articles.hashes,
        coverage=() if suite.triage_only else map_coverage(results, articles),
        times=replace(times, by_case=by_case),
    )


def overall(verdicts: Any) -> Verdict:
    """FAIL when any line fails; else NOT ENOUGH CASES when any line lacks cases, or there is no gate."""
    found = set(verdicts)
    if "FAIL" in found:
        return "FAIL"
    return "PASS" if found == {"PASS"} else "NOT ENOUGH CASES"


def _hold(limit: Limit, results: Sequence[CaseResult], milliseconds: Sequence[float], margin: float) -> GateLine:
    figure = figure_of(limit.metric, results, milliseconds)
    if figure.kind == "share":
        judged = judge_share(figure.hits, figure.total, limit.value, margin, is_max=limit.is_max)
    else:
        judged = judge_mean(figure.value, figure.total, limit.value, is_max=limit.is_max)
    return GateLine(limit, figure, judged)


def _problems(suite: Suite, articles: Articles) -> tuple[str, ...]:
    if suite.triage_only:
        return ()
    found = []
    for case in suite.cases:
        gone = [name for name in (*case.right_articles, *case.never) if name not in articles.hashes]
        for name in gone:
            near = get_close_matches(name, articles.hashes, n=1)
            hint = f". Did you mean {near[0]}?" if near else "; it may have been withdrawn"
            found.append(f"line {case.line}: {case.id} names {name}, which the index does not hold{hint}")
    return tuple(found)


def as_baseline(run: Run) -> Run:
    """The run without what no later run is compared with: what was found, and where the quotes stand."""
    return replace(run, cases=tuple(replace(case, answers=tuple(map(_said_alone, case.answers))) for case in run.cases))


def _said_alone(answer: Answer) -> Answer:
    if answer.reply is None:
        return answer
    citations = tuple(
        replace(citation, title="", heading="", url="", link="", quote="") for citation in answer.reply.citations
    )
    return replace(answer, reply=replace(answer.reply, citations=citations, disclaimer="", suggestions=()), hits=())


def run_to_json(run: Run) -> str:
    """The run as JSON; two runs on the same inputs differ under `times` only."""
    values = asdict(run)
    for case in values["cases"]:
        for answer in case["answers"]:
            del answer["seconds"]
    for line in values["gate"]:
        if line["figure"]["kind"] == "time":
            line["figure"] |= {"value": 0.0, "low": 0.0, "high": 0.0}
            line["judged"]["reason"] = ""
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))


def read_run(path: Path) -> Run:
    """The run in a file that `backbot eval --json` or `--save` wrote; raises SuiteInvalid."""
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(Run).validate_json(path.read_bytes())
    except OSError as error:
        raise SuiteInvalid(
            f"The run {path} cannot be read: {error.strerror}. Make one: backbot eval SUITE --save RUN."
        ) from None
    except (ValidationError, ValueError):
        raise SuiteInvalid(
            f"{path} is not a run of this version of backbot. Make one: backbot eval SUITE --save RUN."
        ) from None


METRIC_NAMES = tuple(METRICS)
