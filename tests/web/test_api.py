"""The API over HTTP: answers, streams, refusals, and who may call."""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from backbot.bot import Bot
from backbot.web.limits import Busy, Limits
from backbot.web.server import create_app

SITE = "https://health.example"
QUESTION = {"turns": ["Should I put ice or heat on my back?"]}


@pytest.fixture(scope="module")
def address(bot: Bot, serve_app: Callable[..., str]) -> str:
    settings = bot.settings.model_copy(update={"allowed_origins": f"{SITE}, http://localhost:9999"})
    return serve_app(create_app(bot, settings))


@pytest.fixture
def client(address: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address, headers={"Origin": SITE, "Accept": "application/json"}, timeout=60) as client:
        yield client


def events(response: httpx.Response) -> list[tuple[str, Any]]:
    found = []
    for piece in response.text.strip().split("\n\n"):
        name, data = piece.split("\n", 1)
        found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found


def test_a_question_is_answered_as_json(client: httpx.Client):
    response = client.post("/api/chat", json=QUESTION)
    assert response.status_code == 200
    reply = response.json()
    assert reply["outcome"] == "answered"
    assert reply["citations"][0]["article"] == "heat-vs-cold"


def test_a_question_is_answered_as_a_stream_triage_first(client: httpx.Client):
    response = client.post("/api/chat", json=QUESTION, headers={"Accept": "text/event-stream"})
    assert response.headers["content-type"].startswith("text/event-stream")
    parts = events(response)
    names = [name for name, _ in parts]
    assert names == ["triage", *["sentence"] * (len(names) - 2), "reply"]
    assert [data for name, data in parts if name == "sentence"] == parts[-1][1]["sentences"]


def test_an_emergency_is_referred_with_the_numbers_of_the_country(client: httpx.Client):
    reply = client.post("/api/chat", json={"turns": ["numb between my legs and I can't pee"], "country": "gb"}).json()
    assert reply["outcome"] == "referred"
    assert reply["triage"]["contacts"][0]["number"] == "999"


def test_follow_ups_are_understood_from_the_turns_alone(client: httpx.Client):
    turns = ["Is a cold pack good for my back?", "and how long should I leave it on?"]
    assert "cold pack" in client.post("/api/chat", json={"turns": turns}).json()["question"].lower()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"turns": []}, 422),
        ({"turns": ["secretword"] * 51}, 422),
        ({"turns": [7]}, 422),
        ({"turns": "secretword"}, 422),
        ({"turns": ["secretword"], "country": "secretword"}, 422),
        ({"turns": ["secretword"], "system_prompt": "secretword"}, 422),
        ({"turns": ["secretword " * 20_000]}, 422),
        ({"turns": ["?!"]}, 422),
        (["secretword"], 422),
    ],
)
def test_a_body_that_does_not_fit_is_refused_and_not_sent_back(client: httpx.Client, body: Any, status: int):
    response = client.post("/api/chat", json=body)
    assert response.status_code == status
    assert set(response.json()) == {"error", "message"}
    assert "secretword" not in response.text


def test_a_body_that_is_not_json_is_refused(client: httpx.Client):
    broken = client.post("/api/chat", content=b'{"turns": [secretword', headers={"Content-Type": "application/json"})
    assert (broken.status_code, broken.json()["error"]) == (400, "not-json")
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        assert client.post("/api/chat", content=b"{}", headers={"Content-Type": kind}).status_code == 415


def test_a_body_that_is_too_large_is_refused(client: httpx.Client):
    body = json.dumps({"turns": ["x" * 99_000] * 30}).encode()
    headers = {"Content-Type": "application/json"}
    for content in (body, (body[at : at + 65_536] for at in range(0, len(body), 65_536))):
        response = client.post("/api/chat", content=content, headers=headers)
        assert response.status_code == 413
        assert set(response.json()) == {"error", "message"}


