"""What the server keeps of readers, and that the page says so."""

import re
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from backbot.bot import Bot
from backbot.insights import open_insights
from backbot.web.server import create_app

DECLINED = "Hi, Anna Kowalski here, 07700 900123: which copper bracelets suit beekeepers?"


@pytest.fixture
def served(bot: Bot, serve_app: Callable[..., str], tmp_path: Path) -> Callable[..., tuple[httpx.Client, Path]]:
    """Starts a server with insights on or off; gives a client and the folder that it may write to."""

    def serve(on: bool) -> tuple[httpx.Client, Path]:
        update = {"insights": on, "insights_file": str(tmp_path / "insights.sqlite"), "insights_days": 42}
        address = serve_app(create_app(bot, bot.settings.model_copy(update=update)))
        headers = {"Origin": address, "Accept": "application/json"}
        return httpx.Client(base_url=address, headers=headers, timeout=60), tmp_path

    return serve


def test_the_page_says_whether_questions_are_kept(served: Callable[..., tuple[httpx.Client, Path]]):
    client, _ = served(on=False)
    page = client.get("/privacy").text
    assert "This server does not keep them" in page
    assert "Your messages are not kept." in page
    client, _ = served(on=True)
    page = client.get("/privacy").text
    assert "This server keeps some words of them" in page
    assert "After 42 days" in page
    assert "at least 5 questions" in page
    assert "does not keep" not in page


def test_the_page_says_when_a_language_model_reads_along(bot: Bot, serve_app: Callable[..., str]):
    settings = bot.settings.model_copy(update={"llm": "openai:some-model"})
    assert "language model (openai)" in httpx.get(serve_app(create_app(bot, settings)) + "/privacy").text


def test_only_declined_questions_leave_redacted_words(served: Callable[..., tuple[httpx.Client, Path]], bot: Bot):
    client, folder = served(on=True)
    for question, outcome in {
        DECLINED: "declined",
        "How long should I leave a cold pack on, Zebediah?": "answered",
        "numb between my legs and I can't pee, quokka": "referred",
    }.items():
        assert client.post("/api/chat", json={"turns": [question]}).json()["outcome"] == outcome
    flagged = ["I have a fever with my back pain, quokka", DECLINED]
    assert client.post("/api/chat", json={"turns": flagged}).json()["triage"]["level"] != "none"
    settings = bot.settings.model_copy(update={"insights": True, "insights_file": str(folder / "insights.sqlite")})
    insights = open_insights(settings)
    assert insights
    ((_, words),) = insights.declined()
    assert {"copper", "bracelets"} <= set(words.split())
    kept = b"".join(file.read_bytes() for file in folder.iterdir()).lower()
    for raw in (b"kowalski", b"anna", b"07700", b"900123", b"zebediah", b"quokka", b"cold pack", b"numb"):
        assert raw not in kept


def test_a_thumb_down_is_kept_for_articles_that_there_are(served: Callable[..., tuple[httpx.Client, Path]], bot: Bot):
    client, folder = served(on=True)
    articles = ["heat-vs-cold", "my-own-words-here"]
    for verdict in ("up", "down"):
        body = {"verdict": verdict, "reason": "wrong", "articles": articles}
        assert client.post("/api/feedback", json=body).status_code == 204
    settings = bot.settings.model_copy(update={"insights": True, "insights_file": str(folder / "insights.sqlite")})
    insights = open_insights(settings)
    assert insights
    assert [(reason, article) for _, reason, article in insights.faults()] == [("wrong", "heat-vs-cold")]


def test_off_nothing_is_written(served: Callable[..., tuple[httpx.Client, Path]]):
    client, folder = served(on=False)
    assert client.post("/api/chat", json={"turns": [DECLINED]}).json()["outcome"] == "declined"
    client.post("/api/feedback", json={"verdict": "down", "articles": ["heat-vs-cold"]})
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("path", ["/", "/embed"])
def test_the_chat_and_the_widget_lead_to_it(served: Callable[..., tuple[httpx.Client, Path]], path: str):
    client, _ = served(on=False)
    assert re.search(r"/privacy", client.get(path).text)
