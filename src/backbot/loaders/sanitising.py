"""HTML text -> an lxml tree without what a reader does not see: hidden elements, comments, scripts, unsafe links."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

from backbot.loaders.blocks import DROPPED, Link
from backbot.loaders.faults import ArticleFault

_HIDING_STYLE = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|content-visibility\s*:\s*hidden"
    r"|opacity\s*:\s*0*(?:\.0+)?%?\s*(?:[;!]|$)|font-size\s*:\s*0*(?:\.0+)?\s*(?:px|em|rem|pt|%)?\s*(?:[;!]|$)"
    r"|(?:left|right|top|text-indent|margin-left)\s*:\s*-\d{3,}|clip(?:-path)?\s*:\s*(?:rect\(\s*0|inset\(\s*(?:50|100)%)"
    r"|transform\s*:\s*scale\(\s*0(?:\.0+)?\s*\)",
    re.I,
)
_MAX_STYLE_CHARS = 500_000
_SIMPLE_SELECTOR = re.compile(r"\s*(?:[a-z][a-z0-9]*)?([.#])([A-Za-z_][\w-]*)\s*", re.I)
# They hold what a page says about itself: its title, address and dates. The writer of blocks leaves them out.
_HEAD_PARTS = frozenset({"head", "title", "meta", "link", "base"})
_UNSAFE_IN_ADDRESS = re.compile(r"[\x00-\x1f\x7f]")


def parse_page(html: str) -> Any:
    """The tree of a whole page, hidden parts and comments gone; raises ArticleFault where it cannot be read whole."""
    from lxml import etree
    from lxml import html as lxml_html

    # The parser gives up below 256 open elements; a page cut short in silence would lose its warnings.
    parser = lxml_html.HTMLParser(remove_comments=True, remove_pis=True, no_network=True, encoding="utf-8")
    try:
        root = lxml_html.document_fromstring(html.encode("utf-8", "ignore"), parser)
    except (etree.LxmlError, ValueError):
        root = None
    if any("depth" in entry.message.lower() for entry in parser.error_log):
        raise ArticleFault("nests more than 250 elements in each other, so it cannot be read whole; simplify the page")
    if root is None:
        raise ArticleFault("holds no readable HTML")
    drop_hidden(root)
    return root


def parse_fragment(html: str) -> Any:
    """The tree of a piece of a page, such as the content of a post, inside one `div`."""
    return parse_page(f"<html><body><div>{html}</div></body></html>")


def drop_hidden(root: Any) -> None:
    """Remove scripts, frames, forms' fields and whatever attributes or the page's own simple style rules hide."""
    hidden_names = _hidden_by_style_sheet(root)
    for element in list(root.iter()):
        if element is root or not isinstance(element.tag, str):
            continue
        is_data = element.tag == "script" and element.get("type") == "application/ld+json"
        is_unseen = element.tag in DROPPED and element.tag not in _HEAD_PARTS and not is_data
        if is_unseen or _is_hidden(element, hidden_names):
            drop(element)


def drop(element: Any) -> None:
    """Empty an element but keep the text that follows it. The empty element stays: removing many takes quadratic time."""
    element.clear(keep_tail=True)
    element.tag = "span"


def _is_hidden(element: Any, hidden_names: set[str]) -> bool:
    hidden = element.get("hidden")
    if hidden is not None and hidden.lower() != "until-found":
        return True
    if (element.get("aria-hidden") or "").strip().lower() == "true":
        return True
    style = element.get("style")
    if style and _HIDING_STYLE.search(_without_comments(style)):
        return True
    if not hidden_names:
        return False
    names = {"." + name for name in (element.get("class") or "").split()}
    return bool(hidden_names & (names | {"#" + (element.get("id") or "")}))


def _hidden_by_style_sheet(root: Any) -> set[str]:
    """Classes (".x") and ids ("#x") that a style element on the page hides outright; rules inside @media are not read."""
    names: set[str] = set()
    for element in root.iter("style"):
        for selectors, body in _style_rules(_without_comments((element.text or "")[:_MAX_STYLE_CHARS])):
            if _HIDING_STYLE.search(body):
                found = (_SIMPLE_SELECTOR.fullmatch(selector) for selector in selectors.split(","))
                names.update(match[1] + match[2] for match in found if match)
    return names


def _style_rules(sheet: str) -> Iterator[tuple[str, str]]:
    """(selectors, declarations) of each rule that stands in no other."""
    depth, at, selectors = 0, 0, ""
    for brace in re.finditer(r"[{}]", sheet):
        text, at = sheet[at : brace.start()], brace.end()
        if brace[0] == "{":
            selectors = text if depth == 0 else ""
            depth += 1
        elif depth:
            depth -= 1
            if depth == 0 and selectors and not selectors.lstrip().startswith("@"):
                yield selectors, text


def _without_comments(style: str) -> str:
    first, *others = style.split("/*")
    return first + "".join(other.partition("*/")[2] for other in others)


def _written(address: str) -> str:
    """The address so that a Markdown link can hold it."""
    return quote(_UNSAFE_IN_ADDRESS.sub("", address), safe="/:?#@!$&*+,;=%~-._'")


def web_link(base: str) -> Link:
    """Keeps http and https links, made absolute against `base`; without a base, only absolute ones."""

    def keep(address: str) -> str:
        try:
            whole = urljoin(base, address.strip()) if base else address.strip()
            parts = urlsplit(whole)
            return _written(whole) if parts.scheme in ("http", "https") and parts.hostname else ""
        except ValueError:
            return ""

    return keep


def web_or_relative_link(address: str) -> str:
    """Keeps http and https links and relative ones, by which Markdown articles name each other; no other scheme."""
    kept = web_link("")(address)
    if kept:
        return kept
    try:
        parts = urlsplit(address.strip())
    except ValueError:
        return ""
    return "" if parts.scheme or parts.netloc or not address.strip() else _written(address.strip())
