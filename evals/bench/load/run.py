"""How many readers `backbot serve` answers, how long they wait, what it does past capacity, and whether memory is flat.

    pip install -e '.[bench-load]'
    python evals/bench/load/run.py --minutes 2      the last part, the soak, takes so long; all the rest some three minutes

locust asks the questions of evals/answers-tune.yaml over loopback, half as JSON, half as streams; every 20th message is an
emergency. Who is refused asks again after a second. First 1 to 256 readers at the same time, each with a connection of its
own, who ask again as soon as they are answered. Then a few readers while the server bears 1,000 open pages, readers who take
nothing, and readers who leave. Last the soak. Table on the screen, load.json and load.svg in reports/load. The server, the
readers and whatever else runs share the machine's cores: the load average before each step is in the table.
"""

import argparse
import asyncio
import json
import os
import random
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from burdens import BURDENS
from picture import draw
from server import Server, run_server

from backbot.embeddings import load_embedder
from backbot.index.ingest import ingest
from backbot.resources import resource
from backbot.settings import Settings

HERE = Path(__file__).parent
READERS = (1, 8, 32, 64, 128, 256)
BESIDE = 4
"""Readers who ask while the server bears something else; each once a second or so."""

RAMP = 1.0
"""Seconds at the beginning of a step that do not count: not all readers have come yet."""

FLAT = 5.0
"""Megabytes that the server may grow by over the second half of the soak and still be called flat."""

Row = dict[str, Any]


async def ask(server: Server, questions: Path, seconds: float, readers: int, rate: float = 0.0) -> list[Row]:
    """What became of each message that locust's readers sent, those of the first RAMP seconds left out."""
    with tempfile.TemporaryDirectory() as folder:
        rows = Path(folder) / "rows.jsonl"
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "locust", "--locustfile", str(HERE / "askers.py"), "--headless", "--only-summary",
            "--loglevel", "WARNING", "--users", str(readers), "--spawn-rate", str(readers), "--host", server.address,
            "--run-time", f"{seconds + RAMP:.0f}s", "--stop-timeout", "30s",
            env={**os.environ, "LOAD_QUESTIONS": str(questions), "LOAD_ROWS": str(rows), "LOAD_RATE": str(rate)},
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            preexec_fn=lambda: os.nice(5),
        )  # fmt: skip
        _, said = await process.communicate()
        if process.returncode:
            sys.exit(f"{said.decode()}locust failed. Is it installed? Run: pip install -e '.[bench-load]'")
        found = [json.loads(line) for line in rows.read_text(encoding="utf-8").splitlines()]
    first = min(row["at"] for row in found)
    return [row for row in found if row["at"] >= first + RAMP]


def sum_up(step: str, rows: list[Row], load: float, memory: int, note: str = "") -> Row:
    """The figures of one step. Times are in milliseconds, memory in megabytes."""
    answered = [row for row in rows if row["status"] == 200 and row["outcome"]]
    refused = [row for row in rows if row["status"] in (429, 503)]
    urgent = [row for row in rows if row["is_emergency"]]
    seconds = max(row["at"] + row["ms"] / 1000 for row in rows) - min(row["at"] for row in rows)
    return {
        "step": step,
        "load": load,
        "messages": len(rows),
        "answered": len(answered),
        "answered_a_second": len(answered) / seconds,
        **{f"p{q}": percentile(answered, q) for q in (50, 95, 99)},
        "share_503": sum(row["status"] == 503 for row in rows) / len(rows),
        "share_429": sum(row["status"] == 429 for row in rows) / len(rows),
        "without_retry_after": sum(not row["retry_after"] for row in refused),
        **{f"refused_p{q}": percentile(refused, q) for q in (50, 95)},
        "faults": len(rows) - len(answered) - len(refused),
        "emergencies": len(urgent),
        "emergencies_referred": sum(row["outcome"] == "referred" for row in urgent),
        "emergencies_p95": percentile(urgent, 95),
        "memory": memory / 2**20,
        "note": note,
    }


def percentile(rows: list[Row], q: int) -> float | None:
    """Of the times that the rows took."""
    return float(np.percentile([row["ms"] for row in rows], q)) if rows else None


