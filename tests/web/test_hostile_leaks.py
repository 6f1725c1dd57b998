"""What calls out without a press: in articles, answers and questions it reaches no listening host."""

import html
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from playwright.sync_api import Browser, Page, expect

from backbot.bot import Bot
from backbot.embeddings import Embedder
from backbot.index.ingest import ingest
from backbot.index.search import Index
from backbot.records import Article
from backbot.web.articles import article_page
from backbot.web.server import create_app
from web.hostile import Parrot, Serve

VECTORS = {
    "Markdown image": "![x]({sink}/Markdown-image)",
    "image": '<img src="{sink}/image">',
    "srcset": '<img srcset="{sink}/srcset 1x"><picture><source srcset="{sink}/srcset 1x"><img></picture>',
    "style": '<p style="background-image:url({sink}/style)">x</p><style>p{{background:url({sink}/style)}}</style>',
    "form": '<form action="{sink}/form"><input name="q" value="words"><button>Go on</button></form>',
    "frame": '<iframe src="{sink}/frame"></iframe>',
    "object": '<object data="{sink}/object">x</object><embed src="{sink}/object">',
    "prefetch": '<link rel="prefetch" href="{sink}/prefetch"><link rel="stylesheet" href="{sink}/prefetch">',
    "refresh": '<meta http-equiv="refresh" content="0;url={sink}/refresh">',
    "media": '<video src="{sink}/media" poster="{sink}/media"></video><audio src="{sink}/media" autoplay></audio>',
    "ping": '<a href="#here" ping="{sink}/ping">Go on</a>',
}

RENDERED = '<p><img src="{sink}/Markdown-image"></p>'
"""What a careless renderer makes of the Markdown image."""


@dataclass
class Sink:
    """A host that listens: the paths that it was asked for."""

    address: str
    hits: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def sink() -> Iterator[Sink]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.hits.append(self.path.split("?")[0].strip("/"))
            self.send_response(204)
            self.end_headers()

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        # Another name than the pages': no part of a policy takes it for their own.
        heard = Sink(f"http://localhost:{server.server_address[1]}")
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield heard
        server.shutdown()


@pytest.fixture
def page(browser: Browser, sink: Sink) -> Iterator[Page]:
    sink.hits.clear()
    context = browser.new_context()
    yield context.new_page()
    context.close()


def press_everything(page: Page, within: str) -> None:
    """Press what is left of a form or a link: some kinds wait for that."""
    page.evaluate(
        """(within) => {
            for (const found of document.querySelectorAll(`${within} form`)) found.submit();
            for (const found of document.querySelectorAll(`${within} a[ping], ${within} a[href^="#"]`)) found.click();
        }""",
        within,
    )
    page.wait_for_timeout(700)


@pytest.mark.parametrize("kind", VECTORS)
def test_each_kind_does_call_out_of_a_page_without_protection(page: Page, sink: Sink, serve_app: Serve, kind: str):
    """The control: a kind that reached no host here would show nothing below."""
    app = FastAPI()
    markup = (RENDERED if kind == "Markdown image" else VECTORS[kind]).format(sink=sink.address)

    @app.get("/")
    def show() -> HTMLResponse:
        return HTMLResponse(f"<!doctype html><body><main>{markup}</main>")

    page.goto(serve_app(app), wait_until="commit")
    page.wait_for_load_state("domcontentloaded")
    press_everything(page, "main")
    assert kind.replace(" ", "-") in sink.hits


def all_vectors(sink: Sink) -> list[str]:
    return [vector.format(sink=sink.address) for vector in VECTORS.values()]


def ask(page: Page, question: str) -> None:
    before = page.locator(".bb-done").count()
    page.get_by_label("Your question").fill(question)
    page.get_by_label("Your question").press("Enter")
    expect(page.locator(".bb-done")).to_have_count(before + 1)


@pytest.mark.parametrize("path", ["/", "/embed"])
def test_no_answer_and_no_question_calls_out(page: Page, sink: Sink, bot: Bot, serve_app: Serve, path: str):
    said = [all_vectors(sink), [f"a\n\n{one}\n\nb\r\r{one}\r\rc" for one in all_vectors(sink)]]
    page.goto(serve_app(create_app(Parrot(bot.index, bot.settings, said), bot.settings)) + path)
    for batch in (0, 1):
        ask(page, f"batch {batch} " + "\n\n".join(all_vectors(sink)))
    assert page.locator(".bb-card q").count() == 2 * len(VECTORS)
    press_everything(page, ".bb-answer")
    press_everything(page, ".bb-question")
    assert sink.hits == []


@pytest.mark.parametrize("is_loaded", [True, False])
def test_no_article_calls_out(
    page: Page, sink: Sink, bot: Bot, embedder: Embedder, serve_app: Serve, tmp_path_factory: pytest.TempPathFactory,
    is_loaded: bool,
):  # fmt: skip
    """Through the loader and the index; and past them, without a policy, so that the sanitising alone stands there."""
    blocks = [
        f"## Heading {n} {' '.join(one.split())}\n\n{one}\n\ntext {one} text\n\n- {one}\n\nAs text: {html.escape(one)}"
        for n, one in enumerate(all_vectors(sink))
    ]
    body = "\n\n".join(blocks)
    if is_loaded:
        folder = tmp_path_factory.mktemp("leaks")
        (folder / "articles").mkdir()
        (folder / "articles" / "leaking.md").write_text(f"---\ntitle: Leaks\n---\n\n{body}\n")
        settings = bot.settings.model_copy(update={"index": folder / "index"})
        ingest([str(folder / "articles")], settings, embedder)
        address = serve_app(create_app(Bot(Index(settings.index, embedder), settings), settings))
    else:
        app = FastAPI()

        @app.get("/articles/leaking")
        def show() -> HTMLResponse:
            article = Article(id="leaking", title="Leaks", body=body, description=VECTORS["image"].format(sink=sink.address))
            return HTMLResponse(article_page(article, lambda _: None, lambda _: True, date(2026, 11, 22)))

        address = serve_app(app)
    page.goto(f"{address}/articles/leaking")
    expect(page.locator("h2")).not_to_have_count(0)
    press_everything(page, "article")
    if is_loaded:
        page.goto(address)
        ask(page, "Heading 1 image")
        press_everything(page, ".bb-answer")
    assert sink.hits == []
