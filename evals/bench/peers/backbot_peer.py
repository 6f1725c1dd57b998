"""backbot: what is timed is the whole reply; beside it its search alone, and each stage of the reply.

Its ingest reads the articles from their file, which the peers' time leaves out.
"""

import sys
import time
from functools import partial
from pathlib import Path

from protocol import PASSAGES, speak

from backbot.bot import Bot, open_bot
from backbot.embeddings import load_embedder
from backbot.index.ingest import ingest as build
from backbot.operation.readiness import check_readiness
from backbot.settings import Settings
from backbot.tracing import tracing


def ingest(articles, store, model):
    """What embeds and stores the articles; the model is loaded before."""
    settings = Settings(index=store)
    embedder = load_embedder(settings)
    return lambda: build([str(Path(sys.argv[2]))], settings, embedder).passages


def open_store(store, model):
    """What answers from the store, ready as `backbot serve` is before it hears the first reader."""
    bot = open_bot(Settings(index=store))
    check_readiness(bot)
    EXTRAS.update(search=partial(search, bot), stages=partial(stages, bot))
    return lambda question: [cited.article for cited in bot.reply(question).citations]


def search(bot: Bot, question: str) -> dict[str, object]:
    """The articles of as many passages as the peers find, and the milliseconds."""
    started = time.perf_counter()
    hits = bot.search(question, PASSAGES)
    milliseconds = (time.perf_counter() - started) * 1000
    return {"milliseconds": milliseconds, "articles": list(dict.fromkeys(hit.passage.article for hit in hits))}


def stages(bot: Bot, question: str) -> dict[str, float]:
    """Milliseconds of each stage of the reply."""
    with tracing() as trace:
        bot.reply(question)
    return trace.milliseconds


EXTRAS = {}

if __name__ == "__main__":
    speak(ingest, open_store, EXTRAS)
