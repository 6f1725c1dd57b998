"""A WordPress export (WXR: RSS with WordPress's own elements; also .gz) -> articles.

Only published posts and pages without a password are read; drafts, pending, private, scheduled and trashed ones are not.
An export holds what editors typed, the API what readers see: on a real site (WordPress 6.1) the same post has straight
quotes and three dots in the export, and curly quotes and "…" in the API and on its page. A link that jumps to a quoted
sentence may then miss it, so where a site can be reached its API is the better source. Categories are escaped twice.

The file is read as a stream, so its size does not matter; entities are never resolved and a DTD is refused.
"""

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, cast

from backbot.loaders.faults import ArticleFault, BadArticle
from backbot.loaders.schema import FIELDS, build_article
from backbot.loaders.wordpress import plain_title, post_id, read_post
from backbot.records import Article

_KINDS = ("post", "page")
_MAX_BYTES = 1_000_000_000
_CONTENT = "{http://purl.org/rss/1.0/modules/content/}encoded"
_CONTROLS = bytes(n for n in range(32) if n not in (9, 10, 13))


class _Filtered:
    """A file without control characters, which old posts hold and XML forbids, and with a limit to what a .gz unpacks to."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._left = _MAX_BYTES

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size if size > 0 else 65536)
        self._left -= len(data)
        if self._left < 0:
            raise ArticleFault(f"is larger than {_MAX_BYTES / 1e9:.0f} GB; export the site in parts")
        return data.translate(None, _CONTROLS)


def read_export_file(path: Path, identity: str = "") -> Iterator[tuple[str, Article | BadArticle]]:
    """Each published post and page with its place, "file:line"."""
    from lxml import etree

    name = str(path)
    try:
        with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as file:
            events = etree.iterparse(
                _Filtered(cast(IO[bytes], file)),
                events=("start", "end"),
                resolve_entities=False,
                no_network=True,
                load_dtd=False,
                remove_comments=True,
            )
            yield from _read_items(events, name)
    except etree.XMLSyntaxError as error:
        line = error.lineno or 0
        reason = f"is not whole, valid XML from here on ({str(error.msg)[:100]}); export the site again"
        yield f"{name}:{line}", ArticleFault(reason, line).at(name)
    except ArticleFault as fault:
        yield name, fault.at(name)
    except (OSError, EOFError, zlib.error) as error:
        yield name, BadArticle(name, f"cannot be read to its end ({error}); check that the file is whole")


def _read_items(events: Any, name: str) -> Iterator[tuple[str, Article | BadArticle]]:
    root: Any = None
    for event, element in events:
        if root is None:
            root = element
            _check_root(root)
        if event == "end" and element.tag == "item":
            place = f"{name}:{element.sourceline}"
            try:
                article = _read_item(element)
                if article:
                    yield place, article
            except ArticleFault as fault:
                yield place, BadArticle(place, fault.reason, fault.article)
            element.clear()
            while element.getprevious() is not None:
                del element.getparent()[0]
    if root is None:
        raise ArticleFault("is empty; export the site again")


def _check_root(root: Any) -> None:
    if root.getroottree().docinfo.internalDTD is not None:
        raise ArticleFault("has a DTD, which a WordPress export never has; export the site again")
    if root.tag != "rss" or not any("wordpress.org/export" in uri for uri in root.nsmap.values()):
        raise ArticleFault("is not a WordPress export; in WordPress, choose Tools, Export")


def _read_item(item: Any) -> Article | None:
    words: dict[str, str] = {}
    topics: list[str] = []
    for child in item:
        if not isinstance(child.tag, str):
            continue
        text = "".join(child.itertext())
        space, _, tag = child.tag.rpartition("}")
        if child.tag == "category" and child.get("domain", "category") == "category":
            topics.append(plain_title(text))
        elif child.tag == _CONTENT:
            words["content"] = text
        elif child.tag in ("title", "link") or "wordpress.org/export" in space:
            words.setdefault(tag or child.tag, text.strip())
    if words.get("status") != "publish" or words.get("post_type") not in _KINDS or words.get("post_password"):
        return None
    link = words.get("link", "")
    identity = post_id(words["post_type"], words.get("post_name", ""), link or f"/{words.get('post_id', '')}")
    url = link if _is_taken("url", link) else ""
    published = words.get("post_date_gmt", "")[:10]
    values = {
        "title": plain_title(words.get("title", "")),
        "url": url,
        "published": published if _is_taken("published", published) else "",
        "topics": topics,
    }
    try:
        return build_article(identity, read_post(words.get("content", ""), url, is_rendered=False), values)
    except ArticleFault as fault:
        raise ArticleFault(fault.reason, fault.line, identity) from None


def _is_taken(field: str, value: str) -> bool:
    try:
        FIELDS[field](value)
    except ArticleFault:
        return False
    return True
