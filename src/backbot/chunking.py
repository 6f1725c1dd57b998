"""Passages: pieces of one section each, never across a heading, with the place of every sentence kept."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

import sentencex
from markdown_it import MarkdownIt
from markdown_it.token import Token

from backbot.records import Article, Passage, Sentence

PASSAGE_WORDS = 120
"""A passage with its title and headings then fits the 256-token window of the default model."""

CHUNKING = {"version": 3, "passage_words": PASSAGE_WORDS}
"""What must agree between the index and the code that reads it."""

_SOURCE_MARK = re.compile(r"\s*\[\^[^\]\s]+\]")
_MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable("table")


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, list item or table row as plain text."""

    text: str
    is_item: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """The blocks under one heading; `headings` is the path to it, without the article's title."""

    headings: tuple[str, ...]
    anchor: str
    blocks: tuple[Block, ...]


def split_passages(article: Article) -> list[Passage]:
    """The article's passages in its order. Sections without text give none, a repeated passage is given once."""
    passages: dict[str, Passage] = {}
    for section in split_sections(article.body):
        for part, blocks in enumerate(_group(section.blocks)):
            passage = _passage(article, section, blocks, part)
            passages.setdefault(passage.id, passage)
    return list(passages.values())


def split_sections(markdown: str) -> list[Section]:
    """The sections of an article's body in order, those without text left out."""
    sections: list[Section] = []
    path: list[tuple[int, str]] = []
    blocks: list[Block] = []
    anchors = Anchors()
    anchor = ""

    def finish() -> None:
        if blocks:
            sections.append(Section(tuple(text for _, text in path), anchor, tuple(blocks)))
            blocks.clear()

    for kind, text in _read_blocks(markdown):
        if kind.startswith("h"):
            finish()
            level = int(kind[1])
            path = [(above, heading) for above, heading in path if above < level] + [(level, text)]
            anchor = anchors.name(text)
        else:
            blocks.append(Block(text, is_item=kind == "item"))
    finish()
    return sections


class Anchors:
    """Names for a page's headings, unique on the page: the renderer and the passages must agree on them."""

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}

    def name(self, heading: str) -> str:
        """The next heading's anchor: its words, lower case, joined by hyphens."""
        slug = re.sub(r"[^\w]+", "-", heading.lower()).strip("-") or "section"
        self._seen[slug] = self._seen.get(slug, 0) + 1
        return slug if self._seen[slug] == 1 else f"{slug}-{self._seen[slug]}"


def split_sentences(text: str) -> list[tuple[int, int]]:
    """Start and end of each sentence in `text`, without the white space around it."""
    spans = []
    for boundary in sentencex.get_sentence_boundaries("en", text):
        start, end = boundary["start_index"], boundary["end_index"]
        words = text[start:end]
        start += len(words) - len(words.lstrip())
        end -= len(words) - len(words.rstrip())
        if start < end:
            spans.append((start, end))
    return spans


def plain_text(inline: Token) -> str:
    """What a reader sees of an inline token: no markup, no images, no source marks."""
    parts = []
    for child in inline.children or ():
        if child.type in ("text", "code_inline"):
            parts.append(child.content)
        elif child.type in ("softbreak", "hardbreak"):
            parts.append(" ")
    return " ".join(_SOURCE_MARK.sub("", "".join(parts)).split())


def _read_blocks(markdown: str) -> Iterator[tuple[str, str]]:
    """(kind, text) of each heading (`h2`), `paragraph`, list `item` and table row (an `item` too, but for those
    that head the columns), in order."""
    lists = 0
    heading = ""
    row: list[str] | None = None
    is_head = False
    for token in _MARKDOWN.parse(markdown):
        match token.type:
            case "heading_open":
                heading = token.tag
            case "heading_close":
                heading = ""
            case "bullet_list_open" | "ordered_list_open":
                lists += 1
            case "bullet_list_close" | "ordered_list_close":
                lists -= 1
            case "tr_open":
                row = []
            case "thead_open" | "thead_close":
                is_head = token.type == "thead_open"
            case "tr_close":
                # Read alone, what heads the columns says nothing.
                if row is not None and any(row) and not is_head:
                    yield "item", " | ".join(row)
                row = None
            case "inline":
                text = plain_text(token)
                if row is not None:
                    row.append(text)
                elif text:
                    yield heading or ("item" if lists else "paragraph"), text


def _group(blocks: tuple[Block, ...]) -> Iterator[list[Block]]:
    """Blocks in as few groups of about equal size as keep each near PASSAGE_WORDS words or below."""
    pieces = [piece for block in blocks for piece in _split_long(block)]
    words = [len(piece.text.split()) for piece in pieces]
    parts = -(-sum(words) // PASSAGE_WORDS)
    groups: list[list[Block]] = [[] for _ in range(parts)]
    before = 0
    for piece, count in zip(pieces, words, strict=True):
        groups[int((before + count / 2) / sum(words) * parts)].append(piece)
        before += count
    yield from filter(None, groups)


def _split_long(block: Block) -> list[Block]:
    """A block longer than a passage, cut between sentences."""
    if len(block.text.split()) <= PASSAGE_WORDS:
        return [block]
    pieces: list[str] = []
    for start, end in split_sentences(block.text):
        sentence = block.text[start:end]
        if pieces and len(pieces[-1].split()) + len(sentence.split()) <= PASSAGE_WORDS:
            pieces[-1] += " " + sentence
        else:
            pieces.append(sentence)
    return [Block(piece, block.is_item) for piece in pieces]


def _passage(article: Article, section: Section, blocks: list[Block], part: int) -> Passage:
    text = ""
    sentences: list[Sentence] = []
    for number, block in enumerate(blocks):
        text += "\n" if text else ""
        offset = len(text)
        sentences += [
            Sentence(offset + start, offset + end, number, block.is_item) for start, end in split_sentences(block.text)
        ]
        text += block.text
    name = hashlib.sha256("\n".join((article.id, *section.headings, text)).encode()).hexdigest()[:12]
    return Passage(
        id=f"{article.id}:{name}",
        article=article.id,
        title=article.title,
        headings=section.headings,
        anchor=section.anchor,
        text=text,
        sentences=tuple(sentences),
        part=part,
        url=article.url,
        reviewed=article.reviewed,
        review_by=article.review_by,
    )
