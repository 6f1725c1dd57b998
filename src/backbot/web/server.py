"""The server: one FastAPI application with the chat page at /, the API, the widget and the articles' own pages."""

import logging
import os
import socket
from importlib.metadata import version
from typing import Any

# Read when Gradio is imported, so set before it: nothing of this server calls home.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

import uvicorn
from fastapi import FastAPI

from backbot.bot import Bot, open_bot
from backbot.errors import ServerUnavailable
from backbot.settings import Settings
from backbot.web.api import add_api
from backbot.web.front_page import FrontPage
from backbot.web.gates import ApiGate, GradioGate
from backbot.web.limits import Limits
from backbot.web.origins import parse_origins
from backbot.web.pages import STATIC, add_pages
from backbot.web.security import SecurityHeaders

STOP_SECONDS = 5
"""How long open streams may end by themselves when the server stops."""


def serve(settings: Settings, host: str, port: int) -> None:
    """Serve until stopped; raises IndexUnusable, ModelUnavailable, or ServerUnavailable for an address not to be had."""
    listener = _listen(host, port)
    with listener:
        app = create_app(open_bot(settings), settings)
        address = f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"
        logging.getLogger("httpx").setLevel(logging.WARNING)
        config = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=STOP_SECONDS,
            proxy_headers=bool(settings.trusted_proxies),
            forwarded_allow_ips=settings.trusted_proxies,
        )
        try:
            _Announcing(config, address).run(sockets=[listener])
        except KeyboardInterrupt:
            print("backbot has stopped.", flush=True)


def create_app(bot: Bot, settings: Settings) -> FastAPI:
    """The application over an open bot; it keeps nothing but counts. Raises SettingsInvalid for origins or rates."""
    allowed = parse_origins(settings.allowed_origins)
    limits = Limits(settings)
    app = FastAPI(title="backbot", version=version("backbot"), docs_url=None, redoc_url=None)
    add_api(app, bot, settings, limits)
    add_pages(app, bot, allowed)
    _mount_chat(app, bot, limits)
    # The last one added is the first one asked.
    app.add_middleware(FrontPage)
    app.add_middleware(ApiGate, allowed=allowed)
    app.add_middleware(SecurityHeaders)
    return app


def _mount_chat(app: FastAPI, bot: Bot, limits: Limits) -> None:
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
        favicon_path=str(STATIC / "icon.svg"),
    )
    chat: Any = app.router.routes[-1]
    chat.app = GradioGate(chat.app, limits)


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
