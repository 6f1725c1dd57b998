"""The widget on a publisher's page of another origin, in a real browser."""

import gzip
import json
import socket
from collections.abc import Callable, Iterator
from urllib.parse import quote

import httpx
import pytest
from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from playwright.sync_api import Browser, FrameLocator, Page, expect

from backbot.bot import Bot
from backbot.web.locales import load_locales
from backbot.web.server import create_app
from web.conftest import keep_screenshot

HOST_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>A publisher</title>
<link rel="stylesheet" href="/hostile.css"></head><body><main><h1>Sore backs</h1><p>{text}</p></main>
<script src="{bot}/widget.js" data-country="GB" {data} defer></script>{again}</body></html>"""

INLINE_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>A publisher</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="stylesheet" href="/inline.css"></head>
<body><main><h1>Sore backs</h1><div id="chat"></div><p>After it</p></main>
<script src="{bot}/widget.js" data-mode="inline" data-target="#chat" defer></script></body></html>"""

STRICT = (
    "default-src 'none'; script-src {bot}; frame-src {bot}; style-src 'self'; base-uri 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
HOSTILE = "body * { display: none !important; font-size: 40px !important; color: red !important; transform: rotate(3deg) }"


@pytest.fixture(scope="module")
def publisher(bot: Bot, serve_app: Callable[..., str]) -> str:
    """The address of a page of another origin than backbot's: same machine, other port and name."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    listener.close()
    origin = f"http://localhost:{port}"
    backbot = serve_app(create_app(bot, bot.settings.model_copy(update={"allowed_origins": origin})))
    page = FastAPI()

    @page.get("/hostile.css")
    def style() -> HTMLResponse:
        return HTMLResponse(HOSTILE, media_type="text/css")

    @page.get("/inline.css")
    def inline_style() -> HTMLResponse:
        return HTMLResponse("body { margin: 0 } #chat { height: 620px }", media_type="text/css")

    @page.get("/inline")
    def show_inline() -> HTMLResponse:
        return HTMLResponse(INLINE_PAGE.format(bot=backbot), headers={"Content-Security-Policy": STRICT.format(bot=backbot)})

    @page.get("/")
    def show(data: str = "", twice: bool = False) -> HTMLResponse:
        again = f'<script src="{backbot}/widget.js" defer></script>' if twice else ""
        html = HOST_PAGE.format(bot=backbot, data=data, again=again, text="Move a little each hour. " * 200)
        return HTMLResponse(html, headers={"Content-Security-Policy": STRICT.format(bot=backbot)})

    serve_app(page, port)
    return origin


@pytest.fixture
def host(browser: Browser, publisher: str) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 860})
    errors: list[str] = []
    context.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page = context.new_page()
    page.goto(publisher)
    yield page
    context.close()
    assert [error for error in errors if "ERR_INTERNET_DISCONNECTED" not in error] == []


def open_widget(page: Page) -> FrameLocator:
    page.get_by_role("button", name="Ask about back pain").click()
    frame = page.frame_locator("iframe")
    expect(frame.get_by_label("Your question")).to_be_focused()
    return frame


def ask(frame: FrameLocator, question: str) -> None:
    before = frame.locator(".bb-done").count()
    frame.get_by_label("Your question").fill(question)
    frame.get_by_label("Your question").press("Enter")
    expect(frame.locator(".bb-done")).to_have_count(before + 1)


def test_a_reader_asks_on_another_site_and_follows_the_citation(host: Page):
    frame = open_widget(host)
    ask(frame, "How long should I leave a cold pack on?")
    expect(frame.locator(".bb-text")).to_contain_text("15 to 20 minutes")
    assert frame.locator(".bb-text .bb-mark").count() == frame.locator(".bb-card li").count() > 0
    expect(frame.get_by_role("status")).to_have_text("The answer is ready.")
    expect(frame.get_by_label("Your question")).to_be_focused()
    keep_screenshot(host, "widget-desktop")
    with host.expect_popup() as opened:
        frame.get_by_role("link", name="Read it in the article").first.click()
    opened.value.wait_for_load_state()
    assert "/articles/heat-vs-cold#" in opened.value.url


def test_nothing_is_asked_for_before_the_button_is_pressed(browser: Browser, publisher: str):
    context = browser.new_context()
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    page = context.new_page()
    page.goto(publisher)
    expect(page.get_by_role("button", name="Ask about back pain")).to_be_visible()
    assert [url.rsplit("/", 1)[1] for url in asked] == ["", "hostile.css", "widget.js"]
    context.close()


def test_an_emergency_is_shown_first_with_numbers_to_call(host: Page):
    frame = open_widget(host)
    ask(frame, "How long should I leave a cold pack on?")
    ask(frame, "numb between my legs and I can't pee")
    expect(frame.get_by_role("heading", name="Get emergency help now")).to_be_in_viewport(ratio=1)
    expect(frame.locator(".bb-call").first).to_be_in_viewport(ratio=1)
    expect(frame.locator(".bb-call").first).to_have_attribute("href", "tel:999")
    expect(frame.get_by_role("status")).to_contain_text("Get emergency help now")


def test_what_the_articles_do_not_hold_is_declined(host: Page):
    frame = open_widget(host)
    ask(frame, "what is the capital of France")
    expect(frame.locator(".bb-done .bb-note")).to_contain_text("The articles do not answer that")


def test_escape_closes_and_the_focus_goes_back_to_the_button(host: Page):
    frame = open_widget(host)
    frame.get_by_label("Your question").press("Escape")
    expect(host.locator("iframe")).to_be_hidden()
    expect(host.get_by_role("button", name="Ask about back pain")).to_be_visible()
    assert host.evaluate("document.activeElement.tagName") == "BACKBOT-CHAT"
    host.keyboard.press("Enter")
    expect(frame.get_by_label("Your question")).to_be_focused()


def test_the_page_around_it_hears_nothing_of_what_is_said(host: Page):
    host.evaluate(
        """() => {
            window.heard = [];
            for (const kind of ["keydown", "input", "message", "focusin", "click"])
                addEventListener(kind, (event) => window.heard.push(JSON.stringify([kind, event.data ?? event.key ?? ""])), true);
        }"""
    )
    frame = open_widget(host)
    ask(frame, "Do I need an MRI scan of my spine?")
    heard = host.evaluate("window.heard.join() + document.documentElement.outerHTML + location.href + document.cookie")
    assert "MRI" not in heard
    assert host.evaluate("document.querySelector('backbot-chat').shadowRoot.querySelector('iframe').contentDocument") is None


def test_the_page_around_it_neither_scrolls_nor_shifts(host: Page):
    host.evaluate(
        """() => {
            window.shift = 0;
            new PerformanceObserver((list) => { for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shift += entry.value; })
                .observe({type: "layout-shift", buffered: true});
            scrollTo(0, 200);
        }"""
    )
    before = host.evaluate("[scrollX, scrollY, document.documentElement.scrollWidth]")
    frame = open_widget(host)
    ask(frame, "Do I need an MRI scan?")
    assert host.evaluate("[scrollX, scrollY, document.documentElement.scrollWidth]") == before
    assert host.evaluate("window.shift") == 0


def test_without_a_connection_the_numbers_to_call_are_still_there(host: Page):
    frame = open_widget(host)
    host.context.set_offline(True)
    ask(frame, "Do I need an MRI scan?")
    expect(frame.locator(".bb-done")).to_contain_text("cannot be reached")
    expect(frame.locator(".bb-call").first).to_have_attribute("href", "tel:999")
    host.context.set_offline(False)
    frame.get_by_role("button", name="Try again").click()
    expect(frame.locator(".bb-text")).to_be_visible()
    expect(frame.locator(".bb-question")).to_have_count(1)


def test_a_widget_added_twice_is_there_once_and_survives_a_new_body(host: Page, publisher: str):
    host.goto(f"{publisher}/?twice=true")
    expect(host.get_by_role("button", name="Ask about back pain")).to_have_count(1)
    host.evaluate("document.body.replaceChildren(document.createElement('p'))")
    expect(host.get_by_role("button", name="Ask about back pain")).to_have_count(1)
    host.evaluate("window.backbot.ask('Do I need an MRI scan?')")
    expect(host.frame_locator("iframe").locator(".bb-done")).to_have_count(1)


def test_a_page_that_is_not_listed_cannot_show_it(browser: Browser, publisher: str):
    context = browser.new_context()
    page = context.new_page()
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text))
    page.goto(publisher.replace("localhost", "127.0.0.1"))
    page.get_by_role("button", name="Ask about back pain").click()
    page.wait_for_timeout(1500)
    assert any("frame-ancestors" in text for text in refused)
    context.close()


@pytest.mark.parametrize("accent", ["%23ffff00", "%23777777", "%23000000", "%23ffffff", "red;}*{display:none"])
def test_the_words_on_the_button_stand_out_on_any_colour(host: Page, publisher: str, accent: str):
    host.goto(f"{publisher}/?data=data-accent='{accent}'")
    button = host.get_by_role("button", name="Ask about back pain")
    ground, ink = button.evaluate("(e) => [getComputedStyle(e).backgroundColor, getComputedStyle(e).color]")
    assert contrast(ground, ink) >= 4.5


def contrast(one: str, other: str) -> float:
    def luminance(colour: str) -> float:
        parts = [int(part) / 255 for part in colour.removeprefix("rgb(").rstrip(")").split(",")]
        r, g, b = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_inside_a_page_it_stands_in_its_place_and_takes_no_focus(host: Page, publisher: str):
    host.set_viewport_size({"width": 390, "height": 844})
    host.goto(f"{publisher}/inline")
    frame = host.frame_locator("#chat iframe")
    expect(frame.get_by_label("Your question")).to_be_visible()
    assert host.evaluate("document.activeElement === document.body")
    expect(host.get_by_role("button")).to_have_count(0)
    expect(frame.get_by_role("button", name="Close")).to_have_count(0)
    place = host.locator("#chat iframe").bounding_box()
    assert place is not None
    assert (place["x"], place["width"], place["height"]) == (0, 390, 620)
    ask(frame, "How long should I leave a cold pack on?")
    expect(frame.locator(".bb-text")).to_contain_text("15 to 20 minutes")
    frame.get_by_label("Your question").press("Escape")
    host.evaluate("window.backbot.close()")
    expect(frame.locator(".bb-text")).to_be_visible()
    assert host.evaluate("[scrollX, scrollY, document.documentElement.scrollWidth]") == [0, 0, 390]
    expect(host.get_by_text("After it")).to_be_visible()
    keep_screenshot(host, "widget-inline-phone")


def test_the_article_that_is_open_is_understood(host: Page, publisher: str):
    asked: list[str] = []
    host.on("request", lambda request: asked.append(request.post_data or "") if "/api/chat" in request.url else None)
    host.goto(f"{publisher}/?data=data-context=heat-vs-cold")
    frame = open_widget(host)
    ask(frame, "Who should avoid it?")
    assert json.loads(asked[-1])["context"] == "heat-vs-cold"
    expect(frame.locator(".bb-title").first).to_have_text("Heat or cold for back pain")

    # On a single-page site another article opens under the widget.
    host.evaluate("document.querySelector('script[data-context]').dataset.context = 'tens-units'; window.backbot.close()")
    frame = open_widget(host)
    ask(frame, "Who should avoid it?")
    assert json.loads(asked[-1])["context"] == "tens-units"
    expect(frame.locator(".turn").last.locator(".bb-title").first).to_have_text("TENS units")


@pytest.mark.parametrize(("locale", "language"), [("de-AT", "de"), ("hi", "hi"), ("tlh", "en"), ("'><script>", "en")])
def test_its_own_words_come_in_the_pages_language(host: Page, publisher: str, locale: str, language: str):
    words = load_locales()[language]
    host.goto(f"{publisher}/?data={quote(f'data-locale={chr(34)}{locale}{chr(34)}')}")
    host.get_by_role("button", name=words["title"]).click()
    frame = host.frame_locator("iframe")
    box = frame.get_by_label(words["box"])
    expect(box).to_be_focused()
    expect(frame.locator("html")).to_have_attribute("lang", language)
    expect(host.get_by_role("button", name=words["close"])).to_be_visible()
    box.fill("numb between my legs and I can't pee")
    box.press("Enter")
    expect(frame.get_by_role("heading", name=words["emergency"])).to_be_visible()
    expect(frame.locator(".bb-call").first).to_have_text(words["call"].replace("{}", "999"))
    expect(frame.get_by_role("status")).to_contain_text(words["ready"])
    host.context.set_offline(True)
    box.fill("Is heat good?")
    box.press("Enter")
    expect(frame.locator(".bb-done").last).to_contain_text(words["unreachable"])
    expect(frame.get_by_role("button", name=words["again"])).to_be_visible()
    host.context.set_offline(False)


@pytest.mark.parametrize("language", sorted(load_locales()))
def test_launcher_and_chat_are_small(site: str, language: str, capsys: pytest.CaptureFixture[str]):
    def size(*paths: str) -> int:
        return sum(len(gzip.compress(httpx.get(site + path).content)) for path in paths)

    launcher = size("/widget.js")
    files = (f"/backbot/{name}" for name in ("look.css", "dark.css", "answer.css", "embed.css", "embed.js", "icon.svg"))
    chat = size(f"/embed?locale={language}", *files)
    with capsys.disabled():
        print(f"\nwidget: launcher {launcher:,} bytes, chat {chat:,} bytes, gzipped, {language}")
    assert launcher <= 3_000
    assert chat <= 20_000
