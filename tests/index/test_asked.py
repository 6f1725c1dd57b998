"""The votes of known questions: for the passage that answers them and for its article."""

import numpy as np
import pytest

from backbot.index.asked import FLOOR, MOST, near_questions

VECTOR = np.array([1, 0], np.float32)


def at_cosine(*cosines):
    return np.array([(cosine, np.sqrt(1 - cosine**2)) for cosine in cosines], np.float32)


def test_the_nearest_come_first_and_those_that_ask_something_else_not_at_all():
    asked = near_questions(at_cosine(0.7, FLOOR - 0.01, 1.0), np.array([(4, 0), (5, 1), (6, 2)], np.int32), VECTOR)
    assert asked.rows.tolist() == [6, 4]
    assert asked.places.tolist() == [2, 0]
    assert asked.nearness.tolist() == pytest.approx([1, 0.5])


def test_of_several_questions_that_a_sentence_answers_the_nearest_counts():
    asked = near_questions(at_cosine(0.7, 0.85, 1.0), np.array([(4, 3), (4, 3), (4, 0)], np.int32), VECTOR)
    assert asked.by_sentence(4) == pytest.approx({0: 1, 3: 0.75})
    assert asked.by_sentence(5) == {}


def test_each_question_speaks_for_its_passage_and_votes_for_its_article():
    answers = np.array([(4, 0), (4, 1), (8, 0)], np.int32)
    votes = near_questions(at_cosine(1.0, 0.7, 0.7), answers, VECTOR).votes(np.array([2, 4, 8, 9]), np.array([7, 7, 7, 3]))
    assert votes["asked"].tolist() == pytest.approx([0, 1, 0.5, 0])
    # A passage that answers no known question still gains by its article's.
    assert votes["asked_article"].tolist() == pytest.approx([1, 1, 1, 0])


def test_where_no_known_question_is_near_nobody_has_a_vote():
    votes = near_questions(at_cosine(0.1), np.array([(4, 0)], np.int32), VECTOR).votes(np.array([2, 4]), np.array([1, 1]))
    assert [part.tolist() for part in votes.values()] == [[0, 0]] * 2


def test_an_index_without_known_questions_is_searched_all_the_same():
    none = near_questions(np.zeros((0, 2), np.float32), np.zeros((0, 2), np.int32), VECTOR)
    assert none.votes(np.array([2]), np.array([1]))["asked_article"].tolist() == [0]
    assert none.by_sentence(2) == {}


def test_only_so_many_vote():
    answers = np.column_stack([np.arange(50), np.zeros(50)]).astype(np.int32)
    asked = near_questions(at_cosine(*np.linspace(0.5, 0.99, 50)), answers, VECTOR)
    assert asked.rows.tolist() == list(range(49, 49 - MOST, -1))
