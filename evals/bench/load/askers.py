"""What locust plays: readers who ask one question after another, half of them as JSON, half as a stream.

Started by run.py, which says in the environment what is asked (LOAD_QUESTIONS, a JSON list), how often each reader asks
(LOAD_RATE, a second; 0: again as soon as the answer is there) and where a JSON line for each answer goes (LOAD_ROWS).
"""

import itertools
import json
import os
import random
import time
from pathlib import Path
from typing import Any

import gevent
from locust import FastHttpUser, events, task
from locust.env import Environment

EMERGENCIES = (
    "I am numb between my legs and I cannot pee",
    "since the fall I cannot feel my legs and my back hurts terribly",
    "crushing chest pain and it goes through to my back",
)
EVERY = 20
"""Each so-many-th message is an emergency."""

PAUSE = 1.0
"""Seconds after which a reader who was refused asks again: sooner than Retry-After says, as people do."""

QUESTIONS: list[str] = json.loads(Path(os.environ["LOAD_QUESTIONS"]).read_text(encoding="utf-8"))
RATE = float(os.environ["LOAD_RATE"])
ROWS = Path(os.environ["LOAD_ROWS"])

_rows: list[dict[str, Any]] = []
_number = itertools.count()


class Reader(FastHttpUser):
    """One connection that is kept open."""

    connection_timeout = network_timeout = 60.0

    @task
    def ask(self) -> None:
        """One message, and what became of it."""
        number = next(_number)
        is_emergency = number % EVERY == EVERY - 1
        text = random.choice(EMERGENCIES) if is_emergency else QUESTIONS[number % len(QUESTIONS)]  # noqa: S311
        kind = "application/json" if number % 4 < 2 else "text/event-stream"
        begun = time.time()
        with self.client.post(
            "/api/chat", json={"turns": [text]}, headers={"Accept": kind, "Origin": self.host}, catch_response=True
        ) as response:
            milliseconds = 1000 * (time.time() - begun)
            outcome = outcome_of(response.text or "", kind) if response.status_code == 200 else ""
            response.success()
        _rows.append(
            {
                "at": begun,
                "ms": milliseconds,
                "status": response.status_code,
                "kind": kind,
                "outcome": outcome,
                "is_emergency": is_emergency,
                "retry_after": (response.headers or {}).get("retry-after", ""),
            }
        )
        if response.status_code != 200:
            gevent.sleep(PAUSE)
        elif RATE:
            gevent.sleep(max(0.0, random.expovariate(RATE) - milliseconds / 1000))


def outcome_of(body: str, kind: str) -> str:
    """What the reply says became of the question; empty when the reply is not whole."""
    last = body if kind == "application/json" else body.strip().rpartition("event: reply\ndata: ")[2]
    try:
        return str(json.loads(last)["outcome"])
    except (ValueError, KeyError, TypeError):
        return ""


@events.quitting.add_listener
def write_rows(environment: Environment, **_: object) -> None:
    """Leave the rows for run.py."""
    ROWS.write_text("".join(json.dumps(row) + "\n" for row in _rows), encoding="utf-8")
