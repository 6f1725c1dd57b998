"""Fit the model that decides whether to decline: `python -m backbot.answering.declining_training [EXAMPLES.jsonl ...]`.

Examples are lines of {"ask": ..., "expect": "answer" | "decline", "topic": ...}; the readers' questions that the articles
name are examples too. They are asked of the index that the settings name, which must hold the sample corpus. Deterministic;
prints cross-validated figures and writes the weights into the package.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from backbot.answering.declining import EVIDENCE_WEIGHT, WEIGHTS_FILE, evidence
from backbot.answering.extractive import rank_sentences
from backbot.embeddings import Vectors, load_embedder
from backbot.index.adapter import learn_adapter
from backbot.index.content import Content
from backbot.index.retrieval import retrieve
from backbot.index.search import Index
from backbot.settings import load_settings

C, GAMMA = 5, 0.5
"""Chosen by cross-validation and on evals/answers-tune.yaml among C 1 to 30 and gamma 0.5 to 2, and a linear model."""

ANSWERED_AT_LEAST = 0.96
"""The threshold is where this share of the answerable examples is answered, each by a model that had not seen it."""

NEAREST_PASSAGE = 0.36
"""For embedding models that the weights were not fitted with: the least cosine of the nearest passage."""


SAME_QUESTION = 0.95
"""The cosine from which on a reader's question of the articles is the example itself, or too like it to learn from."""

FOLDS = 5
"""An example is asked with an adapter that has not learnt from the fifth of the readers' questions with its nearest one."""

NO_QUESTIONS = 0.25
"""For this share of the examples the articles name no readers' questions, as other publishers' may not."""


def main(examples: Sequence[Path]) -> None:
    """Fit, cross-validate, print, write."""
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.svm import SVC

    settings = load_settings()
    embedder = load_embedder(settings)
    generation = Index(settings.index, embedder).live()
    asked = np.array(generation.content.questions)
    rows = [json.loads(line) for file in examples for line in file.read_text("utf-8").splitlines() if line.strip()]
    rows += [
        {"ask": asked, "expect": "answer", "topic": article.id}
        for article in generation.content.articles()
        for known in article.questions
        for asked in known.asked
    ]
    found, questions = [], []
    lots = np.random.default_rng(0)
    parts = lots.integers(0, FOLDS, len(asked))
    adapters = [_adapter_without(parts == part, generation.content) for part in range(FOLDS)]
    for row in rows:
        vector = embedder.embed([row["ask"]])[0]
        generation.adapter = adapters[parts[(asked @ vector).argmax()]]
        is_hidden = (asked @ vector >= SAME_QUESTION) | (lots.random() < NO_QUESTIONS)
        generation.content.questions = np.where(is_hidden[:, None], 0, asked)
        retrieved = retrieve(row["ask"], generation, embedder)
        ranked = rank_sentences(retrieved.read.corrected, retrieved.vector, retrieved.hits, generation)
        found.append(evidence(retrieved, ranked))
        questions.append(retrieved.vector)
    evidences, vectors = np.stack(found), np.stack(questions)
    mean, scale = evidences.mean(axis=0), evidences.std(axis=0)
    inputs = np.hstack([EVIDENCE_WEIGHT * (evidences - mean) / scale, vectors])
    answerable = np.array([row["expect"] == "answer" for row in rows])

    model = SVC(C=C, gamma=GAMMA)
    folds = StratifiedKFold(10, shuffle=True, random_state=0)
    margin = cross_val_predict(model, inputs, answerable, cv=folds, method="decision_function")
    threshold = float(np.quantile(margin[answerable], 1 - ANSWERED_AT_LEAST))
    answered, declined = (margin[answerable] >= threshold), (margin[~answerable] < threshold)
    sys.stdout.write(
        f"cross-validated: answered {answered.sum()}/{len(answered)} ({answered.mean():.3f}), "
        f"declined {declined.sum()}/{len(declined)} ({declined.mean():.3f}), threshold {threshold:.3f}\n"
    )
    for topic in sorted({row["topic"] for row in rows if row["expect"] == "decline"}):
        share = np.array([margin[i] < threshold for i, row in enumerate(rows) if row["topic"] == topic])
        sys.stdout.write(f"  declined, {topic}: {share.sum()}/{len(share)}\n")
    model.fit(inputs, answerable)
    np.savez_compressed(
        WEIGHTS_FILE,
        mean=mean,
        scale=scale,
        support=model.support_vectors_.astype(np.float16),
        dual=model.dual_coef_[0].astype(np.float32),
        gamma=GAMMA,
        intercept=model.intercept_[0],
        threshold=threshold,
        nearest_passage=NEAREST_PASSAGE,
    )


def _adapter_without(left_out: NDArray[np.bool_], content: Content) -> Vectors:
    return learn_adapter(content.questions[~left_out], *content.answering(content.answers[~left_out]))


if __name__ == "__main__":
    main([Path(name) for name in sys.argv[1:]] or sorted(Path("evals/declining").glob("*.jsonl")))
