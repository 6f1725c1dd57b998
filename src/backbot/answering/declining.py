"""Whether the articles hold an answer to the question. When they do not, backbot says so.

A near miss (eczema, migraine, a new knee) is near to some passage in meaning, so one threshold on similarity cannot decide.
A support vector machine (RBF kernel) weighs what retrieval found together with the question's own vector: the first says
whether the articles hold the words and the meaning, the second what kind of question it is (a dose, a price, a scan to be
read, another illness).
`python -m backbot.answering.declining_training` fits it on evals/declining/ and writes declining.npz beside this.
"""

import functools
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from backbot.answering.extractive import Candidate
from backbot.embeddings import Vectors
from backbot.index.lexical import split_words
from backbot.index.retrieval import Retrieved

WEIGHTS_FILE = Path(__file__).with_name("declining.npz")
EVIDENCE_WEIGHT = 0.3
"""Of the standardised evidence beside the question's vector, which has length 1."""

BEST = 20
"""So many of the sentences, the best ones, are compared with the question's own vector, too."""


def holds_answer(found: Retrieved, ranked: Sequence[Candidate]) -> bool:
    """Whether the question is one that the articles answer, by what was retrieved for it and its ranked sentences."""
    if not found.hits or not ranked:
        return False
    weights = _load_weights()
    if len(found.vector) + len(weights["mean"]) != weights["support"].shape[1]:
        # Another embedding model: only what retrieval found can be weighed.
        return bool(evidence(found, ranked)[0] >= weights["nearest_passage"])
    return answerability(found, ranked) >= 0


def answerability(found: Retrieved, ranked: Sequence[Candidate]) -> float:
    """How far the question is on the side of those that the articles answer: above 0 it is answered, below declined."""
    weights = _load_weights()
    scaled = EVIDENCE_WEIGHT * (evidence(found, ranked) - weights["mean"]) / weights["scale"]
    asked = np.concatenate([scaled, found.vector])
    # |a - b|² as |a|² + |b|² - 2ab: no copy of all support vectors is made.
    distances = weights["lengths"] + asked @ asked - 2 * (weights["support"] @ asked)
    return float(np.exp(-weights["gamma"] * distances) @ weights["dual"] + weights["intercept"] - weights["threshold"])


def evidence(found: Retrieved, ranked: Sequence[Candidate]) -> Vectors:
    """What retrieval found, shape (11,)."""
    hits = found.hits
    asked = set(split_words(found.read.corrected))
    nearest = sorted((hit.dense for hit in hits), reverse=True)
    best = hits[0].passage
    held = [len(asked & set(split_words(passage.embedded_text))) for passage in (best, ranked[0].hit.passage)]
    return np.array(
        [
            nearest[0],
            sum(nearest[:3]) / len(nearest[:3]),
            max(candidate.meaning for candidate in ranked),
            ranked[0].meaning,
            max(held) / max(len(asked), 1),
            max(hit.lexical for hit in hits) / max(len(asked), 1),
            math.log1p(len(asked)),
            max(candidate.asked for candidate in ranked),
            found.unknown,
            max(float(candidate.vector @ found.vector) for candidate in ranked[:BEST]),
            sum(max(hit.asked.values(), default=0.0) for hit in hits),
        ],
        np.float32,
    )


@functools.cache
def _load_weights() -> dict[str, Vectors]:
    with np.load(WEIGHTS_FILE) as file:
        weights = {name: array.astype(np.float32) for name, array in file.items()}
    return weights | {"lengths": np.square(weights["support"]).sum(axis=1)}
