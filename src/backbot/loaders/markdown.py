"""Markdown, with or without front matter -> an Article.

What Markdown allows is brought into one form: sections from `##`, one paragraph a line, lists and tables kept, inline HTML
read as a page would show it and then left out, footnotes' definitions left out, source marks `[^key]` kept.
"""

import re
from functools import cache
from pathlib import Path
from typing import Any

from backbot.loaders.blocks import Block, join_blocks, read_blocks, take_title
from backbot.loaders.decoding import MAX_TEXT_BYTES, decode, read_bytes
from backbot.loaders.faults import ArticleFault
from backbot.loaders.sanitising import parse_fragment, web_or_relative_link
from backbot.loaders.schema import build_article, make_id
from backbot.loaders.strict_yaml import read_front_matter
from backbot.records import Article

_FENCE = re.compile(r"^---[ \t]*$", re.M)


def read_markdown_file(path: Path, identity: str = "") -> Article:
    """The article in one Markdown file; raises ArticleFault with the line of the first fault."""
    identity = identity or make_id(path.stem)
    try:
        return read_markdown(decode(read_bytes(path, MAX_TEXT_BYTES)), identity)
    except ArticleFault as fault:
        raise ArticleFault(fault.reason, fault.line, identity) from None


def has_front_matter(text: str) -> bool:
    """Whether the text begins with a `---` line."""
    return bool(_FENCE.match(text.lstrip("\n")))


def read_markdown(text: str, identity: str) -> Article:
    """The article in `text`; without front matter its title is the first `#` heading, or the id in words."""
    skipped = len(text) - len(text.lstrip("\n"))
    if not has_front_matter(text):
        title, blocks = take_title(markdown_blocks(text))
        return build_article(identity, join_blocks(blocks), {"title": title or identity.replace("-", " ").capitalize()})
    opening = _FENCE.search(text)
    closing = _FENCE.search(text, opening.end()) if opening else None
    if opening is None or closing is None:
        raise ArticleFault("the front matter that begins with --- is not closed; end it with a line of ---", skipped + 1)
    front = read_front_matter(text[opening.end() + 1 : closing.start()], skipped + 2)
    if not front.values:
        raise ArticleFault("the front matter is empty; write at least `title:`", skipped + 1)
    title, blocks = take_title(markdown_blocks(text[closing.end() :]))
    values = front.values if front.values.get("title") or not title else {**front.values, "title": title}
    return build_article(identity, join_blocks(blocks), values, front.lines)


@cache
def _parser() -> Any:
    from markdown_it import MarkdownIt
    from mdit_py_plugins.footnote import footnote_plugin

    parser: Any = MarkdownIt("commonmark", {"html": True}).enable("table").use(footnote_plugin, inline=False)
    # What a link may point to is decided in one place, `sanitising`; refused here, its address would stay in the text.
    parser.validateLink = lambda address: True
    rules = parser.renderer.rules
    rules["footnote_ref"] = lambda tokens, at, options, env: f"[^{tokens[at].meta.get('label', '')}]"
    return parser


def normalise(text: str) -> str:
    """Any Markdown in the one form that `Article.body` has."""
    return join_blocks(markdown_blocks(text))


def markdown_blocks(text: str) -> list[Block]:
    """The blocks of any Markdown."""
    parser = _parser()
    env: dict[str, Any] = {}
    tokens = parser.parse(text, env)
    for at, token in enumerate(tokens):
        if token.type == "footnote_block_open":
            tokens = tokens[:at]
            break
    html = parser.renderer.render(tokens, parser.options, env)
    return read_blocks(parse_fragment(html), web_or_relative_link)
