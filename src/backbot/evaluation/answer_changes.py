"""Which questions of a suite get another answer when one generation of the index replaces another."""

from collections.abc import Iterable
from dataclasses import dataclass

from backbot.bot import Bot
from backbot.embeddings import Embedder
from backbot.errors import QuestionInvalid
from backbot.evaluation.suite import Suite
from backbot.index.reading import Progress
from backbot.index.search import FixedIndex, Generation
from backbot.records import Reply
from backbot.settings import Settings


@dataclass(frozen=True, slots=True)
class AnswerChange:
    """A question whose answer is another now. `articles` are those that changed and that either answer quotes."""

    case: str
    turns: tuple[str, ...]
    old: Reply
    new: Reply
    articles: tuple[str, ...]


def find_answer_changes(
    suite: Suite, old: Generation, new: Generation, embedder: Embedder, settings: Settings, progress: Progress
) -> list[AnswerChange]:
    """Ask every question of the suite of both generations, word by word from the articles, without a language model."""
    plain = settings.model_copy(update={"llm": ""})
    bots = [Bot(FixedIndex(generation, embedder), plain) for generation in (old, new)]
    before, after = old.manifest.articles, new.manifest.articles
    edited = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    asked = [(case.id, turns) for case in suite.cases for turns in case.asks]
    changes = []
    for done, (case, turns) in enumerate(asked, 1):
        try:
            was, now = (bot.reply(turns[-1], turns[:-1]) for bot in bots)
        except QuestionInvalid:
            # A suite may well ask what cannot be asked; neither generation answers it.
            continue
        if _what_is_said(was) != _what_is_said(now):
            changes.append(AnswerChange(case, turns, was, now, _quoted((was, now), edited)))
        progress("Asking", done, len(asked))
    return changes


def _what_is_said(reply: Reply) -> tuple[object, ...]:
    quotes = tuple((citation.article, citation.heading, citation.quote) for citation in reply.citations)
    return reply.outcome, tuple(sentence.text for sentence in reply.sentences), quotes


def _quoted(replies: Iterable[Reply], edited: set[str]) -> tuple[str, ...]:
    quoted = {citation.article for reply in replies for citation in reply.citations}
    return tuple(sorted(quoted & edited))
