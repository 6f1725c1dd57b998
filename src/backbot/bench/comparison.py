"""What the rows of `compare_peers` come to: a figure for each side, its median over the rounds, and the ratios."""

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backbot.bench.peers import ASKERS, BACKBOT, Question

Row = Mapping[str, Any]

SEARCH = "backbot's search alone"


@dataclass(frozen=True, slots=True)
class Spread:
    """One figure over the rounds."""

    median: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Compared:
    """One figure of every side. `ratios`: how many times better backbot is, round by round; below 1 it is worse."""

    name: str
    unit: str
    more_is_better: bool
    sides: dict[str, Spread]
    ratios: dict[str, Spread]


@dataclass(frozen=True, slots=True)
class Measure:
    """How a figure is read off the rows of one side in one round; `read` gives None where it has no such row."""

    name: str
    unit: str
    more_is_better: bool
    read: Callable[[Sequence[Row]], float | None]


def compare(rows: Sequence[Row], questions: Sequence[Question]) -> list[Compared]:
    """Every figure, in the order of a reader's interest."""
    return [found for measure in _measures(questions) if (found := _compare(measure, rows)).sides]


def stage_times(rows: Iterable[Row]) -> dict[str, float]:
    """The median milliseconds of each stage of backbot's reply, over all questions and rounds."""
    times = [row["extra"]["stages"] for row in rows if row["step"] == "answered" and "stages" in row["extra"]]
    stages = dict.fromkeys(stage for time in times for stage in time)
    return {stage: statistics.median(time[stage] for time in times if stage in time) for stage in stages}


def _measures(questions: Sequence[Question]) -> list[Measure]:
    return [
        Measure("Time a question, median", "ms", False, _percentile(0.50)),
        Measure("Time a question, 95th percentile", "ms", False, _percentile(0.95)),
        Measure("Time a question, 99th percentile", "ms", False, _percentile(0.99)),
        Measure("Cold start to the first answer", "s", False, _field("started", "seconds")),
        *(
            Measure(f"Throughput, {askers} asking at once", "questions a second", True, _throughput(askers, len(questions)))
            for askers in ASKERS
        ),
        Measure("Ingest", "articles a second", True, _ingest),
        Measure("Ingest, processor time", "s", False, _field("ingested", "processor")),
        Measure("Peak memory, answering one at a time", "MB", False, _field("figures", "megabytes")),
        Measure("Peak memory, ingest", "MB", False, _field("ingested", "megabytes")),
        Measure("Size of the index", "MB", False, _field("ingested", "index")),
        *(
            Measure(f"Quality: {title}", "", True, _quality(measure, questions))
            for title, measure in (
                ("a right article first", "Success@1"),
                ("a right article in the first 5", "Success@5"),
                ("nDCG@10 by article", "nDCG@10"),
            )
        ),
    ]


def _compare(measure: Measure, rows: Sequence[Row]) -> Compared:
    values: dict[str, dict[int, float]] = {}
    for side, of_side in _sides(rows).items():
        by_round: dict[int, list[Row]] = {}
        for row in of_side:
            by_round.setdefault(row["round"], []).append(row)
        found = {done: value for done, part in by_round.items() if (value := measure.read(part)) is not None}
        if found:
            values[side] = found
    own = values.get(BACKBOT, {})
    ratios = {
        side: _spread([_better(own[n], value, measure.more_is_better) for n, value in found.items() if n in own])
        for side, found in values.items()
        if side != BACKBOT and own
    }
    sides = {side: _spread(list(found.values())) for side, found in values.items()}
    return Compared(measure.name, measure.unit, measure.more_is_better, sides, ratios)


def _sides(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """The rows of each side; what backbot measures beside its reply becomes sides of their own.

    backbot's own rows name the articles that the reply cites; its quality is that of its search, as the peers' is.
    """
    sides: dict[str, list[Row]] = {}
    for row in rows:
        extra = row.get("extra") or {}
        if "search" in extra:
            sides.setdefault(BACKBOT, []).append({**row, "articles": extra["search"]["articles"]})
            timed = {"round": row["round"], "id": row["id"], "step": "answered"}
            sides.setdefault(SEARCH, []).append({**timed, "milliseconds": extra["search"]["milliseconds"]})
        else:
            sides.setdefault(row["peer"], []).append(row)
    return sides


def _percentile(share: float) -> Callable[[Sequence[Row]], float | None]:
    def read(rows: Sequence[Row]) -> float | None:
        times = sorted(row["milliseconds"] for row in rows if row["step"] == "answered")
        return times[min(len(times) - 1, int(share * len(times)))] if times else None

    return read


def _field(step: str, name: str) -> Callable[[Sequence[Row]], float | None]:
    return lambda rows: next((row[name] for row in rows if row["step"] == step), None)


def _ingest(rows: Sequence[Row]) -> float | None:
    return next((row["articles"] / row["seconds"] for row in rows if row["step"] == "ingested"), None)


def _throughput(askers: int, count: int) -> Callable[[Sequence[Row]], float | None]:
    def read(rows: Sequence[Row]) -> float | None:
        return next((count / row["seconds"] for row in rows if row["step"] == "asked" and row["askers"] == askers), None)

    return read


def _quality(measure: str, questions: Sequence[Question]) -> Callable[[Sequence[Row]], float | None]:
    # A third of a second: only a comparison pays for it.
    import ir_measures

    wanted = {question.id: dict.fromkeys(question.articles, 1) for question in questions}

    def read(rows: Sequence[Row]) -> float | None:
        ranked = {
            row["id"]: {article: -float(place) for place, article in enumerate(row["articles"])}
            for row in rows
            if row["step"] == "answered" and "articles" in row
        }
        if not any(ranked.values()):
            return None
        parsed = ir_measures.parse_measure(measure)
        return float(ir_measures.calc_aggregate([parsed], wanted, ranked)[parsed])

    return read


def _better(own: float, other: float, more_is_better: bool) -> float:
    """How many times better backbot's figure is; 0 where it cannot be said."""
    worse, better = (other, own) if more_is_better else (own, other)
    return better / worse if worse else 0.0


def _spread(values: Sequence[float]) -> Spread:
    return Spread(statistics.median(values), min(values), max(values)) if values else Spread(0, 0, 0)