def growth(memory: list[tuple[float, int]]) -> float:
    """Megabytes that the line through the second half of the measurements rises from its begin to its end."""
    half = np.array(memory[len(memory) // 2 :])
    if len(half) < 2:
        return 0.0
    slope = float(np.polyfit(half[:, 0] - half[0, 0], half[:, 1] / 2**20, 1)[0])
    return slope * float(half[-1, 0] - half[0, 0])


async def measure(server: Server, questions: Path, given: argparse.Namespace) -> tuple[list[Row], list[tuple[float, int]]]:
    """All steps, each printed when it is over, and the server's memory during the soak."""
    await ask(server, questions, 3, 1)
    steps: list[Row] = []

    def keep(step: str, rows: list[Row], load: float, note: str = "") -> None:
        steps.append(sum_up(step, rows, load, server.resident(), note))
        print(line(steps[-1]), flush=True)

    print(HEAD)
    for readers in given.readers:
        load = os.getloadavg()[0]
        keep(f"{readers} readers", await ask(server, questions, given.seconds, readers), load)
    for name, burden in BURDENS.items():
        load = os.getloadavg()[0]
        async with burden(server) as went:
            rows = await ask(server, questions, given.seconds, BESIDE, 1.0)
            note = await went()
        keep(name, rows, load, note)
    begun, load = len(server.memory), os.getloadavg()[0]
    rows = await ask(server, questions, 60 * given.minutes, BESIDE, given.rate / BESIDE)
    soaked = server.memory[begun:]
    rise = growth(soaked)
    flat = f"{'flat' if rise < FLAT else 'NOT FLAT'}: {rise:+.1f} MB over the second half"
    keep(f"soak, {given.minutes:g} min", rows, load, flat)
    return steps, soaked


HEAD = (
    f"{'':<24}{'answers/s':>10}{'median':>8}{'p95':>7}{'p99':>7}{'503':>6}{'429':>6}{'503 median':>11}{'p95':>7}"
    f"{'faults':>7}{'emergencies':>12}{'MB':>6}{'load':>6}"
)


def line(step: Row) -> str:
    """One step of the table."""

    def whole(name: str) -> str:
        return "-" if step[name] is None else f"{step[name]:.0f}"

    urgent = f"{step['emergencies_referred']}/{step['emergencies']}"
    return (
        f"{step['step']:<24}{step['answered_a_second']:>10.1f}{whole('p50'):>8}{whole('p95'):>7}{whole('p99'):>7}"
        f"{step['share_503']:>6.0%}{step['share_429']:>6.0%}{whole('refused_p50'):>11}{whole('refused_p95'):>7}"
        f"{step['faults']:>7}{urgent:>12}{step['memory']:>6.0f}{step['load']:>6.1f}"
        + (f"\n{'':<24}{step['note']}" if step["note"] else "")
    )


def main() -> None:
    """Measure, print, write and draw; exit code 1 when a message was neither answered nor refused as it should be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=2, help="length of the soak")
    parser.add_argument("--seconds", type=float, default=15, help="length of each other step")
    parser.add_argument("--rate", type=float, default=5, help="messages a second during the soak")
    parser.add_argument("--readers", type=int, nargs="*", default=READERS)
    parser.add_argument("--out", type=Path, default=Path("reports/load"))
    given = parser.parse_args()
    cases = yaml.safe_load((HERE.parents[1] / "answers-tune.yaml").read_text(encoding="utf-8"))["cases"]
    asked = [case["ask"] for case in cases if case.get("ask") and case["expect"] in ("answer", "decline")]
    random.Random(0).shuffle(asked)  # noqa: S311
    given.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        questions = Path(folder) / "questions.json"
        questions.write_text(json.dumps(asked), encoding="utf-8")
        settings = Settings(index=Path(folder) / "index")
        ingest([str(resource("corpus"))], settings, load_embedder(settings))
        with run_server([], BACKBOT_INDEX=str(settings.index)) as server:
            steps, soaked = asyncio.run(measure(server, questions, given))
            memory, threads = server.memory, max(server.threads)
    found = {"cores": os.cpu_count(), "steps": steps, "memory": memory, "soak": soaked, "most_threads": threads}
    (given.out / "load.json").write_text(json.dumps(found, indent=1), encoding="utf-8")
    draw(found, given.out / "load.svg")
    print(f"Times in ms. Most threads: {threads}. {given.out / 'load.json'}, {given.out / 'load.svg'}")
    missed = sum(step["emergencies"] - step["emergencies_referred"] for step in steps)
    faults = sum(step["faults"] + step["without_retry_after"] for step in steps)
    if missed or faults:
        sys.exit(f"{missed} emergencies were not referred, {faults} messages neither answered nor refused as due.")


if __name__ == "__main__":
    main()
