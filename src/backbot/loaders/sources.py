"""The one way in: a source's name -> its articles, whatever kind of source it is."""

import re
from collections.abc import Iterator
from pathlib import Path

from backbot.errors import SourceUnreadable
from backbot.loaders.faults import BadArticle
from backbot.loaders.files import Found, read_path
from backbot.records import Article


def load_articles(
    source: str, *, cache: Path | None = None, allow_private: bool = False, interval: float = 0.5
) -> Iterator[Article | BadArticle]:
    """The articles of `source`, and a BadArticle for each that cannot be read; see `read_source`, which also says where."""
    for _, found in read_source(source, cache=cache, allow_private=allow_private, interval=interval):
        yield found


def read_source(
    source: str, *, cache: Path | None = None, allow_private: bool = False, interval: float = 0.5
) -> Iterator[Found]:
    """Each article of `source` (a file, a folder, or the address of a site), or why there is none, with where it stands.

    `cache` is a folder for what was fetched of sites, so that an unchanged page is not fetched again; without it, nothing
    is kept. `allow_private` lets sites on private and loopback addresses be read; `interval` is the least time in seconds
    between two requests to a site. Raises SourceUnreadable where the source as a whole cannot be read.
    """
    seen: dict[str, str] = {}
    for place, found in _read_any(source, cache, allow_private, interval):
        if isinstance(found, Article):
            if found.id in seen:
                reason = f"has the id {found.id!r}, which {seen[found.id]} has already; rename one of the two"
                yield place, BadArticle(place, reason, found.id)
                continue
            seen[found.id] = place
        yield place, found


def _read_any(source: str, cache: Path | None, allow_private: bool, interval: float) -> Iterator[Found]:
    if not re.match(r"[a-z][a-z0-9+.-]*://", source, re.I):
        yield from read_path(Path(source))
    elif not re.match(r"https?://", source, re.I):
        raise SourceUnreadable(f"{source[:100]} is not an http or https address. Name a file, a folder or a site's address.")
    else:
        # The web's libraries cost a quarter of a second to import, and most sources are files.
        from backbot.loaders.site import read_site
        from backbot.loaders.web import Web

        with Web(allow_private, interval) as web:
            yield from read_site(web, source, cache)
