"""int8 against fp32 against torch: speed, and what it costs in quality. Run: python evals/bench/precision.py

Quality is how often the right article stands first (and among the first three) for the single questions of
evals/answers-tune.yaml, by cosine alone, so that nothing but the vectors decides.
"""

import statistics
import sys
import time
from pathlib import Path

import numpy as np
import yaml

from backbot.chunking import split_passages
from backbot.embeddings import Embedder, load_embedder
from backbot.loaders import load_articles
from backbot.records import Article
from backbot.settings import Settings

ROOT = Path(__file__).parents[2]
ENGINES = {"onnx int8": Settings(), "onnx fp32": Settings(precision="fp32"), "torch fp32": Settings(engine="torch")}


def main() -> None:
    """Print a line for each engine."""
    articles = [found for found in load_articles(str(ROOT / "corpus")) if isinstance(found, Article)]
    passages = [passage for article in articles for passage in split_passages(article)]
    questions = [
        (wording, set(case["cite"]["any_of"]))
        for case in yaml.safe_load((ROOT / "evals" / "answers-tune.yaml").read_text("utf-8"))["cases"]
        if "ask" in case and "any_of" in case.get("cite", {})
        for wording in (case["ask"], *case.get("also_ask", ()))
    ]
    for name, settings in ENGINES.items():
        embedder = load_embedder(settings)
        started = time.perf_counter()
        vectors = embedder.embed([passage.embedded_text for passage in passages])
        rate = len(passages) / (time.perf_counter() - started)
        first = third = 0
        times = []
        for question, wanted in questions:
            vector, milliseconds = _timed(embedder, question)
            times.append(milliseconds)
            best = [passages[i].article in wanted for i in np.argsort(-(vectors @ vector))[:3]]
            first, third = first + best[0], third + any(best)
        total = len(questions)
        sys.stdout.write(
            f"{name:10}  {rate:5.0f} passages/s  {statistics.median(times):5.1f} ms a question  "
            f"right article first {first}/{total}, among three {third}/{total}\n"
        )


def _timed(embedder: Embedder, question: str) -> tuple[np.ndarray, float]:
    started = time.perf_counter()
    vector = embedder.embed([question])[0]
    return vector, (time.perf_counter() - started) * 1000


if __name__ == "__main__":
    main()
