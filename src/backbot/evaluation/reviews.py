"""Which articles are due to be checked again: the editors' page lists them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from backbot.records import Article

SOON_DAYS = 30


@dataclass(frozen=True, slots=True)
class Due:
    """An article and the days that are left until its review; below 0 it is overdue."""

    id: str
    title: str
    url: str
    reviewed: date | None
    review_by: date
    days: int


@dataclass(frozen=True, slots=True)
class Reviews:
    """Articles whose review is overdue or due within `SOON_DAYS`, the longest overdue first; ids of those without a date."""

    overdue: tuple[Due, ...]
    soon: tuple[Due, ...]
    undated: tuple[str, ...]
    articles: int


def list_reviews(articles: Iterable[Article], today: date) -> Reviews:
    """The reviews that published articles need, as of `today`."""
    dated: list[Due] = []
    undated: list[str] = []
    count = 0
    for article in articles:
        if article.status != "published":
            continue
        count += 1
        if article.review_by is None:
            undated.append(article.id)
        elif (days := (article.review_by - today).days) <= SOON_DAYS:
            dated.append(Due(article.id, article.title, article.url, article.reviewed, article.review_by, days))
    dated.sort(key=lambda due: (due.days, due.id))
    overdue = tuple(due for due in dated if due.days < 0)
    return Reviews(overdue, tuple(dated[len(overdue) :]), tuple(undated), count)
