from datetime import date, timedelta

from backbot.evaluation.reviews import SOON_DAYS, list_reviews
from backbot.records import Article

TODAY = date(2026, 11, 22)


def article(name: str, days: int | None, **fields: object) -> Article:
    review_by = None if days is None else TODAY + timedelta(days)
    return Article(id=name, title=name.title(), body="", review_by=review_by, **fields)  # type: ignore[arg-type]


def test_reviews_are_listed_by_how_long_they_are_overdue():
    found = list_reviews(
        [
            article("today", 0),
            article("late", -1),
            article("far", SOON_DAYS + 1),
            article("latest", -400),
            article("soon", SOON_DAYS),
            article("never", None),
            article("gone", -5, status="withdrawn"),
        ],
        TODAY,
    )
    assert [(due.id, due.days) for due in found.overdue] == [("latest", -400), ("late", -1)]
    assert [due.id for due in found.soon] == ["today", "soon"]
    assert (found.undated, found.articles) == (("never",), 6)


def test_without_articles_nothing_is_due():
    assert list_reviews([], TODAY).articles == 0
