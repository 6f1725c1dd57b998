"""Plain text -> an Article: its headings, lists and paragraphs recognised by how people type them.

Two ways of typing are told apart by the longest line: one paragraph a line, or paragraphs broken into short lines and set
apart by blank ones. A heading is a short line that does not end like a sentence; one that a blank line follows is a section
(`##`), one that text follows at once is a part of it (`###`). Left out: the box about the author at the end, and paragraphs
of one sentence that only point at another page ("Read more about ..."), since the page is not there to go to.
"""

import re
from pathlib import Path

from backbot.loaders.blocks import Block, escape, escape_start, join_blocks
from backbot.loaders.boilerplate import drop_side_blocks
from backbot.loaders.decoding import MAX_TEXT_BYTES, decode, read_bytes
from backbot.loaders.faults import ArticleFault
from backbot.loaders.schema import build_article, make_id
from backbot.records import Article

_LONG_LINE = 120
_ITEM = re.compile(r"(?P<indent>\s*)(?:(?P<bullet>[-*•◦▪‣–·])|(?P<number>\d{1,3})[.)])\s+(?P<text>\S.*)")
_MARKED_HEADING = re.compile(r"(#{1,6})\s+(\S.*?)(?:\s+#+)?")
_UNDERLINE = re.compile(r"={3,}|-{3,}|~{3,}")
_EMPHASIS = re.compile(r"(?<![\w*])(\*{1,3})(?=[^\s*])([^*]{1,200}?)(?<=[^\s*])\1(?![\w*])")
_SENTENCE_END = re.compile(r"[.!:;,…][\"'”’)]*$")
_SMALL_WORDS = frozenset("and but for from into nor off onto over that than the this to when with your you".split())  # noqa: SIM905
_MAX_HEADING_CHARS = 100
_MAX_HEADING_WORDS = 14

# A box about the author, looked for in the last paragraphs only: how it begins, or "First Last is a ... writer".
_AUTHOR_LINE = re.compile(
    r"(?:about the author|(?:written|medically reviewed|reviewed|fact[- ]checked|edited|posted) by)\b", re.I
)
_AUTHOR_BIO = re.compile(
    r"[A-Z][\w.’'-]+(?: [A-Z][\w.’'-]+){1,4}(?:, [A-Za-z. ,]{2,40},?)? (?:is|was|has been) (?:an? |the )?"
    r"(?:(?!(?:an?|the|that|which|to|your|with|for|by|of|not|done|best)\b)[\w-]+ ){0,4}"
    r"(?i:writer|author|editor|journalist|blogger|assistant|nurse|doctor|physician|physiotherapist|therapist|chiropractor"
    r"|pharmacist|dietitian|surgeon|specialist|trainer|coach|contributor|columnist)\b"
)
_LAST_PARAGRAPHS = 3


def read_text_file(path: Path, identity: str = "") -> Article:
    """The article in one text file; raises ArticleFault."""
    identity = identity or make_id(path.stem)
    try:
        return read_text(decode(read_bytes(path, MAX_TEXT_BYTES)), identity)
    except ArticleFault as fault:
        raise ArticleFault(fault.reason, fault.line, identity) from None


def read_text(text: str, identity: str) -> Article:
    """The article in `text`; its title is the first line where that reads as a heading, else the id in words."""
    lines = [line.rstrip() for line in text.split("\n")]
    wraps = max(map(len, lines)) <= _LONG_LINE
    blocks = _wrapped_blocks(lines) if wraps else _line_blocks(lines)
    title = ""
    if blocks and blocks[0].kind == "heading":
        title, blocks = blocks[0].text, blocks[1:]
    blocks = drop_side_blocks([_as_markdown(block) for block in _without_author_box(blocks)])
    return build_article(identity, join_blocks(blocks), {"title": title or identity.replace("-", " ").capitalize()})


