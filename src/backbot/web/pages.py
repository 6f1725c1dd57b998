"""Pages that are not the chat: articles, what is kept of readers, the widget and its own page, pages for owners."""

import json
from datetime import date
from pathlib import Path

from fastapi import APIRouter, FastAPI
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles

from backbot.insights import LEAST
from backbot.settings import Settings
from backbot.triage.rules import ANYWHERE, load_rules
from backbot.web.articles import TEMPLATES, article_page, plain_page
from backbot.web.desk import Desk
from backbot.web.locales import FALLBACK, known_locale, load_locales
from backbot.web.security import DEMO_POLICY, PAGE_POLICY, embed_policy
from backbot.web.words import EXAMPLES, countries, known_country

STATIC = Path(__file__).parent / "static"


def add_pages(app: FastAPI, desk: Desk, settings: Settings, allowed: tuple[str, ...]) -> None:
    """Give the application its pages; `allowed` are the origins that may frame the widget."""
    app.mount("/backbot", StaticFiles(directory=STATIC))
    launcher = _launcher()
    router = APIRouter(include_in_schema=False)

    @router.get("/articles/{name}")
    def show_article(name: str) -> Response:
        content = desk.bot.index.live().content
        article = content.article(name)
        if article is None:
            text = "There is no such article here. It may have been withdrawn, or its address has a slip in it."
            return _page(plain_page("Article not found", text), PAGE_POLICY, 404)
        may_link = desk.publisher.may_link
        if may_link(article.url):
            return RedirectResponse(article.url, 302)
        return _page(article_page(article, content.article, may_link, date.today()), PAGE_POLICY)

    @router.get("/privacy")
    def show_privacy() -> Response:
        page = TEMPLATES.get_template("privacy.html").render(
            insights=desk.insights, least=LEAST, model=settings.llm.partition(":")[0] if settings.llm else ""
        )
        return _page(page, PAGE_POLICY)

    @router.get("/widget.js")
    def send_widget() -> Response:
        headers = {"Cross-Origin-Resource-Policy": "cross-origin", "Cache-Control": "public, max-age=3600"}
        return Response(launcher, media_type="text/javascript", headers=headers)

    @router.get("/embed")
    def show_widget(locale: str = "") -> Response:
        language = known_locale(locale)
        page = TEMPLATES.get_template("embed.html").render(
            language=language, words=load_locales()[language], facts=_facts(language, settings.country, allowed)
        )
        response = _page(page, embed_policy(allowed))
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        return response

    @router.get("/demo")
    def show_demo(title: str = "", accent: str = "", theme: str = "", country: str = "", locale: str = "") -> Response:
        given = {
            "title": title[:80],
            "accent": accent[:7],
            "theme": theme[:5],
            "country": known_country(country or settings.country),
            "locale": known_locale(locale) if locale else "",
        }
        choices = {name: value for name, value in given.items() if value}
        return _page(TEMPLATES.get_template("demo.html").render(choices=choices), DEMO_POLICY)

    @router.get("/owners")
    def show_owners() -> Response:
        page = TEMPLATES.get_template("owners.html").render(
            allowed=allowed,
            countries=countries(),
            locales=[(code, row["language"]) for code, row in load_locales().items() if code != FALLBACK],
        )
        return _page(page, DEMO_POLICY)

    app.include_router(router)


def _launcher() -> str:
    """widget.js with the two texts of its button in every language: which one a page wants is known in the browser."""
    words = {language: [row["title"], row["close"]] for language, row in load_locales().items()}
    return (STATIC / "widget.js").read_text("utf-8").replace('"WORDS"', json.dumps(words, ensure_ascii=False), 1)


def _facts(language: str, country: str, allowed: tuple[str, ...]) -> dict[str, object]:
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
        "words": load_locales()[language],
    }


def _page(html: str, policy: str, status: int = 200) -> HTMLResponse:
    return HTMLResponse(html, status, {"Content-Security-Policy": policy})
