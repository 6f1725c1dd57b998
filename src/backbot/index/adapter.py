"""Readers' words brought nearer to the articles' words: a linear adapter of the question's vector.

It is learnt at each ingest from what readers are known to ask, and from nothing else: a matrix that turns a question's
vector towards those of the passage that answers it and of the headings above that, and away from the other passages that
answer something. `python evals/bench/known_questions.py` prints what it is worth for questions that were not known.
"""

import numpy as np
from numpy.typing import NDArray

from backbot.embeddings import Vectors

FILE = "adapter.npy"

PASSAGE_SHARE = 0.6
"""Of the passage's vector, beside its headings'."""

SHARPNESS = 20.0
"""By which cosines are multiplied before their softmax."""

SHRINKAGE = 27.0
"""Of the squared matrix, against the sum over all questions: few questions move little. Of 13, 27 and 54 the least served
questions best whose answers were known, the most those whose answers were not; from 50 questions on any was better than
no adapter."""

MOST_STEPS = 12
"""Twice as many take twice as long and put .009 more of left-out questions' passages first, by the vectors alone."""


def learn_adapter(questions: Vectors, answers: NDArray[np.int32], passages: Vectors, headings: Vectors) -> Vectors:
    """The matrix, shape (dimension, dimension), of which `adapt` makes use; of zeros where there is nothing to learn.

    `questions` are vectors of what readers ask, shape (questions, dimension), `answers` the rows of the passages that
    answer them, shape (questions,); `passages` and `headings` are all passages' vectors and those of their heading paths,
    shape (passages, dimension). Minimised is the multinomial logistic loss (van den Oord et al. 2018, arXiv 1807.03748) by
    L-BFGS, so the same input gives the same matrix.
    """
    count, dimension = questions.shape
    if not count:
        return np.zeros((dimension, dimension), np.float32)
    from scipy.optimize import minimize

    rows, right = np.unique(answers, return_inverse=True)
    targets = PASSAGE_SHARE * passages[rows].astype(np.float32) + (1 - PASSAGE_SHARE) * headings[rows].astype(np.float32)
    each = np.arange(count)

    def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        matrix = flat.reshape(dimension, dimension).astype(np.float32)
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
        gradient = questions.T @ slope + 2 * SHRINKAGE * matrix
        # Divided by how many there are, so that the search's own limits mean the same for few and for many.
        return (lost + SHRINKAGE * float((matrix**2).sum())) / count, gradient.astype(np.float64).ravel() / count

    found = minimize(loss, np.zeros(dimension * dimension), jac=True, method="L-BFGS-B", options={"maxiter": MOST_STEPS})
    matrix: Vectors = found.x.reshape(dimension, dimension).astype(np.float32)
    return matrix


def adapt(vector: Vectors, matrix: Vectors) -> Vectors:
    """The question's vector, shape (dimension,), as the matrix turns it; of length 1."""
    moved: Vectors = vector + vector @ matrix
    moved /= np.linalg.norm(moved)
    return moved
