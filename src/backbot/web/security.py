"""What every response carries, and which of Gradio's routes are open: a few are named, all others are closed."""

import re

from starlette.datastructures import MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}
"""A route that needs other values sets them itself; they are kept."""

PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""For pages of ours without a script."""


def chat_policy(nonce: str) -> str:
    """The narrowest policy that Gradio's page runs under: its inline scripts carry the nonce, its styles are inline."""
    return (
        f"default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        "font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'self'; form-action 'none'; object-src 'none'; "
        "frame-ancestors 'none'"
    )


class SecurityHeaders:
    """Adds `HEADERS` to every response that does not set them itself."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if scope["path"].startswith("/assets/"):
                    # Gradio names its assets after their content.
                    headers["Cache-Control"] = "public, max-age=31536000, immutable"
            await send(message)

        await self.app(scope, receive, send_with_headers)


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


class GradioGate:
    """Stands before Gradio's application and lets only `GRADIO_ROUTES` through."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = f"{scope['method']} {scope['path']}"
        if not any(route.fullmatch(request) for route in GRADIO_ROUTES):
            await PlainTextResponse("Not found\n", 404)(scope, receive, send)
            return
        if scope["path"] == "/":
            # The page's only parameter that Gradio's server reads names a file of a saved conversation.
            scope = {**scope, "query_string": b""}
        await self.app(scope, receive, send)
