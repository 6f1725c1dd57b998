"""The editors' page: who gets in, what can be run and read, and that nothing written by others acts in it."""

import asyncio
import re
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect
from pydantic import SecretStr

from backbot.bot import Bot
from backbot.evaluation.suite import load_suite
from backbot.web.limits import Busy
from backbot.web.server import create_app
from backbot.web.sessions import COOKIE, SESSION_SECONDS, TRIES, Sessions
from web.test_accessibility import faults

PASSWORD = "a long pässword: of editors"
COLD = "How long should I leave a cold pack on?"
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'</textarea></pre>{{7*7}}"

SUITE = """suite: Small <b>bold</b>
owner: Ann & Bob
review_by: 2020-01-01
margin: 0.7
gate: {passed: 1.0}
cases:
  - {id: cold, ask: How long should I leave a cold pack on?, expect: answer, cite: {any_of: [heat-vs-cold]}}
  - {id: capital, ask: what is the capital of France, expect: decline}
  - {id: bread, ask: how do I bake sourdough bread, expect: decline}
  - {id: numb, ask: numb between my legs and I can't pee, expect: emergency}
  - id: hostile
    ask: "<script>alert(1)</script><img src=x onerror=alert(2)>"
    topic: "</script><script>alert(3)</script>"
    expect: decline
"""

Serve = Callable[..., str]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Holds `evals`, with one good suite and two with a slip, and `reports`."""
    folder = tmp_path_factory.mktemp("editors")
    (folder / "evals").mkdir()
    (folder / "evals" / "small.yaml").write_text(SUITE)
    (folder / "evals" / "slip.yaml").write_text("suite: s\ncases:\n  - {id: a, ask: x, expct: answer}\n")
    (folder / "evals" / "id.yaml").write_text("suite: s\ncases:\n  - {id: '<img src=x>', ask: x, expect: answer}\n")
    (folder / "secret.yaml").write_text(SUITE)
    return folder


def app_of(bot: Bot, folder: Path, password: str = PASSWORD):  # type: ignore[no-untyped-def]
    chosen = {"editor_password": SecretStr(password), "evals": folder / "evals", "reports": folder / "reports"}
    return create_app(bot, bot.settings.model_copy(update=chosen))


@pytest.fixture(scope="module")
def address(bot: Bot, folder: Path, serve_app: Serve) -> str:
    return serve_app(app_of(bot, folder))


@pytest.fixture(scope="module")
def cookie(address: str) -> str:
    entered = httpx.post(f"{address}/editors/enter", data={"password": PASSWORD}, headers={"Origin": address})
    assert (entered.status_code, entered.headers["location"]) == (303, "/editors")
    return entered.headers["set-cookie"]


@pytest.fixture
def editor(address: str, cookie: str) -> Iterator[httpx.Client]:
    """A client that is an editor's browser, as far as the server can tell."""
    name, _, value = cookie.partition(";")[0].partition("=")
    with httpx.Client(base_url=address, headers={"Origin": address}, cookies={name: value}, timeout=60) as client:
        yield client


def version_on(page: str) -> str:
    found = re.search(r'name="answer_version" value="([0-9a-f]{8})"', page)
    assert found
    return found[1]


def run_to_its_end(editor: httpx.Client, suite: str) -> str:
    assert editor.post("/editors/run", data={"suite": suite}).status_code == 303
    for _ in range(600):
        if not editor.get("/editors/progress").json()["running"]:
            return editor.get("/editors").text
        time.sleep(0.05)
    raise AssertionError("the run did not end")


def test_without_a_password_there_is_no_such_page(site: str):
    for path in ("/editors", "/editors/", "/editors/enter", "/editors/ask", "/editors/reports/x"):
        assert httpx.get(site + path).status_code == 404
        assert httpx.post(site + path, data={"password": ""}, headers={"Origin": site}).status_code == 404


