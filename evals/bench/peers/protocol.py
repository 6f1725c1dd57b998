"""What every peer speaks, with the standard library alone: one JSON object a line.

NAME.py ingest ARTICLES STORE MODEL   {"step": "ingested", "seconds", "processor", "passages", "megabytes"}
NAME.py serve STORE MODEL             {"step": "ready"}, then a line out for each line in:
    {"question": "..."}               {"step": "answered", "milliseconds", "articles": [id, best first], "extra": {}}
    {"question": "...", "plain": true}  the same, nothing extra
    {"askers": N, "questions": [...]} {"step": "asked", "askers": N, "seconds": for all of them}
    {"figures": true}                 {"step": "figures", "megabytes": the process's peak so far}

ARTICLES is a file of lines {"id", "title", "body"}; MODEL is the folder of the embedding model.
"""

import json
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

PASSAGES = 10
"""How many passages everybody retrieves for a question."""

Ingest = Callable[[list[dict[str, str]], Path, str], Callable[[], int]]
"""(articles, store, model) -> what does the work and returns the number of passages; its preparation is not timed."""
Open = Callable[[Path, str], Callable[[str], list[str]]]
"""(store, model) -> question to the ids of the articles that its passages are from, the best passage's first."""


def speak(ingest: Ingest, open_store: Open, extras: Mapping[str, Callable[[str], object]]) -> None:
    """Do what the command line says; `extras` are done with each question too, outside its time."""
    command, *arguments = sys.argv[1:]
    if command == "ingest":
        articles, store, model = arguments
        rows = [json.loads(line) for line in Path(articles).read_text(encoding="utf-8").splitlines()]
        work = ingest(rows, Path(store), model)
        started, worked = time.perf_counter(), time.process_time()
        passages = work()
        seconds, processor = time.perf_counter() - started, time.process_time() - worked
        _say("ingested", seconds=seconds, processor=processor, passages=passages, megabytes=_peak())
        return
    store, model = arguments
    search = open_store(Path(store), model)
    _say("ready")
    for line in sys.stdin:
        asked = json.loads(line)
        if "question" in asked:
            started = time.perf_counter()
            articles = search(asked["question"])
            milliseconds = (time.perf_counter() - started) * 1000
            extra = {name: do(asked["question"]) for name, do in extras.items() if not asked.get("plain")}
            _say("answered", milliseconds=milliseconds, articles=list(dict.fromkeys(articles)), extra=extra)
        elif "askers" in asked:
            with ThreadPoolExecutor(asked["askers"]) as pool:
                started = time.perf_counter()
                list(pool.map(search, asked["questions"]))
                _say("asked", askers=asked["askers"], seconds=time.perf_counter() - started)
        else:
            _say("figures", megabytes=_peak())


def _say(step: str, **fields: object) -> None:
    # Libraries may print; a line of ours starts on its own line, and the reader skips what is no JSON object.
    sys.stdout.write(json.dumps({"step": step, **fields}) + "\n")
    sys.stdout.flush()


def _peak() -> float:
    # Not getrusage: its figure holds the memory of the process that started this one.
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:"))
