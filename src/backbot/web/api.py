"""The HTTP API: a conversation's turns in, the answer out as a stream or as JSON. The server keeps none of it."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response, StreamingResponse
from fastapi.sse import format_sse_event
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import iterate_in_threadpool, run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from backbot.errors import QuestionInvalid
from backbot.operation.metrics import count_feedback, count_shed, watch
from backbot.records import AnswerSentence, Reply, Triage
from backbot.settings import Settings
from backbot.web.desk import Desk, Part
from backbot.web.limits import Busy, Limits
from backbot.web.words import AWAY, EXAMPLES, log_without_words

MAX_TURNS = 50
MAX_TURN_CHARS = 100_000
MAX_BODY_BYTES = 400_000
GLANCE_CHARS = 1_000
"""Of a refused conversation whose phrases are read at once; a longer one may take some hundredths of a second."""

_log = logging.getLogger(__name__)


class ChatRequest(BaseModel):
    """What the reader has said so far, the oldest first; the last turn is the question."""

    model_config = ConfigDict(extra="forbid", strict=True)

    turns: list[Annotated[str, Field(max_length=MAX_TURN_CHARS)]] = Field(min_length=1, max_length=MAX_TURNS)
    country: str = Field("", pattern=r"^([A-Za-z]{2})?$", description="Two letters, for whom to call; empty: unknown.")
    context: str = Field("", max_length=2_000, description="Id or address of the article that the reader has open, if any.")


class FeedbackRequest(BaseModel):
    """A reader's verdict on one answer; it holds none of the reader's words."""

    model_config = ConfigDict(extra="forbid", strict=True)

    verdict: Literal["up", "down"]
    reason: Literal["", "wrong", "not-my-question", "unclear", "source"] = ""
    articles: list[Annotated[str, Field(pattern=r"^[\w-]{1,100}$")]] = Field(default=[], max_length=20)


class Fault(BaseModel):
    """What every refusal says: a code for programs and a line for people."""

    error: str
    message: str


_FAULTS: dict[int | str, dict[str, Any]] = {
    code: {"model": Fault, "description": text}
    for code, text in {
        400: "The body is not JSON.",
        403: "The origin is not one that the owner lists.",
        413: "The body is too large.",
        415: "The body is not named as JSON.",
        422: "The request does not fit its schema, or the question cannot be read.",
        429: "Too many questions; Retry-After says when to try again.",
        503: "The server is busy or has no index; Retry-After says when to try again.",
    }.items()
}

_EVENT_SCHEMA = {
    "type": "object",
    "description": "One event; its data is JSON. Sentences come as they are ready, the reply or an error comes last.",
    "properties": {
        "event": {"enum": ["triage", "sentence", "reply", "error"]},
        "data": {"type": "string", "contentMediaType": "application/json"},
    },
    "required": ["event", "data"],
}


def add_api(app: FastAPI, desk: Desk, settings: Settings, limits: Limits) -> None:
    """Give the application its routes under /api, and plain JSON errors."""
    router = APIRouter(prefix="/api")

    @router.post(
        "/chat",
        response_class=Response,
        max_body_size=MAX_BODY_BYTES,
        responses={
            **_FAULTS,
            200: {
                "model": Reply,
                "description": "The reply, whole or as events",
                "content": {"text/event-stream": {"schema": _EVENT_SCHEMA}},
            },
        },
    )
    async def answer(chat: ChatRequest, request: Request) -> Response:
        """Answer the last turn.

        `Accept: application/json` gives the whole reply. Otherwise events come as they are ready: `triage`, then a
        `sentence` each, then `reply`; or `error`, after which nothing comes.
        """
        address = address_of(request.scope)
        await limits.admit(address)
        place = AsyncExitStack()
        try:
            await limits.count(address)
            await place.enter_async_context(limits.turn())
            parts = limits.work(watch(desk.stream(chat.turns, chat.country, chat.context)))
        except Busy:
            referral = await _look(desk, limits, chat)
            if referral is None:
                raise
            parts = iterate_in_threadpool(watch(referral))
        if "application/json" not in request.headers.get("accept", ""):
            return _Stream(parts, place, settings.answer_seconds)
        async with place:
            try:
                async with asyncio.timeout(settings.answer_seconds):
                    reply = [part async for part in parts][-1]
                    return JSONResponse(asdict(reply))
            except QuestionInvalid as error:
                return fault(422, "question-invalid", str(error))
            except Exception as error:
                log_without_words(error)
                return fault(503, "unavailable", AWAY, 10)

    @router.post("/feedback", status_code=204, response_class=Response, max_body_size=10_000, responses=_FAULTS)
    async def take_feedback(feedback: FeedbackRequest, request: Request) -> Response:
        """Take a thumb up or down, with a reason. It is counted in the log; nothing of the conversation comes with it."""
        await limits.admit(address_of(request.scope))
        await limits.count(address_of(request.scope))
        if feedback.verdict == "down":
            await run_in_threadpool(desk.take_thumb_down, feedback.reason, feedback.articles)
        articles = await run_in_threadpool(desk.known, feedback.articles)
        count_feedback(feedback.verdict, feedback.reason)
        _log.info("Feedback: %s %s on %s", feedback.verdict, feedback.reason, ", ".join(articles))
        return Response(status_code=204)

    @router.get("/suggestions", responses={403: _FAULTS[403]})
    def suggest() -> list[str]:
        """Questions to begin with."""
        return list(EXAMPLES)

    app.include_router(router)
    app.add_exception_handler(RequestValidationError, _refuse_invalid)
    app.add_exception_handler(Busy, _refuse_busy)
    app.add_exception_handler(HTTPException, _refuse)


async def _look(desk: Desk, limits: Limits, chat: ChatRequest) -> Iterator[Part] | None:
    """The referral when a refused message holds an emergency; None for anything else.

    What sounds like one waits behind no other message; of the others triage reads as many as it can meanwhile.
    """
    # Half a millisecond for most, and in a thread each would wait for those that make answers.
    is_short = sum(map(len, chat.turns)) <= GLANCE_CHARS
    is_urgent = desk.sounds_urgent(chat.turns) if is_short else await limits.glance(desk.sounds_urgent, chat.turns)
    try:
        async with limits.second_look(is_urgent=is_urgent):
            return await run_in_threadpool(desk.look, chat.turns, chat.country)
    except Busy:
        return None


class _Stream(StreamingResponse):
    """The parts as server-sent events. Whoever leaves gives the place back, even before the first event."""

    def __init__(self, parts: AsyncIterator[Part], place: AsyncExitStack, seconds: float):
        super().__init__(self._events(parts, seconds), media_type="text/event-stream")
        self._place = place

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        async with self._place:
            await super().__call__(scope, receive, send)

    async def _events(self, parts: AsyncIterator[Part], seconds: float) -> AsyncIterator[bytes]:
        try:
            async with asyncio.timeout(seconds):
                async for part in parts:
                    yield _event(_EVENTS[type(part)], asdict(part))
        except QuestionInvalid as error:
            yield _event("error", {"error": "question-invalid", "message": str(error)})
        except Exception as error:
            log_without_words(error)
            yield _event("error", {"error": "unavailable", "message": AWAY})


_EVENTS = {Triage: "triage", AnswerSentence: "sentence", Reply: "reply"}


def _event(name: str, data: dict[str, Any]) -> bytes:
    return format_sse_event(data_str=json.dumps(data, ensure_ascii=False), event=name)


def address_of(scope: Scope) -> str:
    """The address that sent the request; behind a trusted proxy, the one that the proxy names."""
    client = scope.get("client")
    return str(client[0]) if client else ""


def fault(status: int, error: str, message: str, retry_after: int = 0) -> JSONResponse:
    """A refusal as JSON."""
    headers = {"Retry-After": str(retry_after)} if retry_after else {}
    return JSONResponse({"error": error, "message": message}, status, headers)


async def _refuse_invalid(_: Request, error: Exception) -> Response:
    # Only where the fault lies and its kind: what was sent may be a reader's words and is not sent back.
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    if first["type"] == "json_invalid":
        return fault(400, "not-json", "The body is not JSON.")
    where = ".".join(str(part) for part in first["loc"] if isinstance(part, int) or part in _FIELDS)
    return fault(422, "invalid", f"{where or 'The body'}: {first['type'].replace('_', ' ')}.")


_FIELDS = {"body", *ChatRequest.model_fields, *FeedbackRequest.model_fields}


async def _refuse_busy(_: Request, error: Exception) -> Response:
    assert isinstance(error, Busy)
    return busy(error)


def busy(error: Busy) -> JSONResponse:
    """What somebody is told who asks too much, or when too much is asked."""
    count_shed(is_reader=error.is_reader)
    status, name = (429, "too-many") if error.is_reader else (503, "busy")
    return fault(status, name, str(error), error.retry_after)


async def _refuse(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return fault(error.status_code, "refused", str(error.detail))
