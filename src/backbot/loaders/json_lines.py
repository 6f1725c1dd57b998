"""JSON Lines (also .gz) -> articles: one object a line with `id, title` and `body` (Markdown) or `html`.

Optional are `url`, `description`, `topics`, `sources`, dates and `status`. Columns of other names are passed over, unless
one is nearly a known one: a misspelt `status` must not keep a withdrawn article alive.
"""

import gzip
import json
import zlib
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import IO, Any, cast

from backbot.loaders.content import read_content
from backbot.loaders.decoding import MAX_ARTICLE_BYTES, MAX_TEXT_BYTES, clean, decode
from backbot.loaders.faults import ArticleFault, BadArticle
from backbot.loaders.markdown import normalise
from backbot.loaders.schema import FIELDS, build_article, check_id
from backbot.records import Article

_OWN_KEYS = ("id", "body", "html", "sources", *FIELDS)
_PASSED_OVER = frozenset({"source"})
"""Keys near a known one that exports use for something else."""


def read_jsonl_file(path: Path, identity: str = "") -> Iterator[tuple[str, Article | BadArticle]]:
    """Each line's article with its place, "file:line"; the file is read line by line, whatever its size."""
    try:
        with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as file:
            yield from _read_lines(cast(IO[bytes], file), str(path))
    except (OSError, EOFError, zlib.error) as error:
        yield str(path), BadArticle(str(path), f"cannot be read to its end ({error}); check that the file is whole")


def _read_lines(file: IO[bytes], name: str) -> Iterator[tuple[str, Article | BadArticle]]:
    number, is_empty = 0, True
    while line := file.readline(MAX_ARTICLE_BYTES + 1):
        number += 1
        place = f"{name}:{number}"
        if len(line) > MAX_ARTICLE_BYTES:
            # What is left of the line may be endless: without its end nothing after it can be told apart.
            reason = f"is a line of more than {MAX_ARTICLE_BYTES / 1e6:.0f} MB; write one article a line"
            yield place, BadArticle(place, reason)
            return
        if not line.strip():
            continue
        is_empty = False
        try:
            yield place, _read_row(line)
        except ArticleFault as fault:
            yield place, BadArticle(place, fault.reason, fault.article)
    if is_empty:
        yield name, BadArticle(name, "is empty; write the articles or delete the file")


def _read_row(line: bytes) -> Article:
    try:
        row = json.loads(decode(line), object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise ArticleFault(f"is not valid JSON ({str(error)[:80]}); write one object a line") from None
    if not isinstance(row, dict):
        raise ArticleFault('is not a JSON object; write {"id": "...", "title": "...", "body": "..."}')
    given = row.get("id")
    if isinstance(given, bool) or not isinstance(given, str | int):
        raise ArticleFault('has no id; add "id"')
    identity = check_id(str(given))
    known = {key: value for key, value in row.items() if key in FIELDS or key == "sources"}
    for key in row.keys() - _PASSED_OVER - set(_OWN_KEYS):
        near = get_close_matches(key.lower(), _OWN_KEYS, n=1, cutoff=0.8)
        if near:
            raise ArticleFault(f"the field {key[:40]!r} is not known; did you mean {near[0]!r}?", 0, identity)
    return build_article(identity, _body(row, identity, known), known)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    row = dict(pairs)
    if len(row) < len(pairs):
        raise ValueError("an object has the same key twice")
    return row


def _body(row: dict[str, Any], identity: str, known: dict[str, Any]) -> str:
    body, html = row.get("body"), row.get("html")
    if isinstance(body, str) and len(body) > MAX_TEXT_BYTES:
        raise ArticleFault(
            f"body is longer than {MAX_TEXT_BYTES / 1e6:.0f} million characters; split the article", 0, identity
        )
    if isinstance(body, str) and body.strip():
        return normalise(clean(body))
    if isinstance(html, str) and html.strip():
        return read_content(clean(html), str(known.get("url") or ""))
    raise ArticleFault('has no text; add "body" (Markdown) or "html"', 0, identity)