@pytest.mark.parametrize("path", ["", "/", "/ask", "/reviews", "/readers", "/progress", "/reports/x", "/none"])
def test_nobody_sees_a_page_without_a_session(address: str, path: str):
    ended = f"{int(time.time()) - 1}.{'0' * 64}"
    later = f"{int(time.time()) + 999}.{'0' * 64}"
    for value in ("", "x", ".", ended, later, "é.é", "9" * 5000):
        headers = {"Cookie": f"{COOKIE}={value}".encode()}
        answer = httpx.get(f"{address}/editors{path}", headers=headers)
        assert (answer.status_code, answer.headers["location"]) == (303, "/editors/enter")
        assert answer.text == ""


def test_no_form_is_taken_without_a_session(address: str, folder: Path):
    for path in ("run", "ask", "mark", "leave"):
        answer = httpx.post(f"{address}/editors/{path}", data={"suite": "small"}, headers={"Origin": address})
        assert (answer.status_code, answer.headers["location"]) == (303, "/editors/enter")
    assert not (folder / "reports").exists()


def test_the_cookie_is_for_this_server_alone_and_no_script_reads_it(cookie: str):
    parts = {part.strip().lower() for part in cookie.split(";")}
    assert {"httponly", "samesite=strict", "path=/editors", f"max-age={SESSION_SECONDS}"} <= parts


def test_over_tls_the_cookie_is_never_sent_without(bot: Bot, folder: Path):
    from starlette.testclient import TestClient

    client = TestClient(app_of(bot, folder), base_url="https://bot.example", follow_redirects=False)
    entered = client.post("/editors/enter", data={"password": PASSWORD}, headers={"Origin": "https://bot.example"})
    assert "; Secure" in entered.headers["set-cookie"]


@pytest.mark.parametrize(
    "password", ["", "wrong", PASSWORD + " ", PASSWORD[:-1], PASSWORD.upper(), "\ud83d".encode("utf-8", "replace")]
)
def test_a_wrong_password_opens_nothing_and_too_many_are_told_to_wait(
    bot: Bot, folder: Path, serve_app: Serve, password: str
):
    address = serve_app(app_of(bot, folder))
    tries = int(TRIES[0].partition("/")[0])

    def enter(password: str | bytes) -> httpx.Response:
        return httpx.post(f"{address}/editors/enter", data={"password": password}, headers={"Origin": address})

    for _ in range(tries):
        answer = enter(password)
        assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)
        assert "That is not the password" in answer.text
    # The right one has to wait as well: else a machine could go on guessing.
    answer = enter(PASSWORD)
    assert (answer.status_code, "set-cookie" in answer.headers) == (429, False)
    assert int(answer.headers["retry-after"]) in range(1, 61)


def test_a_long_wait_is_told_in_minutes(bot: Bot, folder: Path, monkeypatch: pytest.MonkeyPatch):
    from starlette.testclient import TestClient

    async def refuse(*_: object) -> str:
        raise Busy(3_239, is_reader=True)

    monkeypatch.setattr(Sessions, "open", refuse)
    client = TestClient(app_of(bot, folder), base_url="http://bot.example", headers={"Origin": "http://bot.example"})
    answer = client.post("/editors/enter", data={"password": PASSWORD})
    assert "Wait 54 minutes" in answer.text
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "3239")


def test_another_password_ends_every_session(bot: Bot, cookie: str):
    value = cookie.partition(";")[0].partition("=")[2]
    assert Sessions(bot.settings.model_copy(update={"editor_password": SecretStr(PASSWORD)})).is_open(value)
    assert not Sessions(bot.settings.model_copy(update={"editor_password": SecretStr(PASSWORD + "2")})).is_open(value)
    ends, _, signature = value.partition(".")
    assert not Sessions(bot.settings.model_copy(update={"editor_password": SecretStr(PASSWORD)})).is_open(
        f"{int(ends) + 1}.{signature}"
    )


