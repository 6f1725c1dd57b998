"""A whole HTML page -> an Article: what trafilatura finds to be the article, with its headings, lists, tables and links.

Hidden elements, scripts, comments and the parts that `boilerplate` names are taken out before anything reads the page, so
that nothing which a reader of the page does not see can get into an answer.

Measured on the 181 pages of Scrapinghub's article-extraction-benchmark (F1 of 4-word shingles): trafilatura 2.3.1 alone .960
(2.0.0 published .958), this module .967. Taking the page's own mark of its article instead (`itemprop`, `article`, `main`)
helps only where trafilatura lost most of the prose; done always, it cost .03.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

from backbot.loaders.blocks import Block, join_blocks, read_blocks, take_title
from backbot.loaders.boilerplate import drop_boilerplate, drop_side_blocks
from backbot.loaders.decoding import clean, decode, read_bytes
from backbot.loaders.faults import ArticleFault, NotAnArticle
from backbot.loaders.sanitising import parse_page, web_link
from backbot.loaders.schema import FIELDS, build_article, make_id
from backbot.records import Article

_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]{2,40})", re.I)
_MARKS_OF_ARTICLE = ("//*[@itemprop='articleBody']", "//article", "//main", "//*[@role='main']")
# Classes that WordPress gives the body of a page which lists others.
_LISTINGS = frozenset({"archive", "author", "blog", "category", "date", "error404", "search", "tag", "tax-post_format"})
_LEAST_OF_MARKED = 0.6
_MOST_OF_FOUND = 1.2
_SHORT_PAGE = 200
_TITLE_SEPARATOR = re.compile(r" [|–—·»-] ")


def read_html_file(path: Path, identity: str = "") -> Article:
    """The article on a saved page; raises ArticleFault."""
    identity = identity or make_id(path.stem)
    try:
        return read_page(decode_html(read_bytes(path)), identity)
    except ArticleFault as fault:
        raise ArticleFault(fault.reason, fault.line, identity) from None


def decode_html(data: bytes, declared: str = "") -> str:
    """The page's text: UTF-8 where it is that, else as its server (`declared`) or the page says, else Windows-1252."""
    match = _CHARSET.search(data[:4096])
    encoding = declared or (match[1].decode("ascii") if match else "")
    if encoding.lower() in ("iso-8859-1", "latin-1", "latin1", "ascii", "us-ascii"):
        encoding = "cp1252"
    try:
        return decode(data, "utf-8")
    except ArticleFault as fault:
        if "UTF-8" not in fault.reason:
            raise
        return decode(data, encoding if encoding and encoding.lower() not in ("utf-8", "utf8") else "cp1252")


def read_page(html: str, identity: str, url: str = "") -> Article:
    """The article on a page whose address is `url` (empty for a file); raises ArticleFault where the page holds none."""
    tree = parse_page(html)
    classes = set((tree.xpath("string(//body/@class)") or "").split())
    if classes & _LISTINGS or tree.xpath("//form[contains(@class, 'post-password-form')]"):
        raise NotAnArticle("lists other pages or asks for a password, and is no article", 0, identity)
    declared = _declared(tree)
    address = _canonical(tree, url) or url
    heading = tree.find(".//h1")
    page_title = clean(" ".join(heading.itertext())) if heading is not None else ""
    page_title = (
        page_title or _TITLE_SEPARATOR.split(" ".join(declared.get("title", "").split()))[0] or identity.replace("-", " ")
    )
    title, blocks = take_title(drop_side_blocks(read_article_blocks(tree, address)))
    if not blocks:
        raise ArticleFault("holds no article that can be told from the page around it", 0, identity)
    return build_article(identity, join_blocks(blocks), {**declared, "title": title or page_title, "url": address})


def read_article_blocks(tree: Any, base: str) -> list[Block]:
    """The blocks of the article on a page."""
    # trafilatura costs half a second to import, and most sources are not pages.
    from trafilatura import extract

    drop_boilerplate(tree)
    marked = _marked_article(tree)
    found = extract(
        tree, output_format="html", include_links=True, include_tables=True, include_comments=False, include_formatting=False
    )
    page = parse_page(found) if found else None
    # Now and then trafilatura takes one part of an article for the whole of it, or of a short page keeps the words but not
    # the headings and lists; what the page itself marks as its article is then the better choice.
    if marked is not None and (page is None or _lost_much(page, marked)):
        page = marked
    return [] if page is None else read_blocks(page, web_link(base))


