"""How well triage reads messages whose right answer is known: figures with 95 % Wilson intervals.

    python -m backbot.triage.measure evals/triage/heldout.jsonl        the figures
    python -m backbot.triage.measure FILE --phrases                    without the classifier
    python -m backbot.triage.measure --negex FILE                      negation, time and person on NegEx's own kit

Only figures are printed, no messages, so that a held-out set stays unseen.
"""

import argparse
import json
import math
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from backbot.errors import SuiteInvalid
from backbot.records import TRIAGE_LEVELS, Triage, TriageLevel

ALLOWED_KEYS = frozenset({"id", "turns", "level", "flags", "voice", "kind", "pair"})


@dataclass(frozen=True, slots=True)
class Case:
    """A conversation with its right answer. `pair` joins two that differ in a few words, one with the flag, one without."""

    id: str
    turns: tuple[str, ...]
    level: TriageLevel
    flags: tuple[str, ...]
    voice: str
    kind: str
    pair: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What triage said of a case, and how long it took in seconds."""

    case: Case
    triage: Triage
    seconds: float

    @property
    def is_right(self) -> bool:
        """Whether the level is the right one."""
        return self.triage.level == self.case.level


@dataclass(frozen=True, slots=True)
class Share:
    """`hits` of `total`, as a proportion with its 95 % Wilson interval."""

    name: str
    hits: int
    total: int

    @property
    def value(self) -> float:
        """The proportion; not a number when there is nothing to count."""
        return self.hits / self.total if self.total else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's score interval at 95 % (Wilson 1927)."""
        return wilson(self.hits, self.total)


def wilson(hits: int, total: int, z: float = 1.959964) -> tuple[float, float]:
    """The score interval of a proportion; (0, 1) when nothing was counted."""
    if total == 0:
        return 0.0, 1.0
    share, spread = hits / total, z * z / total
    middle = (share + spread / 2) / (1 + spread)
    half = z / (1 + spread) * math.sqrt(share * (1 - share) / total + spread / (4 * total))
    return max(0.0, middle - half), min(1.0, middle + half)


def read_cases(path: Path) -> list[Case]:
    """The cases of a JSON Lines file; raises SuiteInvalid naming the line that cannot be used."""
    cases: list[Case] = []
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SuiteInvalid(f"The cases in {path} cannot be read: {error}. Give a JSON Lines file.") from None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            cases.append(_case(json.loads(line)))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise SuiteInvalid(
                f"{path}, line {number}: {error}. A case has id, turns, level, flags, voice and kind."
            ) from None
    return cases


def _case(row: dict[str, object]) -> Case:
    if unknown := row.keys() - ALLOWED_KEYS:
        raise ValueError(f"unknown key {', '.join(sorted(unknown))}")
    turns, flags, level = row["turns"], row["flags"], row["level"]
    if not isinstance(turns, list) or not turns or not isinstance(flags, list) or level not in TRIAGE_LEVELS:
        raise ValueError("turns must be a list of messages, flags a list, level one of " + ", ".join(TRIAGE_LEVELS))
    return Case(
        id=str(row["id"]),
        turns=tuple(str(turn) for turn in turns),
        level=level,
        flags=tuple(str(flag) for flag in flags),
        voice=str(row.get("voice", "")),
        kind=str(row.get("kind", "")),
        pair=str(row.get("pair") or ""),
    )


def judge(cases: Iterable[Case], read: Callable[[Sequence[str]], Triage]) -> list[Outcome]:
    """What `read` says of each case."""
    outcomes = []
    for case in cases:
        began = time.perf_counter()
        result = read(case.turns)
        outcomes.append(Outcome(case, result, time.perf_counter() - began))
    return outcomes


def headline(outcomes: Sequence[Outcome]) -> list[Share]:
    """The figures that decide."""
    emergencies = [o for o in outcomes if o.case.level == "emergency"]
    harmless = [o for o in outcomes if o.case.level == "none"]
    pairs = _pairs(outcomes)
    return [
        Share("emergencies called emergency", sum(o.is_right for o in emergencies), len(emergencies)),
        Share("emergencies called at least urgent", sum(_rank(o.triage.level) >= 2 for o in emergencies), len(emergencies)),
        Share("right level", sum(o.is_right for o in outcomes), len(outcomes)),
        Share("harmless messages with a flag", sum(o.triage.level != "none" for o in harmless), len(harmless)),
        Share("harmless messages called emergency", sum(o.triage.level == "emergency" for o in harmless), len(harmless)),
        Share("minimal pairs both right", sum(all(o.is_right for o in pair) for pair in pairs), len(pairs)),
    ]


