"""The generative engine: a language model words the answer, and only what `verification` finds supported is shown.

The model is asked in a thread of its own, and the reader waits for it no longer than the budget. A failure opens a
circuit: replies are then extractive at once, and after a pause one question at a time is put to the model in the
background until it answers within the budget again.
"""

import html
import json
import queue
import random
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from backbot.answering.chat_models import Chat, open_chat
from backbot.answering.circuit import Circuit
from backbot.answering.entailment import load_entailment
from backbot.answering.extractive import Candidate
from backbot.answering.verification import verify
from backbot.chunking import split_sentences
from backbot.prompts import load_prompt
from backbot.records import Hit, Passage
from backbot.settings import Settings

EXTRACTIVE = "extractive"
PASSAGES_GIVEN = 4
MAX_SENTENCES = 4
MAX_WORDS = 110
MAX_CLAIMS = 12
MAX_TEXT_CHARS = 1_000
SCHEMA_TEXT_CHARS = 240
SENTENCES_A_TEXT = 3
MAX_REPLY_CHARS = 12_000
MAX_QUESTION_CHARS = 2_000
MAX_THREADS = 8
ATTEMPTS = 3
FIRST_PAUSE = 0.2
"""Seconds before the second attempt; twice as long before the third."""

RELEVANT = 0.72
"""A sentence is shown only when its evidence scores at least this part of the best sentence's score for the question."""

