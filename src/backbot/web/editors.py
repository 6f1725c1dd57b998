"""The editors' page: run a suite and watch it, read reports, look inside an answer, mark it, see which reviews are due."""

import base64
import hashlib
import math
import re
from datetime import date
from typing import Any
from urllib.parse import parse_qsl

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from backbot.errors import BackbotError, QuestionInvalid
from backbot.evaluation.articles import Articles
from backbot.evaluation.asking import answer_version
from backbot.evaluation.command import evaluate
from backbot.evaluation.drafts import FAULTS, Mark, draft_case, save_draft
from backbot.evaluation.inside import Inside, look_inside
from backbot.evaluation.report import TEMPLATE as REPORT
from backbot.evaluation.reviews import list_reviews
from backbot.evaluation.running import Runner
from backbot.evaluation.spreadsheet import case_values, to_yaml
from backbot.insights import LEAST, complaints, content_gaps
from backbot.settings import Settings
from backbot.web.answer_html import answer_html
from backbot.web.api import address_of
from backbot.web.articles import TEMPLATES, long_date
from backbot.web.desk import Desk
from backbot.web.limits import Busy, Limits
from backbot.web.security import EDITORS_POLICY, report_policy
from backbot.web.sessions import COOKIE, ENTER, ROOT, SESSION_SECONDS, EditorsGate, Sessions
from backbot.web.words import log_without_words

MAX_FORM_BYTES = 400_000
MAX_TURNS = 50
MOST_SHOWN = 200
"""Articles of one list; the count above it is of all."""

Form = dict[str, str]


def add_editors(app: FastAPI, desk: Desk, settings: Settings, limits: Limits) -> None:
    """Give the application its pages under /editors, behind the editors' password; without a password there are none."""
    if not settings.editor_password.get_secret_value():
        return
    bot, insights = desk.bot, desk.insights
    sessions = Sessions(settings)
    runner = Runner(settings.evals, settings.reports, lambda suite, told: evaluate(suite, settings, told, bot=bot))
    router = APIRouter(prefix=ROOT, include_in_schema=False)
    _add_door(router, sessions)
    _add_runs(router, runner)
    _add_answers(router, desk, runner, limits)

    @router.get("/reviews")
    def show_reviews() -> Response:
        reviews = list_reviews(bot.index.live().content.articles(), date.today())
        return _page("reviews", reviews=reviews, most=MOST_SHOWN, may_link=desk.publisher.may_link)

    @router.get("/readers")
    def show_readers() -> Response:
        if insights is None:
            return _page("readers", insights=None)
        gaps, bad = content_gaps(insights, bot.index.embedder), complaints(insights)
        return _page("readers", insights=insights, gaps=gaps, complaints=bad, least=LEAST)

    app.include_router(router)
    app.add_middleware(EditorsGate, sessions=sessions)


def _add_door(router: APIRouter, sessions: Sessions) -> None:
    @router.get("/enter")
    def show_door() -> Response:
        return _page("enter")

    @router.post("/enter", max_body_size=10_000)
    async def enter(request: Request) -> Response:
        try:
            cookie = await sessions.open((await _form(request)).get("password", ""), address_of(request.scope))
        except Busy as error:
            seconds = error.retry_after
            wait = f"{seconds} seconds" if seconds <= 90 else f"{math.ceil(seconds / 60)} minutes"
            page = _page("enter", 429, fault=f"Too many tries. Wait {wait}, then try again.")
            page.headers["Retry-After"] = str(error.retry_after)
            return page
        if not cookie:
            return _page("enter", 403, fault="That is not the password. Ask whoever runs the server whether it has changed.")
        response = RedirectResponse(ROOT, 303)
        over_tls = request.url.scheme == "https"
        response.set_cookie(COOKIE, cookie, SESSION_SECONDS, path=ROOT, secure=over_tls, httponly=True, samesite="strict")
        return response

    @router.post("/leave", max_body_size=10_000)
    def leave() -> Response:
        response = RedirectResponse(ENTER, 303)
        response.delete_cookie(COOKIE, path=ROOT, httponly=True, samesite="strict")
        return response


def _add_runs(router: APIRouter, runner: Runner) -> None:
    @router.get("")
    @router.get("/")
    def show_runs() -> Response:
        return _runs_page(runner)

    @router.post("/run", max_body_size=10_000)
    async def start_run(request: Request) -> Response:
        name = (await _form(request)).get("suite", "")
        try:
            started = await run_in_threadpool(runner.start, name)
        except BackbotError as error:
            return await run_in_threadpool(_runs_page, runner, 409, str(error))
        if started:
            return RedirectResponse(ROOT, 303)
        fault = "It was not started: another run is under way, or there is no such suite any more."
        return await run_in_threadpool(_runs_page, runner, 409, fault)

    @router.get("/progress")
    def tell_progress() -> Response:
        state = runner.state
        return JSONResponse(
            {"running": state.is_running, "done": state.done, "total": state.total} if state else {"running": False}
        )

    @router.get("/reports/{file}")
    def show_report(file: str) -> Response:
        page = runner.read_report(file)
        if page is None:
            return _page("none", 404)
        return HTMLResponse(page, headers={"Content-Security-Policy": report_policy(_report_script())})


