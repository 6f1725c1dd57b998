"""Asking what a suite asks: in this process, by threads; an error is kept as what came back."""

import hashlib
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from os import cpu_count
from typing import TYPE_CHECKING

from backbot.records import Reply, Triage
from backbot.triage import triage

if TYPE_CHECKING:
    from backbot.bot import Bot

HITS = 10
"""How many passages are kept of what was retrieved for a question."""

Turns = tuple[str, ...]
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Found:
    """A passage that was retrieved, with the scores that `Hit` has."""

    article: str
    heading: str
    score: float
    dense: float
    lexical: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back for one wording of a case: a reply or, where only triage is run, its finding; else an error.

    `hits` are the best passages for the standalone question, the best first.
    """

    turns: Turns
    reply: Reply | None = None
    triage: Triage | None = None
    hits: tuple[Found, ...] = ()
    error: str = ""
    seconds: float = 0.0

    @property
    def articles_found(self) -> tuple[str, ...]:
        """The articles of the hits, each at its best passage's place."""
        return tuple(dict.fromkeys(hit.article for hit in self.hits))


def answer_version(reply: Reply) -> str:
    """Eight hexadecimal digits that change when what is said, or where it is quoted from, does."""
    quotes = [(citation.article, citation.quote) for citation in reply.citations]
    said = (reply.outcome, reply.triage.level, [sentence.text for sentence in reply.sentences], quotes)
    return hashlib.sha256(repr(said).encode(errors="replace")).hexdigest()[:8]


Ask = Callable[[Turns], Answer]


def ask_bot(bot: "Bot") -> Ask:
    """Asks the bot. Only the reply is timed: the search that shows what was found comes after it."""

    def ask(turns: Turns) -> Answer:
        began = time.perf_counter()
        reply = bot.reply(turns[-1], turns[:-1])
        seconds = time.perf_counter() - began
        hits = () if reply.outcome == "referred" else bot.search(reply.question, HITS)
        found = tuple(Found(hit.passage.article, hit.passage.heading, hit.score, hit.dense, hit.lexical) for hit in hits)
        return Answer(turns, reply, reply.triage, found, seconds=seconds)

    return ask


def ask_triage(country: str) -> Ask:
    """Asks only the red-flag triage; needs no index."""

    def ask(turns: Turns) -> Answer:
        began = time.perf_counter()
        found = triage(turns, country)
        return Answer(turns, None, found, seconds=time.perf_counter() - began)

    return ask


def ask_all(asks: Sequence[Turns], ask: Ask, advance: Progress | None = None) -> list[Answer]:
    """The answers in the order of `asks`; whatever `ask` raises is an answer with an error."""

    def safely(turns: Turns) -> Answer:
        try:
            return ask(turns)
        except Exception as error:
            # A case must not stop the others, and a crash must count: it fails every check of its case.
            return Answer(turns, error=f"{type(error).__name__}: {error}"[:500])

    answers = []
    with ThreadPoolExecutor(min(4, cpu_count() or 1)) as pool:
        for answer in pool.map(safely, asks):
            answers.append(answer)
            if advance:
                advance("asking", len(answers), len(asks))
    return answers
