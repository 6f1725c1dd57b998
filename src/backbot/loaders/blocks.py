"""An HTML tree -> the Markdown of a body: sections from `##`, one paragraph a line, lists, tables, links; no HTML.

Bold and italics are left out: a reader is shown sentences word for word, and marks inside a word cannot always be written in
Markdown. Images, captions, forms, scripts and whatever embeds another page are left out too.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Link = Callable[[str], str]
"""Takes a link's address as written; returns the address to keep, or "" to keep only the link's words."""

_HEADINGS = {f"h{n}": n for n in range(1, 7)}
_BLOCKS = frozenset(
    "address article aside blockquote body center dd details dialog div dl dt fieldset figure footer form header hgroup hr "  # noqa: SIM905
    "html legend li main menu nav ol p pre search section summary table tbody td tfoot th thead tr ul".split()
)
DROPPED = frozenset(
    "applet area audio base button canvas col colgroup datalist dialog embed figcaption frame frameset head iframe img "  # noqa: SIM905
    "input link map math meta noembed noframes noscript object optgroup option output param picture progress rp rt script "
    "select source style svg template textarea title track video".split()
)
"""Elements that never hold an article's words; their whole subtree is left out."""

_MAX_CELLS = 40
_MAX_ROWSPAN = 200
_MAX_REPEATED_CHARS = 200

# What Markdown would read as markup where the source meant a character. Each row: what to find, what to put.
_ESCAPES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\\(?=[!-/:-@\[-`{-~])"), r"\\\\"),
    (re.compile(r"`"), r"\\`"),
    (re.compile(r"(?<!\s)\*|\*(?!\s)"), r"\\*"),
    (re.compile(r"(?<!\w)_|_(?!\w)"), r"\\_"),
    (re.compile(r"\](?=[(\[])(?!\[\^)"), r"\\]"),
    (re.compile(r"<(?=[A-Za-z/!?])"), r"\\<"),
    (re.compile(r"&(?=#?\w+;)"), r"\\&"),
    (re.compile(r"~(?=~)"), r"\\~"),
)
_TO_ESCAPE = re.compile(r"[\\`*_\]<&~]")
_LINE_STARTS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"^(#{1,6}(?=\s|$)|[-+*](?=\s|$)|>|=+$|-{2,}$|(?:[-_*] *){3,}$|~{3,}|\[(?=[^\]]*\]:)|\|)"), r"\\\1"),
    (re.compile(r"^(\d{1,9})([.)])(?=\s|$)"), r"\1\\\2"),
)


def escape(text: str) -> str:
    """`text` written so that Markdown reads it back as it is, inside a line."""
    if not _TO_ESCAPE.search(text):
        return text
    for pattern, put in _ESCAPES:
        text = pattern.sub(put, text)
    return text


def unescape(line: str) -> str:
    """The words of a line of Markdown that holds no link."""
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", line)


def escape_start(line: str) -> str:
    """A paragraph's line whose first characters Markdown would take for a heading, list or rule."""
    for pattern, put in _LINE_STARTS:
        line = pattern.sub(put, line)
    return line


@dataclass(slots=True)
class _Item:
    indent: str
    marker: str
    written: bool = False


@dataclass(slots=True)
class _List:
    is_ordered: bool
    number: int


@dataclass(slots=True)
class _Table:
    rows: list[list[str]] = field(default_factory=list)
    heads: list[bool] = field(default_factory=list)
    carried: dict[tuple[int, int], str] = field(default_factory=dict)
    span: tuple[int, int] = (1, 1)


@dataclass(slots=True)
class Block:
    """A heading, paragraph, item or table (`kind`) as a line of Markdown, a table as several; a heading has a `level`."""

    kind: str
    text: str
    level: int = 0