_CITATION_MARK = re.compile(r"\s*\[\d+\](?=\W*$)")


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence as the model gave it: its text, the number of its passage (from 1) and the quote."""

    text: str
    passage: int
    quote: str


Messages = list[tuple[str, str]]
Schema = dict[str, Any]
ClaimQueue = queue.SimpleQueue[Claim | None]


@dataclass(frozen=True, slots=True)
class Supported:
    """A sentence that may be shown: `quote` is verbatim in the passage and supports `text`; `engine` worded it."""

    text: str
    passage: Passage
    quote: str
    engine: str
    is_item: bool = False


def write_answer(
    question: str,
    hits: Sequence[Hit],
    ranked: Sequence[Candidate],
    chosen: Sequence[Candidate],
    model: "LanguageModel | None",
) -> Iterator[Supported]:
    """The answer's sentences as they come: the model's, or `chosen`, the articles' own, when it has none to show.

    An empty `chosen` means that the articles do not hold an answer; no model is then asked for one.
    """
    worded = False
    for sentence in model.answer(question, _passages(hits, chosen), ranked) if model and chosen else ():
        worded = True
        yield sentence
    if not worded:
        for candidate in chosen:
            yield Supported(candidate.text, candidate.hit.passage, candidate.text, EXTRACTIVE, candidate.is_item)


class LanguageModel:
    """A chat model that never costs a reader more than `budget` seconds. Threads may share it.

    `entails(premise, hypothesis)` is a further check of each sentence. Raises RulesInvalid for a faulty prompt.
    """

    def __init__(self, chat: Chat, budget: float, entails: Callable[[str, str], bool] | None = None):
        self.engine = chat.name
        self.circuit = Circuit()
        self._chat = chat
        self._budget = budget
        self._entails = entails
        self._slots = threading.BoundedSemaphore(MAX_THREADS)
        self._rules = load_prompt("answer_rules", {"most"})
        self._question = load_prompt("answer_question", {"question", "passages"})
        self._passage = load_prompt("answer_passage", {"number", "title", "text"})

    def answer(self, question: str, given: Sequence[Passage], ranked: Sequence[Candidate]) -> Iterator[Supported]:
        """The supported sentences as they come, within the budget; none when the model is away or says nothing fit.

        The model is given the passages `given`; `ranked` is what `rank_sentences` gave for the question.
        """
        messages, schema = self._messages(question, given), answer_schema(given, with_quotes=self._chat.is_own)
        if not self.circuit.is_closed:
            if self.circuit.may_probe() and self._start(messages, schema, None) is None:
                self.circuit.open("too many requests are under way")
            return
        claims: ClaimQueue = queue.SimpleQueue()
        deadline = time.monotonic() + self._budget
        stop = self._start(messages, schema, claims)
        if stop is None:
            return
        try:
            yield from self._shown(question, given, ranked, _until(deadline, claims))
        except TimeoutError:
            self.circuit.open("took too long")
        finally:
            stop.set()

    def _shown(
        self, question: str, given: Sequence[Passage], ranked: Sequence[Candidate], claims: Iterator[Claim]
    ) -> Iterator[Supported]:
        """Those of the claims that are supported, answer the question and say something new."""
        shown: set[tuple[str, str]] = set()
        words = 0
        for claim in claims:
            sentence = self._support(question, given, claim)
            if sentence is None or not _is_relevant(sentence, ranked):
                continue
            key = (sentence.passage.id, sentence.quote)
            length = len(sentence.text.split())
            if key not in shown and words + length <= MAX_WORDS:
                shown.add(key)
                words += length
                yield sentence
            if len(shown) == MAX_SENTENCES:
                return

    def _support(self, question: str, given: Sequence[Passage], claim: Claim) -> Supported | None:
        """The claim with its evidence, None when it has none."""
        if not 1 <= claim.passage <= len(given):
            return None
        passage = given[claim.passage - 1]
        verdict = verify(claim.text, claim.quote, passage.text, question)
        if not verdict.supported:
            return None
        quote = passage.text[verdict.start : verdict.end]
        if self._entails and not self._entails(quote, claim.text):
            return None
        return Supported(claim.text, passage, quote, self.engine)

    def _messages(self, question: str, given: Sequence[Passage]) -> Messages:
        # Escaped, so that no article can close its passage and speak as somebody else.
        passages = "\n\n".join(
            self._passage.fill(number=number, title=html.escape(passage.title), text=html.escape(passage.text, quote=False))
            for number, passage in enumerate(given, 1)
        )
        asked = html.escape(question[:MAX_QUESTION_CHARS], quote=False)
        return [
            ("system", self._rules.fill(most=MAX_SENTENCES)),
            ("human", self._question.fill(question=asked, passages=passages)),
        ]

    def _start(self, messages: Messages, schema: Schema, claims: ClaimQueue | None) -> threading.Event | None:
        """Ask the model in a thread that puts its claims, then None; without a queue, to probe the circuit.

        Setting the event ends the thread's work. None when too many threads are busy.
        """
        if not self._slots.acquire(blocking=False):
            return None
        stop = threading.Event()

        def work() -> None:
            began = time.monotonic()
            failure = ""
            try:
                for claim in self._ask(messages, schema, stop):
                    if claims is not None:
                        claims.put(claim)
            # The model's client may raise anything at all, and its words may hold a key: only its kind is told.
            except Exception as error:
                failure = _kind(error)
            if not failure and time.monotonic() - began > self._budget:
                failure = "took too long"
            self._slots.release()
            if failure and not stop.is_set():
                self.circuit.open(failure)
            elif claims is None:
                self.circuit.close()
            if claims is not None:
                claims.put(None)

        threading.Thread(target=work, name="language-model", daemon=True).start()
        return stop

    def _ask(self, messages: Messages, schema: Schema, stop: threading.Event) -> Iterator[Claim]:
        """The model's claims as they come; asks again after a passing failure as long as nothing has come."""
        for attempt in range(1, ATTEMPTS + 1):
            came = False
            try:
                for claim in read_claims(self._chat.stream(messages, schema, stop)):
                    came = True
                    yield claim
                return
            except Exception as error:
                status = getattr(error, "status_code", None)
                if came or stop.is_set() or attempt == ATTEMPTS:
                    raise
                if self._chat.refused_schema(status):
                    continue
                if status is not None and status not in (408, 409, 425, 429) and status < 500:
                    raise
                if stop.wait(FIRST_PAUSE * 2 ** (attempt - 1) * random.uniform(0.5, 1.5)):  # noqa: S311  # spreads retries
                    return


def load_language_model(settings: Settings) -> LanguageModel | None:
    """The model that the settings name, None when they name none; raises SettingsInvalid or ModelUnavailable."""
    if not settings.llm:
        return None
    entails = load_entailment(settings.nli_model) if settings.nli_model else None
    return LanguageModel(open_chat(settings), settings.llm_timeout, entails)


