"""What stands before the API and before Gradio: who may call, what may be called, and how often."""

import json
import logging
import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backbot.web.api import MAX_BODY_BYTES, address_of, busy, fault
from backbot.web.limits import Busy, Limits
from backbot.web.origins import allowed_origin, is_own

GRADIO_ROUTES = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?:GET|HEAD) /",
        r"GET /assets/[\w.-]+",
        r"GET /static/js/iframeResizer[\w.-]*",
        r"GET /theme\.css",
        r"GET /favicon\.ico",
        r"GET /manifest\.json",
        r"GET /gradio_api/heartbeat/\w+",
        r"GET /gradio_api/queue/data",
        r"POST /gradio_api/queue/join",
    )
)
"""All that the chat page asks for. Uploads, files, API descriptions, proxies and the like stay closed."""


MAX_CHAT_BYTES = 1_000_000
"""Gradio posts the whole conversation again with each question, so this holds some fifty answers."""

_log = logging.getLogger(__name__)


class GradioGate:
    """Lets only `GRADIO_ROUTES` through, only from pages of this server, and no flood of them."""

    def __init__(self, app: ASGIApp, limits: Limits):
        self._app = app
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            return
        request = f"{scope['method']} {scope['path']}"
        if not any(route.fullmatch(request) for route in GRADIO_ROUTES):
            await PlainTextResponse("Not found\n", 404)(scope, receive, send)
            return
        if "/gradio_api/" in request and not is_own(scope):
            await PlainTextResponse("Forbidden\n", 403)(scope, receive, send)
            return
        if scope["method"] == "POST":
            if not 0 <= _length(scope) <= MAX_CHAT_BYTES:
                await PlainTextResponse("Content Too Large\n", 413)(scope, receive, send)
                return
            try:
                await self._limits.admit(address_of(scope))
            except Busy as error:
                refusal = busy(error)
                # Gradio shows the page's reader what stands under `error`.
                refusal.body = refusal.render({"error": json.loads(bytes(refusal.body))["message"]})
                refusal.headers["Content-Length"] = str(len(refusal.body))
                await refusal(scope, receive, send)
                return
        if scope["path"] == "/":
            # The page's only parameter that Gradio's server reads names a file of a saved conversation.
            scope = {**scope, "query_string": b""}

        has_begun = has_failed = False

        async def send_without_cors(message: Message) -> None:
            nonlocal has_begun, has_failed
            if message["type"] == "http.response.start":
                has_failed = message["status"] == 500
                headers = MutableHeaders(scope=message)
                # Gradio lets any origin read it, with credentials, unless it runs on localhost.
                for name in [name for name in headers if name.startswith("access-control-")]:
                    del headers[name]
            if not has_failed:
                has_begun = True
                await send(message)

        try:
            await self._app(scope, receive, send_without_cors)
        except Exception as error:
            if "/gradio_api/" not in request:
                raise
            # Gradio fails on a session or an event that it does not know, such as one of before a restart.
            _log.warning("The chat page sent what Gradio does not know: %s", type(error).__name__)
            if has_begun:
                await send({"type": "http.response.body", "body": b"", "more_body": False})
            else:
                await PlainTextResponse("Bad Request\n", 400)(scope, receive, send)


class ApiGate:
    """Refuses callers whose origin is not listed, and bodies that are not JSON, so that browsers must ask first."""

    def __init__(self, app: ASGIApp, allowed: tuple[str, ...]):
        self._app = app
        self._allowed = allowed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http" or not scope["path"].startswith("/api/"):
            await self._app(scope, receive, send)
            return
        origin = allowed_origin(scope, self._allowed)
        if not origin:
            text = "This site may not call backbot. Its owner lists the sites that may in BACKBOT_ALLOWED_ORIGINS."
            await fault(403, "origin", text)(scope, receive, send)
            return

        async def send_with_origin(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Access-Control-Allow-Origin"] = origin
                headers["Cross-Origin-Resource-Policy"] = "cross-origin"
                headers.add_vary_header("Origin")
                if scope["method"] == "OPTIONS":
                    headers["Access-Control-Allow-Methods"] = "GET, POST"
                    headers["Access-Control-Allow-Headers"] = "content-type"
                    headers["Access-Control-Max-Age"] = "600"
            await send(message)

        kind = Headers(scope=scope).get("content-type", "").partition(";")[0].strip().lower()
        if scope["method"] == "OPTIONS":
            await Response(status_code=204)(scope, receive, send_with_origin)
        elif scope["method"] == "POST" and kind != "application/json":
            await fault(415, "not-json", "Send the body as application/json.")(scope, receive, send_with_origin)
        elif _length(scope) > MAX_BODY_BYTES:
            await fault(413, "too-large", "That is more text than backbot reads.")(scope, receive, send_with_origin)
        else:
            await self._app(scope, receive, send_with_origin)


def _length(scope: Scope) -> int:
    """The bytes of the body as announced, to which the server holds the sender; -1 when they are not announced."""
    length = Headers(scope=scope).get("content-length", "")
    return int(length) if length.isdecimal() else -1
