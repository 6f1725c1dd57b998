"""A large index made in minutes: new passages of sentences out of real ones, their vectors computed without the model.

A sentence keeps its vector, a little shaken, so that no two are the same. A passage's vector is what the model's would be if
it were a mean: its sentences' vectors weighted by their words, and its heading's.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from backbot.embeddings import Encoded, Vectors
from backbot.index.building import finish_generation
from backbot.index.content import Content, ContentWriter
from backbot.index.generations import (
    Manifest,
    generation_folder,
    ingest_lock,
    live_name,
    new_name,
    publish,
    read_manifest,
    remove_leftovers,
)
from backbot.index.reading import Account
from backbot.index.search import Generation
from backbot.records import Article, Passage, Sentence

ARTICLE_PASSAGES = 8
WORDS = range(4, 60)
"""How long a sentence is that goes into a new passage: shorter and longer ones are lists, tables and leftovers."""

NEAR = 12
"""Half of a passage's other sentences come from a passage at most so many rows away, the others from anywhere."""

HEADING_WORDS = 25.0
"""As many words of text is the heading path worth in a passage's vector."""

NOISE = 0.15
"""The length of the random vector that is added to a sentence's vector, which has length 1."""

AT_ONCE = 500 * ARTICLE_PASSAGES


@dataclass(frozen=True, slots=True)
class Parents:
    """The passages that new ones are made of, in memory, and their usable sentences: in `rows`, at `places` in these."""

    passages: list[Passage]
    headings: NDArray[np.float16]
    rows: NDArray[np.int64]
    places: NDArray[np.int64]
    vectors: NDArray[np.float16]
    words: NDArray[np.int64]
    first: NDArray[np.int64]
    """Of each row, its first usable sentence; one more at the end."""


def recombine(parents: Generation, count: int, seed: int, index: Path) -> Manifest:
    """Publish an index of `count` passages in the folder `index`, the same for the same parents and seed."""
    source = read_parents(parents.content)
    building = index / "building"
    with ingest_lock(index):
        folder = generation_folder(building, new_name())
        folder.mkdir(parents=True)
        account = Account()
        with ContentWriter(folder) as writer:
            for article, passages in _articles(source, count, seed):
                writer.add_article(article)
                account.hashes[article.id] = article.content_hash
                account.origins[article.id] = "recombined"
                for passage, encoded, heading in passages:
                    writer.add_passage(passage, encoded, heading)
        model = parents.manifest.model
        manifest = finish_generation(folder, writer, account, ("recombined",), (), model, lambda stage, done, total: None)
        publish(index, folder)
        remove_leftovers(index, keep=1)
    return manifest


def read_parents(content: Content) -> Parents:
    """The passages of a generation and where their usable sentences stand."""
    passages = list(content.all_passages())
    usable: list[tuple[int, int, int]] = []
    seen: set[str] = set()
    vectors: list[NDArray[np.float16]] = []
    for row, passage in enumerate(passages):
        texts = [passage.quote(sentence) for sentence in passage.sentences]
        words = [len(text.split()) for text in texts]
        # A sentence that stands in a thousand articles would make a thousand times a thousand passages alike.
        places = [place for place, text in enumerate(texts) if words[place] in WORDS and text not in seen]
        seen.update(texts)
        usable += [(row, place, words[place]) for place in places]
        vectors.append(content.sentence_vectors(row)[places].astype(np.float16))
    rows, places_of_all, lengths = np.array(usable, np.int64).T
    first = np.searchsorted(rows, np.arange(len(passages) + 1))
    return Parents(passages, content.headings, rows, places_of_all, np.concatenate(vectors), lengths, first)


Made = tuple[Passage, Encoded, Vectors]


def _articles(parents: Parents, count: int, seed: int) -> Iterator[tuple[Article, list[Made]]]:
    """Articles of ARTICLE_PASSAGES passages each, `count` passages in all."""
    random = np.random.default_rng(seed)
    firsts = np.sort(random.integers(0, len(parents.rows), count))
    for start in range(0, count, AT_ONCE):
        drawn = _draw(parents, firsts[start : start + AT_ONCE], random)
        for place in range(0, len(drawn), ARTICLE_PASSAGES):
            number = (start + place) // ARTICLE_PASSAGES
            yield _compose(parents, f"recombined-{number:07}", drawn[place : place + ARTICLE_PASSAGES])


def _draw(
    parents: Parents, firsts: NDArray[np.int64], random: np.random.Generator
) -> list[tuple[list[int], Encoded, Vectors]]:
    """For each new passage, given its first sentence, the sentences that it is made of, its vectors, and its heading's."""
    count = len(firsts)
    sizes = random.integers(2, 4, count)
    chosen = np.stack([firsts, *random.integers(0, len(parents.rows), (2, count))], axis=1)
    for column in (1, 2):
        near = parents.rows[chosen[:, 0]] + random.integers(-NEAR, NEAR + 1, count)
        near = np.clip(near, 0, len(parents.passages) - 1)
        lowest, above = parents.first[near], parents.first[near + 1]
        there = lowest + (random.random(count) * (above - lowest)).astype(np.int64)
        is_near = (random.random(count) < 0.5) & (above > lowest)
        chosen[:, column] = np.where(is_near, there, chosen[:, column])
    vectors = parents.vectors[chosen].astype(np.float32)
    noise = random.normal(0, NOISE / np.sqrt(vectors.shape[-1]), vectors.shape).astype(np.float32)
    vectors = _normalised(vectors + noise)
    headings = parents.headings[parents.rows[chosen[:, 0]]].astype(np.float32)
    lengths = parents.words[chosen].astype(np.float32)
    lengths[sizes == 2, 2] = 0
    whole = _normalised(np.einsum("ij,ijk->ik", lengths, vectors) + HEADING_WORDS * headings)
    return [
        (row[:size], Encoded(whole[i], vectors[i, :size]), headings[i])
        for i, (row, size) in enumerate(zip(chosen.tolist(), sizes.tolist(), strict=True))
    ]


def _compose(parents: Parents, name: str, made: list[tuple[list[int], Encoded, Vectors]]) -> tuple[Article, list[Made]]:
    title = parents.passages[parents.rows[made[0][0][0]]].title
    passages: list[Made] = []
    body: list[str] = []
    for number, (chosen, encoded, heading) in enumerate(made):
        first = parents.passages[parents.rows[chosen[0]]]
        texts = [_text(parents, usable_sentence) for usable_sentence in chosen]
        ends = list(accumulate(len(text) + 1 for text in texts))
        sentences = tuple(Sentence(end - 1 - len(text), end - 1, 0) for text, end in zip(texts, ends, strict=True))
        text = " ".join(texts)
        body += [f"## {first.heading}", text]
        # The heading path is the first parent's, whose vector it has.
        passage = Passage(f"{name}:{number}", name, first.title, first.headings, f"part-{number}", text, sentences)
        passages.append((passage, encoded, heading))
    return Article(name, title, "\n\n".join(body)), passages


def _text(parents: Parents, usable_sentence: int) -> str:
    passage: Passage = parents.passages[parents.rows[usable_sentence]]
    return passage.quote(passage.sentences[parents.places[usable_sentence]])


def _normalised(vectors: Vectors) -> Vectors:
    scaled: Vectors = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
    return scaled


def main(parents: str, count: str, seed: str, index: str) -> None:
    """Recombine the live generation of the index in the folder `parents`."""
    folder = Path(parents)
    recombine(Generation(folder, read_manifest(folder, live_name(folder))), int(count), int(seed), Path(index))


if __name__ == "__main__":
    main(*sys.argv[1:])
