"""Payloads in every place that a stranger can write to: in a real browser nothing runs, nothing is shown as markup."""

import html
import json
import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from playwright.sync_api import Browser, Page, expect

from answering.model_server import Handler, claims, say
from answering.model_server import serve as serve_model
from articles import write_article
from backbot.answering.generative import load_language_model
from backbot.bot import Bot
from backbot.embeddings import Embedder
from backbot.index.ingest import ingest
from backbot.index.search import Index
from backbot.records import Article, Source
from backbot.web.articles import article_page
from backbot.web.server import create_app
from web.hostile import BATCHES, CLASSES, PAYLOADS, Parrot, Serve, acting, listening, visible

MANY = {"rate_per_address": "1000000/minute", "rate_overall": "1000000/minute"}


@pytest.fixture(scope="module")
def parrot(bot: Bot, serve_app: Serve) -> str:
    """The address of a server whose answers are made of payloads."""
    settings = bot.settings.model_copy(update=MANY)
    return serve_app(create_app(Parrot(bot.index, settings), settings))


def test_there_are_as_many_payloads_as_were_promised():
    assert len(set(PAYLOADS)) == len(PAYLOADS) >= 200
    assert len(CLASSES) >= 12


def test_without_protection_many_of_them_run(browser: Browser, serve_app: Serve):
    """The control: were the listener deaf, the other tests would show nothing."""
    app = FastAPI()

    @app.get("/raw/{n}")
    def raw(n: int) -> HTMLResponse:
        return HTMLResponse(f"<!doctype html><body>{PAYLOADS[n]}")

    @app.get("/")
    def many_of_them() -> HTMLResponse:
        return HTMLResponse("".join(f"<iframe src=/raw/{n}></iframe>" for n in range(100)))

    address = serve_app(app)
    with listening(browser) as (context, heard):
        page = context.new_page()
        page.goto(address)
        page.wait_for_timeout(500)
        assert len({re.findall(r"/raw/(\d+)", what)[0] for what in heard if "/raw/" in what}) >= 50


def ask(page: Page, question: str) -> None:
    before = page.locator(".bb-done").count()
    page.get_by_label("Your question").fill(question)
    page.get_by_label("Your question").press("Enter")
    expect(page.locator(".bb-done")).to_have_count(before + 1)


@pytest.mark.parametrize("path", ["/", "/embed"])
def test_questions_and_answers_made_of_payloads_are_shown_as_text(browser: Browser, parrot: str, path: str):
    with listening(browser) as (context, heard):
        page = context.new_page()
        for n, batch in enumerate(BATCHES):
            if n % 4 == 0:
                page.goto(parrot + path)
            ask(page, f"batch {n} " + "\n\n".join(batch))
            question, answer = page.locator(".bb-question").last, page.locator(".bb-answer").last
            assert page.locator(".bb-done").last.locator(".bb-text .bb-mark").count() == len(batch)
            shown = [visible(part.text_content() or "") for part in (question, answer)]
            for payload in batch:
                assert [visible(payload) in part for part in shown] == [True, True], payload
            sources = answer.locator(".bb-card q").all_text_contents()
            assert [visible(quote) for quote in sources] == [visible(payload) for payload in batch]
            for button in page.get_by_role("button").all():
                assert button.locator("img, script, iframe, a, form").count() == 0
        assert acting(page, ".bb-question") == []
        assert acting(page, ".bb-answer") == []
        assert heard == []


TAKEN = list(enumerate(BATCHES))[::2]
"""What goes through the loader and the index, which take their time."""

BREAKING_OUT = [
    payload for name in ("front matter", "templates", "breakouts of JSON and scripts") for payload in CLASSES[name]
]
"""What may break out of a line of front matter."""


