"""What an article's fields may hold, as rows of data; one check for front matter, JSON Lines and what pages declare."""

import hashlib
import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date, datetime
from difflib import get_close_matches
from typing import Any
from urllib.parse import urlsplit

from backbot.loaders.decoding import clean
from backbot.loaders.faults import ArticleFault
from backbot.loaders.strict_yaml import Path
from backbot.records import Article, ReaderQuestions, Source

_SAFE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+)*")
_MAX_ID = 150
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]*")
_STATUSES = ("published", "withdrawn")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def check_id(text: str) -> str:
    """`text` if it can be an id as it is; raises ArticleFault otherwise, for an id becomes part of paths and addresses."""
    if len(text) <= _MAX_ID and _SAFE_ID.fullmatch(text):
        return text
    raise ArticleFault(
        f"the id {text[:60]!r} cannot be used; write letters, digits, '-', '_' and single dots, {_MAX_ID} at most"
    )


def make_id(name: str) -> str:
    """An id from a file's stem or an address: itself where it is safe, else lower-case words joined by '-'."""
    if len(name) <= _MAX_ID and _SAFE_ID.fullmatch(name):
        return name
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    digest = hashlib.sha256(name.encode(errors="replace")).hexdigest()[:10]
    if not slug:
        return f"article-{digest}"
    return slug if len(slug) <= _MAX_ID else f"{slug[: _MAX_ID - 11]}-{digest}"


def id_of_url(url: str) -> str:
    """An id from a page's address: its path's words, with the query's where there is one; "home" for the root."""
    parts = urlsplit(url)
    path = re.sub(r"\.(?:html?|php|aspx?)$", "", parts.path.strip("/"), flags=re.I)
    return make_id("-".join(part for part in (*path.split("/"), parts.query) if part) or "home")


def _text(value: Any) -> str:
    if isinstance(value, str):
        return " ".join(clean(value).split())
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    if value is None:
        return ""
    raise ArticleFault("must be text")


def _url(value: Any) -> str:
    url = _text(value)
    if not url:
        return ""
    try:
        parts = urlsplit(url)
        fine = parts.scheme in ("http", "https") and bool(parts.hostname) and not re.search(r'[\s<>"]', url)
    except ValueError:
        fine = False
    if not fine:
        raise ArticleFault(f"{url[:80]!r} is not a full http or https address")
    return url


def _day(value: Any) -> date | None:
    """A day; a time after it, as WordPress and sitemaps write it, is left out."""
    text = _text(value)
    if not text:
        return None
    try:
        return date.fromisoformat(text) if _DATE.fullmatch(text) else datetime.fromisoformat(text).date()
    except ValueError:
        raise ArticleFault(f"{text[:40]!r} is not a date; write it as 2026-05-31") from None


def _status(value: Any) -> str:
    text = _text(value).lower() or "published"
    if text not in _STATUSES:
        raise ArticleFault(f"{text[:40]!r} is no status; write published or withdrawn")
    return text


def _topics(value: Any) -> tuple[str, ...]:
    if isinstance(value, str) and value.strip():
        value = value.split(",")
    if not value:
        return ()
    if not isinstance(value, list):
        raise ArticleFault("must be a list, as in [heat, cold]")
    return tuple(dict.fromkeys(topic for topic in map(_text, value) if topic))


def _key(value: Any) -> str:
    text = _text(value)
    if not _KEY.fullmatch(text):
        raise ArticleFault(f"{text[:40]!r} cannot be a source's key; write letters, digits and '-', without spaces")
    return text


def _year(value: Any) -> int:
    text = _text(value)
    if not re.fullmatch(r"[12]\d{3}", text):
        raise ArticleFault(f"{text[:40]!r} is not a year of four digits")
    return int(text)


def _questions(value: Any) -> tuple[ReaderQuestions, ...]:
    if not value:
        return ()
    if not isinstance(value, list):
        raise ArticleFault("must be a list of rows that begin with '- answer:'")
    found = []
    for n, row in enumerate(value, 1):
        asked = row.get("asked") if isinstance(row, dict) else None
        if not isinstance(asked, list) or row.keys() != {"answer", "asked"}:
            raise ArticleFault(
                f"row {n} needs answer, a sentence of the article, and asked, a list of questions; nothing else"
            )
        questions = tuple(dict.fromkeys(question for question in map(_text, asked) if question))
        answer = _text(row["answer"])
        if not answer or not questions:
            raise ArticleFault(f"row {n} has no {'asked' if answer else 'answer'}; write it or take the row out")
        found.append(ReaderQuestions(answer, questions))
    return tuple(found)