def answer_schema(given: Sequence[Passage], *, with_quotes: bool) -> Schema:
    """The JSON schema of a reply; `with_quotes` lets a quote be nothing but a sentence of its passage.

    The quote comes before the text, so that the model words what it has just copied.
    """
    if with_quotes:
        items = [
            _claim_schema({"const": number}, {"enum": quotes}, {"type": "string", "maxLength": SCHEMA_TEXT_CHARS})
            for number, passage in enumerate(given, 1)
            if (quotes := [q for s in passage.sentences if not (q := passage.quote(s)).endswith((":", "?"))])
        ]
        sentences: Schema = {"type": "array", "items": {"anyOf": items}, "maxItems": MAX_SENTENCES}
    else:
        sentences = {"type": "array", "items": _claim_schema({"type": "integer"}, {"type": "string"}, {"type": "string"})}
    return _object_schema({"sentences": sentences})


def _claim_schema(passage: Schema, quote: Schema, text: Schema) -> Schema:
    return _object_schema({"passage": passage, "quote": quote, "text": text})


def _object_schema(properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def read_claims(pieces: Iterator[str]) -> Iterator[Claim]:
    """The claims in a reply that comes in pieces, each as soon as it is whole.

    Any JSON object with a text, a passage and a quote counts, wherever it stands: in the shape asked for, in a code block,
    after a word of greeting. What is no such object is passed over.
    """
    decoder = json.JSONDecoder()
    reply = ""
    place = count = 0
    for piece in pieces:
        reply += piece[: MAX_REPLY_CHARS - len(reply)]
        while (brace := reply.find("{", place)) >= 0:
            try:
                found, end = decoder.raw_decode(reply, brace)
            except (ValueError, RecursionError):
                # The outer object, whole only at the end, or a sentence that is still coming.
                inner = reply.find("{", brace + 1)
                if inner < 0:
                    break
                place = inner
                continue
            place = end
            for claim in _claims_in(found):
                count += 1
                yield claim
        if len(reply) >= MAX_REPLY_CHARS or count >= MAX_CLAIMS:
            return


def _claims_in(found: Any) -> Iterator[Claim]:
    rows = found.get("sentences", [found]) if isinstance(found, dict) else []
    for row in rows[:MAX_CLAIMS] if isinstance(rows, list) else []:
        if not isinstance(row, dict):
            continue
        text, quote = row.get("text"), row.get("quote")
        number = re.fullmatch(r"\D{0,10}(\d{1,2})\D?", str(row.get("passage")))
        if isinstance(text, str) and isinstance(quote, str) and number:
            # Small models say a second sentence and a third: each is a claim of its own.
            text = " ".join(html.unescape(text).split())
            for start, end in split_sentences(text[:MAX_TEXT_CHARS])[:SENTENCES_A_TEXT]:
                sentence = _CITATION_MARK.sub("", text[start:end])
                full = sentence if sentence.endswith((".", "!", "?")) else f"{sentence}."
                yield Claim(full, int(number[1]), html.unescape(quote))


def _passages(hits: Sequence[Hit], chosen: Sequence[Candidate]) -> list[Passage]:
    """The passages that the extractive answer stands in, then the next best ones."""
    passages = {hit.passage.id: hit.passage for hit in (*(candidate.hit for candidate in chosen), *hits)}
    return list(passages.values())[:PASSAGES_GIVEN]


def _until(deadline: float, claims: ClaimQueue) -> Iterator[Claim]:
    """The claims up to the None that ends them; raises TimeoutError at the deadline."""
    while True:
        try:
            claim = claims.get(timeout=max(deadline - time.monotonic(), 0.001))
        except queue.Empty:
            raise TimeoutError from None
        if claim is None:
            return
        yield claim


def _is_relevant(sentence: Supported, ranked: Sequence[Candidate]) -> bool:
    """Whether the evidence is among the sentences that come near to the question."""
    scores = [
        candidate.score
        for candidate in ranked
        if candidate.hit.passage.id == sentence.passage.id and candidate.text in sentence.quote
    ]
    return bool(scores) and max(scores) >= RELEVANT * max(candidate.score for candidate in ranked)


def _kind(error: Exception) -> str:
    status = getattr(error, "status_code", None)
    return type(error).__name__ if status is None else f"{type(error).__name__}, status {status}"