def _as_markdown(block: Block) -> Block:
    line = escape(_EMPHASIS.sub(r"\2", block.text))
    if block.kind == "item":
        marker, _, rest = line.lstrip(" ").partition(" ")
        indent = " " * (len(line) - len(line.lstrip(" ")))
        return Block("item", f"{indent}{marker} {escape_start(rest)}")
    return Block(block.kind, line if block.kind == "heading" else escape_start(line), block.level)


def _line_blocks(lines: list[str]) -> list[Block]:
    """The blocks of a text in which each line is a paragraph, an item or a heading."""
    blocks: list[Block] = []
    for at, line in enumerate(lines):
        following = lines[at + 1] if at + 1 < len(lines) else ""
        if _UNDERLINE.fullmatch(line) and at and lines[at - 1]:
            continue
        if line.strip():
            has_more = any(later.strip() for later in lines[at + 1 : at + 4])
            level = 2 if not following.strip() else 3
            blocks.append(_underlined(line, following) or _block(line, level, has_more))
    return blocks


def _wrapped_blocks(lines: list[str]) -> list[Block]:
    """The blocks of a text whose paragraphs run over several lines and are set apart by blank lines."""
    blocks: list[Block] = []
    is_open = False
    for at, line in enumerate(lines):
        following = lines[at + 1] if at + 1 < len(lines) else ""
        if not line.strip() or (_UNDERLINE.fullmatch(line) and at):
            is_open = False
            continue
        starts_item = bool(_ITEM.fullmatch(line))
        underlined = _underlined(line, following)
        if is_open and not starts_item and not underlined:
            blocks[-1].text += " " + line.strip()
            continue
        stands_alone = not following.strip() or bool(_ITEM.fullmatch(following))
        has_more = any(later.strip() for later in lines[at + 1 : at + 4])
        block = underlined or _block(line, 2 if not _ITEM.fullmatch(following) else 3, has_more and stands_alone)
        blocks.append(block)
        is_open = block.kind != "heading"
    return blocks


def _underlined(line: str, following: str) -> Block | None:
    """The heading that `line` is where the line below underlines it."""
    if not line.strip() or not _UNDERLINE.fullmatch(following) or _ITEM.fullmatch(line):
        return None
    return Block("heading", " ".join(line.split()), 1 if following.startswith("=") else 2)


def _block(line: str, level: int, may_be_heading: bool) -> Block:
    marked = _MARKED_HEADING.fullmatch(line.strip())
    if marked:
        return Block("heading", marked[2], len(marked[1]))
    item = _ITEM.fullmatch(line)
    if item:
        indent = "  " * min(len(item["indent"].expandtabs(4)) // 2, 3)
        return Block("item", f"{indent}{'-' if item['bullet'] else item['number'] + '.'} {' '.join(item['text'].split())}")
    words = " ".join(line.split())
    return Block("heading", words, level) if may_be_heading and _reads_as_heading(words) else Block("paragraph", words)


def _reads_as_heading(line: str) -> bool:
    """A short line that begins with a capital or digit, ends like no sentence, and is a question or mostly capitalised."""
    words = re.findall(r"[^\W\d_][\w’'-]*", line)
    if not words or len(line) > _MAX_HEADING_CHARS or len(words) > _MAX_HEADING_WORDS or _SENTENCE_END.search(line):
        return False
    if not (line[0].isupper() or line[0].isdigit() or line[0] in "“\"'"):
        return False
    weighty = [word for word in words if len(word) > 3 and word.lower() not in _SMALL_WORDS] or words
    capitals = sum(word[0].isupper() for word in weighty)
    return line.endswith("?") or capitals >= 0.6 * len(weighty) or len(words) <= 6


def _without_author_box(blocks: list[Block]) -> list[Block]:
    body, end = blocks[:-_LAST_PARAGRAPHS], blocks[-_LAST_PARAGRAPHS:]
    return body + [block for block in end if not (_AUTHOR_LINE.match(block.text) or _AUTHOR_BIO.match(block.text))]
