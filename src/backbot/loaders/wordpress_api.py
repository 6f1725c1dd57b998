"""A WordPress site's REST API -> articles: posts and pages, page by page.

With a cache folder, only what was modified since the last time is fetched; the ids of all posts are listed each time, so
that a post which was deleted, unpublished or made private is gone at once.

Learnt from a real site (WordPress 6.1, time zone Asia/Kolkata): `modified_after` without a zone is read as the site's
local time, so it is sent as `modified_gmt` with a Z; it leaves out the second that it names, so a minute is taken off; a
post with a password is listed, with `protected: true` and no content; a page past the last answers 400, not an empty list;
every page links to the API in its head, which is how a bare address finds it.
"""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from backbot.errors import SourceUnreadable
from backbot.loaders.faults import ArticleFault, BadArticle
from backbot.loaders.schema import FIELDS, build_article
from backbot.loaders.web import MAX_FEED_BYTES, FetchFailed, Page, Web, host_of
from backbot.loaders.wordpress import plain_title, post_id, read_post
from backbot.records import Article

_KINDS = {"posts": "post", "pages": "page"}
_FIELDS = "id,slug,link,title,content,date_gmt,modified_gmt,categories,status,type"
_A_PAGE = 100
_MAX_PAGES = 2000


def api_root(url: str) -> str:
    """The root of the API that `url` (the root itself, or an address below it) belongs to."""
    parts = urlsplit(url)
    at = parts.path.find("/wp-json")
    path = parts.path[:at] + "/wp-json/" if at >= 0 else parts.path
    return urlunsplit((parts.scheme, parts.netloc, path, "" if at >= 0 else parts.query, ""))


def read_api(web: Web, root: str, cache: Path | None = None) -> Iterator[tuple[str, Article | BadArticle]]:
    """Each published post and page with its address; raises SourceUnreadable where the API does not answer as it should."""
    topics = {row["id"]: plain_title(str(row.get("name", ""))) for row in _rows(web, root, "categories", _fields="id,name")}
    for route, kind in _KINDS.items():
        rows = _rows(web, root, route, _fields=_FIELDS) if cache is None else _kept_rows(web, root, route, cache)
        for row in rows:
            place = str(row.get("link") or f"{root}wp/v2/{route}/{row.get('id')}")
            try:
                article = _read_row(row, kind, topics)
                if article:
                    yield place, article
            except ArticleFault as fault:
                yield place, BadArticle(place, fault.reason, fault.article)


def _read_row(row: dict[str, Any], kind: str, topics: dict[int, str]) -> Article | None:
    content = row.get("content")
    if row.get("status", "publish") != "publish" or not isinstance(content, dict) or content.get("protected"):
        return None
    link = str(row.get("link") or "")
    try:
        url = FIELDS["url"](link)
    except ArticleFault:
        url = ""
    identity = post_id(kind, str(row.get("slug") or ""), link)
    title = row.get("title")
    categories = row.get("categories")
    values = {
        "title": plain_title(str(title.get("rendered", "")) if isinstance(title, dict) else ""),
        "url": url,
        "published": str(row.get("date_gmt") or "")[:10],
        "topics": [topics[n] for n in (categories if isinstance(categories, list) else []) if n in topics],
    }
    try:
        return build_article(identity, read_post(str(content.get("rendered") or ""), url, is_rendered=True), values)
    except ArticleFault as fault:
        raise ArticleFault(fault.reason, fault.line, identity) from None


def _kept_rows(web: Web, root: str, route: str, cache: Path) -> Iterator[dict[str, Any]]:
    """The rows of `route`, those that did not change taken from the cache: one file for each row, so a kill loses none."""
    folder = cache / f"wordpress-{sha256(root.encode()).hexdigest()[:16]}" / route
    folder.mkdir(parents=True, exist_ok=True)
    kept = {int(path.stem): path for path in folder.glob("*.json") if path.stem.isdecimal()}
    ids = [int(row["id"]) for row in _rows(web, root, route, _fields="id")]
    for number in kept.keys() - set(ids):
        kept.pop(number).unlink(missing_ok=True)
    newest = _newest(folder / "newest") if kept else ""
    # Whatever is listed but was never fetched, as after a kill, makes this a full run.
    asked = {"modified_after": _a_minute_before(newest)} if newest and kept.keys() >= set(ids) else {}
    for row in _rows(web, root, route, _fields=_FIELDS, **asked):
        _write(folder / f"{int(row['id'])}.json", json.dumps(row))
        newest = max(newest, str(row.get("modified_gmt") or ""))
    if newest:
        _write(folder / "newest", newest)
    for number in ids:
        try:
            row = json.loads((folder / f"{number}.json").read_text("utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(row, dict):
            yield row


def _a_minute_before(moment: str) -> str:
    return f"{(datetime.fromisoformat(moment) - timedelta(minutes=1)).isoformat()}Z"


def _newest(path: Path) -> str:
    try:
        return datetime.fromisoformat(path.read_text("utf-8").strip()).isoformat()
    except (OSError, ValueError):
        return ""


def _write(path: Path, text: str) -> None:
    partial = path.with_suffix(".part")
    partial.write_text(text, "utf-8")
    partial.replace(path)


def _rows(web: Web, root: str, route: str, **parameters: str) -> Iterator[dict[str, Any]]:
    """The objects of a collection, page by page, as many as X-WP-TotalPages says."""
    number, total = 1, 1
    while number <= min(total, _MAX_PAGES):
        query = {"per_page": str(_A_PAGE), "page": str(number), "orderby": "id", "order": "asc", **parameters}
        url = f"{root}wp/v2/{route}"
        page = _fetch(web, _with_query(url, query), host_of(root))
        # A post that was deleted meanwhile may have emptied the last page.
        if page.status == 400 and number > 1:
            return
        if page.status != 200:
            raise SourceUnreadable(_why(page, url))
        try:
            rows = json.loads(page.body)
        except (ValueError, RecursionError):
            rows = None
        if not isinstance(rows, list):
            raise SourceUnreadable(f"{url} does not answer as WordPress does. Name the site's sitemap instead.")
        yield from (row for row in rows if isinstance(row, dict) and isinstance(row.get("id"), int))
        header = page.headers.get("x-wp-totalpages", "")
        total = int(header) if header.isdecimal() else total
        number += 1


def _with_query(url: str, query: dict[str, str]) -> str:
    return f"{url}{'&' if '?' in url else '?'}{urlencode(query)}"


def _fetch(web: Web, url: str, host: str) -> Page:
    try:
        return web.get(url, host, {"Accept": "application/json"}, MAX_FEED_BYTES)
    except FetchFailed as failure:
        raise SourceUnreadable(f"The site's WordPress API cannot be read: {failure}.") from None


def _why(page: Page, url: str) -> str:
    if page.status in (401, 403, 404):
        return f"{url} answers {page.status}: the site keeps its WordPress API shut. Name its sitemap or an export file."
    return f"{url} answers {page.status}. Try again later, or name the site's sitemap or an export file."
