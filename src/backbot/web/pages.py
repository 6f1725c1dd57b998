"""Pages that are not the chat: articles, the widget and its own page, a page to try it on, a page for owners."""

from datetime import date
from pathlib import Path

from fastapi import APIRouter, FastAPI
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles

from backbot.bot import Bot
from backbot.errors import IndexUnusable
from backbot.triage.rules import ANYWHERE, load_rules
from backbot.web.answer_html import is_web
from backbot.web.articles import TEMPLATES, article_page, plain_page
from backbot.web.security import DEMO_POLICY, PAGE_POLICY, embed_policy
from backbot.web.words import EXAMPLES, REASONS, countries, known_country

STATIC = Path(__file__).parent / "static"


def add_pages(app: FastAPI, bot: Bot, allowed: tuple[str, ...]) -> None:
    """Give the application its pages; `allowed` are the origins that may frame the widget."""
    app.mount("/backbot", StaticFiles(directory=STATIC))
    router = APIRouter(include_in_schema=False)

    @router.get("/articles/{name}")
    def show_article(name: str) -> Response:
        content = bot.index.live().content
        article = content.article(name)
        if article is None:
            text = "There is no such article here. It may have been withdrawn, or its address has a slip in it."
            return _page(plain_page("Article not found", text), PAGE_POLICY, 404)
        if is_web(article.url):
            return RedirectResponse(article.url, 302)
        return _page(article_page(article, content.article, date.today()), PAGE_POLICY)

    @router.get("/healthz")
    def show_health() -> JSONResponse:
        try:
            manifest = bot.index.live().manifest
        except IndexUnusable:
            return JSONResponse({"status": "index unusable"}, 503)
        return JSONResponse({"status": "ok", "generation": manifest.name, "passages": manifest.passages})

    @router.get("/widget.js")
    def send_widget() -> Response:
        headers = {"Cross-Origin-Resource-Policy": "cross-origin", "Cache-Control": "public, max-age=3600"}
        return FileResponse(STATIC / "widget.js", media_type="text/javascript", headers=headers)

    @router.get("/embed")
    def show_widget() -> Response:
        page = TEMPLATES.get_template("embed.html").render(facts=_facts(bot.settings.country, allowed))
        response = _page(page, embed_policy(allowed))
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        return response

    @router.get("/demo")
    def show_demo(title: str = "", accent: str = "", theme: str = "", country: str = "") -> Response:
        country = known_country(country or bot.settings.country)
        given = {"title": title[:80], "accent": accent[:7], "theme": theme[:5], "country": country}
        choices = {name: value for name, value in given.items() if value}
        return _page(TEMPLATES.get_template("demo.html").render(choices=choices), DEMO_POLICY)

    @router.get("/owners")
    def show_owners() -> Response:
        return _page(TEMPLATES.get_template("owners.html").render(allowed=allowed, countries=countries()), DEMO_POLICY)

    app.include_router(router)


def _facts(country: str, allowed: tuple[str, ...]) -> dict[str, object]:
    """What the widget's page must know even when the server is away: above all, whom to call."""
    rows = {row.code: row for row in countries()}
    called = {code: [row.emergency, *([row.advice_line] if row.advice_line else [])] for code, row in rows.items()}
    called[""] = [load_rules().countries[ANYWHERE].emergency]
    return {
        "parents": allowed,
        "country": known_country(country),
        "countries": [(row.code, row.name) for row in rows.values()],
        "contacts": {
            code: [{"name": one.name, "number": one.number, "url": one.url} for one in lines]
            for code, lines in called.items()
        },
        "examples": EXAMPLES,
        "reasons": REASONS,
    }


def _page(html: str, policy: str, status: int = 200) -> HTMLResponse:
    return HTMLResponse(html, status, {"Content-Security-Policy": policy})
