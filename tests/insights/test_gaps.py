"""What editors are shown: subjects that several questions share, and nothing of a single one."""

import sqlite3
from datetime import date, timedelta
from pathlib import Path

import pytest

from backbot.embeddings import Embedder
from backbot.insights import LEAST, Complaint, Insights, complaints, content_gaps

MAGNETS = [
    "do magnets help a sore back",
    "are magnets any good for my sore back",
    "will magnets work for back pain",
    "magnets for my back do they work",
    "do magnets really help with pain in the back",
    "is it worth buying magnets for my back",
]


@pytest.fixture
def insights(tmp_path: Path) -> Insights:
    return Insights(tmp_path / "insights.sqlite", 90)


def keep(insights: Insights, rows: list[tuple[int, str]]) -> None:
    """Rows of days ago and words."""
    with sqlite3.connect(insights.file) as database:
        for days, words in rows:
            database.execute("insert into declined values (?, ?)", ((date.today() - timedelta(days)).isoformat(), words))


def test_what_several_ask_is_shown_by_the_words_they_share(insights: Insights, embedder: Embedder):
    keep(insights, [(n % 3, words) for n, words in enumerate(MAGNETS)])
    keep(insights, [(1, "what is the capital of france"), (2, "how do i cook rice")])
    (gap,) = content_gaps(insights, embedder)
    assert (gap.count, gap.days) == (6, 3)
    assert set(gap.words.split()) == {"magnets", "back"}


def test_fewer_than_the_least_are_not_shown(insights: Insights, embedder: Embedder):
    keep(insights, [(0, words) for words in MAGNETS[: LEAST - 1]])
    assert content_gaps(insights, embedder) == ()
    assert content_gaps(insights, embedder, least=1) == ()
    keep(insights, [(0, MAGNETS[LEAST - 1])])
    assert len(content_gaps(insights, embedder)) == 1
    assert content_gaps(insights, embedder, least=LEAST + 1) == ()


def test_one_reader_who_repeats_a_question_all_day_is_not_shown(insights: Insights, embedder: Embedder):
    keep(insights, [(0, "my peculiar magnets question")] * 1000)
    assert content_gaps(insights, embedder) == ()
    keep(insights, [(days, "my peculiar magnets question") for days in range(1, LEAST)])
    (gap,) = content_gaps(insights, embedder)
    assert (gap.words, gap.count, gap.days) == ("my peculiar magnets question", 1000 + LEAST - 1, LEAST)


def test_a_word_of_one_reader_is_never_shown(insights: Insights, embedder: Embedder):
    keep(insights, [(0, f"{words} says the bishop") for words in MAGNETS[:1]] + [(0, words) for words in MAGNETS])
    assert "bishop" not in " ".join(gap.words for gap in content_gaps(insights, embedder))


def test_subjects_stay_apart_and_the_most_asked_comes_first(insights: Insights, embedder: Embedder):
    keep(insights, [(days, "which insurance pays for surgery") for days in range(LEAST)])
    keep(insights, [(days, "do magnets help") for days in range(LEAST + 2)])
    assert [(gap.words, gap.count) for gap in content_gaps(insights, embedder)] == [
        ("do magnets help", LEAST + 2),
        ("which insurance pays for surgery", LEAST),
    ]


def test_nothing_kept_is_nothing_shown(insights: Insights, embedder: Embedder):
    assert content_gaps(insights, embedder) == ()
    assert complaints(insights) == ()


def test_articles_that_failed_often_are_named_with_the_reason(insights: Insights):
    for _ in range(LEAST):
        insights.keep_fault("wrong", ["heat-vs-cold", "walking"])
    for _ in range(LEAST - 1):
        insights.keep_fault("unclear", ["heat-vs-cold"])
    insights.keep_fault("wrong", ["walking"])
    expected = (Complaint("walking", "wrong", LEAST + 1), Complaint("heat-vs-cold", "wrong", LEAST))
    assert complaints(insights) == complaints(insights, least=0) == expected