class _Writer:
    """Takes a tree's events in order and keeps the blocks; it never recurses, so depth costs nothing."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.blocks: list[Block] = []
        self.inline: list[str] = []
        self.lists: list[_List] = []
        self.items: list[_Item] = []
        self.tables: list[_Table | None] = []
        self.heading = 0
        self.anchor: tuple[int, str] | None = None

    # --- text -------------------------------------------------------------------------------------------------------
    def text(self, text: str | None) -> None:
        if text:
            self.inline.append(escape(text.replace("\n", " ")))

    def flush(self) -> None:
        """End the paragraph that is being read."""
        self.close_link()
        parts, self.inline = re.split(r"\n *\n", "".join(self.inline)), []
        for part in parts:
            line = " ".join(part.split())
            if line:
                self.block(line)

    def block(self, line: str) -> None:
        if self.heading:
            line = re.sub(r"( |^)(#+)$", r"\1\\\2", line)
            self.blocks.append(Block("heading", line, self.heading))
        elif not self.items:
            self.blocks.append(Block("paragraph", escape_start(line)))
        elif self.items[-1].written and self.blocks[-1].kind == "item":
            self.blocks[-1].text += " " + line
        else:
            item = self.items[-1]
            item.written = True
            self.blocks.append(Block("item", item.indent + item.marker + escape_start(line)))

    def close_link(self) -> None:
        if self.anchor is None:
            return
        (at, href), self.anchor = self.anchor, None
        words = "".join(self.inline[at:])
        stripped = words.strip()
        if not stripped or "\n" in stripped or self.heading:
            return
        label = re.sub(r"(?<!\\)((?:\\\\)*)([\[\]])", r"\1\\\2", stripped)
        lead, tail = words[: len(words) - len(words.lstrip())], words[len(words.rstrip()) :]
        self.inline[at:] = [f"{lead}[{label}]({href}){tail}"]

    # --- events -----------------------------------------------------------------------------------------------------
    def start(self, tag: str, element: Any) -> None:
        if tag == "br":
            # Two breaks with nothing between them end a paragraph, as many editors' pages write it.
            self.inline.append("\n")
            return
        if tag in _HEADINGS or tag in _BLOCKS:
            if self.tables and self.tables[-1] and tag not in ("table", "tr", "td", "th", "thead", "tbody", "tfoot"):
                self.inline.append(" ")
                return
            self.flush()
        if tag in _HEADINGS and not self.items:
            self.heading = _HEADINGS[tag]
        elif tag == "summary":
            self.heading = 3
        elif tag in ("ul", "ol", "menu", "dl"):
            start = element.get("start") or ""
            self.lists.append(_List(tag == "ol", int(start) if start.isdecimal() and len(start) < 7 else 1))
        elif tag in ("li", "dd"):
            self.open_item()
        elif tag == "table":
            self.tables.append(None if _is_layout(element) else _Table())
        elif tag in ("tr", "td", "th") and self.tables and self.tables[-1]:
            self.open_cell(tag, element, self.tables[-1])
        elif tag == "a":
            href = self.link(element.get("href") or "")
            self.close_link()
            if href:
                self.anchor = (len(self.inline), href)

    def open_item(self) -> None:
        within = self.lists[-1] if self.lists else _List(False, 1)
        written = [item for item in self.items if item.written]
        indent = " " * sum(len(item.marker) for item in written)
        self.items.append(_Item(indent, f"{within.number}. " if within.is_ordered else "- "))
        within.number += 1

    def open_cell(self, tag: str, element: Any, table: _Table) -> None:
        if tag == "tr":
            table.rows.append([])
            table.heads.append(element.getparent() is not None and element.getparent().tag == "thead")
            return
        if not table.rows:
            table.rows.append([])
            table.heads.append(False)
        spans = [element.get(name) or "" for name in ("colspan", "rowspan")]
        wide, tall = (int(span) if span.isdecimal() and len(span) < 5 else 1 for span in spans)
        table.span = (min(max(wide, 1), _MAX_CELLS), min(max(tall, 1), _MAX_ROWSPAN))

    def end(self, tag: str) -> None:
        if tag == "a":
            self.close_link()
            return
        if tag not in _HEADINGS and tag not in _BLOCKS:
            return
        if self.tables and self.tables[-1]:
            if tag in ("td", "th"):
                self.close_cell(self.tables[-1], tag == "th")
                return
            if tag not in ("table", "tr"):
                self.inline.append(" ")
                return
        self.flush()
        if tag in _HEADINGS or tag == "summary":
            self.heading = 0
        elif tag in ("ul", "ol", "menu", "dl") and self.lists:
            self.lists.pop()
        elif tag in ("li", "dd") and self.items:
            self.items.pop()
        elif tag == "table" and self.tables:
            table = self.tables.pop()
            if table:
                self.blocks.extend(_table_blocks(table))

    def close_cell(self, table: _Table, is_head: bool) -> None:
        self.close_link()
        text = " ".join("".join(self.inline).split()).replace("|", "\\|")
        self.inline = []
        row, at = table.rows[-1], len(table.rows) - 1
        _fill_carried(table, row, at)
        wide, tall = table.span
        # A short text holds for all that its cell spans; a long one would only be said again and again.
        repeated = text if len(text) <= _MAX_REPEATED_CHARS else ""
        for column in range(min(wide, _MAX_CELLS - len(row))):
            for down in range(1, tall):
                table.carried[at + down, len(row)] = repeated
            row.append(repeated if column else text)
        table.heads[-1] = table.heads[-1] or (is_head and at == 0)


def _fill_carried(table: _Table, row: list[str], at: int) -> None:
    while (at, len(row)) in table.carried:
        row.append(table.carried.pop((at, len(row))))


def _is_layout(element: Any) -> bool:
    """Whether a table only arranges the page: it holds tables, headings or lists, or has one column."""
    if element.find(".//table") is not None or any(element.find(f".//{tag}") is not None for tag in _HEADINGS):
        return True
    rows = element.findall(".//tr")
    return max((sum(cell.tag in ("td", "th") for cell in row) for row in rows), default=0) < 2


def _table_blocks(table: _Table) -> list[Block]:
    """The rows as lines of a GFM table, each as wide as the widest; the first row is the head where marked so."""
    for at, row in enumerate(table.rows):
        _fill_carried(table, row, at)
    pairs = [(row, is_head) for row, is_head in zip(table.rows, table.heads, strict=True) if any(row)]
    if not pairs:
        return []
    wide = max(len(row) for row, _ in pairs)
    rows = [row + [""] * (wide - len(row)) for row, _ in pairs]
    if not pairs[0][1]:
        rows.insert(0, [""] * wide)
    rows.insert(1, ["---"] * wide)
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return [Block("table", "\n".join(lines))]


def read_blocks(root: Any, link: Link) -> list[Block]:
    """The blocks of an lxml tree, in order; comments are left out."""
    from lxml import etree

    writer = _Writer(link)
    walker = etree.iterwalk(root, events=("start", "end", "comment", "pi"))
    for event, element in walker:
        tag = element.tag if isinstance(element.tag, str) else ""
        if event == "start" and tag in DROPPED:
            walker.skip_subtree()
        elif event == "start":
            writer.start(tag, element)
            writer.text(element.text)
        elif event == "end" and tag not in DROPPED:
            writer.end(tag)
        if event != "start" and element is not root:
            writer.text(element.tail)
    writer.flush()
    return writer.blocks


def take_title(blocks: list[Block]) -> tuple[str, list[Block]]:
    """The words of the first heading of level 1, and the other blocks; "" and all of them where there is none."""
    for at, block in enumerate(blocks):
        if block.kind == "heading" and block.level == 1:
            return unescape(block.text), blocks[:at] + blocks[at + 1 :]
    return "", blocks


def join_blocks(blocks: list[Block]) -> str:
    """The Markdown of the blocks: items on lines that follow each other, everything else apart by a blank line.

    Headings are shifted together so that the highest level in use becomes `##`.
    """
    levels = [block.level for block in blocks if block.kind == "heading"]
    shift = 2 - min(levels, default=2)
    pieces: list[str] = []
    previous = ""
    for block in blocks:
        text = "#" * min(max(block.level + shift, 2), 6) + " " + block.text if block.kind == "heading" else block.text
        if pieces:
            pieces.append("\n" if previous == block.kind == "item" else "\n\n")
        pieces.append(text)
        previous = block.kind
    return "".join(pieces)