def test_the_chat_page_takes_no_endless_body(address: str):
    for content in (b"x" * 1_000_001, iter([b"{}"])):
        assert (
            httpx.post(f"{address}/gradio_api/queue/join", content=content, headers={"Origin": address}).status_code == 413
        )


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "https://health.example.evil.com",
        "https://evilhealth.example",
        "https://HEALTH.example",
        "https://health.example:8443",
        "http://health.example",
        "https://health.example/",
        "https://user@health.example",
        "https://xn--health-9za.example",
        "null",
        "",
        "*",
        "http://localhost",
        "http://localhost:9998",
        "https://health.example https://evil.example",
    ],
)
def test_an_origin_that_is_not_listed_is_refused(client: httpx.Client, origin: str):
    for method, path in (
        ("POST", "/api/chat"),
        ("GET", "/api/suggestions"),
        ("OPTIONS", "/api/chat"),
        ("POST", "/api/feedback"),
    ):
        response = client.request(method, path, json=QUESTION, headers={"Origin": origin})
        assert response.status_code == 403
        assert "access-control-allow-origin" not in response.headers


def test_a_call_that_names_no_origin_is_refused(address: str):
    assert httpx.post(f"{address}/api/chat", json=QUESTION).status_code == 403
    assert httpx.post(f"{address}/api/chat", json=QUESTION, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    same = httpx.get(f"{address}/api/suggestions", headers={"Sec-Fetch-Site": "same-origin"})
    assert (same.status_code, len(same.json())) == (200, 4)


def test_a_listed_origin_and_only_it_may_read_the_answer(client: httpx.Client):
    response = client.post("/api/chat", json=QUESTION)
    assert response.headers["access-control-allow-origin"] == SITE
    assert "access-control-allow-credentials" not in response.headers
    assert "origin" in response.headers["vary"].lower()
    asked_first = client.options("/api/chat", headers={"Access-Control-Request-Method": "POST"})
    assert asked_first.status_code == 204
    assert asked_first.headers["access-control-allow-headers"] == "content-type"


@pytest.mark.parametrize("host", ["bot.example", "127.0.0.1"])
def test_the_chat_page_answers_no_other_site(address: str, host: str):
    headers = {"Host": host, "Origin": "https://evil.example"}
    for path in ("/gradio_api/queue/join", "/gradio_api/queue/data?session_hash=a"):
        method = "POST" if "join" in path else "GET"
        response = httpx.request(method, address + path, headers=headers, json={} if method == "POST" else None)
        assert response.status_code == 403
        assert not [name for name in response.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    "path",
    [
        "/config", "/info", "/gradio_api/info", "/gradio_api/openapi.json", "/gradio_api/upload", "/gradio_api/file=/etc/passwd",
        "/gradio_api/proxy=http://127.0.0.1/", "/gradio_api/deep_link", "/file/etc/passwd", "/monitoring", "/login", "/docs",
        "/gradio_api/startup-events", "/gradio_api/run/predict", "/static/../../etc/passwd", "/gradio_api/vibe-code/",
        "/assets/..%2f..%2fetc/passwd", "/svelte/x", "/robots.txt",
    ],
)  # fmt: skip
def test_what_the_chat_page_does_not_need_is_closed(address: str, path: str):
    for method in ("GET", "POST"):
        assert httpx.request(method, address + path, headers={"Origin": address}).status_code == 404


def test_too_many_questions_are_told_to_wait(bot: Bot, serve_app: Callable[..., str]):
    address = serve_app(create_app(bot, bot.settings.model_copy(update={"rate_per_address": "2/minute"})))
    answers = [httpx.post(f"{address}/api/chat", json=QUESTION, headers={"Origin": address}, timeout=60) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    seconds = int(answers[-1].headers["retry-after"])
    assert seconds in range(1, 61)
    assert set(answers[-1].json()) == {"error", "message"}


EMERGENCY = {"turns": ["Is heat good?", "numb between my legs and I can't pee"], "country": "GB"}


def test_an_emergency_is_referred_however_many_questions_came_before(bot: Bot, serve_app: Callable[..., str]):
    address = serve_app(create_app(bot, bot.settings.model_copy(update={"rate_per_address": "1/minute"})))
    with httpx.Client(base_url=address, headers={"Origin": address}, timeout=60) as client:
        assert client.post("/api/chat", json=QUESTION).status_code == 200
        referred = client.post("/api/chat", json=EMERGENCY)
        assert [name for name, _ in events(referred)] == ["triage", "reply"]
        assert events(referred)[0][1]["contacts"][0]["number"] == "999"
        # Three times the rate is the end: nothing is read any more.
        assert client.post("/api/chat", json=QUESTION).json()["error"] == "too-many"
        assert client.post("/api/chat", json=EMERGENCY).status_code == 429
        assert client.post("/gradio_api/queue/join", json={}).status_code == 429


def test_an_emergency_is_referred_while_no_place_is_free(
    bot: Bot, serve_app: Callable[..., str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("backbot.web.limits.WAIT_SECONDS", 0.1)
    monkeypatch.setattr(Limits, "turn", no_place)
    address = serve_app(create_app(bot, bot.settings))
    with httpx.Client(base_url=address, headers={"Origin": address, "Accept": "application/json"}, timeout=60) as client:
        assert client.post("/api/chat", json=QUESTION).status_code == 503
        assert client.post("/api/chat", json=EMERGENCY).json()["outcome"] == "referred"
        long = {"turns": ["numb between my legs and I can't pee. " + "x " * 40_000]}
        assert client.post("/api/chat", json=long).json()["outcome"] == "referred"


@asynccontextmanager
async def no_place(_: Limits) -> AsyncIterator[None]:
    raise Busy(5, is_reader=False)
    yield


def test_the_article_that_is_open_lends_its_subject_by_id_or_address(client: httpx.Client, address: str):
    body = {"turns": ["Is this safe in pregnancy?"]}
    alone = client.post("/api/chat", json=body).json()["question"]
    for context in (
        "heat-vs-cold",
        " heat-vs-cold ",
        f"{address}/articles/heat-vs-cold#how-long",
        f"{address}/articles/heat-vs-cold/",
    ):
        named = client.post("/api/chat", json={**body, "context": context}).json()["question"]
        assert "heat" in named.lower()
        assert "heat" not in alone.lower()


@pytest.mark.parametrize(
    "context",
    [
        "",
        "none",
        "https://evil.example/x",
        "../../etc/passwd",
        "javascript:alert(1)",
        "x" * 2_000,
        "heat\x00",
        "https://[",
        "'; --",
    ],
)
def test_a_context_that_is_no_article_is_passed_over(client: httpx.Client, context: str):
    body = {"turns": ["Is this safe in pregnancy?"]}
    assert client.post("/api/chat", json={**body, "context": context}).json() == client.post("/api/chat", json=body).json()


@pytest.mark.parametrize("context", [7, None, ["heat-vs-cold"], "x" * 2_001])
def test_a_context_that_is_no_address_is_refused(client: httpx.Client, context: Any):
    assert client.post("/api/chat", json={**QUESTION, "context": context}).status_code == 422


def test_feedback_takes_no_words(client: httpx.Client):
    assert (
        client.post("/api/feedback", json={"verdict": "down", "reason": "wrong", "articles": ["heat-vs-cold"]}).status_code
        == 204
    )
    assert client.post("/api/feedback", json={"verdict": "down", "comment": "my words"}).status_code == 422
    assert client.post("/api/feedback", json={"verdict": "down", "articles": ["<b>"]}).status_code == 422


@pytest.mark.parametrize(
    "path",
    ["/", "/articles/heat-vs-cold", "/articles/none", "/privacy", "/healthz", "/embed", "/demo", "/owners", "/widget.js"],
)
def test_every_answer_carries_the_security_headers(client: httpx.Client, path: str):
    headers = client.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "frame-ancestors" in headers["content-security-policy"]
    assert "unsafe-eval" not in headers["content-security-policy"]
    assert "x-frame-options" not in headers
    assert "permissions-policy" in headers


def test_only_the_widgets_page_may_be_framed_and_only_by_listed_sites(client: httpx.Client):
    assert f"frame-ancestors 'self' {SITE} http://localhost:9999" in client.get("/embed").headers["content-security-policy"]
    assert "frame-ancestors 'none'" in client.get("/").headers["content-security-policy"]


def test_files_and_pages_are_compressed_and_answers_are_not(client: httpx.Client):
    for path in ("/", "/widget.js", "/embed", "/backbot/embed.js"):
        answer = client.get(path)
        assert answer.headers["content-encoding"] == "gzip"
        assert "accept-encoding" in answer.headers["vary"].lower()
        assert "content-encoding" not in client.get(path, headers={"Accept-Encoding": "identity"}).headers
    for kind in ("application/json", "text/event-stream"):
        assert "content-encoding" not in client.post("/api/chat", json=QUESTION, headers={"Accept": kind}).headers
    assert "content-encoding" not in client.get("/articles/heat-vs-cold").headers
