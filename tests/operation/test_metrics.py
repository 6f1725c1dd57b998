"""The figures of a running server, as Prometheus reads them; no word of a reader is among them."""

from collections.abc import Callable

import httpx
import pytest
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from backbot.bot import Bot
from backbot.errors import QuestionInvalid, ServerUnavailable
from backbot.operation.metrics import serve_metrics, watch
from operation.conftest import Server

THUMB = {"verdict": "down", "reason": "wrong", "articles": ["secretword"]}


def figures(text: str) -> dict[tuple[str, ...], float]:
    """Values by name and labels' values."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def count(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


@pytest.mark.parametrize(
    ("question", "level", "outcome"),
    [
        ("Should I put ice or heat on my back?", "none", "answered"),
        ("What is the capital of France?", "none", "declined"),
        ("I am numb between my legs and cannot pee", "emergency", "referred"),
    ],
)
def test_a_question_is_counted_by_level_and_outcome_and_timed_by_stage(bot: Bot, question: str, level: str, outcome: str):
    before = count("backbot_triage_total", level=level), count("backbot_questions_total", outcome=outcome)
    stages = [count("backbot_stage_seconds_count", stage=stage) for stage in ("triage", "first_sentence", "whole")]
    parts = list(watch(bot.stream(question)))
    assert len(parts) >= 2
    assert (count("backbot_triage_total", level=level), count("backbot_questions_total", outcome=outcome)) == (
        before[0] + 1,
        before[1] + 1,
    )
    answered = int(outcome == "answered")
    assert [count("backbot_stage_seconds_count", stage=stage) for stage in ("triage", "first_sentence", "whole")] == [
        stages[0] + 1,
        stages[1] + answered,
        stages[2] + 1,
    ]


def test_a_question_that_cannot_be_read_and_a_reader_who_leaves_are_counted_as_such(bot: Bot):
    invalid, left = count("backbot_questions_total", outcome="invalid"), count("backbot_questions_total", outcome="left")
    with pytest.raises(QuestionInvalid):
        list(watch(bot.stream("?!")))
    leaving = watch(bot.stream("Should I put ice or heat on my back?"))
    next(leaving)
    leaving.close()
    assert count("backbot_questions_total", outcome="invalid") == invalid + 1
    assert count("backbot_questions_total", outcome="left") == left + 1


def test_a_running_server_shows_its_figures_on_loopback_alone(start: Callable[..., Server], free_port: int):
    server = start("--no-page", BACKBOT_METRICS_PORT=str(free_port), BACKBOT_RATE_PER_ADDRESS="4/minute")
    assert server.ask().status_code == 200
    server.ask({"turns": ["my secretword hurts"]})
    server.ask({"turns": ["?!"]}, **{"X-Request-Id": "secretword"})
    assert httpx.post(f"{server.address}/api/feedback", json=THUMB, headers={"Origin": server.address}).status_code == 204
    assert server.ask().status_code == 429
    httpx.get(f"{server.address}/secretword?secretword=secretword")
    text = httpx.get(f"http://127.0.0.1:{free_port}/metrics").text
    found = figures(text)
    assert found["backbot_questions_total", "answered"] >= 1
    assert found["backbot_questions_total", "invalid"] == 1
    assert found["backbot_triage_total", "none"] >= 2
    assert found["backbot_stage_seconds_count", "whole"] >= 1
    assert found["backbot_shed_total", "reader"] == 1
    assert found["backbot_feedback_total", "wrong", "down"] == 1
    assert found["backbot_requests_total", "chat", "200"] == 2
    assert found["backbot_requests_total", "other", "404"] == 1
    assert found[("backbot_streams_open",)] == 0
    assert found[("backbot_generation_age_seconds",)] > 0
    assert "secretword" not in text
    assert httpx.get(f"{server.address}/metrics").status_code == 404


def test_a_port_that_is_taken_is_named(bot: Bot, taken_port: int):
    with pytest.raises(ServerUnavailable, match=f"port {taken_port} .*BACKBOT_METRICS_PORT"):
        serve_metrics(taken_port, bot.settings.index)
