"""After readers have come and gone, nothing that they said is found in what the server wrote or the browser kept."""

import json
import shutil
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from playwright.sync_api import Browser, FrameLocator, Page, expect

from backbot.settings import Settings
from web.served import UNLIMITED, Served, run_server

WORDS = (
    "zibbleworth", "snollygoster", "wobblebork", "flumadiddle", "quockerwodge", "taradiddle", "widdershink", "collywobbler",
    "gardyloont", "hobbledeho", "bumfuzzled", "cattywampum",
)  # fmt: skip
QUESTIONS = (
    "How long should I leave a cold pack on? Zibbleworth wants to know",
    "and what of heat, Snollygoster?",
    "what is the capital of Wobblebork",
    "numb between my legs and I can't pee, Flumadiddle",
)
KEPT_IN_THE_BROWSER = """async () => {
    // A frame of another site may be denied a store: then nothing is in it.
    const read = async (look) => { try { return await look(); } catch (error) { return error.name; } };
    return JSON.stringify([
        await read(() => ({...localStorage})), await read(() => ({...sessionStorage})), await read(() => document.cookie),
        location.href, history.state, await read(() => caches.keys()), window.name,
        await read(async () => (await indexedDB.databases()).map((one) => one.name)),
    ]);
}"""


@dataclass(frozen=True, slots=True)
class Visit:
    """A server after its readers: what it offers to those who look on, and what the browser kept."""

    server: Served
    index: Path
    metrics: str
    kept: str
    seen: str


