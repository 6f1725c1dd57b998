"""The flow of one question, on one screen: triage and retrieval side by side, answer or decline, reply."""

import os
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date

from backbot.answering.citations import make_citation
from backbot.answering.declining import holds_answer
from backbot.answering.extractive import choose_sentences, rank_sentences
from backbot.answering.generative import EXTRACTIVE, LanguageModel, Supported, load_language_model, write_answer
from backbot.conversation import stand_alone
from backbot.embeddings import load_embedder
from backbot.errors import QuestionInvalid
from backbot.index.retrieval import Retrieved, retrieve
from backbot.index.search import Generation, Index, open_index
from backbot.records import AnswerSentence, Hit, Reply, Triage
from backbot.settings import Settings
from backbot.tracing import Trace, ended, ran_beside, tracing
from backbot.triage import is_about_red_flags, light_line, triage
from backbot.triage.review import describe_review, reviewed_by

WHAT_THIS_IS = (
    "backbot quotes the publisher's articles. It gives general information, not a diagnosis or advice for you alone."
)
DECLINED = "The articles do not answer that, so I would rather not guess. For advice about you, ask a doctor or pharmacist."
SUGGESTIONS = 3
THREADS = max(2, os.cpu_count() or 2)
"""More make no answer sooner: each needs a core, and memory of its own."""

PASSAGES_AN_ARTICLE = 10
"""How many passages are ranked for each article wanted."""

BACKED_BY, BACKING_WEIGHT = 3, 0.1
"""An article is ranked by its best passage, and a little by how good its best few are: one that treats the question at
length is a better answer than one that touches on it. Of the weights 0 to .5 this one ranks MEDIQA-2019's training questions
best."""

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


class Bot:
    """Answers questions from an index. Keeps nothing of what readers say; threads may share it."""

    def __init__(self, index: Index, settings: Settings, language_model: LanguageModel | None = None):
        self.index = index
        self.settings = settings
        self.language_model = language_model
        # While triage reads on one core, retrieval runs on another; what comes of it is heard after triage alone.
        self._beside = ThreadPoolExecutor(THREADS, thread_name_prefix="retrieval")
        self.disclaimer = f"{WHAT_THIS_IS} {describe_review(reviewed_by())}"

    def reply(self, question: str, history: Sequence[str] = (), country: str = "", context: str = "") -> Reply:
        """The reply to `question`; `history` is the reader's earlier messages, the oldest first.

        `country` (two letters) chooses the emergency numbers; empty, the settings' one does. `context` is the id of the
        article that the reader has open, so that "is this safe for me?" is understood; triage never reads it. Raises
        QuestionInvalid for an empty question, and for one that is too long and raises no emergency.
        """
        *_, reply = self.stream(question, history, country, context)
        assert isinstance(reply, Reply)
        return reply

    def stream(
        self, question: str, history: Sequence[str] = (), country: str = "", context: str = ""
    ) -> Iterator[Triage | AnswerSentence | Reply]:
        """The same in parts, as they are ready: the triage, then each sentence, then the whole reply."""
        looking = self._beside.submit(self._look_up, question, history, context)
        noticed = triage((*history, question), country or self.settings.country)
        ended("triage")
        yield noticed
        if noticed.level == "emergency":
            yield Reply("referred", noticed, (), (), self.disclaimer, (), "extractive", question)
            return

        # While retrieval still runs.
        light = light_line() if is_about_red_flags(question) else ""
        asked, generation, found, stages = looking.result()
        ran_beside(stages)
        ended("waiting for retrieval")
        corrected, hits = found.read.corrected, found.hits
        ranked = rank_sentences(corrected, found.vector, hits, generation)
        ended("ranking")
        is_held = holds_answer(found, ranked)
        ended("declining")
        chosen = choose_sentences(corrected, ranked) if is_held else []

        today = date.today()
        shown: list[Supported] = []
        sentences: list[AnswerSentence] = []
        for n, supported in enumerate(write_answer(asked, hits, ranked, chosen, self.language_model), 1):
            shown.append(supported)
            sentences.append(AnswerSentence(supported.text, (n,), supported.is_item))
            yield sentences[-1]
        ended("answering")
        reply = Reply(
            outcome="answered" if shown else "declined",
            triage=noticed,
            sentences=tuple(sentences),
            citations=tuple(make_citation(n, s.passage, s.quote, today) for n, s in enumerate(shown, 1)),
            disclaimer=self.disclaimer,
            suggestions=_suggest(hits, {question, *(supported.passage.heading for supported in shown)}),
            engine=shown[0].engine if shown else EXTRACTIVE,
            question=asked,
            message=light if shown else " ".join(filter(None, (light, DECLINED))),
        )
        ended("citations")
        yield reply

    def _look_up(self, question: str, history: Sequence[str], context: str) -> tuple[str, Generation, Retrieved, Trace]:
        """The question as it stands alone, the generation that was asked, what it has, and where the time went."""
        with tracing() as stages:
            generation = self.index.live()
            open_article = generation.content.article(context) if context else None
            before = (open_article.title, *history) if open_article else history
            asked = stand_alone(_searchable(question, self.settings.max_question_chars), before, generation.titles)
            ended("conversation")
            return asked, generation, retrieve(asked, generation, self.index.embedder), stages

    def search(self, query: str, k: int = 10) -> list[Hit]:
        """The k best passages for the query, the best first; raises QuestionInvalid as `reply` does."""
        asked = _searchable(query, self.settings.max_question_chars)
        return retrieve(asked, self.index.live(), self.index.embedder, k).hits

    def rank_articles(self, query: str, k: int = 10) -> list[tuple[str, float]]:
        """The k best articles for the query with their scores, the best first."""
        found: dict[str, list[float]] = {}
        for hit in self.search(query, PASSAGES_AN_ARTICLE * k):
            found.setdefault(hit.passage.article, []).append(hit.score)
        scores = {article: best[0] + BACKING_WEIGHT * sum(best[:BACKED_BY]) / BACKED_BY for article, best in found.items()}
        return sorted(scores.items(), key=lambda row: -row[1])[:k]


def open_bot(settings: Settings) -> Bot:
    """A bot over the index that the settings name; raises IndexUnusable, ModelUnavailable or SettingsInvalid."""
    return Bot(open_index(settings, load_embedder(settings)), settings, load_language_model(settings))


def _searchable(question: str, most: int) -> str:
    """The question without control and direction characters; raises QuestionInvalid when nothing can be searched."""
    if len(question) > most:
        raise QuestionInvalid(f"The question has {len(question):,} characters; {most:,} is the most. Ask it in fewer words.")
    cleaned = " ".join(_CONTROL.sub(" ", question).split())
    if not any(character.isalnum() for character in cleaned):
        raise QuestionInvalid('The question is empty. Ask in your own words, such as "Should I put ice or heat on my back?"')
    return cleaned


def _suggest(hits: Sequence[Hit], answered: set[str]) -> tuple[str, ...]:
    """Headings near the question that read as questions and were neither asked nor answered just now."""
    headings = dict.fromkeys(hit.passage.heading for hit in hits if hit.passage.heading.endswith("?"))
    return tuple(heading for heading in headings if heading not in answered)[:SUGGESTIONS]
