"""Gradio's page made fit to serve: a nonce on its scripts, our head and first paint, no other host named."""

import re
import secrets
from pathlib import Path

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backbot.web.chat import HEADER
from backbot.web.security import chat_policy

STATIC = Path(__file__).parent / "static"


def _style(*names: str, media: str = "all") -> str:
    """Style sheets as they stand in the page: four requests less before anything can be painted."""
    sheets = "".join((STATIC / name).read_text("utf-8") for name in names).replace('url("', 'url("backbot/')
    return f'<style media="{media}">{sheets}</style>'


HEAD = (
    '<meta name="description" content="Answers about back pain, word for word from the articles, with their sources.">'
    '<meta name="color-scheme" content="light dark">'
    '<link rel="icon" href="backbot/icon.svg" type="image/svg+xml">'
    + _style("look.css")
    + _style("dark.css", media="(prefers-color-scheme: dark)")
    + _style("answer.css", "chat.css")
    + '<script src="backbot/chat.js" defer></script>'
)

FIRST = (
    f'<div id="bb-first" aria-hidden="true">{HEADER}</div>'
    "<noscript><p>This chat needs JavaScript. In an emergency call your local emergency number.</p></noscript>"
)
"""Stands in the page until Gradio has drawn its own: chat.js takes the header away."""

_FOREIGN = re.compile(
    r'<meta\s+(?:property="og:|name="twitter:)[^>]*>|<link\s+rel="(?:preconnect|dns-prefetch)"[^>]*>', re.S
)


class FrontPage:
    """Rewrites the HTML of `/` on its way out; everything else passes through untouched."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http" or scope["path"] != "/" or scope["method"] != "GET":
            await self.app(scope, receive, send)
            return
        start: Message = {}
        body = b""

        async def gather(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start":
                start = message
                return
            body += message.get("body", b"")
            if not message.get("more_body"):
                nonce = secrets.token_urlsafe(16)
                page = dress(body.decode(), nonce).encode()
                headers = MutableHeaders(scope=start)
                headers["Content-Length"] = str(len(page))
                headers["Content-Security-Policy"] = chat_policy(nonce)
                await send(start)
                await send({"type": "http.response.body", "body": page})

        await self.app(scope, receive, gather)


def dress(page: str, nonce: str) -> str:
    """Gradio's HTML with our head, the nonce on every script that its template holds, and no foreign address."""
    page = _FOREIGN.sub("", page)
    page = re.sub(r"<script(?=[\s>])", f'<script nonce="{nonce}"', page)
    page = page.replace("</head>", f"{HEAD}</head>", 1)
    return re.sub(r"<body[^>]*>", lambda body: body[0] + FIRST, page, count=1)
