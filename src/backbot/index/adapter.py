"""Readers' words brought nearer to the articles' words: a linear adapter of the question's vector.

It is learnt at each ingest from what readers are known to ask, and from nothing else: a matrix that turns a question's
vector towards those of the sentence that answers it and of the headings above that, and away from the other sentences that
answer something. `python evals/bench/known_questions.py` prints what it is worth for questions that were not known.
"""

import numpy as np
from numpy.typing import NDArray

from backbot.embeddings import Vectors

FILE = "adapter.npy"

SENTENCE_SHARE = 0.7
"""Of the sentence's vector, beside its headings'. With 0.6 and a fifth for the passage's it found as much."""

SHARPNESS = 30.0
"""By which cosines are multiplied before their softmax; 40 served as well, 20 less."""

SHRINKAGE = 40.0
"""Of the squared matrix, against the sum over all questions: few questions move little. With 27 questions whose answers were
known found .004 more of their passages, those whose answers were not as many."""

CURVATURE = 2.0
"""How steep the loss is along a direction, against the questions' squares there; 1 and 3 serve as well."""

MOST_STEPS = 6
"""More serve no question better: the steps are scaled by how steep the loss is. Unscaled it took four times as many."""


def learn_adapter(questions: Vectors, answers: NDArray[np.int64], sentences: Vectors, headings: Vectors) -> Vectors:
    """The matrix, shape (dimension, dimension), of which `adapt` makes use; of zeros where there is nothing to learn.

    `questions` are vectors of what readers ask, shape (questions, dimension); `answers` is a number for each, the same for
    those that the same sentence answers, shape (questions,). `sentences` are the vectors of these sentences, and `headings`
    those of the heading paths above them, both of shape (questions, dimension). Minimised is the multinomial logistic loss
    (van den Oord et al. 2018, arXiv 1807.03748) by L-BFGS, preconditioned with the questions' squares; the same input gives
    the same matrix.
    """
    count, dimension = questions.shape
    if not count:
        return np.zeros((dimension, dimension), np.float32)
    from scipy.optimize import minimize

    _, some, right = np.unique(answers, return_index=True, return_inverse=True)
    targets = SENTENCE_SHARE * sentences[some] + (1 - SENTENCE_SHARE) * headings[some]
    each = np.arange(count)
    squares, axes = np.linalg.eigh(questions.T @ questions)
    scale = axes / np.sqrt(CURVATURE * squares + 2 * SHRINKAGE)

    def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        matrix = scale @ flat.reshape(dimension, dimension).astype(np.float32)
        moved = questions + questions @ matrix
        lengths = np.linalg.norm(moved, axis=1, keepdims=True)
        moved /= lengths
        logits = SHARPNESS * (moved @ targets.T)
        logits -= logits.max(axis=1, keepdims=True)
        shares = np.exp(logits)
        totals = shares.sum(axis=1, keepdims=True)
        lost = float(np.sum(np.log(totals[:, 0]) - logits[each, right]))
        shares /= totals
        shares[each, right] -= 1
        slope = SHARPNESS * (shares @ targets)
        slope = (slope - (slope * moved).sum(axis=1, keepdims=True) * moved) / lengths
        gradient = scale.T @ (questions.T @ slope + 2 * SHRINKAGE * matrix)
        # Divided by how many there are, so that the search's own limits mean the same for few and for many.
        return (lost + SHRINKAGE * float((matrix**2).sum())) / count, gradient.astype(np.float64).ravel() / count

    found = minimize(loss, np.zeros(dimension * dimension), jac=True, method="L-BFGS-B", options={"maxiter": MOST_STEPS})
    matrix: Vectors = scale @ found.x.reshape(dimension, dimension).astype(np.float32)
    return matrix


def adapt(vector: Vectors, matrix: Vectors) -> Vectors:
    """The question's vector, shape (dimension,), as the matrix turns it; of length 1."""
    moved: Vectors = vector + vector @ matrix
    moved /= np.linalg.norm(moved)
    return moved
