"""A reply as HTML for the chat page. Everything that is not markup of ours is escaped here, once."""

import re
from collections.abc import Iterator, Sequence
from datetime import date
from html import escape as escape_markup
from itertools import groupby
from urllib.parse import urlsplit

from backbot.records import AnswerSentence, Citation, Contact, Reply, Triage

HEADLINES = {
    "emergency": "Get emergency help now",
    "urgent": "Get medical help today",
    "soon": "See a clinician soon",
}

_NUMBER = re.compile(r"\+?\d(?:[\d -]*\d)+")
_LINE_ENDS = re.compile(r"\r\n?|\n")
_NEW_TAB = '<span class="bb-sr"> (opens in a new tab)</span>'


def escape(text: str) -> str:
    """The text with nothing in it that acts, on one line: after an empty line Gradio would read Markdown in it."""
    return _LINE_ENDS.sub(" ", escape_markup(text))


def question_html(question: str) -> str:
    """The reader's message, shown as it was typed."""
    return f'<p class="bb-question">{_LINE_ENDS.sub("<br>", escape_markup(question))}</p>'


def note_html(text: str) -> str:
    """Something backbot says about itself: a message that it cannot read, an answer that it cannot give."""
    return f'<div class="bb-answer bb-done"><p class="bb-note">{escape(text)}</p></div>'


def answer_html(triage: Triage | None, sentences: Sequence[AnswerSentence], reply: Reply | None, turn: int) -> str:
    """What is known of the answer so far, triage first; `reply` comes last and completes it.

    `turn` keeps the anchors of one page's answers apart.
    """
    parts = [triage_html(triage)] if triage and triage.level != "none" else []
    if reply and reply.message:
        parts.append(f'<p class="bb-note">{escape(reply.message)}</p>')
    if sentences:
        parts.append(f'<div class="bb-text">{"".join(_blocks(sentences, turn))}</div>')
    elif reply is None:
        parts.append('<p class="bb-note bb-waiting">Looking in the articles</p>')
    if reply:
        parts += [
            _sources(reply.citations, turn),
            _actions(reply),
            f'<p class="bb-disclaimer">{escape(reply.disclaimer)}</p>',
        ]
    done = f" bb-done bb-{reply.outcome}" if reply else ""
    return f'<div class="bb-answer{done}">{"".join(parts)}</div>'


def triage_html(triage: Triage) -> str:
    """The box that comes before everything else: what to do, whom to call, and what was noticed."""
    said = "".join(
        f"<li>{escape(flag.label)}{f': you wrote <q>{escape(flag.quote)}</q>' if flag.quote else ''}</li>"
        for flag in triage.flags
    )
    first, *rest = [escape(paragraph) for paragraph in triage.advice.split("\n\n")] or [""]
    return (
        f'<section class="bb-triage bb-{triage.level}"><h2>{HEADLINES[triage.level]}</h2>'
        f'<p class="bb-first">{first}</p>'
        f'<ul class="bb-contacts">{"".join(_contact(contact) for contact in triage.contacts)}</ul>'
        f'<p class="bb-elsewhere"><a class="bb-country-link" href="#bb-country">In another country? Choose yours for its '
        f"numbers.</a></p>"
        f"{''.join(f'<p>{paragraph}</p>' for paragraph in rest)}"
        f'<div class="bb-noticed"><p>Why you see this:</p><ul>{said}</ul></div></section>'
    )


def dialable(number: str) -> list[str]:
    """The numbers to call in a contact's words: "111 and choose option 2, or 116 123" holds two."""
    return [found for found in _NUMBER.findall(number) if len(re.sub(r"\D", "", found)) >= 2]


def short_date(day: str) -> str:
    """Such as 22 Nov 2026, from an ISO date."""
    there = date.fromisoformat(day)
    return f"{there.day} {there:%b %Y}"


def _contact(contact: Contact) -> str:
    numbers = dialable(contact.number)
    calls = "".join(
        f'<a class="bb-call" href="tel:{re.sub(r"[^0-9+]", "", number)}">Call {escape(number)}</a>' for number in numbers
    )
    words = "" if numbers == [contact.number] else f'<span class="bb-number">{escape(contact.number)}</span>'
    name = f'<a href="{escape(contact.url)}">{escape(contact.name)}</a>' if is_web(contact.url) else escape(contact.name)
    return f'<li><span class="bb-who">{name}{words}</span>{calls}</li>'


def _blocks(sentences: Sequence[AnswerSentence], turn: int) -> Iterator[str]:
    """Sentences as paragraphs, list items as lists."""
    for is_list, group in groupby(sentences, key=lambda sentence: sentence.is_item):
        drawn = [_sentence(sentence, turn) for sentence in group]
        yield f"<ul><li>{'</li><li>'.join(drawn)}</li></ul>" if is_list else f"<p>{' '.join(drawn)}</p>"


def _sentence(sentence: AnswerSentence, turn: int) -> str:
    marks = "".join(
        f'<sup><a class="bb-mark" href="#bb-{turn}-{n}"><span class="bb-sr">Source </span>{n}</a></sup>'
        for n in sentence.citations
    )
    # The number keeps to the last word: a line never begins with it.
    *words, last = sentence.text.rsplit(" ", 1)
    return f'<span>{escape("".join(words))} <span class="bb-end">{escape(last)}{marks}</span></span>'


def _sources(citations: Sequence[Citation], turn: int) -> str:
    """A card for each section quoted, its quotes in it, each opening the article at its words."""
    if not citations:
        return ""
    ordered = sorted(citations, key=lambda c: (_first(citations, c), c.n))
    cards = [
        _card(list(quoted), turn)
        for _, quoted in groupby(ordered, key=lambda citation: (citation.article, citation.heading))
    ]
    return f'<section class="bb-sources"><h2>{"Source" if len(cards) == 1 else "Sources"}</h2>{"".join(cards)}</section>'


def _first(citations: Sequence[Citation], citation: Citation) -> int:
    return next(c.n for c in citations if (c.article, c.heading) == (citation.article, citation.heading))


def _card(quoted: list[Citation], turn: int) -> str:
    first = quoted[0]
    if first.is_overdue:
        status = '<span class="bb-status bb-overdue">Review overdue</span>'
    elif first.reviewed:
        status = f'<span class="bb-status">Last checked {short_date(first.reviewed)}</span>'
    else:
        status = '<span class="bb-status">No review date</span>'
    quotes = "".join(
        f'<li id="bb-{turn}-{citation.n}" value="{citation.n}"><span class="bb-n">{citation.n}</span>'
        f"<q>{escape(citation.quote)}</q> {_open(citation)}</li>"
        for citation in quoted
    )
    heading = "" if first.heading == first.title else f'<p class="bb-heading">{escape(first.heading)}</p>'
    return f'<div class="bb-card"><p class="bb-title">{escape(first.title)}</p>{heading}{status}<ol>{quotes}</ol></div>'


def _open(citation: Citation) -> str:
    if not (citation.link.startswith("/articles/") or is_web(citation.link)):
        return ""
    return f'<a class="bb-open" href="{escape(citation.link)}">Read it in the article{_NEW_TAB}</a>'


def _actions(reply: Reply) -> str:
    if reply.outcome == "declined":
        return ""
    return (
        '<p class="bb-actions"><button type="button" class="bb-copy">Copy</button>'
        '<button type="button" class="bb-print">Print</button></p>'
    )


def is_web(address: str) -> bool:
    """Whether it is an http or https address."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)
