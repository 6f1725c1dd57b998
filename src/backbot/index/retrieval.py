"""What is retrieved for a question: the question as the articles would put it, its vector, and the best passages."""

from dataclasses import dataclass

from backbot.embeddings import Embedder, Vectors
from backbot.index.focus import embed_question
from backbot.index.search import Generation
from backbot.records import Hit
from backbot.tracing import ended
from backbot.vocabulary import Expanded, load_vocabulary


@dataclass(frozen=True, slots=True)
class Retrieved:
    """`read` is the question with its changes, `vector` its vector, shape (dimension,), `hits` the best passage first.

    `unknown` is the share of its words, 0 to 1, that no passage holds.
    """

    read: Expanded
    vector: Vectors
    hits: list[Hit]
    unknown: float


def retrieve(asked: str, generation: Generation, embedder: Embedder, k: int = 10) -> Retrieved:
    """The k best passages for a question that stands alone."""
    read = load_vocabulary().expand(asked, generation.words)
    ended("vocabulary")
    vector = embed_question(read.question, embedder, generation)
    ended("embedding")
    hits = generation.search(read.question, vector, k)
    ended("search")
    return Retrieved(read, vector, hits, generation.unknown_share(read.corrected))
