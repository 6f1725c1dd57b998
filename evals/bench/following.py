"""How soon a running server follows what an ingest publishes, and whether a question in flight is ever dropped.

    python evals/bench/following.py [--rounds 10] [--askers 4]

A real `backbot serve` answers `askers` who never stop asking while one article changes from round to round: edited,
withdrawn, back again. Measured is the time from the publish (when the pointer `live` was renamed) to the first question
answered from the new generation. Counted are the replies that were not 200, and the questions sent after a publish that
were answered from the former generation.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import httpx

from backbot.embeddings import load_embedder
from backbot.index.ingest import ingest
from backbot.settings import Settings

QUESTION = {"turns": ["How many lengths should I swim for my back?"]}
LENGTHS = "Swim {} lengths of the pool each week, at a pace that lets you talk."
OTHERS = {
    "chairs": "Set the seat of the chair so that your feet rest flat on the floor.",
    "walking": "Walk for 10 minutes a day and add 5 minutes each week.",
}

PAUSE = 4.0
"""Seconds of questions after each publish."""


def write(folder: Path, name: str, sentence: str, status: str = "published") -> None:
    """One short article."""
    text = f"---\ntitle: {name.title()}\nstatus: {status}\n---\n\n## What helps your back?\n\n{sentence}\n"
    (folder / f"{name}.md").write_text(text, "utf-8")


class Askers:
    """Threads that ask without pause and note when each reply came, its status and what it quoted."""

    def __init__(self, address: str, count: int):
        self.seen: list[tuple[float, float, int, str]] = []
        self._stop = threading.Event()
        self._address = address
        self._threads = [threading.Thread(target=self._ask) for _ in range(count)]
        for thread in self._threads:
            thread.start()

    def _ask(self) -> None:
        headers = {"Origin": self._address, "Accept": "application/json"}
        with httpx.Client(headers=headers, timeout=30) as client:
            while not self._stop.is_set():
                sent = time.time()
                try:
                    reply = client.post(f"{self._address}/api/chat", json=QUESTION)
                    quotes = " ".join(citation["quote"] for citation in reply.json().get("citations", ()))
                    self.seen.append((sent, time.time(), reply.status_code, quotes))
                except (httpx.HTTPError, ValueError) as error:
                    self.seen.append((sent, time.time(), 0, repr(error)))

    def stop(self) -> None:
        """Let each finish its question."""
        self._stop.set()
        for thread in self._threads:
            thread.join()


def main() -> int:
    """Serve, ask, publish, print; 1 when a reply was dropped or wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--askers", type=int, default=4)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        articles, settings = Path(scratch) / "articles", Settings(index=Path(scratch) / "index")
        articles.mkdir()
        for name, sentence in {**OTHERS, "swimming": LENGTHS.format(100)}.items():
            write(articles, name, sentence)
        embedder = load_embedder(settings)
        ingest([str(articles)], settings, embedder)
        command = [sys.executable, "-m", "backbot", "serve", "--port", "0", "--no-page", "--index", str(settings.index)]
        limits = {"BACKBOT_RATE_PER_ADDRESS": "100000/second", "BACKBOT_RATE_OVERALL": "100000/second"}
        environment = {**os.environ, **limits}
        server = subprocess.Popen(  # noqa: S603  # our own command
            command, stdout=subprocess.PIPE, text=True, env=environment, cwd=scratch
        )
        assert server.stdout
        address = next(line.split()[3] for line in server.stdout if line.startswith("backbot is ready: "))
        askers = Askers(address, options.askers)
        waits, late = [], 0
        try:
            for n in range(options.rounds):
                is_withdrawn = n % 3 == 2
                wanted = LENGTHS.format(101 + n)
                write(articles, "swimming", wanted, "withdrawn" if is_withdrawn else "published")
                ingest([str(articles)], settings, embedder)
                published = (settings.index / "live").stat().st_mtime
                time.sleep(PAUSE)
                after = [row for row in askers.seen if row[0] > published]
                is_new = [
                    (wanted in quotes) != is_withdrawn and "lengths" not in quotes.replace(wanted, "")
                    for *_, quotes in after
                ]
                first = next((row for row, new in zip(after, is_new, strict=True) if new), None)
                waits.append(first[1] - published if first else float("inf"))
                late += is_new.count(False)
        finally:
            askers.stop()
            server.terminate()
            server.wait(30)
    failed = [row for row in askers.seen if row[2] != 200]
    print(f"{options.rounds} publishes, {len(askers.seen)} questions by {options.askers} askers")
    print(f"first answer from the new generation, after the publish: median {statistics.median(waits):.3f} s")
    print(f"  the longest: {max(waits):.3f} s")
    print(f"{late} questions sent after a publish were answered from the former generation")
    print(f"{len(failed)} questions were not answered")
    for row in failed[:5]:
        print(f"  {row[2]} {row[3][:100]}")
    return 1 if failed or late else 0


if __name__ == "__main__":
    sys.exit(main())
