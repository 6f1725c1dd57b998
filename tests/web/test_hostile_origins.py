"""Who may call a server whose name is not localhost: a real browser on pages of many origins, and forged requests."""

import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import httpx
import pytest
from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from playwright.sync_api import Browser, Page, expect
from starlette.types import Message, Receive, Scope, Send

from backbot.bot import Bot
from backbot.web.server import create_app
from web.conftest import CHROMIUM

BOT = "http://bot.example"
SITE = "http://site.example"

TRIES = """async (bot) => {
    const tries = {};
    const question = JSON.stringify({turns: ["Should I use heat or cold?"]});
    const ask = async (name, path, options) => {
        try {
            const response = await fetch(bot + path, options);
            tries[name] = response.type === "opaque" ? "opaque" : response.ok ? "read " + (await response.text()).length : "refused";
        } catch {
            tries[name] = "refused";
        }
    };
    const json = {method: "POST", headers: {"Content-Type": "application/json", Accept: "application/json"}, body: question};
    await ask("chat", "/api/chat", json);
    await ask("chat with cookies", "/api/chat", {...json, credentials: "include"});
    await ask("suggestions", "/api/suggestions", {});
    await ask("feedback", "/api/feedback", {...json, body: '{"verdict": "up"}'});
    await ask("chat as text", "/api/chat", {method: "POST", body: question});
    await ask("chat as a form", "/api/chat", {method: "POST", body: new URLSearchParams({turns: "x"}), mode: "no-cors"});
    await ask("Gradio's queue", "/gradio_api/queue/join", {...json, body: "{}"});
    await ask("Gradio's queue as text", "/gradio_api/queue/join", {method: "POST", body: "{}", mode: "no-cors"});
    await ask("Gradio's stream", "/gradio_api/queue/data?session_hash=a", {credentials: "include"});
    await ask("the chat page", "/", {});
    await ask("an article", "/articles/heat-vs-cold", {});
    await ask("health", "/healthz", {});
    const element = (name, tag, attributes) => new Promise((done) => {
        const made = Object.assign(document.createElement(tag), attributes);
        made.onload = made.onopen = () => done((tries[name] = "read"));
        made.onerror = () => done((tries[name] = "refused"));
        document.body.append(made);
    });
    await element("suggestions as a script", "script", {src: bot + "/api/suggestions"});
    await element("an icon", "img", {src: bot + "/backbot/icon.svg"});
    await new Promise((done) => {
        const socket = new WebSocket(bot.replace("http", "ws") + "/gradio_api/queue/join");
        socket.onopen = () => done((tries["a socket"] = "read"));
        socket.onerror = () => done((tries["a socket"] = "refused"));
    });
    return tries;
}"""

WRONG = [
    "http://evil.example",
    "http://site.example.evil.com",
    "http://evilsite.example",
    "http://www.site.example",
    "http://site.example.",
    "http://site.example:8081",
    "http://bot.example:8081",
    "http://bot.example.evil.com",
    "http://localhost.evil.com",
]


@dataclass(frozen=True, slots=True)
class Named:
    """The server that a browser knows as bot.example: its port, and path and status of each of its answers."""

    port: int
    answers: list[tuple[str, int]]


@pytest.fixture(scope="module")
def bot_example(bot: Bot, serve_app: Callable[..., str]) -> Named:
    answers: list[tuple[str, int]] = []
    settings = bot.settings.model_copy(
        update={"allowed_origins": "HTTP://Site.EXAMPLE:80/", "rate_per_address": "1000/minute"}
    )
    app = create_app(bot, settings)

    async def noting(scope: Scope, receive: Receive, send: Send) -> None:
        async def note(message: Message) -> None:
            if message["type"] == "http.response.start" and scope["method"] != "OPTIONS":
                answers.append((scope["path"], message["status"]))
            await send(message)

        await app(scope, receive, note)

    return Named(int(serve_app(noting).rsplit(":", 1)[1]), answers)


@pytest.fixture(scope="module")
def named(browser: Browser, bot_example: Named, serve_app: Callable[..., str]) -> Iterator[Browser]:
    """A browser to which bot.example is the server, and every other name and port one that shows bare pages."""
    pages = FastAPI()

    @pages.get("/")
    def show(widget: bool = False) -> HTMLResponse:
        script = f'<script src="{BOT}/widget.js" data-country="GB"></script>' if widget else ""
        return HTMLResponse(f"<!doctype html><title>A page</title><body>{script}")

    @pages.get("/framing")
    def frame(path: str) -> HTMLResponse:
        return HTMLResponse(f'<!doctype html><title>A page</title><body><iframe src="{BOT}{path}"></iframe>')

    elsewhere = serve_app(pages).removeprefix("http://")
    rules = f"MAP bot.example:80 127.0.0.1:{bot_example.port}, MAP * {elsewhere}"
    other = browser.browser_type.launch(executable_path=CHROMIUM, args=["--no-sandbox", f"--host-resolver-rules={rules}"])
    yield other
    other.close()


@pytest.fixture
def page(named: Browser) -> Iterator[Page]:
    context = named.new_context()
    yield context.new_page()
    context.close()


