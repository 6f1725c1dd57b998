"""Rounds of faults while readers ask: what is brought, how it ended, and the report."""

import argparse
import json
import random
import socket
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from readers import Readers


@dataclass(frozen=True, slots=True)
class Plan:
    """How many rounds, for how many minutes at most, of which faults in turn; the same `seed` draws the same details."""

    rounds: int
    minutes: float
    seed: int
    kinds: Sequence[str]


def play(
    plan: Plan,
    faults: Mapping[str, Callable[[], str]],
    chance: random.Random,
    amiss: Callable[[], str],
    readers: Readers,
) -> dict[str, Any]:
    """Bring the faults and count; each says how it ended, `amiss` after it what is not well again.

    What ended with `WRONG`, or readers call wrong, is a failure. `readers` are stopped.
    """
    found: dict[str, Counter[str]] = {kind: Counter() for kind in plan.kinds}
    end = time.monotonic() + 60 * plan.minutes
    try:
        for number in range(plan.rounds):
            if time.monotonic() > end:
                break
            kind = plan.kinds[number % len(plan.kinds)]
            time.sleep(chance.uniform(0, 0.5))
            what = faults[kind]()
            if fault := amiss():
                what = f"WRONG: {what}; {fault}"
            found[kind][what] += 1
            print(f"{number + 1:>4} {kind}: {what}", file=sys.stderr, flush=True)
    finally:
        readers.stop()
    failures = [f"{kind}: {what}" for kind, counts in found.items() for what in counts if what.startswith("WRONG")]
    return {
        "rounds": sum(sum(counts.values()) for counts in found.values()),
        "seed": plan.seed,
        "answers": dict(readers.told),
        "wrong": readers.wrong[:20],
        "faults": {kind: dict(counts) for kind, counts in found.items()},
        "failures": failures,
    }


def main(about: str | None, run: Callable[[Plan, Path], dict[str, Any]], kinds: Sequence[str], out: Path) -> None:
    """Run in a temporary folder, write everything to the file, print the counts; exit code 1 when anything was wrong."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--minutes", type=float, default=float("inf"), help="begin no round after so many")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=kinds, action="append", help="faults to bring; all of them if none is named")
    parser.add_argument("--out", type=Path, default=out)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = run(Plan(given.rounds, given.minutes, given.seed, given.only or kinds), Path(folder))
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(found, indent=1), encoding="utf-8")
    for kind, counts in found["faults"].items():
        print(f"{kind}: {sum(counts.values())} times")
        for what, count in sorted(counts.items()):
            print(f"    {count:>4} {what}")
    apart = ("rounds", "seed", "answers", "wrong", "faults", "failures")
    print("; ".join(f"{name}: {value}" for name, value in found.items() if name not in apart))
    print("readers were told: " + ", ".join(f"{count} {what}" for what, count in sorted(found["answers"].items())))
    if found["wrong"] or found["failures"]:
        sys.exit("\n".join(["WRONG:", *found["wrong"], *found["failures"]]))


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])
