"""What a WordPress export and WordPress's REST API have in common: ids, titles, and the cleaning of a post's content."""

import re
from urllib.parse import unquote, urlsplit

from backbot.loaders.content import read_content
from backbot.loaders.decoding import clean
from backbot.loaders.sanitising import parse_fragment
from backbot.loaders.schema import id_of_url, make_id

# A shortcode is `[name]`, `[name attribute="value"]`, `[/name]`; readers' text has brackets too ("[sic]", "[1]").
_SHORTCODE = re.compile(r"(?<!\[)\[(/?)([a-z][a-z0-9_-]{0,60})((?:\s[^\[\]]{0,2000})?)\](?!\])", re.I)
_ESCAPED_SHORTCODE = re.compile(r"\[\[([^\[\]]{1,500})\]\]")
_ATTRIBUTE = re.compile(r"\s[\w-]+\s*=")
# Those that WordPress itself and common plugins write without attributes.
_BARE_SHORTCODES = frozenset(
    "gallery caption embed audio video playlist toc tableofcontents contact form sidebar ads divider spacer button".split()  # noqa: SIM905
)
_WITHOUT_CONTENT = frozenset("caption wp_caption embed audio video playlist code sourcecode".split())  # noqa: SIM905
_BLOCK_EDITOR = re.compile(r"<!--\s+wp:")
_BLANK_LINES = re.compile(r"\n[ \t]*\n\s*")


def post_id(kind: str, slug: str, link: str) -> str:
    """The id of a post: its slug; of a page: its path, for pages under different parents may share a slug."""
    if kind == "page" and urlsplit(link).path.strip("/"):
        return id_of_url(urlsplit(unquote(link))._replace(query="").geturl())
    return make_id(unquote(slug)) if slug else id_of_url(link)


def plain_title(html: str) -> str:
    """The words of a title, which WordPress gives as HTML."""
    return " ".join(clean("".join(parse_fragment(html).itertext())).split())


def read_post(html: str, url: str, is_rendered: bool) -> str:
    """The body of a post. A post that was written in the old editor and not yet rendered marks paragraphs by blank lines."""
    html = drop_shortcodes(clean(html))
    if not is_rendered and not _BLOCK_EDITOR.search(html):
        html = _BLANK_LINES.sub("<br><br>", html)
    return read_content(html, url)


def drop_shortcodes(html: str) -> str:
    """The text without shortcodes; what stands between an opening and a closing one stays, unless it is a caption."""
    found = list(_SHORTCODE.finditer(html))
    ends: dict[str, list[int]] = {}
    for match in reversed(found):
        if match[1]:
            ends.setdefault(match[2].lower(), []).append(match.end())
    closed = set(ends)
    pieces, at = [], 0
    for match in found:
        name = match[2].lower()
        if match.start() < at or not _is_shortcode(name, match[3], closed):
            continue
        pieces.append(html[at : match.start()])
        at = match.end()
        if name in _WITHOUT_CONTENT and not match[1]:
            later = ends.get(name, [])
            while later and later[-1] <= at:
                later.pop()
            at = later.pop() if later else at
    pieces.append(html[at:])
    return _ESCAPED_SHORTCODE.sub(r"[\1]", " ".join(pieces))


def _is_shortcode(name: str, attributes: str, closed: set[str]) -> bool:
    if name in closed or name in _BARE_SHORTCODES or _ATTRIBUTE.search(attributes):
        return True
    return not attributes and re.search(r"[_\d-]", name) is not None