def _add_answers(router: APIRouter, desk: Desk, runner: Runner, limits: Limits) -> None:
    bot = desk.bot

    async def look(form: Form) -> Inside | str:
        """What is inside the answer to the form's question, or why there is none."""
        turns = _turns(form)
        try:
            async with limits.turn():
                return await run_in_threadpool(look_inside, bot, turns[-1], turns[:-1])
        except QuestionInvalid as error:
            return str(error)
        except Busy:
            return "The server is busy with readers' questions. Try again in a moment."
        except Exception as error:
            log_without_words(error)
            return "backbot cannot answer just now. The server's log says why."

    @router.get("/ask")
    def show_form() -> Response:
        return _page("ask", form={})

    @router.post("/ask", max_body_size=MAX_FORM_BYTES)
    async def ask(request: Request) -> Response:
        form = await _form(request)
        return _inside_page(desk, form, await look(form))

    @router.post("/mark", max_body_size=MAX_FORM_BYTES)
    async def mark(request: Request) -> Response:
        form = await _form(request)
        seen = await look(form)
        said = _mark(form)
        if isinstance(seen, str) or said is None:
            return _inside_page(desk, form, seen, "Nothing was saved. Choose what is wrong, then press Wrong.")
        if form.get("answer_version") != answer_version(seen.reply):
            return _inside_page(desk, form, seen, "The answer has changed since you saw it. Look at it again, then mark it.")
        generation = bot.index.live()
        try:
            case = draft_case(
                _turns(form),
                seen.reply,
                Articles(generation.manifest.articles, generation),
                said,
                editor=_line(form, "editor", 80),
                date=date.today().isoformat(),
                fact=_line(form, "fact", 300),
            )
            case, earlier = await run_in_threadpool(save_draft, runner.drafts, case)
        except BackbotError as error:
            return _inside_page(desk, form, seen, str(error))
        text = to_yaml([case_values(case)])
        return _page("marked", case=case, text=text, file=runner.drafts, earlier=earlier)


def _runs_page(runner: Runner, status: int = 200, fault: str = "") -> Response:
    reports = runner.reports()
    latest = {report.suite: report for report in reversed(reports)}
    return _page(
        "runs",
        status,
        fault=fault,
        state=runner.state,
        suites=runner.suites(),
        reports=reports,
        latest=latest,
        today=date.today(),
    )


def _inside_page(desk: Desk, form: Form, seen: Inside | str, fault: str = "") -> Response:
    if isinstance(seen, str):
        return _page("ask", 422, form=form, fault=seen)
    # Readers see only links that lead to the publisher.
    reply = desk.publisher.check(seen.reply)
    # The links say that they open a new tab: in the chat a script sees to it.
    answer = answer_html(reply.triage, reply.sentences, reply, 0).replace(
        'class="bb-open"', 'class="bb-open" target="_blank"'
    )
    version = answer_version(reply)
    return _page("ask", form=form, fault=fault, seen=seen, answer=answer, version=version, faults=FAULTS)


async def _form(request: Request) -> Form:
    """The fields of a form that a page of ours sent; nothing where the body is something else."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        return {}
    body = await request.body()
    try:
        return dict(parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=20))
    except ValueError:
        return {}


def _mark(form: Form) -> Mark | None:
    """What the editor said of the answer; None where the form says nothing that is known."""
    if form.get("verdict") == "right":
        return "right"
    return next((name for name in FAULTS if form.get("verdict") == "wrong" and form.get("fault") == name), None)


def _line(form: Form, name: str, most: int) -> str:
    return " ".join(form.get(name, "").split())[:most]


def _turns(form: Form) -> tuple[str, ...]:
    """The reader's messages: the earlier ones, one a line, then the question."""
    earlier = [line.strip() for line in form.get("earlier", "").splitlines() if line.strip()]
    return (*earlier[-MAX_TURNS:], form.get("question", "").strip())


def _report_script() -> str:
    """The SHA-256 of the report's one script, as a policy names it. It is the template's own: no run can change it."""
    (script,) = re.findall(r"<script>(.*?)</script>", REPORT.read_text("utf-8"), re.S)
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _page(name: str, status: int = 200, fault: str = "", **values: Any) -> HTMLResponse:
    html = TEMPLATES.get_template(f"editors/{name}.html").render(long_date=long_date, fault=fault, **values)
    return HTMLResponse(html, status, {"Content-Security-Policy": EDITORS_POLICY})
