"""Where the time of one reply goes, stage by stage: the steps of `Bot.stream`, called one by one with a clock between."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from backbot.answering.citations import make_citation
from backbot.answering.declining import holds_answer
from backbot.answering.extractive import choose_sentences, rank_sentences
from backbot.answering.generative import write_answer
from backbot.bot import Bot
from backbot.conversation import stand_alone
from backbot.index.focus import embed_question
from backbot.triage import triage
from backbot.vocabulary import load_vocabulary

STAGES = (
    "triage",
    "conversation",
    "vocabulary",
    "embedding",
    "search",
    "ranking",
    "declining",
    "choosing",
    "citations",
)


@dataclass(frozen=True, slots=True)
class Timed:
    """`milliseconds` of each stage that was reached, in STAGES' order; `quotes` is what the reply would show."""

    milliseconds: dict[str, float]
    quotes: tuple[str, ...]


def time_stages(bot: Bot, question: str, history: Sequence[str] = ()) -> Timed:
    """The time of each stage of `bot.reply(question, history)`; an emergency has one stage, its triage."""
    times: dict[str, float] = {}
    last = time.perf_counter()

    def lap(stage: str) -> None:
        nonlocal last
        now = time.perf_counter()
        times[stage] = (now - last) * 1000
        last = now

    noticed = triage((*history, question), bot.settings.country)
    lap("triage")
    if noticed.level == "emergency":
        return Timed(times, ())
    generation = bot.index.live()
    asked = stand_alone(" ".join(question.split()), history, generation.titles)
    lap("conversation")
    read = load_vocabulary().expand(asked, generation.words)
    lap("vocabulary")
    vector = embed_question(read.question, bot.index.embedder, generation)
    lap("embedding")
    hits = generation.search(read.question, vector)
    lap("search")
    ranked = rank_sentences(read.corrected, vector, hits, generation)
    lap("ranking")
    holds = holds_answer(read.corrected, vector, hits, ranked)
    lap("declining")
    chosen = choose_sentences(read.corrected, ranked) if holds else []
    shown = list(write_answer(asked, hits, ranked, chosen, bot.language_model))
    lap("choosing")
    today = date.today()
    citations = [make_citation(n, s.passage, s.quote, today) for n, s in enumerate(shown, 1)]
    lap("citations")
    return Timed(times, tuple(citation.quote for citation in citations))
