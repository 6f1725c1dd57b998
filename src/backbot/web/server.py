"""The server: one FastAPI application with the chat page at /, the articles at /articles/<id> and /healthz."""

import logging
import os
import socket
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

# Read when Gradio is imported, so set before it: nothing of this server calls home.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

import uvicorn
from fastapi import FastAPI
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles

from backbot.bot import Bot, open_bot
from backbot.errors import IndexUnusable, ServerUnavailable
from backbot.settings import Settings
from backbot.web.answer_html import is_web
from backbot.web.articles import article_page, plain_page
from backbot.web.front_page import FrontPage
from backbot.web.security import PAGE_POLICY, GradioGate, SecurityHeaders

if TYPE_CHECKING:
    from starlette.types import ASGIApp

MAX_BODY_BYTES = 1_000_000
"""Gradio posts the whole conversation again with each question, so this holds some fifty answers."""

STOP_SECONDS = 5
"""How long open streams may end by themselves when the server stops."""

_STATIC = Path(__file__).parent / "static"


def serve(settings: Settings, host: str, port: int) -> None:
    """Serve until stopped; raises IndexUnusable, ModelUnavailable, or ServerUnavailable for an address not to be had."""
    listener = _listen(host, port)
    with listener:
        app = create_app(open_bot(settings), settings)
        address = f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"
        logging.getLogger("httpx").setLevel(logging.WARNING)
        config = uvicorn.Config(
            app, log_level="warning", access_log=False, server_header=False, timeout_graceful_shutdown=STOP_SECONDS
        )
        try:
            _Announcing(config, address).run(sockets=[listener])
        except KeyboardInterrupt:
            print("backbot has stopped.", flush=True)


def create_app(bot: Bot, settings: Settings) -> FastAPI:
    """The application over an open bot. It holds no state of its own."""
    app = FastAPI(
        title="backbot", docs_url=None, redoc_url=None, openapi_url=None, max_body_size=MAX_BODY_BYTES
    )
    app.add_middleware(FrontPage)
    app.add_middleware(SecurityHeaders)
    app.mount("/backbot", StaticFiles(directory=_STATIC))

    @app.get("/articles/{name}")
    def show_article(name: str) -> Response:
        content = bot.index.live().content
        article = content.article(name)
        if article is None:
            text = "There is no such article here. It may have been withdrawn, or its address has a slip in it."
            return _page(plain_page("Article not found", text), 404)
        if is_web(article.url):
            return RedirectResponse(article.url, 302)
        return _page(article_page(article, content.article, date.today()))

    @app.get("/healthz")
    def show_health() -> JSONResponse:
        try:
            manifest = bot.index.live().manifest
        except IndexUnusable:
            return JSONResponse({"status": "index unusable"}, 503)
        return JSONResponse({"status": "ok", "generation": manifest.name, "passages": manifest.passages})

    _mount_chat(app, bot)
    return app


def _mount_chat(app: FastAPI, bot: Bot) -> None:
    # Five seconds of import that only the server pays.
    import gradio as gr

    from backbot.web.chat import build_chat
    from backbot.web.theme import theme

    gr.mount_gradio_app(
        app,
        build_chat(bot),
        path="/",
        theme=theme(),
        run_history=False,
        footer_links=[],
        show_error=False,
        enable_monitoring=False,
        ssr_mode=False,
        pwa=False,
        mcp_server=False,
        favicon_path=str(_STATIC / "icon.svg"),
    )
    chat: Any = app.router.routes[-1]
    gate: ASGIApp = GradioGate(chat.app)
    chat.app = gate


def _page(html: str, status: int = 200) -> HTMLResponse:
    return HTMLResponse(html, status, {"Content-Security-Policy": PAGE_POLICY})


def _listen(host: str, port: int) -> socket.socket:
    """A socket bound to the address, port 0 being any free one; raises ServerUnavailable saying what to do."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen()
    except OSError as error:
        raise ServerUnavailable(
            f"The server cannot listen on {host} port {port} ({error.strerror or error}). Another program usually holds the "
            "port: stop it, or choose another with --port 7861."
        ) from None
    return listener


class _Announcing(uvicorn.Server):
    """Says where it is, once it answers."""

    def __init__(self, config: uvicorn.Config, address: str):
        super().__init__(config)
        self._address = address

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            print(f"backbot is ready: {self._address}", flush=True)