def write_hostile_articles(folder: Path) -> None:
    """Articles with every payload as title, heading, front matter and in blocks, and some as an author's own YAML."""
    for n, batch in TAKEN:
        body = []
        for at, payload in enumerate(batch):
            line = " ".join(payload.split())
            body += [
                f"## Pack {n} {at} {line}",
                payload,
                f"- {html.escape(line)} [a]({line}) [b](<{line}>) ![{line}]({line})",
            ]
        front = {
            "title": " ".join(batch),
            "description": batch[0],
            "reviewer": batch[1],
            "topics": batch[2:6],
            "sources": [
                {"key": f"k{at}", "authors": one, "title": one, "year": 2020, "url": "https://example.org/"}
                for at, one in enumerate(batch)
            ],
        }
        folder.mkdir(parents=True, exist_ok=True)
        # JSON is YAML that holds any character.
        lines = [f"{name}: {json.dumps(value)}" for name, value in front.items()]
        text = "\n".join(["---", *lines, "---", "", "\n\n".join(body)])
        (folder / f"hostile-{n}.md").write_text(text, encoding="utf-8", newline="")
    for n, payload in enumerate(BREAKING_OUT):
        write_article(folder, f"front-{n}", "## H\n\nA sentence.", title=payload)
    for n, payload in enumerate((*BREAKING_OUT, *CLASSES["addresses that run"])):
        write_article(folder, f"address-{n}", "## H\n\nA sentence.", title="T", url=payload)


@dataclass(frozen=True, slots=True)
class Library:
    """A server over hostile articles, and the ids of those that were taken in."""

    address: str
    taken: tuple[str, ...]
    index: Path


@pytest.fixture(scope="module")
def library(bot: Bot, embedder: Embedder, tmp_path_factory: pytest.TempPathFactory, serve_app: Serve) -> Library:
    folder = tmp_path_factory.mktemp("hostile")
    write_hostile_articles(folder / "articles")
    settings = bot.settings.model_copy(update={**MANY, "index": folder / "index"})
    summary = ingest([str(folder / "articles")], settings, embedder, max_bad=1.0)
    app = create_app(Bot(Index(settings.index, embedder), settings), settings)
    return Library(serve_app(app), summary.added, settings.index)


def test_articles_that_were_taken_in_act_in_no_way(browser: Browser, library: Library):
    assert {f"hostile-{n}" for n, _ in TAKEN} <= set(library.taken)
    with listening(browser) as (context, heard):
        page = context.new_page()
        for name in library.taken:
            if name.startswith("address-"):
                continue
            page.goto(f"{library.address}/articles/{name}")
            assert acting(page, "article .body") == []
            assert acting(page, "article .sources") == []
            assert page.locator("article h1 *, article .lead *, article .checked *").count() == 0
        assert heard == []


def test_an_address_that_was_taken_in_is_one_of_the_web(library: Library):
    for name in library.taken:
        if name.startswith("address-"):
            response = httpx.get(f"{library.address}/articles/{name}", follow_redirects=False)
            assert response.status_code == 200 or re.match(r"https?://[^/]", response.headers["location"])


def test_answers_from_hostile_articles_act_in_no_way(browser: Browser, library: Library):
    with listening(browser) as (context, heard):
        page = context.new_page()
        page.goto(library.address)
        for n, batch in TAKEN:
            ask(page, f"Pack {n} 1 {batch[1]}")
        assert page.locator(".bb-card").count() > 0
        assert acting(page, ".bb-answer") == []
        assert heard == []


def test_what_a_language_model_words_acts_in_no_way(browser: Browser, bot: Bot, serve_app: Serve):
    """It quotes an article and adds payloads; verification withholds most of that, and what it lets pass is text."""
    sentence = "Leave a cold pack on for 15 to 20 minutes, and never for more than 20 minutes at a time."
    some = BATCHES[::3]
    batches = iter(some)

    def speak(handler: Handler) -> None:
        said = next(batches)
        texts = [*said[:6], *(f"{sentence[:-1]} {text}" for text in said[6:12])]
        say(claims(*((text, sentence, 1) for text in texts)), size=4_000)(handler)

    with serve_model(speak) as model, listening(browser) as (context, heard):
        settings = bot.settings.model_copy(update={**MANY, "llm": model.url})
        worded = Bot(bot.index, settings, load_language_model(settings))
        page = context.new_page()
        page.goto(serve_app(create_app(worded, settings)) + "/embed")
        for _ in some:
            ask(page, "How long should I leave a cold pack on?")
        assert len(model.requests) == len(some)
        assert acting(page, ".bb-answer") == []
        assert heard == []


