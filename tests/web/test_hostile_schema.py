"""Schemathesis against the server's own OpenAPI: no request that it makes up finds a fault or an untrue line."""

from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, Config, GenerationMode
from schemathesis.openapi import from_url

from backbot.bot import Bot
from backbot.web.server import create_app

OPERATIONS = [("POST", "/api/chat"), ("POST", "/api/feedback"), ("GET", "/api/suggestions")]
EXAMPLES = 60

CONFIG = Config.from_dict(
    {
        "checks": {
            "negative_data_rejection": {"expected-statuses": ["4xx"]},
            "positive_data_acceptance": {"expected-statuses": ["2xx", "422"]},
        }
    }
)


@pytest.fixture(scope="module")
def address(bot: Bot, serve_app: Callable[..., str]) -> str:
    many = "1000000/minute"
    return serve_app(create_app(bot, bot.settings.model_copy(update={"rate_per_address": many, "rate_overall": many})))


def test_the_schema_names_every_operation(address: str):
    found = [result.ok() for result in from_url(f"{address}/openapi.json").get_all_operations()]
    assert {(operation.method.upper(), operation.path) for operation in found} == set(OPERATIONS)


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
@pytest.mark.parametrize(
    ("method", "path", "mode"),
    [
        ("POST", "/api/chat", GenerationMode.POSITIVE),
        ("POST", "/api/chat", GenerationMode.NEGATIVE),
        ("POST", "/api/feedback", GenerationMode.POSITIVE),
        ("POST", "/api/feedback", GenerationMode.NEGATIVE),
        ("GET", "/api/suggestions", GenerationMode.POSITIVE),
    ],
)
def test_schemathesis_finds_nothing(address: str, method: str, path: str, mode: GenerationMode, accept: str):
    operation = from_url(f"{address}/openapi.json", config=CONFIG)[path][method]
    statuses: Counter[int] = Counter()

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Case) -> None:
        response = case.call_and_validate(headers={"Origin": address, "Accept": accept}, timeout=60)
        statuses[response.status_code] += 1
        if mode is GenerationMode.POSITIVE and response.status_code == 422:
            # The schema cannot say that a question must have a letter or a number in it.
            assert response.json()["error"] == "question-invalid"

    ask()
    if mode is GenerationMode.POSITIVE:
        assert statuses[200] + statuses[204] > 0
    else:
        assert statuses[422] > EXAMPLES / 2
