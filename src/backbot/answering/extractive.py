"""The extractive engine: the sentences of the articles that answer the question, word for word.

Each sentence of the best passages is scored by its meaning (cosine with the question), its words, its passage's place in
the retrieval and whether it has the shape that the question asks for ("how long": a duration). The best one comes first;
what follows it in its passage comes after it while it stays relevant. A list is kept as a list.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from backbot.embeddings import Vectors
from backbot.index.lexical import split_words
from backbot.index.search import Generation
from backbot.records import Hit

PASSAGES_READ = 8
MAX_WORDS = 110
MAX_SENTENCES = 5
MAX_ITEMS = 8

MEANING_WEIGHT = 0.55
WORDS_WEIGHT = 0.2
PASSAGE_WEIGHT = 0.25
SHAPE_BONUS = 0.08

KEEP_FOLLOWING = 0.72
KEEP_OTHER = 0.9
SAME_CONTENT = 0.86
"""Cosine above which two sentences say the same."""

_COUNT = r"\b(?:\d+|an?|one|two|three|four|five|six|few|several)\b"
_DURATION = _COUNT + r"[^.]{0,20}\b(?:second|minute|hour|day|night|week|month|year)s?\b"
_SHAPES: tuple[tuple[str, str], ...] = (
    (r"\bhow (?:long|soon|quickly)\b|\bhow many (?:minutes|hours|days|weeks|months)\b", _DURATION),
    (r"\bhow (?:often|many times)\b|\bhow many\b", r"\b\d+\b|\btimes\b|\bevery\b|\bdaily\b|\bonce\b|\btwice\b"),
    (r"\bhow (?:much|high|warm|hot|cold)\b", r"\b\d+\b|\bhalf\b"),
    (
        r"\b(?:is it|are they|is|are) (?:ok|okay|safe|bad|dangerous|harmful)\b|\b(?:can|may|should|could) (?:i|we|you)\b|\bdo i\b",
        r"\b(?:safe|avoid|should|can|may|must|do not|need|helps?|never|ask|talk)\b",
    ),
    (
        r"\bwhich\b|\bbetter\b|\bor\b|\bversus\b|\bvs\b|\bdifference\b",
        r"\b(?:better|best|than|both|either|neither|difference|differs?|whereas|while|no clear)\b",
    ),
    (r"\bwhy\b|\bwhat causes\b|\breason\b", r"\b(?:because|since|so that|cause[sd]?|reason|due to|comes? from|leads? to)\b"),
    (r"\bwho (?:should|must|can)\b", r"\b(?:people|anyone|avoid|should not|must not|do not)\b"),
    (
        r"\bis it true\b|\bmyth\b|\breally\b|\bdoes\b|\bdo\b.*\bwork\b",
        r"\b(?:evidence|studies|study|trials?|review|does not|do not|no|not|helps?|little)\b",
    ),
)
_QUESTION_SHAPES = tuple((re.compile(asked, re.I), re.compile(shape, re.I)) for asked, shape in _SHAPES)

_POINTER = re.compile(r"^(?:read more|see also|see|learn more|find out more|more (?:about|on|in))\b", re.I)
_LEANS_BACK = re.compile(
    r"^(?:this|that|these|those|it|its|they|them|their|he|she|such|both|another|others?|instead|however|but|and|also|then|"
    r"so|still|yet|even so|either way|for example|in that case|the same)\b",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence that may be shown. `hit` and `place` (its number in the passage) say where it stands."""

    hit: Hit
    place: int
    text: str
    score: float
    meaning: float
    vector: Vectors

    @property
    def is_item(self) -> bool:
        """Whether it stands in a list."""
        return self.hit.passage.sentences[self.place].is_item


def rank_sentences(question: str, vector: Vectors, hits: Sequence[Hit], generation: Generation) -> list[Candidate]:
    """All sentences of the first passages, the best first."""
    asked = set(split_words(question))
    shapes = [shape for pattern, shape in _QUESTION_SHAPES if pattern.search(question)]
    candidates = []
    for hit in hits[:PASSAGES_READ]:
        passage = hit.passage
        vectors = generation.content.sentence_vectors(hit.row, len(passage.sentences))
        heading_words = set(split_words(" ".join((passage.title, *passage.headings))))
        for place, sentence in enumerate(passage.sentences):
            text = passage.quote(sentence)
            if _POINTER.match(text) or len(text.split()) < 3 or text.endswith("?"):
                continue
            words = set(split_words(text))
            covered = (len(asked & words) + 0.5 * len(asked & heading_words - words)) / max(len(asked), 1)
            meaning = float(vectors[place] @ vector)
            score = MEANING_WEIGHT * meaning + WORDS_WEIGHT * covered + PASSAGE_WEIGHT * hit.score
            score += SHAPE_BONUS * any(shape.search(text) for shape in shapes)
            candidates.append(Candidate(hit, place, text, score, meaning, vectors[place]))
    return sorted(candidates, key=lambda candidate: -candidate.score)


def choose_sentences(ranked: Sequence[Candidate]) -> list[Candidate]:
    """The sentences to show, in the order to show them; `ranked` is what `rank_sentences` gave."""
    places = {(candidate.hit.row, candidate.place): candidate for candidate in ranked}
    first = next((candidate for candidate in ranked if not _leans_back(candidate)), None)
    if first is None:
        return []
    chosen = _with_list(first, places) or _with_following(first, places)
    for other in ranked:
        if len(chosen) >= MAX_SENTENCES or other.score < KEEP_OTHER * first.score:
            break
        if not (other in chosen or _leans_back(other) or other.is_item or _repeats(other, chosen)) and _fits(chosen, other):
            chosen.append(other)
    return chosen


def _with_following(first: Candidate, places: dict[tuple[int, int], Candidate]) -> list[Candidate]:
    """The sentence and those after it in its passage while they stay relevant."""
    chosen = [first]
    while len(chosen) < MAX_SENTENCES:
        following = places.get((first.hit.row, chosen[-1].place + 1))
        if following is None or following.score < KEEP_FOLLOWING * first.score or not _fits(chosen, following):
            break
        if _repeats(following, chosen):
            break
        chosen.append(following)
    return chosen


def _with_list(first: Candidate, places: dict[tuple[int, int], Candidate]) -> list[Candidate]:
    """The whole list that `first` introduces or stands in, with its introduction; empty when it is no list."""
    row, place = first.hit.row, first.place
    if first.is_item:
        while (row, place) in places and places[row, place].is_item:
            place -= 1
    elif not first.text.endswith(":"):
        return []
    introduction = places.get((row, place))
    chosen = [introduction] if introduction and introduction.text.endswith(":") else []
    place += 1
    while (row, place) in places and places[row, place].is_item and len(chosen) <= MAX_ITEMS:
        chosen.append(places[row, place])
        place += 1
    if first not in chosen:
        chosen.insert(0, first)
    return chosen


def _leans_back(candidate: Candidate) -> bool:
    """Whether the sentence needs the one before it to be understood."""
    return _LEANS_BACK.match(candidate.text) is not None


def _repeats(candidate: Candidate, chosen: Sequence[Candidate]) -> bool:
    return any(
        float(np.dot(candidate.vector, other.vector)) > SAME_CONTENT for other in chosen if other.hit is not candidate.hit
    )


def _fits(chosen: Sequence[Candidate], more: Candidate) -> bool:
    return sum(len(candidate.text.split()) for candidate in (*chosen, more)) <= MAX_WORDS