@pytest.fixture(scope="module")
def unguarded(serve_app: Serve) -> str:
    """Article pages over records that no loader has read, without any content security policy."""
    app = FastAPI()

    @app.get("/{n}")
    def show(n: int) -> HTMLResponse:
        batch = BATCHES[n]
        blocks = [
            f"## {one}\n\n{one}\n\ntext {one} text\n\n- {one}\n\n> {one}\n\n[a]({one}) [b](<{one}>) ![{one}]({one})"
            for one in batch
        ]
        article = Article(
            id="a", title=" ".join(batch), body="\n\n".join(blocks), url="", description=batch[0], reviewer=batch[1],
            sources=tuple(Source(f"k{at}", one, one, 2020, one) for at, one in enumerate(batch)),
        )  # fmt: skip
        return HTMLResponse(
            article_page(
                article, lambda _: None, lambda address: address.startswith("https://example.org/"), date(2026, 11, 22)
            )
        )

    return serve_app(app)


def test_articles_act_in_no_way_even_without_a_loader_and_a_policy(browser: Browser, unguarded: str):
    with listening(browser) as (context, heard):
        page = context.new_page()
        for n, batch in enumerate(BATCHES):
            page.goto(f"{unguarded}/{n}")
            assert acting(page, "article .body") == []
            assert acting(page, "article .sources") == []
            assert visible(" ".join(batch)) == visible(page.locator("h1").text_content() or "")
            assert visible(batch[0]) == visible(page.locator(".lead").text_content() or "")
            assert page.locator("article h1 *, article .lead *").count() == 0
        assert heard == []


def test_attributes_of_the_snippet_do_not_act(browser: Browser, bot: Bot, serve_app: Serve):
    """The widget's own page is opened with them in its query."""
    app = FastAPI()
    page_address = serve_app(app)
    address = serve_app(create_app(bot, bot.settings.model_copy(update={**MANY, "allowed_origins": page_address})))

    @app.get("/one")
    def one(n: int) -> HTMLResponse:
        names = ("title", "accent", "country", "theme", "locale", "context", "mode", "target")
        data = " ".join(f'data-{name}="{html.escape(PAYLOADS[n])}"' for name in names)
        return HTMLResponse(f'<!doctype html><body><script src="{address}/widget.js" {data}></script>')

    @app.get("/many")
    def many(batch: int) -> HTMLResponse:
        frames = (f"<iframe src='/one?n={20 * batch + at}'></iframe>" for at in range(len(BATCHES[batch])))
        return HTMLResponse("".join(frames))

    with listening(browser) as (context, heard):
        page = context.new_page()
        for n, batch in enumerate(BATCHES):
            page.goto(f"{page_address}/many?batch={n}")
            page.evaluate("for (const frame of document.querySelectorAll('iframe')) frame.contentWindow.backbot.open()")
            expect_frames(page, 1 + 2 * len(batch))
            for frame in page.frames:
                if frame.url.startswith(address):
                    frame.wait_for_load_state()
                    assert acting(frame, "header") == []
                    assert frame.locator("h1 *").count() == 0
        assert heard == []


def expect_frames(page: Page, count: int) -> None:
    while len([frame for frame in page.frames if frame.url != "about:blank"]) < count:
        page.wait_for_timeout(50)


@pytest.mark.parametrize(
    "path",
    ["/?{}", "/?__theme={}", "/embed?title={}&country={}&theme={}&parent={}&inline={}&locale={}", "/articles/{}",
     "/demo?title={}&accent={}&theme={}&country={}", "/owners?{}", "/widget.js?{}", "/api/suggestions?{}", "/{}",
     "/backbot/{}", "/assets/{}", "/privacy?lang={}"],
)  # fmt: skip
def test_no_query_and_no_path_comes_back_as_markup(parrot: str, path: str):
    with httpx.Client(base_url=parrot, timeout=60) as client:
        for payload in PAYLOADS:
            if "<" in payload or '"' in payload:
                answer = client.get(path.replace("{}", quote(payload, safe="")))
                assert answer.status_code < 500
                assert payload not in answer.text or not re.search(r"[<\"'&]", payload)
                assert not any(character in str(answer.headers) for character in "\r\n")
