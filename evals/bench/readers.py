"""Readers who ask a server all the time, and whether what they are told is right: the healthy bot's answer, or a refusal.

For benchmarks that break something meanwhile.
"""

import json
import random
import shutil
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx

from backbot.bot import Bot
from backbot.embeddings import load_embedder
from backbot.index.ingest import ingest
from backbot.index.search import Index
from backbot.records import Reply
from backbot.resources import resource as shipped
from backbot.settings import Settings

QUESTIONS = (
    "Should I put ice or heat on my back?",
    "Do I need an MRI scan?",
    "How should I set up my chair?",
    "Is walking good for a bad back?",
    "Can acupuncture help my back?",
    "What is a bulging disc?",
    "What is the capital of France?",
    "I am numb between my legs and I cannot pee",
)
READERS, PAUSE = 2, 0.15
"""So many readers, each of whom asks again after so many seconds: a light load."""

LINE = "\n\nThis line was added to the article.\n"

Said = tuple[str, tuple[tuple[str, str], ...]]
"""An answer's outcome and its citations: article and quote."""


def what_was_said(reply: dict[str, Any]) -> Said:
    """Of a reply as JSON; raises KeyError or TypeError for anything else."""
    return reply["outcome"], tuple((citation["article"], citation["quote"]) for citation in reply["citations"])


def judge(status: int, body: str, healthy: set[Said]) -> str:
    """`right`, `refused` or `wrong`: whether the body is one of the healthy answers, or a refusal that says why."""
    try:
        found = json.loads(body)
        if status == 200:
            return "right" if what_was_said(found) in healthy else "wrong"
        return "refused" if 400 <= status < 600 and found["error"] and found["message"] else "wrong"
    except (ValueError, KeyError, TypeError):
        return "wrong"


class Readers:
    """READERS of each port, until `stop`; `told` counts the verdicts, `wrong` has what was neither right nor a refusal."""

    def __init__(self, ports: Sequence[int], healthy: dict[str, set[Said]], seed: float):
        self.told: Counter[str] = Counter()
        self.wrong: list[str] = []
        self._healthy = healthy
        self._is_over = False
        chances = [random.Random(f"{seed} {n}") for n in range(READERS * len(ports))]  # noqa: S311
        self._threads = [
            threading.Thread(target=self._ask, args=(ports[n % len(ports)], chance)) for n, chance in enumerate(chances)
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let each finish the question it asks."""
        self._is_over = True
        for thread in self._threads:
            thread.join()

    def _ask(self, port: int, chance: random.Random) -> None:
        address = f"http://127.0.0.1:{port}"
        with httpx.Client(base_url=address, headers={"Origin": address, "Accept": "application/json"}, trust_env=False) as c:
            while not self._is_over:
                question = chance.choice(QUESTIONS)
                try:
                    answer = c.post("/api/chat", json={"turns": [question]}, timeout=60)
                    verdict = judge(answer.status_code, answer.text, self._healthy[question])
                    if verdict == "wrong":
                        self.wrong.append(f"{question}: {answer.status_code} {answer.text[:300]}")
                except httpx.TimeoutException:
                    verdict = "wrong"
                    self.wrong.append(f"{question}: no answer")
                except httpx.TransportError:
                    verdict = "no connection"
                self.told[verdict] += 1
                time.sleep(PAUSE)


def prepare(folder: Path) -> tuple[tuple[Path, Path], dict[str, set[Said]]]:
    """Two versions of the articles, and what the healthy bot says of either to each question."""
    versions = (folder / "articles", folder / "articles-changed")
    embedder = load_embedder(Settings())
    healthy: dict[str, set[Said]] = {question: set() for question in QUESTIONS}
    for version in versions:
        shutil.copytree(shipped("corpus"), version)
        if version == versions[1]:
            with (version / "osteopathic-treatment.md").open("a") as article:
                article.write(LINE)
        settings = Settings(index=folder / f"index-of-{version.name}")
        ingest([str(version)], settings, embedder)
        bot = Bot(Index(settings.index, embedder), settings)
        for question in QUESTIONS:
            healthy[question].add(said_by(bot.reply(question)))
    return versions, healthy


def said_by(reply: Reply) -> Said:
    """An answer's outcome and citations."""
    return reply.outcome, tuple((citation.article, citation.quote) for citation in reply.citations)