def finish(work: Coroutine[object, object, str]) -> str:
    """What the coroutine gives, run in a thread of its own: Playwright's tests leave a running loop in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


def test_a_session_ends_by_itself(bot: Bot, monkeypatch: pytest.MonkeyPatch):
    sessions = Sessions(bot.settings.model_copy(update={"editor_password": SecretStr(PASSWORD)}))
    assert sessions.is_open(finish(sessions.open(PASSWORD, "192.0.2.1")))
    monkeypatch.setattr("backbot.web.sessions.SESSION_SECONDS", -1)
    ended = finish(sessions.open(PASSWORD, "192.0.2.1"))
    assert ended
    assert not sessions.is_open(ended)


def test_one_address_that_guesses_keeps_no_other_out(bot: Bot):
    sessions = Sessions(bot.settings.model_copy(update={"editor_password": SecretStr(PASSWORD)}))

    async def guess() -> str:
        for _ in range(int(TRIES[0].partition("/")[0])):
            assert not await sessions.open("wrong", "192.0.2.1")
        with pytest.raises(Busy):
            await sessions.open(PASSWORD, "192.0.2.1")
        return await sessions.open(PASSWORD, "192.0.2.2")

    assert sessions.is_open(finish(guess()))


@pytest.mark.parametrize("path", ["enter", "run", "ask", "mark", "leave"])
def test_a_form_of_another_site_is_refused_with_the_cookie_and_the_password(editor: httpx.Client, path: str):
    form = {"password": PASSWORD, "suite": "small", "question": COLD, "verdict": "wrong"}
    for headers in (
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "http://localhost"},
    ):
        answer = editor.post(f"/editors/{path}", data=form, headers=headers)
        assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)
    del editor.headers["Origin"]
    assert editor.post(f"/editors/{path}", data=form, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403


def test_every_page_carries_the_strict_policy(editor: httpx.Client):
    for path in ("", "/ask", "/reviews", "/readers", "/enter"):
        headers = editor.get(f"/editors{path}").headers
        assert "default-src 'none'; script-src 'self'; style-src 'self'" in headers["content-security-policy"]
        assert "form-action 'self'" in headers["content-security-policy"]
        assert headers["cache-control"] == "no-store"
        assert "access-control-allow-origin" not in headers


def test_a_suite_is_run_watched_and_its_report_read(editor: httpx.Client, folder: Path):
    page = editor.get("/editors").text
    assert "Small &lt;b&gt;bold&lt;/b&gt;" in page
    assert "<b>bold" not in page
    assert "the id &#39;&lt;img src=x&gt;&#39; cannot be used" in page
    assert "<img" not in page
    assert "owner: Ann &amp; Bob, to be looked at again by 2020-01-01" in page
    assert "line 3: `expct` is no key of a case. Did you mean `expect`?" in page
    page = run_to_its_end(editor, "small")
    links = re.findall(r'href="(/editors/reports/[^"]+)"', page)
    assert re.fullmatch(r"/editors/reports/small\.\d{8}-\d{6}\.pass\.html", links[0])
    report = editor.get(links[0])
    assert "PASS: all 1 lines of the gate held over 5 cases." in report.text
    policy = report.headers["content-security-policy"]
    assert "sandbox allow-scripts" in policy
    assert "script-src 'sha256-" in policy
    assert "'unsafe-inline'; img-src" in policy
    assert "<script>alert" not in report.text
    assert (folder / "reports" / links[0].rpartition("/")[2].replace(".html", ".json")).is_file()


def test_while_the_report_is_written_the_page_says_so(
    editor: httpx.Client, browser: Browser, address: str, monkeypatch: pytest.MonkeyPatch
):
    from backbot.evaluation import running

    go, write = threading.Event(), running.render_report

    def write_later(*run: Any) -> str:
        assert go.wait(30)
        return write(*run)

    monkeypatch.setattr(running, "render_report", write_later)
    assert editor.post("/editors/run", data={"suite": "small"}).status_code == 303
    context = browser.new_context()
    context.add_cookies([{"name": COOKIE, "value": editor.cookies[COOKIE], "url": f"{address}/editors"}])
    page = context.new_page()
    page.goto(f"{address}/editors")
    try:
        expect(page.get_by_role("status")).to_have_text("All are asked. Writing the report.")
        assert "Writing the report." in editor.get("/editors").text
    finally:
        go.set()
    expect(page.get_by_role("link", name="Read the report")).to_be_visible()
    context.close()


@pytest.mark.parametrize(
    "name",
    [
        "",
        "none",
        "slip/../small",
        "../secret",
        "..%2fsecret",
        "/etc/passwd",
        "small.yaml",
        "SMALL",
        "small\x00",
        "a" * 5_000,
        HOSTILE,
    ],
)
def test_only_listed_suites_are_run(editor: httpx.Client, name: str):
    answer = editor.post("/editors/run", data={"suite": name})
    assert answer.status_code == 409
    assert "no such suite" in answer.text
    assert "<script>alert" not in answer.text


def test_a_suite_with_a_slip_says_so_when_it_is_run(editor: httpx.Client):
    assert "line 3: `expct`" in run_to_its_end(editor, "slip")


@pytest.mark.parametrize(
    "path",
    ["none", "..%2fevals%2fsmall.yaml", "%2e%2e/evals/small.yaml", "..%5csecret.yaml", "running.json", "%00", "small.20260101-000000.pass.html", "x" * 5000],
)  # fmt: skip
def test_only_listed_reports_are_read(editor: httpx.Client, path: str):
    answer = editor.get(f"/editors/reports/{path}")
    assert answer.status_code == 404
    assert "suite:" not in answer.text


def test_an_answer_is_seen_from_inside(editor: httpx.Client):
    page = editor.post("/editors/ask", data={"question": COLD, "earlier": ""}).text
    for words in (
        "What the reader sees",
        "Leave a cold pack on for 15 to 20 minutes",
        "BM25",
        "cosine",
        "Shown.",
        "margin +",
        "Outcome: <strong>answered",
    ):
        assert words.lower() in page.lower(), words
    follow_up = editor.post(
        "/editors/ask", data={"question": "and how long?", "earlier": "Is a cold pack good for me?"}
    ).text
    assert re.search("Searched: “[^”]*cold pack", follow_up, re.I)
    emergency = editor.post("/editors/ask", data={"question": "numb between my legs and I can't pee"}).text
    assert re.search("\\(emergency\\), because of “[^”]*numb", emergency)
    assert "nothing is searched" in emergency


@pytest.mark.parametrize("question", ["", "?!", "x" * 30_000, HOSTILE, "a\x00b\ud7ff", "🙂" * 50])
def test_a_bad_question_is_answered_with_a_page(editor: httpx.Client, question: str):
    answer = editor.post("/editors/ask", data={"question": question, "earlier": question})
    assert answer.status_code in (200, 422)
    assert "<script>alert" not in answer.text
    assert "<img" not in answer.text
    assert "Look inside an answer" in answer.text


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"question=" + b"x" * 500_000, "application/x-www-form-urlencoded", 413),
        (b'{"question": "hi"}', "application/json", 422),
        (b"\xff\xfe\x00", "application/x-www-form-urlencoded", 422),
        (b"a=1&" * 1000, "application/x-www-form-urlencoded", 422),
        (b"", "multipart/form-data; boundary=x", 422),
    ],
)
def test_a_body_that_is_no_form_of_ours_is_refused(editor: httpx.Client, content: bytes, kind: str, status: int):
    assert editor.post("/editors/ask", content=content, headers={"Content-Type": kind}).status_code == status


def test_a_mark_becomes_a_draft_that_can_be_run(editor: httpx.Client, folder: Path):
    version = version_on(editor.post("/editors/ask", data={"question": COLD}).text)
    form = {"question": COLD, "earlier": "", "answer_version": version, "verdict": "right", "editor": " Ann  <b> "}
    assert (
        editor.post("/editors/mark", data={**form, "answer_version": "00000000"}).text.count("has changed since you saw it")
        == 1
    )
    assert editor.post("/editors/mark", data={**form, "verdict": "great"}).status_code == 200
    assert not (folder / "evals" / "drafts.yaml").exists()
    saved = editor.post("/editors/mark", data=form).text
    assert "Ann &lt;b&gt;" in saved
    assert "marked before" not in saved
    assert (
        "marked <strong>right</strong> by Ann &lt;b&gt; on"
        in editor.post("/editors/mark", data={**form, "editor": "Bea"}).text
    )
    assert "marked <strong>right</strong> by Bea on" in editor.post("/editors/mark", data=form).text
    version = version_on(editor.post("/editors/ask", data={"question": HOSTILE}).text)
    wrong = {"question": HOSTILE, "answer_version": version, "verdict": "wrong", "fact": HOSTILE}
    for fault in ("", "right", "nonsense"):
        assert "Choose what is wrong" in editor.post("/editors/mark", data={**wrong, "fault": fault}).text
    marked = editor.post("/editors/mark", data={**wrong, "fault": "declined"}).text
    assert "Saved" in marked
    assert "<script>alert" not in marked
    first, beas, second = load_suite(folder / "evals" / "drafts.yaml").cases
    assert (first.expect, first.checked_by.verdict, first.checked_by.editor) == ("answer", "right", "Ann <b>")
    assert (beas.asks, beas.checked_by.editor) == (first.asks, "Bea")
    assert "heat-vs-cold" in first.any_of
    assert (second.asks[0][0], second.checked_by.verdict) == (HOSTILE, "wrong")
    assert "drafts.yaml, 3 cases" in editor.get("/editors").text
    assert "NOT ENOUGH CASES" in run_to_its_end(editor, "drafts")


def test_a_draft_that_cannot_be_saved_is_said_and_nothing_breaks(bot: Bot, folder: Path, tmp_path: Path):
    from starlette.testclient import TestClient

    (tmp_path / "evals").write_text("a file where a folder should be")
    (tmp_path / "reports").write_text("")
    client = TestClient(app_of(bot, tmp_path), base_url="http://bot.example", headers={"Origin": "http://bot.example"})
    client.post("/editors/enter", data={"password": PASSWORD})
    version = version_on(client.post("/editors/ask", data={"question": COLD}).text)
    said = client.post("/editors/mark", data={"question": COLD, "answer_version": version, "verdict": "right"})
    assert "cannot be saved" in said.text
    assert "There is no suite yet" in client.get("/editors").text
    (tmp_path / "evals").unlink()
    (tmp_path / "evals").mkdir()
    (tmp_path / "evals" / "small.yaml").write_text(SUITE)
    refused = client.post("/editors/run", data={"suite": "small"})
    assert (refused.status_code, "BACKBOT_REPORTS" in refused.text) == (409, True)


def test_what_readers_miss_is_shown_only_where_it_is_kept(editor: httpx.Client, bot: Bot, folder: Path, tmp_path: Path):
    from starlette.testclient import TestClient

    from backbot.insights import LEAST, open_insights

    assert "Nothing is kept of what readers ask" in editor.get("/editors/readers").text
    chosen = {
        "editor_password": SecretStr(PASSWORD), "evals": folder / "evals", "reports": tmp_path,
        "insights": True, "insights_file": str(tmp_path / "insights.sqlite"),
    }  # fmt: skip
    settings = bot.settings.model_copy(update=chosen)
    insights = open_insights(settings)
    assert insights
    reply = bot.reply("how do I bake sourdough bread")
    for n in range(LEAST):
        words = f"{'please ' * n}how do I bake sourdough bread"
        insights.keep_declined(replace(reply, question=words), bot.index.live().words)
        insights.keep_fault("not-my-question", ["heat-vs-cold"])
    client = TestClient(create_app(bot, settings), base_url="http://bot.example", headers={"Origin": "http://bot.example"})
    client.post("/editors/enter", data={"password": PASSWORD})
    page = client.get("/editors/readers").text
    assert re.search(r"bake [^<]*bread<br><span class=\"soft\">5 questions on 1 day<", page)
    assert "5 times: not my question" in page


def test_leaving_takes_the_cookie_away(editor: httpx.Client):
    left = editor.post("/editors/leave")
    assert left.headers["location"] == "/editors/enter"
    assert f"{COOKIE}=" in left.headers["set-cookie"]
    assert "Max-Age=0" in left.headers["set-cookie"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_editors_day_in_a_browser(browser: Browser, address: str, scheme: str):
    context = browser.new_context(viewport={"width": 320, "height": 640}, color_scheme=scheme, reduced_motion="reduce")
    errors: list[str] = []
    context.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page = context.new_page()

    def is_fine() -> None:
        assert faults(page.main_frame) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= 320

    page.goto(f"{address}/editors")
    expect(page.get_by_label("Password")).to_be_focused()
    is_fine()
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Runs and reports")).to_be_visible()
    is_fine()
    page.get_by_role("button", name="Run").last.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Read the report")).to_be_visible()
    is_fine()
    page.get_by_role("link", name="Look inside an answer").click()
    page.get_by_label("Question, as a reader").fill(COLD)
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Passages found")).to_be_visible()
    is_fine()
    fact = page.get_by_label("Words that a right answer must say")
    fact.fill("until it feels better")
    fact.press("Enter")
    page.get_by_label("If it is wrong").select_option(label="The article is right, the sentences are not")
    page.get_by_role("button", name="Wrong").click()
    expect(page.get_by_role("heading", name="Saved")).to_be_visible()
    # Not "right", by the Enter key in the line before.
    expect(page.get_by_text("verdict: wrong")).to_be_visible()
    is_fine()
    page.get_by_role("link", name="Reviews due").click()
    expect(page.get_by_role("heading", name=re.compile("Overdue"))).to_be_visible()
    is_fine()
    page.get_by_role("link", name="What readers miss").click()
    expect(page.get_by_text("Nothing is kept of what readers ask")).to_be_visible()
    is_fine()
    page.get_by_role("link", name="Runs and reports").click()
    page.get_by_role("link", name="Latest report").last.click()
    expect(page.get_by_role("heading", name="The gate")).to_be_visible()
    page.get_by_label("Topic").select_option(index=1)
    expect(page.get_by_text("1 case shown")).to_be_visible()
    # Nothing of the report is cut off on a phone, whatever is opened.
    page.evaluate("document.querySelectorAll('details').forEach(part => { part.open = true; })")
    cut = "[...document.querySelectorAll('.scroll')].filter(t => t.scrollWidth > t.clientWidth).map(t => t.ariaLabel)"
    assert page.evaluate(cut) == []
    is_fine()
    context.close()
    assert errors == []


@pytest.fixture
def without_scripts(browser: Browser, address: str) -> Iterator[Page]:
    context = browser.new_context(java_script_enabled=False)
    yield context.new_page()
    context.close()


def test_everything_works_without_javascript(without_scripts: Page, address: str):
    page = without_scripts
    page.goto(f"{address}/editors")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Enter").click()
    page.get_by_role("button", name="Run").last.click()
    expect(page.get_by_role("link", name="Read the report")).to_be_visible()
    page.get_by_role("button", name="Leave").click()
    expect(page.get_by_label("Password")).to_be_visible()
    page.goto(f"{address}/editors/reviews")
    expect(page.get_by_label("Password")).to_be_visible()
