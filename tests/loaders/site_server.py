"""A site to read from: a real HTTP server on loopback that answers what a test tells it to and writes down who asked."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Answer:
    body: bytes | str = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    pieces: Callable[[], Iterator[bytes]] | None = None


@dataclass
class Asked:
    method: str
    path: str
    headers: dict[str, str]


class Site:
    """`routes` maps a path with its query (or the path alone) to an Answer, or to a function of the request."""

    def __init__(self) -> None:
        self.routes: dict[str, Answer | Callable[[Asked], Answer]] = {}
        self.asked: list[Asked] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked = Asked(self.command, self.path, {k.lower(): v for k, v in self.headers.items()})
                site.asked.append(asked)
                found = site.routes.get(self.path) or site.routes.get(self.path.split("?")[0]) or Answer("not here", 404)
                answer = found(asked) if callable(found) else found
                body = answer.body.encode() if isinstance(answer.body, str) else answer.body
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                if answer.pieces is None:
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                try:
                    if self.command == "HEAD":
                        return
                    for piece in answer.pieces() if answer.pieces else [body]:
                        self.wfile.write(piece)
                except OSError:
                    self.close_connection = True

            do_HEAD = do_GET  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def page(self, path: str, body: str, **headers: str) -> None:
        self.routes[path] = Answer(body, headers={"Content-Type": "text/html; charset=utf-8", **headers})

    def paths(self, method: str = "GET") -> list[str]:
        return [asked.path for asked in self.asked if asked.method == method]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
