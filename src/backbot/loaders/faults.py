"""What a loader says of an article that it cannot take: never an exception that ends the run."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BadArticle:
    """An article that was left out: `place` is "file:line" or a URL, `article` its id where that is known."""

    place: str
    reason: str
    article: str = ""

    def __str__(self) -> str:
        """The place and the reason on one line."""
        return f"{self.place}: {self.reason}"


class ArticleFault(Exception):
    """Raised inside the loaders only: one article cannot be read. `line` counts from 1; 0 where no line is known."""

    def __init__(self, reason: str, line: int = 0, article: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line
        self.article = article

    def at(self, place: str) -> BadArticle:
        """The record of this fault for an article that stands at `place`."""
        return BadArticle(f"{place}:{self.line}" if self.line else place, self.reason, self.article)


class NotAnArticle(ArticleFault):
    """The page is fine, but it lists other pages or asks for a password: a sitemap's loader passes over it."""
