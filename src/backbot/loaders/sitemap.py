"""A site's sitemap -> the articles on its pages.

Read are sitemaps and indexes of sitemaps, packed or not, and from them the pages of the same host that robots.txt allows.
With a cache folder, a page is fetched again only if it changed: the server is asked with ETag and Last-Modified, or, where
it sends neither and the sitemap's lastmod is the same as before, only whether the page is still there. A page that answers
404 or 410 is gone, and so not an article any more; a page that cannot be fetched for another reason is a bad article.
"""

import json
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from urllib.parse import urljoin, urlsplit
from urllib.robotparser import RobotFileParser

from backbot.errors import SourceUnreadable
from backbot.loaders.faults import ArticleFault, BadArticle, NotAnArticle
from backbot.loaders.html_pages import decode_html, read_page
from backbot.loaders.schema import id_of_url
from backbot.loaders.web import MAX_FEED_BYTES, FetchFailed, Page, Web, host_of
from backbot.records import Article

_MAX_SITEMAPS = 500
_MAX_URLS = 100_000
_MAX_CRAWL_DELAY = 10.0
_MOST_FAILURES_IN_A_ROW = 5
_GONE = (404, 410)


@dataclass(frozen=True, slots=True)
class Entry:
    """One page that a sitemap names, and when the sitemap says it changed last ("" where it does not)."""

    url: str
    lastmod: str


@dataclass(frozen=True, slots=True)
class _Kept:
    """What is kept of a page beside its body: what to ask the server with, and what the sitemap said."""

    url: str
    etag: str
    last_modified: str
    lastmod: str
    charset: str


def read_robots(web: Web, site: str) -> RobotFileParser:
    """The rules of the site's robots.txt; without one, everything is allowed. Slows `web` down where it asks for that."""
    address = urljoin(site, "/robots.txt")
    try:
        page = web.get(address, host_of(site), limit=500_000)
    except FetchFailed as failure:
        raise SourceUnreadable(f"The site cannot be read: {failure}.") from None
    if page.status >= 500:
        raise SourceUnreadable(f"{address} answers {page.status}, so what may be read is not known. Try again later.")
    robots = RobotFileParser(address)
    robots.parse(page.body.decode("utf-8", "replace").splitlines() if page.status == 200 else [])
    delay = robots.crawl_delay("backbot")
    if delay:
        web.interval = max(web.interval, min(float(delay), _MAX_CRAWL_DELAY))
    return robots


def read_sitemap(
    web: Web, url: str, robots: RobotFileParser, cache: Path | None = None
) -> Iterator[tuple[str, Article | BadArticle]]:
    """Each article that the sitemap at `url` leads to, with its page's address."""
    host = host_of(url)
    folder = None if cache is None else cache / f"pages-{sha256(host.encode()).hexdigest()[:16]}"
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    seen: set[str] = set()
    failures = 0
    for entry in _entries(web, url, host):
        if isinstance(entry, BadArticle):
            yield entry.place, entry
            continue
        if entry.url in seen or not robots.can_fetch("backbot", entry.url):
            continue
        seen.add(entry.url)
        try:
            page, charset = _fetch(web, entry, host, folder)
            failures = 0
        except FetchFailed as failure:
            failures += not failure.is_refused
            if failures >= _MOST_FAILURES_IN_A_ROW:
                raise SourceUnreadable(f"{failures} pages in a row failed, the last: {failure}.") from None
            yield entry.url, BadArticle(entry.url, str(failure), id_of_url(entry.url))
            continue
        if page.status in _GONE or (page.url != entry.url and page.url in seen):
            continue
        seen.add(page.url)
        try:
            yield entry.url, _read(page, charset)
        except NotAnArticle:
            continue


def read_single_page(web: Web, url: str, page: Page) -> tuple[str, Article | BadArticle]:
    """The article on one page that was fetched."""
    try:
        return url, _read(page, _charset(page))
    except NotAnArticle as fault:
        return url, fault.at(url)


def _read(page: Page, charset: str) -> Article | BadArticle:
    identity = id_of_url(page.url)
    try:
        if page.status != 200:
            raise ArticleFault(f"answers {page.status}; see whether the page opens in a browser", 0, identity)
        kind = page.headers.get("content-type", "text/html").split(";")[0].strip().lower()
        if kind not in ("text/html", "application/xhtml+xml"):
            raise ArticleFault(f"is {kind[:40]!r}, not a page", 0, identity)
        article = read_page(decode_html(page.body, charset), identity, page.url)
    except NotAnArticle:
        raise
    except ArticleFault as fault:
        return BadArticle(page.url, fault.reason, identity)
    return article


def _charset(page: Page) -> str:
    _, _, declared = page.headers.get("content-type", "").partition("charset=")
    return declared.split(";")[0].strip(" \"'")


