"""The adapter of the question's vector: what it learns from readers' questions, and what it must leave alone."""

import numpy as np
import pytest

from backbot.index.adapter import adapt, learn_adapter

DIMENSION = 24


def on_sphere(rng: np.random.Generator, count: int):
    vectors = rng.normal(size=(count, DIMENSION)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.fixture
def readers():
    """Sentences, and questions about them in readers' words, which are the articles' words turned around an axis."""
    rng = np.random.default_rng(0)
    sentences = on_sphere(rng, 30)
    turn = np.linalg.qr(rng.normal(size=(DIMENSION, DIMENSION)))[0].astype(np.float32)
    rows = rng.integers(0, 30, 600)
    questions = 0.4 * sentences[rows] + sentences[rows] @ turn + on_sphere(rng, 600)
    return questions / np.linalg.norm(questions, axis=1, keepdims=True), rows, sentences


def learn(questions, rows, sentences):
    return learn_adapter(questions, rows, sentences[rows], sentences[rows])


def right_first(questions, rows, sentences, matrix):
    adapted = np.stack([adapt(question, matrix) for question in questions])
    return ((adapted @ sentences.T).argmax(axis=1) == rows).mean()


def test_questions_it_has_not_learnt_from_find_their_sentence_more_often(readers):
    questions, rows, sentences = readers
    matrix = learn(questions[:400], rows[:400], sentences)
    left_out = questions[400:], rows[400:], sentences
    assert right_first(*left_out, matrix) > right_first(*left_out, np.zeros_like(matrix)) + 0.05


def test_the_same_questions_give_the_same_adapter(readers):
    questions, rows, sentences = readers
    assert np.array_equal(*(learn(questions, rows, sentences) for _ in range(2)))


def test_few_questions_move_little(readers):
    questions, rows, sentences = readers
    few, many = (np.abs(learn(questions[:n], rows[:n], sentences)).max() for n in (5, 500))
    assert 0 < few < many / 5


def test_without_questions_a_vector_stays_as_it_is(readers):
    questions, _, sentences = readers
    matrix = learn(questions[:0], np.zeros(0, np.int64), sentences)
    assert adapt(questions[0], matrix) == pytest.approx(questions[0])


def test_an_adapted_vector_has_length_1(readers):
    questions, rows, sentences = readers
    matrix = learn(questions, rows, sentences)
    assert np.linalg.norm(adapt(questions[0], matrix)) == pytest.approx(1)
