"""A small index, a suite that it passes, and a way to plant a fault in what comes back."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from articles import write_article
from backbot.bot import Bot
from backbot.embeddings import Embedder
from backbot.evaluation.articles import Articles
from backbot.evaluation.asking import Answer, ask_bot
from backbot.evaluation.command import ask_and_judge
from backbot.evaluation.run import METRIC_NAMES, Run
from backbot.evaluation.suite import Suite, read_suite
from backbot.index.ingest import ingest
from backbot.index.search import Index
from backbot.settings import Settings

SUITE = """
suite: Small
owner: editors
review_by: 2030-01-01
margin: 0.5
gate:
  passed: 1.0
  ms_p95: max 1000
cases:
  - id: cold-how-long
    ask: How long should a cold pack stay on?
    also_ask: [how many minutes can I leave a cold pack on]
    topic: cold
    risk: high
    expect: answer
    cite: {any_of: [cold-packs], never: [chairs]}
    must_say: ["15 to 20 minutes", "can burn"]
  - id: walking-how-far
    ask: How far should I walk each day?
    topic: walking
    risk: low
    expect: answer
    cite: {any_of: [walking]}
    must_say: [10 minutes a day]
  - id: chair-height
    turns: [I need a new chair for work, How high should the chair be?]
    topic: chairs
    risk: low
    expect: answer
    cite: {any_of: [chairs]}
  - id: capital
    ask: what is the capital of France
    topic: off-topic
    expect: decline
  - id: bread
    ask: how do I bake sourdough bread
    also_ask: [which flour makes good sourdough, which flour makes the best pizza, how hot must the oven be for bread]
    topic: off-topic
    expect: decline
  - id: numb
    ask: numb between my legs and I can't pee
    topic: red-flags
    risk: high
    expect: emergency
    red_flag: cauda-equina
    must_say: [emergency]
"""

Fault = Callable[[Answer], Answer]


@pytest.fixture(scope="session")
def small_settings(tmp_path_factory: pytest.TempPathFactory, embedder: Embedder) -> Settings:
    """Settings of an index of three articles. Only to be read."""
    folder = tmp_path_factory.mktemp("small")
    texts = {
        "cold-packs": "## How long should a cold pack stay on?\n\nLeave a cold pack on for 15 to 20 minutes, and "
        "never longer, because a cold pack can burn.",
        "walking": "## How far should I walk?\n\nWalk for 10 minutes a day to start with.",
        "chairs": "## How high should a chair be?\n\nSet the chair so that your feet rest flat on the floor.",
    }
    for name, text in texts.items():
        write_article(folder / "articles", name, text, title=name.replace("-", " "), reviewed="2026-05-01")
    settings = Settings(index=folder / "index", model_cache=Settings().model_cache)
    ingest([str(folder / "articles")], settings, embedder)
    return settings


@pytest.fixture(scope="session")
def small_bot(small_settings: Settings, embedder: Embedder) -> Bot:
    return Bot(Index(small_settings.index, embedder), small_settings)


@pytest.fixture(scope="session")
def small_suite() -> Suite:
    return read_suite(SUITE, "small.yaml", Path(), METRIC_NAMES)


@pytest.fixture(scope="session")
def small_articles(small_bot: Bot) -> Articles:
    generation = small_bot.index.live()
    return Articles(generation.manifest.articles, generation)


@pytest.fixture
def run_small(small_bot: Bot, small_suite: Suite, small_articles: Articles) -> Callable[..., Run]:
    """Runs the small suite; `fault` may change each answer before it is judged. Every answer takes the same time."""

    def run(fault: Fault = lambda answer: answer, suite: Suite = small_suite, seconds: float = 0.01) -> Run:
        ask = ask_bot(small_bot)
        return ask_and_judge(
            suite,
            lambda turns: fault(replace(ask(turns), seconds=seconds)),
            small_articles,
            {"index": "small"},
        )

    return run
