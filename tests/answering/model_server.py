"""A real server on loopback that speaks OpenAI's chat completions protocol and says what a test tells it to say."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Script = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """One request; `request` is its JSON."""

    request_json: dict[str, Any]
    server: "ModelServer"  # type: ignore[assignment]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        self.request_json = json.loads(body)
        self.server.requests.append(self)
        with suppress(BrokenPipeError, ConnectionResetError):  # the reader went away, as it should
            self.server.script(self)
        self.close_connection = True

    def start(self, status: int = 200, kind: str = "text/event-stream", **headers: str) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("connection", "close")
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def piece(self, content: str) -> None:
        """One event of a streamed completion."""
        self._chunk({"role": "assistant", "content": content}, None)

    def done(self, reason: str = "stop") -> None:
        """The events that end a streamed completion."""
        self._chunk({}, reason)
        self.event("[DONE]")

    def event(self, data: str) -> None:
        self.wfile.write(f"data: {data}\n\n".encode())
        self.wfile.flush()

    def _chunk(self, delta: dict[str, Any], reason: str | None) -> None:
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
        self.event(json.dumps(chunk))

    def log_message(self, *_: object) -> None:
        pass


class ModelServer(ThreadingHTTPServer):
    """Answers each request by `script`; keeps the requests."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, script: Script):
        super().__init__(("127.0.0.1", 0), Handler)
        self.script = script
        self.requests: list[Handler] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


@contextmanager
def serve(script: Script) -> Iterator[ModelServer]:
    with ModelServer(script) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()


def say(text: str, size: int = 40) -> Script:
    """Stream the text in pieces of `size` characters."""

    def script(handler: Handler) -> None:
        handler.start()
        handler.piece("")
        for start in range(0, len(text), size):
            handler.piece(text[start : start + size])
        handler.done()

    return script


def claim(text: str, quote: str, passage: Any = 1) -> str:
    """The reply in the shape that is asked for, with one sentence."""
    return claims((text, quote, passage))


def claims(*rows: tuple[str, str, Any]) -> str:
    return json.dumps({"sentences": [{"text": text, "passage": passage, "quote": quote} for text, quote, passage in rows]})


def fail(status: int, body: str = '{"error": {"message": "no"}}') -> Script:
    def script(handler: Handler) -> None:
        handler.start(status, "application/json")
        handler.wfile.write(body.encode())

    return script


def send(body: bytes, kind: str = "text/event-stream") -> Script:
    """A reply that is no completion at all."""

    def script(handler: Handler) -> None:
        handler.start(200, kind)
        handler.wfile.write(body)

    return script


def hang(seconds: float) -> Script:
    def script(handler: Handler) -> None:
        time.sleep(seconds)

    return script


def drip(text: str, pause: float) -> Script:
    """Stream the text letter by letter."""

    def script(handler: Handler) -> None:
        handler.start()
        for letter in text:
            handler.piece(letter)
            time.sleep(pause)
        handler.done()

    return script


def drip_comments(pause: float) -> Script:
    """Keep the stream alive and say nothing, without end."""

    def script(handler: Handler) -> None:
        handler.start()
        for _ in range(10_000):
            handler.wfile.write(b": wait\n\n")
            handler.wfile.flush()
            time.sleep(pause)

    return script


def in_turn(*scripts: Script) -> Script:
    """The first script for the first request and so on; the last one for all that follow."""
    lock = threading.Lock()
    left = list(scripts)

    def script(handler: Handler) -> None:
        with lock:
            now = left.pop(0) if len(left) > 1 else left[0]
        now(handler)

    return script
