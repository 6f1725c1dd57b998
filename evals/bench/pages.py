"""Bytes and first paint of backbot's pages beside the page that Gradio makes by default, in a real Chromium.

    python evals/bench/pages.py [--rounds 5] [--corpus corpus]

Each load starts with an empty cache, the pages in turns. Bytes are what came over the wire, headers included. First paint
is the browser's first-contentful-paint; `ready` is when the question can be typed. The widget is loaded on a page that
holds nothing else; `opened` adds what comes when its button is pressed.
"""

import argparse
import os
import shutil
import socket
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

import gradio as gr
import uvicorn
from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from playwright.sync_api import Browser, Page, sync_playwright

from backbot.bot import Bot
from backbot.embeddings import load_embedder
from backbot.index.ingest import ingest
from backbot.index.search import Index
from backbot.settings import Settings
from backbot.web.server import create_app

HOST_PAGE = """<!doctype html><title>A page</title><link rel="icon" href="data:,"><h1>A page</h1>
<script src="{}/widget.js" defer></script>"""


@dataclass(frozen=True, slots=True)
class Load:
    """One load of one page; times are in milliseconds."""

    requests: int
    bytes: int
    first_paint: float
    ready: float
    foreign_hosts: frozenset[str]


def serve(app: FastAPI, listener: socket.socket) -> None:
    """Serve the application on the socket, in a thread that ends with the process."""
    server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
    threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True).start()
    while not server.started:
        time.sleep(0.02)


def load(browser: Browser, address: str, until_ready: Callable[[Page], None]) -> Load:
    """Load the page in a fresh profile."""
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    wire = context.new_cdp_session(page)
    sizes: list[float] = []
    hosts: set[str] = set()
    wire.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    page.on("request", lambda request: hosts.add(request.url.split("/")[2]) if request.url.startswith("http") else None)
    wire.send("Network.enable")
    begun = time.perf_counter()
    page.goto(address)
    until_ready(page)
    ready = 1000 * (time.perf_counter() - begun)
    page.wait_for_timeout(1500)
    paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? -1")
    context.close()
    foreign = frozenset(host for host in hosts if not host.startswith(("127.0.0.1", "localhost")))
    return Load(len(sizes), round(sum(sizes)), paint, ready, foreign)


def median(loads: list[Load], name: str) -> float:
    """The median of one figure."""
    return statistics.median(getattr(one, name) for one in loads)


def box_is_there(page: Page) -> None:
    """A question can be typed."""
    page.locator("textarea").first.wait_for()


def button_is_there(page: Page) -> None:
    """The widget's button can be pressed."""
    page.get_by_role("button", name="Ask about back pain").wait_for()


def widget_is_open(page: Page) -> None:
    """The widget was opened, and a question can be typed."""
    page.get_by_role("button", name="Ask about back pain").click()
    page.frame_locator("iframe").locator("textarea").wait_for()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--corpus", default="corpus")
    given = parser.parse_args()
    chromium = shutil.which("chromium")
    if not chromium:
        sys.exit("Chromium is not installed: put `chromium` on the PATH.")

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        settings = Settings(index=Path(folder) / "index")
        embedder = load_embedder(settings)
        ingest([given.corpus], settings, embedder)
        ours, stock, host = (socket.create_server(("127.0.0.1", 0)) for _ in range(3))
        backbot, gradio, site = (f"http://127.0.0.1:{one.getsockname()[1]}" for one in (ours, stock, host))
        settings = settings.model_copy(update={"allowed_origins": site})
        serve(create_app(Bot(Index(settings.index, embedder), settings), settings), ours)
        serve(gr.mount_gradio_app(FastAPI(), gr.ChatInterface(lambda message, history: message), path="/"), stock)
        around = FastAPI()
        around.get("/")(lambda: HTMLResponse(HOST_PAGE.format(backbot)))
        serve(around, host)

        pages = {
            "Gradio's ChatInterface": (gradio, box_is_there),
            "backbot's chat page": (backbot, box_is_there),
            "backbot's widget, its button": (site, button_is_there),
            "backbot's widget, opened": (site, widget_is_open),
        }
        loads: dict[str, list[Load]] = {name: [] for name in pages}
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for _ in range(given.rounds):
            for name, (address, until_ready) in pages.items():
                loads[name].append(load(browser, address, until_ready))
        browser.close()

    print(f"medians of {given.rounds} loads with an empty cache, Chromium, 390 px wide")
    print(f"{'':30} {'requests':>8} {'KB':>7} {'first paint':>12} {'ready':>8}  other hosts")
    for name, found in loads.items():
        hosts = ", ".join(sorted(frozenset.union(*(one.foreign_hosts for one in found)))) or "none"
        print(
            f"{name:30} {median(found, 'requests'):8.0f} {median(found, 'bytes') / 1000:7.1f} "
            f"{median(found, 'first_paint'):9.0f} ms {median(found, 'ready'):5.0f} ms  {hosts}"
        )


if __name__ == "__main__":
    main()
