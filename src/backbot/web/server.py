"""The server: one FastAPI application with the chat page at /, the API, the widget and the articles' own pages."""

import os
from importlib.metadata import version
from typing import Any

# Read when Gradio is imported, so set before it: nothing of this server calls home.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

from fastapi import FastAPI
from fastapi.responses import RedirectResponse

from backbot.bot import Bot
from backbot.insights import open_insights
from backbot.settings import Settings
from backbot.web.access import Access
from backbot.web.api import add_api
from backbot.web.compression import Compression
from backbot.web.desk import Desk
from backbot.web.editors import add_editors
from backbot.web.front_page import FrontPage
from backbot.web.gates import ApiGate, GradioGate
from backbot.web.health import add_health
from backbot.web.limits import Limits
from backbot.web.origins import parse_origins
from backbot.web.pages import STATIC, add_pages
from backbot.web.publisher import Publisher
from backbot.web.security import SecurityHeaders


def create_app(bot: Bot, settings: Settings, *, with_page: bool = True) -> FastAPI:
    """The application over an open bot; it keeps nothing but counts. Raises SettingsInvalid for origins or rates.

    Without Gradio's chat page, which takes the most memory and needs one process for all, / leads to the widget's demo.
    """
    allowed = parse_origins(settings.allowed_origins)
    limits = Limits(settings)
    app = FastAPI(title="backbot", version=version("backbot"), docs_url=None, redoc_url=None)
    desk = Desk(bot, Publisher(bot.index, settings.publisher_hosts), open_insights(settings))
    add_api(app, desk, settings, limits)
    add_pages(app, desk, settings, allowed)
    add_health(app, bot)
    add_editors(app, desk, settings, limits)
    # Of what is added, the last is the first one asked.
    if with_page:
        _mount_chat(app, desk, limits)
        app.add_middleware(FrontPage)
    else:
        app.add_route("/", lambda _: RedirectResponse("/demo"))
    app.add_middleware(Compression)
    app.add_middleware(ApiGate, allowed=allowed)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(Access)
    return app


def _mount_chat(app: FastAPI, desk: Desk, limits: Limits) -> None:
    # Five seconds of import that only the server pays.
    import gradio as gr

    from backbot.web.chat import build_chat
    from backbot.web.event_faults import log_event_faults_without_words
    from backbot.web.theme import theme

    log_event_faults_without_words()
    gr.mount_gradio_app(
        app,
        build_chat(desk, limits),
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
    # Set, it ends the connections by which Gradio sees that a page is open.
    app.state.stopping = chat.app.stop_event
    chat.app = GradioGate(chat.app, limits)
