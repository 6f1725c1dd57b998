"""What stands before everything else: an id for each request, and its line in the log and in the figures."""

import logging
import re
import time

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backbot.operation.logs import ACCESS, known_or_new_id, request_id
from backbot.operation.metrics import count_request, counted_stream

ROUTES = tuple(
    (re.compile(pattern), name)
    for pattern, name in (
        (r"/", "page"),
        (r"/api/(chat|feedback|suggestions)", r"\1"),
        (r"/(healthz|readyz|embed|demo|owners|privacy)", r"\1"),
        (r"/editors(?:/.*)?", "editors"),
        (r"/widget\.js", "widget"),
        (r"/articles/.*", "article"),
        (r"/gradio_api/queue/(join|data)", r"page-\1"),
        (r"/gradio_api/heartbeat/.*", "page-heartbeat"),
        (r"/(?:assets|backbot|static)/.*|/theme\.css|/favicon\.ico|/manifest\.json", "file"),
    )
)
"""The name of a path in figures and log: a path itself may hold what a reader typed."""

_log = logging.getLogger(ACCESS)


def route_of(path: str) -> str:
    """The name of the first of ROUTES that fits; `other` if none does."""
    return next((match.expand(name) for row, name in ROUTES if (match := row.fullmatch(path))), "other")


class Access:
    """Gives each request its id, taken from X-Request-Id or new, and sends it back; then counts and logs the request.

    Neither holds the caller's address, the query or a path that is not known.
    """

    def __init__(self, app: ASGIApp):
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = time.perf_counter()
        route = route_of(scope["path"])
        identity = known_or_new_id(Headers(scope=scope).get("x-request-id", ""))
        # Not taken back at the end: each request runs in a task of its own, and what logs its failure comes after.
        request_id.set(identity)
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-Id"] = identity
            await send(message)

        try:
            with counted_stream(route):
                await self._app(scope, receive, send_with_id)
        finally:
            # A request that broke before it was answered is the server's fault.
            status = status or 500
            count_request(route, status)
            milliseconds = round(1000 * (time.perf_counter() - begun), 1)
            fields = {"method": scope["method"], "route": route, "status": status, "ms": milliseconds}
            _log.info("%s %s %s", scope["method"], route, status, extra={"fields": fields})
