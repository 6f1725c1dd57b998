"""Runs both pipelines side by side, interleaved, each in processes of its own, and collects medians and ratios."""

import contextlib
import importlib.util
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from backbot.chunking import split_passages
from backbot.errors import BenchUnavailable
from backbot.loaders import load_articles
from backbot.records import Article

STOCK = ("langchain_chroma", "langchain_huggingface")
MAX_QUESTIONS = 60


@dataclass(frozen=True, slots=True)
class Figure:
    """One thing measured on both sides, several times; `stock` is empty where the stock pipeline does no such thing."""

    name: str
    unit: str
    backbot: tuple[float, ...]
    stock: tuple[float, ...]

    @property
    def ratio(self) -> float:
        """How many times more the stock pipeline takes, median over median; 0 where it has no figure."""
        return statistics.median(self.stock) / statistics.median(self.backbot) if self.stock else 0.0


@dataclass(frozen=True, slots=True)
class Cost:
    """What a whole process took: seconds on the clock, seconds of processor time, megabytes at its peak."""

    seconds: float
    processor: float
    megabytes: float


def bench_asking(sources: Sequence[str], rounds: int, advance: Callable[[str, int, int], None]) -> list[Figure]:
    """Cold start, peak memory and time a question, each side in turn `rounds` times."""
    _require_stock()
    passages, questions = _read(sources)
    with tempfile.TemporaryDirectory() as folder:
        index, store = Path(folder, "index"), Path(folder, "stock")
        _python("-m", "backbot", "ingest", *sources, "--index", str(index))
        _python("-m", "backbot.bench.stock", "ingest", str(store), text=_lines(passages))
        cold: dict[str, list[Cost]] = {"backbot": [], "stock": []}
        for done in range(rounds):
            question = questions[done % len(questions)]
            cold["backbot"].append(measure_process("-m", "backbot", "ask", question, "--index", str(index)))
            cold["stock"].append(measure_process("-m", "backbot.bench.stock", "ask", str(store), question))
            advance("Cold starts", done + 1, rounds)
        warm = list(_interleave(index, store, questions, rounds, advance))
    own, floor, stock = (tuple(values) for values in zip(*warm, strict=True))
    seconds = {side: tuple(cost.seconds for cost in runs) for side, runs in cold.items()}
    megabytes = {side: tuple(cost.megabytes for cost in runs) for side, runs in cold.items()}
    return [
        Figure("cold start: a whole process, to the first answer", "s", seconds["backbot"], seconds["stock"]),
        Figure("peak memory of that process", "MB", megabytes["backbot"], megabytes["stock"]),
        Figure("a question: backbot's whole reply, the stock pipeline's retrieval alone", "ms", own, stock),
        Figure("a question: backbot's bare embedding and vector search (the floor)", "ms", floor, stock),
    ]


def bench_ingesting(
    sources: Sequence[str], rounds: int, most: int, advance: Callable[[str, int, int], None]
) -> list[Figure]:
    """Time and memory of the whole ingest, on the same passages (of at most `most` articles), each side in turn.

    backbot's figures hold its start and the reading of the articles; the stock pipeline's time begins with its passages in
    memory and its model loaded. Processor time is the fairer of the two on a machine that does other work besides.
    """
    _require_stock()
    own, again, stock, stock_memory = [], [], [], []
    with tempfile.TemporaryDirectory() as folder:
        articles = list(itertools.islice(_articles(sources), most))
        part, texts = Path(folder, "articles.jsonl"), Path(folder, "passages.jsonl")
        fields = ({"id": article.id, "title": article.title, "body": article.body} for article in articles)
        part.write_text(_lines(fields), encoding="utf-8")
        passages = [passage.embedded_text for article in articles for passage in split_passages(article)]
        texts.write_text(_lines(passages), encoding="utf-8")
        for done in range(rounds):
            command = ("-m", "backbot", "ingest", str(part), "--index", str(Path(folder, f"index{done}")))
            own.append(measure_process(*command))
            again.append(measure_process(*command))
            result = Path(folder, "result.json")
            store = str(Path(folder, f"stock{done}"))
            cost = measure_process("-m", "backbot.bench.stock", "ingest", store, given=texts, result=result)
            stock_memory.append(cost.megabytes)
            stock.append(json.loads(result.read_text()))
            advance("Ingests", done + 1, rounds)
    count = len(passages)
    name = f"ingest of {len(articles)} articles ({count} passages)"
    return [
        Figure(
            f"{name}, on the clock",
            "ms a passage",
            tuple(cost.seconds / count * 1000 for cost in own),
            tuple(figures["seconds"] / count * 1000 for figures in stock),
        ),
        Figure(
            f"{name}, processor time",
            "ms a passage",
            tuple(cost.processor / count * 1000 for cost in own),
            tuple(figures["processor"] / count * 1000 for figures in stock),
        ),
        Figure("peak memory of that process", "MB", tuple(cost.megabytes for cost in own), tuple(stock_memory)),
        Figure(
            "a second ingest with nothing changed, processor time",
            "% of the first",
            tuple(second.processor / first.processor * 100 for first, second in zip(own, again, strict=True)),
            (),
        ),
    ]


