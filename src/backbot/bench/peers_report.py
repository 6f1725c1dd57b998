"""The page of `compare_peers`: one picture a figure, with the table that says the same. It needs no network."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from backbot.bench.comparison import SEARCH, Compared
from backbot.bench.peers import BACKBOT, FLOOR
from backbot.templates import open_templates

TEMPLATE = Path(__file__).with_name("peers_report.html")

TITLES = {
    BACKBOT: "backbot, whole reply",
    "langchain": "LangChain",
    "llamaindex": "LlamaIndex",
    "haystack": "Haystack",
    "txtai": "txtai",
    SEARCH: SEARCH,
    FLOOR: "the floor: bare embedding and vector search",
}


@dataclass(frozen=True, slots=True)
class About:
    """What was run: where, when, on how busy a machine, on how much."""

    when: str
    cores: int
    loads: tuple[float, float]
    rounds: int
    articles: int
    questions: int
    passages: dict[str, int]
    missing: tuple[str, ...]


def render_peers(about: About, figures: Sequence[Compared], stages: dict[str, float]) -> str:
    """The page as HTML."""
    page = open_templates(TEMPLATE.parent).get_template(TEMPLATE.name)
    return page.render(about=about, figures=figures, stages=stages, titles=TITLES)