def read_nothing(bot: Named, tries: dict[str, str]) -> None:
    """Nothing was read, and nothing was done whose outcome could not be read."""
    assert {name: found for name, found in tries.items() if found not in ("refused", "opaque")} == {}
    called = [(path, status) for path, status in bot.answers if path.startswith(("/api/", "/gradio_api/"))]
    # The others were asked first by the browser, and went no further.
    assert len(called) >= 6
    assert [(path, status) for path, status in called if status < 400] == []


@pytest.mark.parametrize("origin", WRONG)
def test_pages_of_other_origins_read_nothing(page: Page, bot_example: Named, origin: str):
    page.goto(origin)
    assert page.evaluate("origin") == origin
    bot_example.answers.clear()
    read_nothing(bot_example, page.evaluate(TRIES, BOT))


@pytest.mark.parametrize("way", ["a sandboxed frame", "a data address"])
def test_pages_without_an_origin_read_nothing(page: Page, bot_example: Named, way: str):
    page.goto(SITE)
    page.evaluate(
        """(way) => {
            const frame = document.createElement("iframe");
            if (way === "a sandboxed frame") Object.assign(frame, {sandbox: "allow-scripts", srcdoc: "<body>x"});
            else frame.src = "data:text/html,<body>x";
            document.body.append(frame);
        }""",
        way,
    )
    page.wait_for_timeout(300)
    frame = page.frames[-1]
    assert frame.evaluate("origin") == "null"
    bot_example.answers.clear()
    read_nothing(bot_example, frame.evaluate(TRIES, BOT))


@pytest.mark.parametrize("address", [SITE, "HTTP://SITE.EXAMPLE", "http://site.example:80"])
def test_the_listed_site_reads_the_api_and_nothing_else(page: Page, address: str):
    page.goto(address)
    tries = page.evaluate(TRIES, BOT)
    read = {name for name, found in tries.items() if found.startswith("read")}
    assert read == {"chat", "suggestions", "feedback"}


def test_the_bots_own_page_answers(page: Page):
    page.goto(BOT)
    page.get_by_label("Your question").fill("Should I use heat or cold?")
    page.keyboard.press("Enter")
    expect(page.locator(".bb-done .bb-text")).to_be_visible()


def test_the_widget_answers_on_the_listed_site(page: Page):
    page.goto(f"{SITE}/?widget=true")
    page.get_by_role("button", name="Ask about back pain").click()
    frame = page.frame_locator("iframe")
    frame.get_by_label("Your question").fill("Should I use heat or cold?")
    frame.get_by_label("Your question").press("Enter")
    expect(frame.locator(".bb-done .bb-text")).to_be_visible()


@pytest.mark.parametrize(
    ("origin", "path", "is_shown"),
    [
        (SITE, "/embed", True),
        (SITE, "/", False),
        (SITE, "/articles/heat-vs-cold", False),
        (SITE, "/owners", False),
        (SITE, "/demo", False),
        *((origin, "/embed", False) for origin in WRONG),
    ],
)
def test_only_the_listed_site_may_frame_and_only_the_widgets_page(page: Page, origin: str, path: str, is_shown: bool):
    page.goto(f"{origin}/framing?path={path}")
    assert (page.frames[-1].url == BOT + path) is is_shown


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "http://site.example.evil.com"},
        {"Origin": "http://SITE.example"},
        {"Origin": "http://site.example:80"},
        {"Origin": "http://site.example:8081"},
        {"Origin": "http://site.example."},
        {"Origin": "https://site.example"},
        {"Origin": "http://site.example/"},
        {"Origin": "http://user@site.example"},
        {"Origin": "http://site.example#http://evil.example"},
        {"Origin": "http://site.example, http://evil.example"},
        {"Origin": "http://site.example\tx"},
        {"Origin": "http://xn--site-example"},
        {"Origin": "site.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "http://BOT.example"},
        {"Origin": "http://localhost"},
        {"Origin": "http://127.0.0.1"},
        {},
        {"Referer": "http://site.example/"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "Same-Origin"},
        {"Origin": "http://evil.example", "X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"},
        {"Origin": "http://evil.example", "X-Forwarded-Proto": "http", "X-Original-Host": "evil.example"},
        {"Origin": "http://evil.example", "Sec-Fetch-Site": "same-origin"},
    ],
)
def test_forged_requests_are_refused(bot_example: Named, headers: dict[str, str]):
    for method, path in (
        ("POST", "/api/chat"),
        ("GET", "/api/suggestions"),
        ("POST", "/api/feedback"),
        ("OPTIONS", "/api/chat"),
    ):
        answer = httpx.request(
            method,
            f"http://127.0.0.1:{bot_example.port}{path}",
            headers={"Host": "bot.example", **headers},
            json={"turns": ["cold?"]},
        )
        assert answer.status_code == 403
        assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_two_origins_in_one_request_are_refused(bot_example: Named):
    with socket.create_connection(("127.0.0.1", bot_example.port)) as connection:
        connection.sendall(
            f"GET /api/suggestions HTTP/1.1\r\nHost: bot.example\r\nOrigin: {SITE}\r\nOrigin: http://evil.example\r\n"
            "Connection: close\r\n\r\n".encode()
        )
        assert connection.recv(100).startswith(b"HTTP/1.1 403")