def _read(sources: Sequence[str]) -> tuple[list[str], list[str]]:
    """The passages' texts, and the headings that are questions: what the benchmark asks."""
    passages = [passage for article in _articles(sources) for passage in split_passages(article)]
    headings = dict.fromkeys(passage.heading for passage in passages if passage.heading.endswith("?"))
    questions = list(headings)[:: max(1, len(headings) // MAX_QUESTIONS)][:MAX_QUESTIONS]
    return [passage.embedded_text for passage in passages], questions or ["What helps back pain?"]


def _articles(sources: Sequence[str]) -> Iterator[Article]:
    return (found for source in sources for found in load_articles(source) if isinstance(found, Article))


def _interleave(
    index: Path, store: Path, questions: Sequence[str], rounds: int, advance: Callable[[str, int, int], None]
) -> Iterator[tuple[float, float, float]]:
    """(backbot's reply, the floor, the stock's retrieval) in milliseconds for each question and round, warm."""
    with (
        _server("backbot.bench.own", str(index)) as own,
        _server("backbot.bench.stock", "serve", str(store)) as stock,
    ):
        # What is loaded at the first question is part of the cold start.
        own(questions[0])
        stock(questions[0])
        for done in range(rounds):
            for question in questions:
                mine, theirs = own(question), stock(question)
                yield mine["milliseconds"], mine["floor"], theirs["milliseconds"]
            advance("Questions", done + 1, rounds)


@contextlib.contextmanager
def _server(module: str, *arguments: str) -> Iterator[Callable[[str], dict[str, float]]]:
    command = [sys.executable, "-m", module, *arguments]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=bench_environment())
    assert process.stdin
    assert process.stdout

    def ask(question: str) -> dict[str, float]:
        assert process.stdin
        assert process.stdout
        process.stdin.write(question + "\n")
        process.stdin.flush()
        figures: dict[str, float] = json.loads(process.stdout.readline())
        return figures

    try:
        yield ask
    finally:
        process.stdin.close()
        process.wait(30)
        process.stdout.close()


def measure_process(*arguments: str, given: Path | None = None, result: Path | None = None) -> Cost:
    """The cost of one whole process, which reads the file `given` and writes the file `result`."""
    with contextlib.ExitStack() as files:
        reads = files.enter_context(given.open("rb")) if given else subprocess.DEVNULL
        writes = files.enter_context(result.open("wb")) if result else subprocess.DEVNULL
        faults = files.enter_context(tempfile.TemporaryFile())
        started = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, *arguments], stdin=reads, stdout=writes, stderr=faults, env=bench_environment()
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            faults.seek(0)
            raise BenchUnavailable(f"{' '.join(arguments[:3])} failed: {faults.read().decode()[-500:]}")
        return Cost(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def _python(*arguments: str, text: str = "") -> str:
    run = subprocess.run(
        [sys.executable, *arguments], input=text, capture_output=True, text=True, env=bench_environment(), check=False
    )
    if run.returncode:
        raise BenchUnavailable(f"{' '.join(arguments[:3])} failed: {run.stderr[-500:]}")
    return run.stdout


def bench_environment() -> dict[str, str]:
    """This process's environment, for processes that must not reach for the network."""
    return {**os.environ, "HF_HUB_OFFLINE": "1", "ANONYMIZED_TELEMETRY": "False", "TOKENIZERS_PARALLELISM": "false"}


def _lines(rows: Iterable[object]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def _require_stock() -> None:
    if missing := [name for name in STOCK if importlib.util.find_spec(name) is None]:
        raise BenchUnavailable(
            f"The stock pipeline to compare with is not installed ({', '.join(missing)}). Run: pip install 'backbot[bench]'"
        )
