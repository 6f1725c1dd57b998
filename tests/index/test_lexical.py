import numpy as np
import pytest

from backbot.index.lexical import Lexical, best_rows, build_lexical, split_words

TEXTS = [
    "Put ice on a sprain",
    "Heat and ice, ice and heat",
    "Walk every day",
    "",
    "Walking with heat packs",
]


@pytest.fixture
def lexical(tmp_path):
    build_lexical(tmp_path / "bm25", TEXTS)
    return Lexical(tmp_path / "bm25")


@pytest.mark.parametrize("question", ["ice or heat", "ice ice ice", "how far should I walk", "zebra", "", "heat zebra"])
def test_the_scores_of_some_rows_are_those_of_all(lexical, question):
    everything = lexical.scores(question)
    assert everything.shape == (len(TEXTS),)
    for rows in ([], [0], [4, 1, 1], [0, 1, 2, 3, 4]):
        assert (lexical.scores_of(question, np.array(rows, np.int64)) == everything[rows]).all()


def test_ten_is_not_the_machine():
    assert split_words("ten minutes of TENS") == split_words("minutes TENS")


def test_a_row_that_holds_more_of_the_words_scores_higher(lexical):
    scores = lexical.scores("ice or heat")
    assert scores.argmax() == 1
    assert scores[2] == scores[3] == 0


@pytest.mark.parametrize("count", [0, 1, 49, 64, 65, 3199, 3200, 3201, 40_000])
@pytest.mark.parametrize("share", [0, 0.001, 0.5, 1])
@pytest.mark.parametrize("k", [1, 50])
def test_the_best_rows_are_those_that_sorting_gives(count, share, k):
    random = np.random.default_rng(count)
    scores = np.where(random.random(count) < share, random.integers(1, 20, count), 0).astype(np.float32)
    in_order = np.argsort(-scores, kind="stable")[:k]
    assert best_rows(scores, k).tolist() == in_order[scores[in_order] > 0].tolist()
