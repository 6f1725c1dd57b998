"""A real server in a thread and a real browser before it."""

import os
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI
from playwright.sync_api import Browser, Page, expect, sync_playwright

from backbot.bot import Bot
from backbot.web.server import create_app

# A busy machine is not a fault of the page.
expect.set_options(timeout=30_000)

CHROMIUM = shutil.which("chromium") or ""
REPORTS = Path(__file__).parents[2] / "reports" / "web"


@pytest.fixture(scope="session")
def serve_app() -> Iterator[Callable[..., str]]:
    """Starts an application, on a free port if none is named, and gives its address; all are stopped at the end."""
    servers: list[tuple[uvicorn.Server, threading.Thread]] = []

    def start(app: FastAPI, port: int = 0) -> str:
        listener = socket.create_server(("127.0.0.1", port))
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.02)
        servers.append((server, thread))
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    yield start
    for server, thread in servers:
        server.should_exit = True
        thread.join(10)


@pytest.fixture(scope="session")
def site(bot: Bot, serve_app: Callable[..., str]) -> str:
    """The address of a server over the sample corpus."""
    return serve_app(create_app(bot, bot.settings.model_copy(update={"rate_per_address": "1000/minute"})))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium. Where there is none the test is passed over, but not where BACKBOT_REQUIRE_BROWSER says it must be there."""
    if not CHROMIUM and os.environ.get("BACKBOT_REQUIRE_BROWSER") != "1":
        pytest.skip("Chromium is not installed")
    assert CHROMIUM, "BACKBOT_REQUIRE_BROWSER is 1, but there is no chromium on the PATH"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page as wide as a phone that fails the test when it asks another host or logs an error."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, permissions=["clipboard-read", "clipboard-write"])
    hosts: set[str] = set()
    errors: list[str] = []
    context.on("request", lambda request: hosts.add(request.url.split("/")[2]))
    context.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    context.on("weberror", lambda error: errors.append(str(error.error)))
    page = context.new_page()
    yield page
    context.close()
    assert {host.split(":")[0] for host in hosts} <= {"127.0.0.1", "localhost"}
    assert errors == []


def keep_screenshot(page: Page, name: str) -> None:
    """A picture under reports/, for people to look at."""
    REPORTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=REPORTS / f"{name}.png")
