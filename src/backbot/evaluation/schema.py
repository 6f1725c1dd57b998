"""The JSON schema of a suite, for editors' tools that complete and check YAML while it is written."""

import json
from typing import Any, get_args

from backbot.evaluation.figures import METRICS
from backbot.evaluation.suite import Expect

_TEXT = {"type": ["string", "number", "boolean"]}
_TEXTS: dict[str, Any] = {"oneOf": [{"type": "array", "items": _TEXT}, _TEXT]}
_DAY = {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$"}


def _mapping(**keys: Any) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "properties": keys}


def _said(text: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": text, **schema}


CASE: dict[str, Any] = _mapping(
    id=_said("A short name of its own, without spaces.", {"type": "string", "pattern": r"^[\w.:-]{1,120}$"}),
    ask=_said("What the reader writes.", _TEXT),
    also_ask=_said("Other wordings of the same message; all must come out right.", _TEXTS),
    turns=_said("Instead of ask: the reader's messages of a conversation; the last one is judged.", _TEXTS),
    topic=_said("For the report's filter.", _TEXT),
    risk=_said("How bad a wrong answer would be.", {"enum": ["low", "medium", "high"]}),
    expect=_said("What must come back.", {"enum": list(get_args(Expect))}),
    cite=_said(
        "Article ids.",
        _mapping(
            any_of=_said("Every article that is a right source; one is enough.", _TEXTS),
            all_of=_said("Articles that must all be cited.", _TEXTS),
            never=_said("Articles that must not be cited.", _TEXTS),
        ),
    ),
    must_say=_said("Facts that must be said; a | parts alternatives.", _TEXTS),
    must_not_say=_said("What must not be said; a | parts alternatives.", _TEXTS),
    red_flag=_said("The ids of the red flags in the message.", _TEXTS),
    near_miss_of=_said("Red flags that the message sounds like and is not.", _TEXTS),
    checked_by=_said(
        "Who checked the case against the articles.",
        _mapping(
            editor=_TEXT,
            date=_DAY,
            article_version=_TEXT,
            verdict=_said("What the editor said of the answer of answer_version.", {"enum": ["right", "wrong"]}),
            answer_version=_TEXT,
        ),
    ),
    voice=_said("Who speaks, for the report's tables.", _TEXT),
    kind=_said("What kind of message it is, for the report's tables.", _TEXT),
    pair=_said("A name that two cases share that differ in a few words.", _TEXT),
)
CASE |= {"required": ["id", "expect"], "oneOf": [{"required": ["ask"]}, {"required": ["turns"]}]}

_LIMIT = {"oneOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": r"^(max|min)?\s*\d+(\.\d+)?\s*%?$"}]}

SUITE: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "A backbot eval suite",
    **_mapping(
        suite=_said("The suite's name.", _TEXT),
        owner=_said("Who looks after it.", _TEXT),
        review_by=_said("When somebody should look at it again.", _DAY),
        margin=_said("How far below the gate the truth may lie for a PASS; 0.05 if left out.", {"type": "number"}),
        gate=_said(
            "What must be reached: a number, or `max` and a number.",
            {
                **_mapping(**{row.name: _said(f"{row.title}: {row.meaning}", _LIMIT) for row in METRICS.values()}),
                "patternProperties": {"^flag:": _LIMIT},
            },
        ),
        cases_from=_said("Instead of cases: a JSON Lines file of triage messages.", _TEXT),
        cases={"type": "array", "items": CASE, "minItems": 1},
    ),
    "required": ["suite"],
    "oneOf": [{"required": ["cases"]}, {"required": ["cases_from"]}],
}


def schema_text() -> str:
    """The schema as it stands in evals/suite.schema.json."""
    return json.dumps(SUITE, indent=1, ensure_ascii=False) + "\n"