@pytest.fixture(scope="module")
def visit(
    corpus_settings: Settings, browser: Browser, serve_app: Callable[..., str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Visit]:
    folder = tmp_path_factory.mktemp("traces")
    # A copy of its own, so that whatever is written there was written by this server.
    settings = corpus_settings.model_copy(update={"index": folder / "index"})
    shutil.copytree(corpus_settings.index, settings.index)
    publisher, metrics = free_port(), free_port()
    environment = {
        **UNLIMITED,
        "BACKBOT_ALLOWED_ORIGINS": f"http://localhost:{publisher}",
        "BACKBOT_LOG": "json",
        "BACKBOT_METRICS_PORT": str(metrics),
    }
    with run_server(settings, folder / "served", **environment) as server:
        serve_app(publisher_of(server.address), publisher)
        context = browser.new_context()
        chat, host = context.new_page(), context.new_page()
        kept = [read_chat_page(chat, server.address), read_widget(host, f"http://localhost:{publisher}")]
        seen = chat.locator("body").inner_text() + host.frames[-1].locator("body").inner_text()
        kept.append(json.dumps(context.storage_state(indexed_db=True)))
        call_badly(server.address)
        figures = httpx.get(f"http://127.0.0.1:{metrics}/metrics").text
        for path in ("/healthz", "/readyz", "/openapi.json", "/privacy", "/metrics", "/api/suggestions", "/"):
            figures += httpx.get(server.address + path, headers={"Origin": server.address}).text
        context.close()
        yield Visit(server, settings.index, figures, "\n".join(kept), seen)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def publisher_of(bot: str) -> FastAPI:
    app = FastAPI()

    @app.get("/")
    def show() -> HTMLResponse:
        return HTMLResponse(f'<!doctype html><title>A page</title><body><script src="{bot}/widget.js"></script>')

    return app


def ask_all(place: Page | FrameLocator) -> None:
    for n, question in enumerate(QUESTIONS, 1):
        place.get_by_label("Your question").fill(question)
        place.get_by_label("Your question").press("Enter")
        expect(place.locator(".bb-done")).to_have_count(n)
        if n == 1:
            place.get_by_role("button", name="No", exact=True).last.click()
            place.get_by_role("button", name="Wrong source").last.click()
            expect(place.get_by_text("Thank you.").first).to_be_visible()


def read_chat_page(page: Page, address: str) -> str:
    page.goto(address)
    ask_all(page)
    return str(page.evaluate(KEPT_IN_THE_BROWSER))


def read_widget(page: Page, address: str) -> str:
    page.goto(address)
    page.get_by_role("button", name="Ask about back pain").click()
    ask_all(page.frame_locator("iframe"))
    return "\n".join(str(frame.evaluate(KEPT_IN_THE_BROWSER)) for frame in page.frames)


def call_badly(address: str) -> None:
    """Requests that are refused, each with words in it."""
    headers = {"Origin": address, "Content-Type": "application/json"}
    bodies: list[tuple[str, Any]] = [
        ("/api/feedback", {"verdict": "down", "reason": "wrong", "comment": "Quockerwodge"}),
        ("/api/feedback", {"verdict": "down", "reason": "Quockerwodge"}),
        ("/api/feedback", {"verdict": "up", "articles": ["quockerwodge"]}),
        ("/api/chat", {"turns": ["Taradiddle"] * 51}),
        ("/api/chat", {"turns": ["x"], "country": "Taradiddle"}),
        ("/api/chat", {"turns": ["x"], "taradiddle": "Taradiddle"}),
        ("/api/chat", {"turns": ["Taradiddle " * 5_000]}),
        ("/api/chat", {"turns": ["Taradiddle " * 50_000]}),
        ("/api/chat", {"turns": ["x"], "context": "Taradiddle"}),
    ]
    with httpx.Client(base_url=address, timeout=60) as client:
        for path, body in bodies:
            client.post(path, json=body, headers=headers)
        client.post("/api/chat", content=b'{"turns": ["Widdershink', headers=headers)
        client.post("/api/chat", content=b"Widdershink", headers={**headers, "Content-Type": "text/plain"})
        client.post("/api/chat", json={"turns": ["Widdershink"]}, headers={"Origin": "http://widdershink.example"})
        for path in ("/Collywobbler", "/?q=Collywobbler", "/articles/Collywobbler", "/embed?title=Collywobbler",
                     "/api/suggestions?q=Collywobbler", "/gradio_api/queue/data?session_hash=Collywobbler"):  # fmt: skip
            client.get(path, headers={"Origin": address})
        client.get("/", headers={"User-Agent": "Gardyloont", "Referer": "http://x/?q=Gardyloont", "Cookie": "q=Gardyloont"})
        client.get("/healthz", headers={"X-Forwarded-For": "Gardyloont", "traceparent": "Gardyloont"})
        client.post("/gradio_api/queue/join", json={"data": ["Hobbledeho"], "fn_index": 999, "session_hash": "Hobbledeho"},
                    headers={"Origin": address})  # fmt: skip
        client.post("/gradio_api/queue/join", json={"data": ["Hobbledeho", ["Hobbledeho"], "Hobbledeho", {}], "fn_index": 0,
                                                    "session_hash": "h1"}, headers={"Origin": address})  # fmt: skip
        with client.stream("GET", "/gradio_api/queue/data?session_hash=h1", headers={"Origin": address}) as stream:
            for line in stream.iter_lines():
                if "process_completed" in line or "close_stream" in line or "unexpected" in line:
                    break
    with socket.create_connection(("127.0.0.1", int(address.rsplit(":", 1)[1]))) as connection:
        connection.sendall(b"Bumfuzzled\r\n\r\n")
        connection.recv(1_000)
    with socket.create_connection(("127.0.0.1", int(address.rsplit(":", 1)[1]))) as connection:
        body = b'{"turns": ["Cattywampum"'
        connection.sendall(
            f"POST /api/chat HTTP/1.1\r\nHost: x\r\nOrigin: {address}\r\nContent-Type: application/json\r\n"
            f"Content-Length: 500\r\n\r\n".encode()
            + body
        )


def found_in(name: str, content: bytes) -> list[str]:
    """The words that stand in the content, in letters of one byte or two."""
    lower = content.lower()
    return [f"{word} in {name}" for word in WORDS if word.encode() in lower or word.encode("utf-16-le") in lower]


def found_under(*folders: Path) -> list[str]:
    files = [file for folder in folders for file in folder.rglob("*") if file.is_file()]
    named = [found for file in files for found in found_in(f"the name {file}", str(file).encode())]
    return named + [found for file in files for found in found_in(str(file), file.read_bytes())]


def test_the_readers_were_there_and_saw_their_words(visit: Visit):
    seen = visit.seen.lower()
    assert [word for word in WORDS[:4] if seen.count(word) < 2] == []
    assert "Get emergency help now" in visit.seen
    assert "The articles do not answer that" in visit.seen
    assert "15 to 20 minutes" in visit.seen


def test_no_word_is_in_the_log(visit: Visit):
    said = visit.server.said.read_bytes()
    assert b'"route": "chat"' in said, "requests are not logged: this shows nothing"
    assert b"The chat page sent an event that failed" in said
    assert b"The chat page sent what Gradio does not know" in said
    assert found_in("the log", said) == []


def test_no_word_is_in_the_figures_and_open_pages(visit: Visit):
    assert 'backbot_questions_total{outcome="declined"}' in visit.metrics
    assert found_in("the figures", visit.metrics.encode()) == []


def test_no_word_is_on_the_servers_disk(visit: Visit):
    assert found_under(visit.server.said.parent, visit.index) == []


def test_no_word_is_in_a_file_that_the_server_holds_open(visit: Visit):
    links = [Path(link) for link in Path(f"/proc/{visit.server.pid}/fd").iterdir()]
    opened = {str(link.readlink()): link for link in links if link.exists() and link.is_file()}
    assert opened
    assert [found for name, link in opened.items() for found in found_in(name, link.read_bytes())] == []


def test_no_word_is_kept_in_the_browser(visit: Visit):
    assert found_in("the browser", visit.kept.encode()) == []


def test_the_search_finds_what_is_there(tmp_path: Path):
    """The control."""
    (tmp_path / "a.sqlite").write_bytes(b"\x00SQLite\x00I am Zibbleworth\x00")
    (tmp_path / "b.bin").write_bytes("Flumadiddle".encode("utf-16-le"))
    (tmp_path / "snollygoster.log").write_text("")
    assert len(found_under(tmp_path)) == 3
