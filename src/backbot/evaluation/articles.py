"""The articles of the index that was asked, as checks need them: their text, sections and version."""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from backbot.chunking import split_sections
from backbot.records import Article

if TYPE_CHECKING:
    from backbot.index.search import Generation

VERSION_DIGITS = 8


@dataclass(frozen=True, slots=True)
class Section:
    """A section's heading and plain text, white space made single."""

    heading: str
    text: str


@dataclass(frozen=True, slots=True)
class ArticleText:
    """An article's Markdown and plain text, white space made single."""

    id: str
    title: str
    url: str
    reviewed: str
    markdown: str
    plain: str
    sections: tuple[Section, ...]


class Articles:
    """The articles of one generation, read when they are first asked for. Threads may share it."""

    def __init__(self, hashes: Mapping[str, str], generation: "Generation | None" = None):
        self.hashes = dict(hashes)
        self._generation = generation
        self._texts: dict[str, ArticleText | None] = {}
        self._lock = threading.Lock()

    def text(self, name: str) -> ArticleText | None:
        """The article of that id; None when the index holds none, because it was withdrawn, say."""
        with self._lock:
            if name not in self._texts:
                found = self._generation.content.article(name) if self._generation and name in self.hashes else None
                self._texts[name] = _read(found) if found and found.status == "published" else None
            return self._texts[name]

    def version(self, names: Iterable[str]) -> str:
        """What `checked_by: article_version` holds: the articles' content hashes, shortened and joined by `+`."""
        return "+".join(self.hashes.get(name, "none")[:VERSION_DIGITS] for name in names)


def squeeze(text: str) -> str:
    """The text with single spaces."""
    return " ".join(text.split())


def _read(article: Article) -> ArticleText:
    sections = tuple(
        Section(
            section.headings[-1] if section.headings else article.title,
            squeeze(" ".join(block.text for block in section.blocks)),
        )
        for section in split_sections(article.body)
    )
    return ArticleText(
        article.id,
        article.title,
        article.url,
        article.reviewed.isoformat() if article.reviewed else "",
        squeeze(article.body),
        " ".join(section.text for section in sections),
        sections,
    )
