"""Where links may lead, and which article a page is."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from articles import write_article
from backbot.bot import Bot
from backbot.embeddings import Embedder
from backbot.errors import SettingsInvalid
from backbot.index.ingest import ingest
from backbot.index.search import Index
from backbot.records import Citation, Reply, Triage
from backbot.settings import Settings
from backbot.web.publisher import Publisher, parse_hosts
from backbot.web.server import create_app

PAGE = "https://www.health.example/backs/cold-packs/"


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory, embedder: Embedder) -> Index:
    folder = tmp_path_factory.mktemp("publisher")
    body = "## How long?\n\nLeave a cold pack on for 20 minutes. See [us](https://www.health.example/x) or [them](https://evil.example/y)."
    write_article(folder / "articles", "cold-packs", body, url=PAGE)
    write_article(
        folder / "articles", "walking", "## How far?\n\nWalk for ten minutes each day. See [them](https://evil.example/y)."
    )
    write_article(folder / "articles", "chairs", "## How high?\n\nSet the seat low.", url="https://www.health.example/?p=7")
    ingest([str(folder / "articles")], Settings(index=folder / "index"), embedder)
    return Index(folder / "index", embedder)


@pytest.mark.parametrize(
    ("address", "may"),
    [
        ("https://www.health.example/anything?x=1#y", True),
        ("http://WWW.HEALTH.EXAMPLE:8080/", True),
        ("https://www.health.example./", True),
        ("https://health.example/", False),
        ("https://www.health.example.evil.com/", False),
        ("https://evil.example/?www.health.example", False),
        ("https://www.health.example@evil.example/", False),
        ("https://evil.example@www.health.example/", False),
        ("https://evil.example\\@www.health.example/", False),
        ("https://evil.example\t.www.health.example/", False),
        ("//www.health.example/", False),
        ("javascript://www.health.example/%0aalert(1)", False),
        ("ftp://www.health.example/", False),
        ("www.health.example", False),
        ("https://[::1", False),
        ("", False),
    ],
)
def test_links_lead_to_the_hosts_of_the_articles_only(index: Index, address: str, may: bool):
    assert Publisher(index, "").may_link(address) is may
    assert Publisher(index, "www.HEALTH.example, other.example").may_link(address) is may
    assert not Publisher(index, "other.example").may_link(address)


@pytest.mark.parametrize(
    "hosts", ["https://health.example", "health.example/x", "*.example", "a:80", "-a.example", "ä.example", "a..b"]
)
def test_a_host_that_is_none_is_told(hosts: str):
    with pytest.raises(SettingsInvalid, match="BACKBOT_PUBLISHER_HOSTS"):
        parse_hosts(f"www.health.example, {hosts}")


@pytest.mark.parametrize(
    ("context", "article"),
    [
        ("cold-packs", "cold-packs"),
        (PAGE, "cold-packs"),
        ("http://www.health.example/backs/cold-packs?utm=1#how-long", "cold-packs"),
        ("https://any.example/articles/walking", "walking"),
        ("https://www.health.example?p=7", "chairs"),
        ("https://www.health.example/?p=8", ""),
        ("https://www.health.example/backs/cold-packs/more", ""),
        ("https://www.health.example/", ""),
        ("https://any.example/articles/none", ""),
        ("COLD-PACKS", ""),
    ],
)
def test_a_page_is_known_by_its_articles_id_or_address(index: Index, context: str, article: str):
    assert Publisher(index, "").article_at(context) == article


def test_a_source_elsewhere_is_shown_but_leads_nowhere(index: Index):
    own, there = (
        Citation(n, "a", "T", "H", url, f"{url}#:~:text=x", "x", "")
        for n, url in enumerate(("/articles/a", "https://evil.example/a"), 1)
    )
    reply = Reply("answered", Triage(), (), (own, there), "", (), "extractive", "q")
    assert Publisher(index, "").check(reply).citations == (replace(own, url="/articles/a"), replace(there, url="", link=""))


def test_pages_and_answers_hold_to_it(index: Index, embedder: Embedder, serve_app: Callable[..., str], tmp_path: Path):
    settings = Settings(index=index.folder)
    address = serve_app(create_app(Bot(index, settings), settings))
    walking = httpx.get(f"{address}/articles/walking").text
    assert "evil.example" not in walking
    assert "them" in walking
    assert httpx.get(f"{address}/articles/cold-packs").headers["location"] == PAGE
    strict = settings.model_copy(update={"publisher_hosts": "other.example"})
    address = serve_app(create_app(Bot(index, strict), strict))
    assert httpx.get(f"{address}/articles/cold-packs").status_code == 200
    question = {"turns": ["How long should I leave a cold pack on?"]}
    headers = {"Origin": address, "Accept": "application/json"}
    reply = httpx.post(f"{address}/api/chat", json=question, headers=headers, timeout=60).json()
    assert reply["outcome"] == "answered"
    assert [(one["link"], one["url"]) for one in reply["citations"]] == [("", "")] * len(reply["citations"])