def _fetch(web: Web, entry: Entry, host: str, folder: Path | None) -> tuple[Page, str]:
    """The page, from the cache where the server says that it did not change, and its charset."""
    if folder is None:
        page = web.get(entry.url, host)
        return page, _charset(page)
    name = sha256(entry.url.encode()).hexdigest()[:32]
    notes, body = folder / f"{name}.json", folder / f"{name}.html.z"
    kept = _read_kept(notes, body)
    asked: dict[str, str] = {}
    if kept:
        known, stored = kept
        if known.etag:
            asked["If-None-Match"] = known.etag
        if known.last_modified:
            asked["If-Modified-Since"] = known.last_modified
        if not asked and entry.lastmod and entry.lastmod == known.lastmod:
            there = web.get(entry.url, host, method="HEAD")
            if there.status == 200:
                return Page(known.url, 200, {}, stored), known.charset
    page = web.get(entry.url, host, asked)
    if page.status == 304 and kept:
        return Page(kept[0].url, 200, {}, kept[1]), kept[0].charset
    if page.status == 200:
        headers = page.headers
        fresh = _Kept(page.url, headers.get("etag", ""), headers.get("last-modified", ""), entry.lastmod, _charset(page))
        notes.unlink(missing_ok=True)
        body.write_bytes(zlib.compress(page.body))
        # The notes are written last and vouch for the body by its hash, so a kill between the two cannot join old and new.
        notes.write_text(json.dumps({**asdict(fresh), "sha256": sha256(page.body).hexdigest()}), "utf-8")
    elif page.status in _GONE:
        notes.unlink(missing_ok=True)
        body.unlink(missing_ok=True)
    return page, _charset(page)


def _read_kept(notes: Path, body: Path) -> tuple[_Kept, bytes] | None:
    try:
        values = json.loads(notes.read_text("utf-8"))
        stored = zlib.decompress(body.read_bytes())
        digest = values.pop("sha256")
        kept = _Kept(**values)
    except (OSError, ValueError, zlib.error, TypeError, KeyError, AttributeError):
        return None
    return (kept, stored) if sha256(stored).hexdigest() == digest else None


def _entries(web: Web, url: str, host: str) -> Iterator[Entry | BadArticle]:
    """The pages of a sitemap and, where it is an index, of those that it names; each sitemap is read once."""
    waiting, read, count = [url], set[str](), 0
    while waiting:
        address = waiting.pop(0)
        if address in read:
            continue
        read.add(address)
        if len(read) > _MAX_SITEMAPS:
            yield BadArticle(address, f"is one of more than {_MAX_SITEMAPS} sitemaps; name a smaller one")
            return
        try:
            kind, entries = _parse(_sitemap_bytes(web, address, host))
        except (FetchFailed, ArticleFault) as failure:
            if address == url:
                raise SourceUnreadable(f"The sitemap {url} cannot be read: {failure}.") from None
            yield BadArticle(address, f"cannot be read: {failure}")
            continue
        for entry in entries:
            count += 1
            if count > _MAX_URLS:
                yield BadArticle(address, f"names more than {_MAX_URLS} pages; name a smaller sitemap")
                return
            if not _is_on(entry.url, host):
                reason = f"names {entry.url[:120]}, which is not on {host}; only the publisher's own host is read"
                yield BadArticle(address, reason)
            elif kind == "sitemapindex":
                waiting.append(entry.url)
            else:
                yield entry


def _is_on(url: str, host: str) -> bool:
    try:
        return urlsplit(url).scheme in ("http", "https") and host_of(url) == host
    except ValueError:
        return False


def _sitemap_bytes(web: Web, url: str, host: str) -> bytes:
    page = web.get(url, host, limit=MAX_FEED_BYTES)
    if page.status != 200:
        raise FetchFailed(f"{url} answers {page.status}")
    if not page.body.startswith(b"\x1f\x8b"):
        return page.body
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        data = unpacker.decompress(page.body, MAX_FEED_BYTES + 1)
    except zlib.error as error:
        raise FetchFailed(f"{url} is a damaged .gz file ({error})") from None
    if len(data) > MAX_FEED_BYTES:
        raise FetchFailed(f"{url} unpacks to more than {MAX_FEED_BYTES / 1e6:.0f} MB", is_refused=True)
    return data


def _parse(data: bytes) -> tuple[str, list[Entry]]:
    """The kind of a sitemap, "urlset" or "sitemapindex", and its entries."""
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True)
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise ArticleFault(f"it is not valid XML ({str(error)[:100]})") from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise ArticleFault("it has a DTD, which a sitemap never has")
    kind = etree.QName(root).localname
    if kind not in ("urlset", "sitemapindex"):
        raise ArticleFault("it is not a sitemap")
    entries = []
    for row in root.iterchildren("{*}url", "{*}sitemap"):
        url = (row.findtext("{*}loc") or "").strip()
        if url:
            entries.append(Entry(url, (row.findtext("{*}lastmod") or "").strip()))
    return kind, entries
