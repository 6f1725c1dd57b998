"""How an index's size tells: what a worker needs for it, and how much the approximate search misses.

A worker is a process of its own, `python -m backbot.bench.growth INDEX`: questions in, a JSON text a line; its figures out.
"""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from backbot.bench.run import bench_environment
from backbot.bot import Bot
from backbot.embeddings import Vectors, load_embedder
from backbot.errors import BenchUnavailable
from backbot.index.dense import Dense, build_dense, change_effort, graph_of
from backbot.index.retrieval import retrieve
from backbot.index.search import CANDIDATES, Index
from backbot.settings import load_settings

NEAREST = 10
"""Recall is the share of a question's so many nearest passages that the approximate search finds."""

ROWS_AT_ONCE = 20_000


@dataclass(frozen=True, slots=True)
class Times:
    """Milliseconds of one step, over the questions; `processor` is the 95th percentile of its processor time.

    On a machine that does other work besides, the clock says more of that work than of the step.
    """

    median: float
    p95: float
    p99: float
    processor: float


@dataclass(frozen=True, slots=True)
class Worker:
    """What one process needed to open an index and to answer the questions; sizes in megabytes.

    `resident` is all of its memory after the replies, `own` what it shares with nobody: the rest is pages of files, of which
    any number of workers need one copy. `reply` leaves out questions that are referred: nothing is searched for them.
    """

    opening_seconds: float
    resident: float
    own: float
    search: Times
    reply: Times
    answered: int
    declined: int
    referred: int


@dataclass(frozen=True, slots=True)
class Effort:
    """A point of the curve: with `neighbours` links a passage and `effort` candidates a search (Chroma's ef_search)."""

    neighbours: int
    effort: int
    recall: float
    search: Times
    build_seconds: float


def measure_worker(index: Path, questions: Sequence[str]) -> Worker:
    """The figures of a fresh process that answers the questions; raises BenchUnavailable when it fails."""
    run = subprocess.run(
        [sys.executable, "-m", "backbot.bench.growth", str(index)],
        input="".join(json.dumps(question) + "\n" for question in questions),
        capture_output=True,
        text=True,
        env=bench_environment(),
        check=False,
    )
    if run.returncode:
        raise BenchUnavailable(f"A worker on {index} failed: {run.stderr[-500:]}")
    said = json.loads(run.stdout)
    return Worker(**{**said, "search": Times(**said["search"]), "reply": Times(**said["reply"])})


def find_nearest(vectors: NDArray[np.float16], questions: Vectors, k: int = NEAREST) -> NDArray[np.int64]:
    """The rows of each question's k nearest vectors, shape (questions, k): every vector is compared."""
    rows = np.zeros((len(questions), 0), np.int64)
    cosines = np.zeros((len(questions), 0), np.float32)
    for start in range(0, len(vectors), ROWS_AT_ONCE):
        part = questions @ vectors[start : start + ROWS_AT_ONCE].astype(np.float32).T
        rows = np.hstack([rows, np.broadcast_to(np.arange(start, start + part.shape[1]), part.shape)])
        cosines = np.hstack([cosines, part])
        best = np.argsort(-cosines, axis=1, kind="stable")[:, :k]
        rows, cosines = np.take_along_axis(rows, best, 1), np.take_along_axis(cosines, best, 1)
    return rows


def measure_search(dense: Dense, questions: Vectors, nearest: NDArray[np.int64]) -> tuple[float, Times]:
    """Recall of the nearest passages by a search for as many candidates as a reply's, and its times."""
    count = min(CANDIDATES, dense.count())
    dense.search(questions[0], count)
    found, watch = 0, _Watch()
    for vector, rows in zip(questions, nearest, strict=True):
        with watch:
            near, _ = dense.search(vector, count)
        found += len({*near[: len(rows)].tolist()} & {*rows.tolist()})
    return found / nearest.size, watch.times()


def trace_curve(
    vectors: NDArray[np.float16],
    questions: Vectors,
    nearest: NDArray[np.int64],
    neighbours: Sequence[int],
    efforts: Sequence[int],
    scratch: Path,
) -> Iterator[Effort]:
    """Recall and time for each number of links and candidates; each number of links is built anew in `scratch`."""
    for links in neighbours:
        folder = scratch / f"links-{links}"
        shutil.rmtree(folder, ignore_errors=True)
        batches = (vectors[start : start + 2000].astype(np.float32) for start in range(0, len(vectors), 2000))
        started = time.perf_counter()
        build_dense(folder, batches, len(vectors), {**graph_of(len(vectors)), "max_neighbors": links})
        built = time.perf_counter() - started
        for effort in efforts:
            change_effort(folder, effort)
            dense = Dense(folder)
            recall, times = measure_search(dense, questions, nearest)
            dense.close()
            yield Effort(links, effort, recall, times, built)
        shutil.rmtree(folder)


def resident_megabytes() -> tuple[float, float]:
    """All of this process's memory that is in use now, and that part which is no page of a file, in megabytes; on Linux."""
    rows = (line.split() for line in Path("/proc/self/smaps_rollup").read_text().splitlines()[1:])
    kilobytes = {row[0]: int(row[1]) for row in rows}
    return kilobytes["Rss:"] / 1024, kilobytes["Anonymous:"] / 1024


class _Watch:
    """Times one step again and again; a context manager."""

    def __init__(self) -> None:
        self._begun = (0.0, 0.0)
        self._milliseconds: list[tuple[float, float]] = []

    def __enter__(self) -> None:
        self._begun = (time.perf_counter(), time.process_time())

    def __exit__(self, *_: object) -> None:
        clock, processor = self._begun
        self._milliseconds.append(((time.perf_counter() - clock) * 1000, (time.process_time() - processor) * 1000))

    def forget_last(self) -> None:
        self._milliseconds.pop()

    def times(self) -> Times:
        if not self._milliseconds:
            return Times(0, 0, 0, 0)
        clock, processor = np.array(self._milliseconds).T
        median, p95, p99 = np.quantile(clock, [0.5, 0.95, 0.99]).tolist()
        return Times(median, p95, p99, float(np.quantile(processor, 0.95)))


def main(folder: str) -> None:
    """Answer the questions on standard input, then search for each, and print the figures."""
    settings = load_settings().model_copy(update={"index": Path(folder)})
    embedder = load_embedder(settings)
    started = time.perf_counter()
    index = Index(settings.index, embedder)
    opening = time.perf_counter() - started
    bot = Bot(index, settings)
    questions = [json.loads(line) for line in sys.stdin]
    # What is loaded at the first question belongs to the start.
    bot.reply(questions[0])
    replies, searches = _Watch(), _Watch()
    outcomes: list[str] = []
    for question in questions:
        with replies:
            outcomes.append(bot.reply(question).outcome)
        if outcomes[-1] == "referred":
            replies.forget_last()
    resident, own = resident_megabytes()
    generation = index.live()
    for question in questions:
        found = retrieve(question, generation, embedder)
        with searches:
            generation.search(found.read.question, found.vector)
    figures = {
        "opening_seconds": opening,
        "resident": resident,
        "own": own,
        "search": asdict(searches.times()),
        "reply": asdict(replies.times()),
        **{outcome: outcomes.count(outcome) for outcome in ("answered", "declined", "referred")},
    }
    sys.stdout.write(json.dumps(figures) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