SOURCE_FIELDS: Mapping[str, Callable[[Any], Any]] = {
    "key": _key,
    "authors": _text,
    "title": _text,
    "year": _year,
    "url": _url,
}
"""Every field of a source's row; all must be there; `authors` and `url` may be empty."""

FIELDS: Mapping[str, Callable[[Any], Any]] = {
    "title": _text,
    "description": _text,
    "url": _url,
    "published": _day,
    "reviewed": _day,
    "review_by": _day,
    "reviewer": _text,
    "topics": _topics,
    "status": _status,
    "questions": _questions,
}
"""Every field of an article but `sources` and `body`, with the function that reads it."""


def build_article(identity: str, body: str, values: Mapping[str, Any], lines: Mapping[Path, int] | None = None) -> Article:
    """An Article from its checked fields; raises ArticleFault with the field's name, and its line where `lines` has it.

    Unknown fields are refused, the nearest known one named: a misspelt `status` must not keep a withdrawn article alive.
    """
    found = lines or {}
    read: dict[str, Any] = {}
    for name, value in values.items():
        if name == "sources":
            read[name] = _sources(value, found, identity)
        elif name in FIELDS:
            read[name] = _field(name, FIELDS[name], value, found.get((name,), 0), identity)
        else:
            raise ArticleFault(_unknown(name, [*FIELDS, "sources"]), found.get((name,), 0), identity)
    if not read.get("title"):
        raise ArticleFault("has no title; add `title:`", found.get(("title",), 1 if found else 0), identity)
    reviewed, review_by = read.get("reviewed"), read.get("review_by")
    if reviewed and review_by and review_by < reviewed:
        line = found.get(("review_by",), 0)
        raise ArticleFault(f"review_by {review_by} is before reviewed {reviewed}; correct one of them", line, identity)
    if not re.search(r"\w", body):
        raise ArticleFault("has no text; write the article or delete it", 0, identity)
    return Article(id=identity, body=body, **read)


def _field(name: str, parse: Callable[[Any], Any], value: Any, line: int, identity: str) -> Any:
    try:
        return parse(value)
    except ArticleFault as fault:
        raise ArticleFault(f"{name}: {fault.reason}", line, identity) from None


def _sources(rows: Any, lines: Mapping[Path, int], identity: str) -> tuple[Source, ...]:
    if not rows:
        return ()
    if not isinstance(rows, list):
        raise ArticleFault("sources: must be a list of rows that begin with '- key:'", lines.get(("sources",), 0), identity)
    sources: dict[str, Source] = {}
    for n, row in enumerate(rows):
        where: Path = ("sources", n)
        line = lines.get(where, 0)
        if not isinstance(row, dict):
            raise ArticleFault("sources: each row needs key, authors, title, year and url", line, identity)
        read = {}
        for name, value in row.items():
            if name not in SOURCE_FIELDS:
                raise ArticleFault(
                    "sources: " + _unknown(name, list(SOURCE_FIELDS)), lines.get((*where, name), line), identity
                )
            place = lines.get((*where, name), line)
            read[name] = _field(f"sources: {name}", SOURCE_FIELDS[name], value, place, identity)
        missing = [name for name in SOURCE_FIELDS if name not in read or (name in ("title", "year") and not read[name])]
        if missing:
            raise ArticleFault(f"sources: this row lacks {', '.join(missing)}", line, identity)
        if read["key"] in sources:
            raise ArticleFault(f"sources: the key {read['key']!r} stands twice; keep one", line, identity)
        sources[read["key"]] = Source(**read)
    return tuple(sources.values())


def _unknown(name: str, known: list[str]) -> str:
    near = get_close_matches(name.lower(), known, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"the known ones are {', '.join(known)}"
    return f"the field {name[:40]!r} is not known; {hint}"
