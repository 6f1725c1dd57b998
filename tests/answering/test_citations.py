from datetime import date

import pytest

from backbot.answering.citations import make_citation, text_fragment
from backbot.records import Passage, Sentence

TODAY = date(2026, 11, 22)


def passage(**fields):
    text = "Leave a cold pack on for 15 to 20 minutes."
    values = {"id": "p", "article": "cold", "title": "Cold", "headings": ("How long?",), "anchor": "how-long", "text": text}
    return Passage(**{**values, "sentences": (Sentence(0, len(text), 0),), **fields})


@pytest.mark.parametrize(
    ("words", "fragment"),
    [
        ("Use a cold pack.", "Use%20a%20cold%20pack"),
        ("A low-dose, well-kept pack", "A%20low%2Ddose%2C%20well%2Dkept%20pack"),
        ("“Heat helps,” they said.", "Heat%20helps%2C%E2%80%9D%20they%20said"),
        (
            "One two three four five six seven eight nine ten eleven twelve thirteen.",
            "One%20two%20three%20four%20five%20six%20seven%20eight,nine%20ten%20eleven%20twelve%20thirteen",
        ),
        ("cold | 20 minutes", "cold,20%20minutes"),
    ],
)
def test_a_text_fragment_names_the_words_as_browsers_want_them(words: str, fragment: str):
    assert text_fragment(words) == fragment


def test_an_article_of_our_own_is_linked_at_its_heading_and_words():
    citation = make_citation(1, passage(), "Leave a cold pack on for 15 to 20 minutes.", TODAY)
    words = "Leave%20a%20cold%20pack%20on%20for%2015%20to%2020%20minutes"
    assert citation.link == f"/articles/cold#how-long:~:text={words}"
    assert (citation.heading, citation.url, citation.reviewed) == ("How long?", "/articles/cold", "")


def test_a_published_article_is_linked_at_its_own_address_without_its_old_fragment():
    citation = make_citation(1, passage(url="https://h.example/cold#top"), "Leave a cold pack", TODAY)
    assert citation.link == "https://h.example/cold#:~:text=Leave%20a%20cold%20pack"


@pytest.mark.parametrize(("review_by", "overdue"), [(None, False), (date(2026, 11, 22), False), (date(2026, 11, 21), True)])
def test_a_review_that_is_due_is_said(review_by: date | None, overdue: bool):
    citation = make_citation(1, passage(reviewed=date(2025, 1, 2), review_by=review_by), "Leave", TODAY)
    assert (citation.reviewed, citation.is_overdue) == ("2025-01-02", overdue)
