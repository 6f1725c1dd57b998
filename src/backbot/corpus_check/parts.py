"""An article's body -> its sections, paragraphs and sentences, with the place of each and its source marks."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from backbot.chunking import Anchors, split_sentences
from backbot.corpus_check.findings import Quote
from backbot.records import Article

LINK = re.compile(r"\[((?:[^\[\]\\]|\\.)+)\]\(([^()\s]*)\)")
MARK = re.compile(r"\[\^([^\[\]\s]+)\]")
_HEADING = re.compile(r"(#{1,6}) (.+)")
_ITEM = re.compile(r"\s*(?:[-*+]|\d{1,9}[.)]) ")
_TABLE_RULE = re.compile(r"\|(?: ?:?-+:? ?\|)+")
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")
# Marks stand after the full stop; moved before it, they stay with their sentence when the text is cut.
_MARKS_AFTER_STOP = re.compile(r"([.!?][\"'”’)]*)((?:\[\^[^\[\]\s]+\])+)")


@dataclass(frozen=True, slots=True)
class Statement:
    """One sentence as a reader sees it; `marks` are the keys of the sources that it names."""

    text: str
    marks: tuple[str, ...]
    article: str
    heading: str
    place: str
    has_link: bool

    @property
    def quote(self) -> Quote:
        """The sentence with its place."""
        return Quote(self.article, self.place, self.text)


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph, list item or table row (`kind`) in sentences; `text` is what a reader sees of it."""

    kind: str
    text: str
    place: str
    statements: tuple[Statement, ...]

    @property
    def words(self) -> int:
        """How many words a reader sees."""
        return len(self.text.split())


@dataclass(frozen=True, slots=True)
class Section:
    """What stands under one heading, up to the next one; the heading is "" and the level 1 before the first."""

    heading: str
    level: int
    anchor: str
    place: str
    paragraphs: tuple[Paragraph, ...]


@dataclass(frozen=True, slots=True)
class InnerLink:
    """A link as the article writes it, with its place."""

    target: str
    place: str


@dataclass(frozen=True, slots=True)
class Parts:
    """An article, taken apart; `place` is where it begins."""

    article: Article
    place: str
    sections: tuple[Section, ...]
    links: tuple[InnerLink, ...]

    @property
    def paragraphs(self) -> list[Paragraph]:
        """Every paragraph, item and row in order."""
        return [paragraph for section in self.sections for paragraph in section.paragraphs]

    @property
    def statements(self) -> list[Statement]:
        """Every sentence in order."""
        return [statement for paragraph in self.paragraphs for statement in paragraph.statements]


def take_apart(article: Article, path: str = "") -> Parts:
    """The parts of an article. `path` is the file or address that it was read from, for the places."""
    lines = _line_numbers(path)
    origin = path or article.url or article.id
    anchors = Anchors()
    sections: list[Section] = []
    links: list[InnerLink] = []
    heading, level, anchor, section_place = "", 1, "", _place(origin, lines, "", "")
    paragraphs: list[Paragraph] = []

    def finish() -> None:
        if heading or paragraphs:
            sections.append(Section(heading, level, anchor, section_place, tuple(paragraphs)))
            paragraphs.clear()

    for line in article.body.split("\n"):
        match = _HEADING.fullmatch(line)
        place = _place(origin, lines, line, heading)
        if match:
            finish()
            heading, level = plain(match[2]), len(match[1])
            anchor = anchors.name(heading)
            section_place = _place(origin, lines, line, heading)
        elif line.strip() and not _TABLE_RULE.fullmatch(line.strip()):
            links += [InnerLink(target, place) for _, target in LINK.findall(line)]
            paragraphs.append(_paragraph(line, article.id, heading, place))
    finish()
    return Parts(article, origin, tuple(sections), tuple(links))


def plain(line: str) -> str:
    """What a reader sees of a line of Markdown: the words of links, no source marks."""
    return " ".join(_ESCAPED.sub(r"\1", MARK.sub("", LINK.sub(r"\1", line))).split())


def _paragraph(line: str, article: str, heading: str, place: str) -> Paragraph:
    kind = "row" if line.startswith("|") else "item" if _ITEM.match(line) else "paragraph"
    words = line.strip().strip("|").replace("|", " ") if kind == "row" else _ITEM.sub("", line, count=1)
    movable = _MARKS_AFTER_STOP.sub(r"\2\1", words)
    statements = []
    for start, end in split_sentences(movable):
        sentence = movable[start:end]
        text = plain(sentence)
        if text:
            marks = tuple(MARK.findall(sentence))
            statements.append(Statement(text, marks, article, heading, place, bool(LINK.search(sentence))))
    return Paragraph(kind, plain(words), place, tuple(statements))


def _line_numbers(path: str) -> Mapping[str, int]:
    """The number of each line's first appearance in a Markdown or text file; nothing for other sources."""
    if not path.lower().endswith((".md", ".markdown", ".txt")):
        return {}
    try:
        lines = Path(path).read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError):
        return {}
    return {line.strip(): number for number, line in reversed(list(enumerate(lines, 1)))}


def _place(origin: str, lines: Mapping[str, int], line: str, heading: str) -> str:
    number = lines.get(line.strip())
    if number and line.strip():
        return f"{origin}:{number}"
    return f"{origin} ({heading})" if heading else origin
