"""backbot as the benchmark drives it, in a process of its own: `python -m backbot.bench.own serve INDEX`.

A question a line in, {"milliseconds": ..., "floor": ...} a line out: the whole reply, and what it cannot do without, the
bare embedding of the question and the bare vector search.
"""

import json
import sys
import time
from pathlib import Path

from backbot.bot import open_bot
from backbot.index.dense import Dense
from backbot.index.generations import generation_folder, live_name
from backbot.settings import load_settings


def main(index: str) -> None:
    """Answer the questions on standard input, each timed."""
    settings = load_settings().model_copy(update={"index": Path(index)})
    bot = open_bot(settings)
    dense = Dense(generation_folder(settings.index, live_name(settings.index)) / "chroma")
    for line in sys.stdin:
        question = line.strip()
        started = time.perf_counter()
        dense.search(bot.index.embedder.embed([question])[0], 10)
        floor = time.perf_counter()
        bot.reply(question)
        ended = time.perf_counter()
        figures = {"milliseconds": (ended - floor) * 1000, "floor": (floor - started) * 1000}
        sys.stdout.write(json.dumps(figures) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])
