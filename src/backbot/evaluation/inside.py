"""One question seen from inside: what was read and searched, what was found with which scores, and why it was shown or not.

It takes the steps of `Bot.stream` once more and keeps what they made; a test holds the two together.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from backbot.answering.declining import answerability, holds_answer
from backbot.answering.extractive import rank_sentences
from backbot.bot import Bot
from backbot.evaluation.asking import HITS
from backbot.index.retrieval import retrieve
from backbot.records import Hit, Reply
from backbot.vocabulary import Change

MOST_SENTENCES = 15


@dataclass(frozen=True, slots=True)
class RankedSentence:
    """A sentence that could have been shown: its score, its cosine with the question, and whether it was shown."""

    text: str
    article: str
    heading: str
    score: float
    meaning: float
    is_shown: bool


@dataclass(frozen=True, slots=True)
class Inside:
    """A reply and all that led to it. After an emergency nothing is searched: there are no hits.

    `holds` says whether the articles were found to hold an answer; `margin` how sure that was (above 0 they do), None
    where the embedding model is another than the one that it was fitted with.
    """

    reply: Reply
    seconds: float
    changes: tuple[Change, ...] = ()
    hits: tuple[Hit, ...] = ()
    sentences: tuple[RankedSentence, ...] = ()
    holds: bool = False
    margin: float | None = None


def look_inside(bot: Bot, question: str, history: Sequence[str] = ()) -> Inside:
    """The reply to `question` with its reasons; raises QuestionInvalid as `Bot.reply` does."""
    began = time.perf_counter()
    reply = bot.reply(question, history)
    seconds = time.perf_counter() - began
    if reply.outcome == "referred":
        return Inside(reply, seconds)
    generation = bot.index.live()
    found = retrieve(reply.question, generation, bot.index.embedder, HITS)
    read, hits = found.read, found.hits
    ranked = rank_sentences(read.corrected, found.vector, hits, generation)
    try:
        margin: float | None = answerability(found, ranked) if ranked else None
    except ValueError:
        # Vectors of another length than the weights': `holds_answer` then goes by the nearest passage alone.
        margin = None
    quotes = {(citation.article, citation.quote) for citation in reply.citations}
    shown = [any(c.hit.passage.article == name and c.text in quote for name, quote in quotes) for c in ranked]
    # What is shown comes with the list even where others score higher: a list's items go with their first.
    sentences = tuple(
        RankedSentence(c.text, c.hit.passage.article, c.hit.passage.heading, c.score, c.meaning, is_shown)
        for place, (c, is_shown) in enumerate(zip(ranked, shown, strict=True))
        if is_shown or place < MOST_SENTENCES
    )
    holds = holds_answer(found, ranked)
    return Inside(reply, seconds, read.changes, tuple(hits), sentences, holds, margin)