def _marked_article(tree: Any) -> Any:
    """The one element that the page marks as its article; None where it marks none, or several."""
    for query in _MARKS_OF_ARTICLE:
        found = tree.xpath(query)
        if len(found) == 1:
            return found[0]
    return None


def _lost_much(page: Any, marked: Any) -> bool:
    words, words_marked = (sum(len(text.split()) for text in root.itertext()) for root in (page, marked))
    lost_shape = words < _SHORT_PAGE and not _shape(page) and _shape(marked) and words_marked < _MOST_OF_FOUND * words
    return bool(lost_shape) or _prose(page) < _LEAST_OF_MARKED * _prose(marked)


def _shape(root: Any) -> int:
    """The number of headings below the title, and of list items that are not mostly links."""
    items = sum(1 for item in root.iter("li") if item.find(".//a") is None)
    return items + sum(1 for _ in root.iter("h2", "h3", "h4"))


def _prose(root: Any) -> int:
    """The number of characters in paragraphs that are not mostly links."""
    total = 0
    for element in root.iter("p"):
        text = sum(len(piece) for piece in element.itertext())
        links = sum(len(piece) for link in element.iter("a") for piece in link.itertext())
        if links < text / 2:
            total += text
    return total


# What a page says about itself: the field, then the queries that may hold it, the first that does counts.
_DECLARED: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("title", ("//meta[@property='og:title']/@content", "//head/title/text()")),
    ("description", ("//meta[@name='description']/@content", "//meta[@property='og:description']/@content")),
    ("published", ("//meta[@property='article:published_time']/@content",)),
)
# The same from the page's JSON-LD.
_DECLARED_IN_DATA = {"published": "datePublished", "reviewed": "lastReviewed", "description": "description"}


def _declared(tree: Any) -> dict[str, Any]:
    """The fields that the page's head and JSON-LD declare; one that does not read as what it should be is passed over."""
    values: dict[str, Any] = {}
    data = list(_structured_data(tree))
    for field, queries in _DECLARED:
        found = (str(value) for query in queries for value in tree.xpath(query))
        _put(values, field, next((value for value in found if value.strip()), ""))
    for field, key in _DECLARED_IN_DATA.items():
        _put(values, field, next((item[key] for item in data if isinstance(item.get(key), str)), ""))
    reviewers = (item["reviewedBy"] for item in data if isinstance(item.get("reviewedBy"), dict))
    _put(values, "reviewer", next((item["name"] for item in reviewers if isinstance(item.get("name"), str)), ""))
    tags = [str(tag) for tag in tree.xpath("//meta[@property='article:section' or @property='article:tag']/@content")]
    _put(values, "topics", tags)
    return values


def _put(values: dict[str, Any], field: str, value: Any) -> None:
    if value and not values.get(field):
        try:
            FIELDS[field](value)
        except ArticleFault:
            return
        values[field] = value


def _structured_data(tree: Any) -> Iterator[dict[str, Any]]:
    """The objects of the page's JSON-LD, those inside `@graph` too."""
    for script in tree.xpath("//script[@type='application/ld+json']"):
        try:
            found = json.loads(script.text or "")
        except (ValueError, RecursionError):
            continue
        for item in found if isinstance(found, list) else [found]:
            if isinstance(item, dict):
                yield item
                graph = item.get("@graph")
                yield from (part for part in (graph if isinstance(graph, list) else []) if isinstance(part, dict))


def _canonical(tree: Any, url: str) -> str:
    """The page's own address, as it names it; of a page that was fetched from `url`, only where it is on the same host."""
    queries = ("//link[@rel='canonical']/@href", "//meta[@property='og:url']/@content")
    for address in (str(value).strip() for query in queries for value in tree.xpath(query)):
        try:
            whole = urljoin(url, address) if url else address
            parts = urlsplit(whole)
            if FIELDS["url"](whole) and (not url or parts.hostname == urlsplit(url).hostname):
                return whole
        except (ArticleFault, ValueError):
            continue
    return ""
