"""What readers are known to ask, and what it is worth for a question that nobody foresaw.

    BACKBOT_INDEX=index python evals/bench/known_questions.py

Each fifth of the known questions is left out in turn and asked: as if it had never been known, neither to the votes nor to
the adapter. Once the fifths are drawn by question, once by answer, so that nobody is known to have asked for that sentence.
Printed are the shares of questions with a right article first, and with the very passage first, in the first 3 and in the
first 10. The few weights of retrieval were fitted on all of these questions, so new readers' shares are a little lower.
"""

import sys
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from backbot.embeddings import Vectors, load_embedder
from backbot.index.adapter import learn_adapter
from backbot.index.retrieval import retrieve
from backbot.index.search import Generation, Index
from backbot.settings import load_settings

PARTS = 5
SIDES = ("nothing known", "votes alone", "votes and adapter")


def main() -> None:
    """Ask, count, print."""
    settings = load_settings()
    embedder = load_embedder(settings)
    generation = Index(settings.index, embedder).live()
    content = generation.content
    asked = [text for article in content.articles() for row in article.questions for text in row.asked]
    vectors, answers = content.questions, content.answers
    known = match(embedder.embed(asked), vectors)
    articles = content.article_numbers(np.arange(generation.manifest.passages))
    by_answer = np.unique(answers, axis=0, return_inverse=True)[1].ravel()
    lots = np.random.default_rng(0)
    draws = {
        "by question": lots.integers(0, PARTS, len(vectors)),
        "by answer": lots.integers(0, PARTS, by_answer.max() + 1)[by_answer],
    }
    for name, parts in draws.items():
        found: dict[str, list[list[bool]]] = {side: [] for side in SIDES}
        for part in range(PARTS):
            left = parts != part
            for side in leave(generation, vectors[left], answers[left]):
                for text, place in zip(asked, known, strict=True):
                    if parts[place] != part:
                        continue
                    rows = [hit.row for hit in retrieve(text, generation, embedder).hits]
                    right = int(answers[place, 0])
                    ranks = [bool(rows[:1] == [right]), right in rows[:3], right in rows]
                    found[side].append([bool(articles[rows[0]] == articles[right]), *ranks])
        sys.stdout.write(f"left out {name}, {len(asked)} questions: article first, passage first, in 3, in 10\n")
        for side, counts in found.items():
            sys.stdout.write(f"  {side:18} " + "  ".join(f"{share:.3f}" for share in np.mean(counts, axis=0)) + "\n")


def match(asked: Vectors, known: Vectors) -> NDArray[np.intp]:
    """The known question that each text is: those whose answer an article no longer holds are not in the index."""
    return (asked @ known.T).argmax(axis=1)


def leave(generation: Generation, questions: Vectors, answers: NDArray[np.int32]) -> Iterator[str]:
    """Each side in turn, with only these questions known to the generation."""
    content, nothing = generation.content, np.zeros_like(generation.adapter)
    generation.adapter = nothing
    content.questions, content.answers = questions[:0], answers[:0]
    yield SIDES[0]
    content.questions, content.answers = questions, answers
    yield SIDES[1]
    generation.adapter = learn_adapter(questions, *content.answering(answers))
    yield SIDES[2]


if __name__ == "__main__":
    main()
