"""The records of backbot, in the order in which they are made. All are frozen: data flows one way."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any, Literal

Status = Literal["published", "withdrawn"]
TriageLevel = Literal["none", "soon", "urgent", "emergency"]
Outcome = Literal["answered", "declined", "referred"]

TRIAGE_LEVELS: tuple[TriageLevel, ...] = ("none", "soon", "urgent", "emergency")
"""From the least to the most urgent; compare levels by their index in this tuple."""


@dataclass(frozen=True, slots=True)
class Source:
    """A publication that an article rests on; `key` is what its marks in the text name."""

    key: str
    authors: str
    title: str
    year: int
    url: str


@dataclass(frozen=True, slots=True)
class ReaderQuestions:
    """Questions in readers' own words, and the sentence of the article that answers them all: ways in to that sentence."""

    answer: str
    asked: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Article:
    """One article of the publisher as a loader read it. `body` is Markdown whose sections begin with `##`."""

    id: str
    title: str
    body: str
    url: str = ""
    description: str = ""
    published: date | None = None
    reviewed: date | None = None
    review_by: date | None = None
    reviewer: str = ""
    topics: tuple[str, ...] = ()
    status: Status = "published"
    sources: tuple[Source, ...] = ()
    questions: tuple[ReaderQuestions, ...] = ()

    @property
    def content_hash(self) -> str:
        """SHA-256 over every field: it changes when anything a reader could see changes."""
        fields = json.dumps(asdict(self), default=str, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(fields.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Sentence:
    """Where a sentence stands in its passage's text, in characters; `block` counts the passage's paragraphs and items."""

    start: int
    end: int
    block: int
    is_item: bool = False


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of one section of an article, small enough for the embedding model; `text` is plain, without markup.

    `part` counts the passages of the section from 0.
    """

    id: str
    article: str
    title: str
    headings: tuple[str, ...]
    anchor: str
    text: str
    sentences: tuple[Sentence, ...]
    part: int = 0
    url: str = ""
    reviewed: date | None = None
    review_by: date | None = None

    @property
    def heading(self) -> str:
        """The heading that the passage stands under; the article's title where it stands before the first one."""
        return self.headings[-1] if self.headings else self.title

    @property
    def heading_path(self) -> str:
        """Title and headings down to the passage's own: a field of its own in retrieval."""
        return " > ".join((self.title, *self.headings))

    @property
    def embedded_text(self) -> str:
        """What the embedding model and BM25 read: title and heading path, then the text."""
        return self.heading_path + "\n" + self.text

    def quote(self, sentence: Sentence) -> str:
        """The sentence's words, verbatim."""
        return self.text[sentence.start : sentence.end]


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage found for a question. `score` orders hits of one search; `dense` is its cosine with the question as the
    index adapts it, `lexical` a BM25 score.

    `row` is the passage's place in its generation of the index. `asked` has the numbers of its sentences that answer what
    readers are known to ask, with how near this question is to that, above 0 to 1.
    """

    passage: Passage
    row: int
    score: float
    dense: float
    lexical: float
    asked: Mapping[int, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Flag:
    """A red flag that the reader's words raised: `quote` is those words, `turn` the reader's message (0 is the first)."""

    id: str
    label: str
    level: TriageLevel
    quote: str
    turn: int


@dataclass(frozen=True, slots=True)
class Contact:
    """Somebody to call or a page to open, for the reader's country."""

    name: str
    number: str
    url: str


@dataclass(frozen=True, slots=True)
class Triage:
    """What triage noticed in all of the reader's turns, and what the reader should do now."""

    level: TriageLevel = "none"
    flags: tuple[Flag, ...] = ()
    advice: str = ""
    contacts: tuple[Contact, ...] = ()


@dataclass(frozen=True, slots=True)
class AnswerSentence:
    """One sentence of an answer; `citations` are the numbers `n` of the citations that support it.

    `is_item` says that it is an item of a list, so that a list can be shown as one.
    """

    text: str
    citations: tuple[int, ...]
    is_item: bool = False


@dataclass(frozen=True, slots=True)
class Citation:
    """Where an answer's sentence stands: `quote` is verbatim in the article, `link` opens the page at the quote."""

    n: int
    article: str
    title: str
    heading: str
    url: str
    link: str
    quote: str
    reviewed: str
    is_overdue: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """All that backbot says to one question: the record that the CLI, the HTTP API and the eval suites speak."""

    outcome: Outcome
    triage: Triage
    sentences: tuple[AnswerSentence, ...]
    citations: tuple[Citation, ...]
    disclaimer: str
    suggestions: tuple[str, ...]
    engine: str
    question: str
    message: str = ""
    """What backbot says beside the answer, in plain words: why it declined, or a light line about warning signs."""

    def to_dict(self) -> dict[str, Any]:
        """The reply as JSON-ready dicts and lists."""
        return asdict(self)
