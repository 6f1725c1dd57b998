"""What the server writes while it runs, and how it stops: whole processes, real signals."""

import json
import logging
import re
import signal
import socket
import threading
import time
from collections.abc import Callable

import httpx
import pytest

from backbot.operation.logs import JsonLines, PlainLines, known_or_new_id
from operation.conftest import Server


def record(name: str, message: str, *arguments: object, error: Exception | None = None) -> logging.LogRecord:
    made = logging.LogRecord(name, logging.ERROR, __file__, 1, message, arguments, None)
    if error:
        made.exc_info = (type(error), error, error.__traceback__)
    return made


def raised() -> Exception:
    try:
        try:
            int("secretword")
        except ValueError as error:
            raise RuntimeError("secretword again") from error
    except RuntimeError as error:
        return error


@pytest.mark.parametrize("lines", [JsonLines(), PlainLines()])
def test_an_exceptions_text_is_left_out_but_its_kinds_and_places_stay(lines: logging.Formatter):
    line = lines.format(record("uvicorn.error", "Exception in ASGI application\n", error=raised()))
    assert "secretword" not in line
    assert "RuntimeError" in line
    assert "ValueError" in line
    assert "test_logs.py" in line


def test_another_librarys_message_keeps_its_fixed_part_only():
    line = json.loads(JsonLines().format(record("asyncio", "Task failed\nfuture: <ValueError('secretword')>")))
    assert (line["message"], line["logger"], line["level"]) == ("Task failed", "asyncio", "error")
    assert "secretword" not in JsonLines().format(record("library", "asked %s", "secretword"))
    assert json.loads(JsonLines().format(record("backbot.web", "port %d", 7)))["message"] == "port 7"


@pytest.mark.parametrize("sent", ["7f3a", "a-b_c.d", "x" * 64])
def test_an_id_that_came_along_is_kept(sent: str):
    assert known_or_new_id(sent) == sent


@pytest.mark.parametrize("sent", ["", "x" * 65, "a b", "a\r\nSet-Cookie: b", "é", "a;b", "${jndi}"])
def test_an_id_that_is_none_is_replaced(sent: str):
    made = known_or_new_id(sent)
    assert re.fullmatch(r"[0-9a-f]{32}", made)
    assert made != known_or_new_id(sent)


def test_every_request_is_a_json_line_with_its_id_and_without_the_readers_words(start: Callable[..., Server]):
    server = start(BACKBOT_LOG="json")
    answered = server.ask({"turns": ["my secretword hurts", "Should I put ice on it?"]}, **{"X-Request-Id": "trace-1"})
    assert (answered.status_code, answered.headers["x-request-id"]) == (200, "trace-1")
    assert server.ask({"turns": ["secretword " * 10_000]}).status_code == 422
    assert server.ask({"turns": [7]}, **{"X-Request-Id": "two words"}).headers["x-request-id"] != "two words"
    httpx.post(f"{server.address}/api/chat", content=b"{secretword", headers={"Origin": server.address})
    httpx.get(f"{server.address}/articles/secretword?q=secretword", headers={"Referer": "http://secretword"})
    assert server.stop() == 0
    lines = [json.loads(line) for line in server.log]
    assert len(lines) == 5
    assert {(line["route"], line["status"]) for line in lines} == {
        ("chat", 200), ("chat", 422), ("chat", 415), ("article", 404)
    }  # fmt: skip
    assert lines[0]["request_id"] == "trace-1"
    assert lines[0]["ms"] > 0
    assert all(line["request_id"] and line["time"].endswith("+00:00") for line in lines)
    assert "secretword" not in "".join(server.log)
    assert "127.0.0.1" not in "".join(server.log)


def test_sigterm_lets_the_answers_in_flight_end_and_is_no_failure(start: Callable[..., Server]):
    server = start("--no-page")
    server.ask()
    long = {"turns": ["my back hurts when I lift. " * 500 + "Should I put ice or heat on my back?"]}
    answers: list[httpx.Response] = []
    asking = [threading.Thread(target=lambda: answers.append(server.ask(long))) for _ in range(8)]
    for one in asking:
        one.start()
    while not answers:
        time.sleep(0.005)
    in_flight = sum(one.is_alive() for one in asking)
    assert server.stop() == 0
    for one in asking:
        one.join(30)
    assert in_flight > 0
    assert [answer.status_code for answer in answers] == [200] * 8
    assert "backbot has stopped.\n" in server.out
    assert server.log == []


def test_an_open_chat_page_does_not_hold_up_the_stop(start: Callable[..., Server]):
    server = start()
    with httpx.stream("GET", f"{server.address}/gradio_api/heartbeat/abc123", timeout=60) as page:
        assert page.status_code == 200
        assert server.stop() == 0
    # What is cut off after the seconds of grace is logged.
    assert server.log == []


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_before_the_server_is_ready_ends_it_as_well(
    start: Callable[..., Server], how: signal.Signals, workers: str, free_port: int
):
    server = start("--port", str(free_port), "--workers", workers, ready=False)
    while socket.socket().connect_ex(("127.0.0.1", free_port)):
        assert server.process.poll() is None
        time.sleep(0.02)
    assert server.stop(how) == 0
    assert "backbot has stopped.\n" in server.out
    assert server.log == []


def test_a_setting_of_another_kind_is_refused(start: Callable[..., Server]):
    server = start(ready=False, BACKBOT_LOG="xml")
    assert server.process.wait(60) == 2
    assert "BACKBOT_LOG" in "".join(server.log)