def by_flag(outcomes: Sequence[Outcome]) -> list[tuple[Share, Share, Share]]:
    """For each flag: messages with it that reached their level, that were given this very flag; false alarms of it."""
    found = []
    for flag in sorted({flag for o in outcomes for flag in o.case.flags} | {f.id for o in outcomes for f in o.triage.flags}):
        with_flag = [o for o in outcomes if flag in o.case.flags]
        without = [o for o in outcomes if not o.case.flags]
        found.append(
            (
                Share(flag, sum(_rank(o.triage.level) >= _rank(o.case.level) for o in with_flag), len(with_flag)),
                Share(flag, sum(any(f.id == flag for f in o.triage.flags) for o in with_flag), len(with_flag)),
                Share(flag, sum(any(f.id == flag for f in o.triage.flags) for o in without), len(without)),
            )
        )
    return found


def by_group(outcomes: Sequence[Outcome], group: Callable[[Case], str]) -> list[tuple[Share, Share, Share]]:
    """For each group of cases: right level, emergencies called emergency, harmless messages with a flag."""
    found = []
    for name in sorted({group(o.case) for o in outcomes}):
        inside = [o for o in outcomes if group(o.case) == name]
        emergencies = [o for o in inside if o.case.level == "emergency"]
        harmless = [o for o in inside if o.case.level == "none"]
        found.append(
            (
                Share(name, sum(o.is_right for o in inside), len(inside)),
                Share(name, sum(o.is_right for o in emergencies), len(emergencies)),
                Share(name, sum(o.triage.level != "none" for o in harmless), len(harmless)),
            )
        )
    return found


def _pairs(outcomes: Sequence[Outcome]) -> list[list[Outcome]]:
    pairs: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        if outcome.case.pair:
            pairs.setdefault(outcome.case.pair, []).append(outcome)
    return [pair for pair in pairs.values() if len(pair) >= 2]


def _rank(level: TriageLevel) -> int:
    return TRIAGE_LEVELS.index(level)


def _written(share: Share) -> str:
    if not share.total:
        return f"{'-':>22}"
    low, high = share.interval
    return f"{share.value:5.3f} [{low:.3f}, {high:.3f}]"


def print_figures(outcomes: Sequence[Outcome]) -> None:
    """The whole table, to standard output."""
    print(f"{len(outcomes)} cases")
    for share in headline(outcomes):
        print(f"  {share.name:<38} {_written(share)}  {share.hits}/{share.total}")
    times = [o.seconds * 1000 for o in outcomes]
    if len(times) > 1:
        slow = statistics.quantiles(times, n=20)[18]
        print(f"  {'milliseconds a conversation':<38} median {statistics.median(times):.2f}, 95th {slow:.2f}")
    print(f"\n{'flag':<20} {'n':>4}  {'level reached':<22}  {'flag named':<22}  false alarms on harmless messages")
    for level, named, alarms in by_flag(outcomes):
        print(f"{level.name:<20} {level.total:>4}  {_written(level)}  {_written(named)}  {alarms.hits}/{alarms.total}")
    for title, group in (
        ("voice", lambda case: case.voice),
        ("kind", lambda case: case.kind),
        ("level", lambda case: case.level),
    ):
        print(f"\n{title:<20} {'n':>4}  {'right level':<22}  {'emergencies called so':<22}  harmless with a flag")
        for right, emergencies, harmless in by_group(outcomes, group):
            print(f"{right.name:<20} {right.total:>4}  {_written(right)}  {_written(emergencies)}  {_written(harmless)}")


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line of this module."""
    parser = argparse.ArgumentParser(prog="python -m backbot.triage.measure", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("cases", nargs="*", type=Path, help="JSON Lines files of cases")
    parser.add_argument("--phrases", action="store_true", help="without the classifier")
    parser.add_argument("--negex", type=Path, help="NegEx's annotated sentences (rsAnnotations-1-120-random.txt)")
    chosen = parser.parse_args(arguments)
    from backbot.triage import triage
    from backbot.triage.negex import measure, read_annotations
    from backbot.triage.rules import load_rules

    if chosen.negex:
        print(f"{'':<14} {'recall':>7} {'precision':>10} {'F1':>6}   both, only triage, only annotators")
        for found in measure(read_annotations(chosen.negex), load_rules()):
            counts = f"{found.both}, {found.only_triage}, {found.only_annotators}"
            print(f"{found.name:<14} {found.recall:>7.3f} {found.precision:>10.3f} {found.f1:>6.3f}   {counts}")
    for path in chosen.cases:
        print(path)
        print_figures(judge(read_cases(path), lambda turns: triage(turns, use_classifier=not chosen.phrases)))


if __name__ == "__main__":
    main()
