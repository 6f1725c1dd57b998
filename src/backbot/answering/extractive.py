"""The extractive engine: the sentences of the articles that answer the question, word for word.

Each sentence of the best passages is scored by its meaning (cosine with the question), its words, its passage's place in
the retrieval and whether it has the shape that the question asks for ("how long": a duration). The best one comes first;
what follows it in its passage comes after it while it stays relevant. A list is kept as a list.
"""

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from backbot.embeddings import Vectors
from backbot.index.lexical import split_words
from backbot.index.search import Generation
from backbot.records import Hit

PASSAGES_READ = 10
MAX_WORDS = 118
MAX_SENTENCES = 8
MAX_ITEMS = 8
MAX_STEPS_WORDS = 150

MEANING_WEIGHT = 0.8
"""Of the sentence's cosine with the question's adapted vector. These weights are those of a listwise softmax regression on
3,583 known questions, each fifth left out of the adapter and the votes in turn, by question and by answer, rounded; what was
set otherwise says so."""

AS_ASKED_WEIGHT = 0.3
"""Of its cosine with the question's own vector."""

WORDS_WEIGHT = 0.3
HEADING_WORDS_WEIGHT = 0.25
PASSAGE_WEIGHT = 0.25
SHAPE_BONUS = 0.05
"""The regression has half of it: few of the known questions ask how long."""

HEADING_WEIGHT = 0.13
"""Of the heading's cosine, for all sentences of the section."""

OPENING_WEIGHT = 0.09
"""The same for the sentence that opens the section: under a heading that asks, it is the answer."""

ASKED_WEIGHT = 0.2
"""Of the third power of how near the question is to one that the sentence is known to answer: half as near says next to
nothing of which sentence answers. The regression has half of it, at the cost of known questions asked word for word."""

KEEP_OTHER = 0.2
"""By how much a further sentence of the article may score less than the first: by the regression it is then a fortieth as
likely to be the answer. With 0.13 answers have three sentences instead of five, and say .03 less of what was asked."""

KEEP_ELSEWHERE = 0.13
"""The same for a sentence of another article: a twelfth as likely."""

SAME_CONTENT = 0.8
"""Cosine above which two sentences say the same."""

_COUNT = r"\b(?:\d+|an?|one|two|three|four|five|six|few|several)\b"
_DURATION = _COUNT + r"[^.]{0,20}\b(?:second|minute|hour|day|night|week|month|year)s?\b"
_SHAPES: tuple[tuple[str, str], ...] = (
    (r"\bhow (?:long|soon|quickly)\b|\bhow many (?:minutes|hours|days|weeks|months)\b", _DURATION),
    (r"\bhow (?:often|many times)\b|\bhow many\b", r"\b\d+\b|\btimes\b|\bevery\b|\bdaily\b|\bonce\b|\btwice\b"),
    (r"\bhow (?:much|high|warm|hot|cold)\b", r"\b\d+\b|\bhalf\b"),
    (
        r"\b(?:is|are)(?: it| they)? (?:ok|okay|safe|bad|dangerous|harmful)\b|\b(?:can|may|should|could|do) (?:i|we|you)\b",
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

_ASKS_FOR_STEPS = re.compile(
    r"\bhow (?:do|would|should) (?:i|you|we) (?:do|perform|make|set|set up|fit|get (?:in|out|into|off|up))\b|"
    r"\bhow (?:is|are) .{1,40} done\b|\btalk me through\b|\bstep by step\b|\bproper way to\b|\bhow to do\b",
    re.I,
)
_ASKS_FOR_LIST = re.compile(
    r"\bhow (?:do|can|should|would) (?:i|you|we|one)\b|\bhow to\b|\bsteps?\b|\bsigns?\b|\bsymptoms?\b|\blist\b|\btips\b|"
    r"\bwhat (?:are|should i (?:look|ask|do|avoid|bring))\b|\bwho (?:should|must)\b|"
    r"\bwhich (?!is\b|was\b|does\b|has\b)(?:\w+ )?(?!is\b|was\b|does\b|has\b)\w+s\b|"
    r"\bbest \w+s\b|\btalk me through\b|\bexercises\b|\bstretches\b",
    re.I,
)
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
    def asked(self) -> float:
        """How near the question is to one that this sentence is known to answer, 0 to 1."""
        return self.hit.asked.get(self.place, 0.0)

    @property
    def is_item(self) -> bool:
        """Whether it stands in a list."""
        return self.hit.passage.sentences[self.place].is_item


Places = dict[tuple[int, int], Candidate]
"""Candidates by the row of their passage and their number in it."""


def rank_sentences(question: str, vector: Vectors, hits: Sequence[Hit], generation: Generation) -> list[Candidate]:
    """All sentences of the first passages, the best first."""
    asked = set(split_words(question))
    adapted = generation.adapt(vector)
    meant = MEANING_WEIGHT * adapted + AS_ASKED_WEIGHT * vector
    shapes = [shape for pattern, shape in _QUESTION_SHAPES if pattern.search(question)]
    candidates = []
    for hit in hits[:PASSAGES_READ]:
        passage = hit.passage
        vectors = generation.content.sentence_vectors(hit.row)
        meanings, scores = (vectors @ adapted).tolist(), (vectors @ meant).tolist()
        asked_above = float(generation.content.headings[hit.row].astype(np.float32) @ adapted)
        heading_words = set(split_words(" ".join((passage.title, *passage.headings))))
        for place, sentence in enumerate(passage.sentences):
            text = passage.quote(sentence)
            # A question between sentences is rhetorical; in a list it is one to ask somebody.
            if _POINTER.match(text) or len(text.split()) < 3 or (text.endswith("?") and not sentence.is_item):
                continue
            words = _words_of(text)
            score = scores[place] + PASSAGE_WEIGHT * hit.score + HEADING_WEIGHT * asked_above
            score += WORDS_WEIGHT * len(asked & words) / max(len(asked), 1)
            score += HEADING_WORDS_WEIGHT * len(asked & heading_words - words) / max(len(asked), 1)
            score += SHAPE_BONUS * any(shape.search(text) for shape in shapes)
            score += OPENING_WEIGHT * asked_above * (passage.part == place == 0)
            score += ASKED_WEIGHT * hit.asked.get(place, 0.0) ** 3
            candidates.append(Candidate(hit, place, text, score, meanings[place], vectors[place]))
    return sorted(candidates, key=lambda candidate: -candidate.score)


@functools.lru_cache(20_000)
def _words_of(sentence: str) -> frozenset[str]:
    """Of a sentence of the articles, never of a reader's: it is kept."""
    return frozenset(split_words(sentence))


def choose_sentences(question: str, ranked: Sequence[Candidate]) -> list[Candidate]:
    """The sentences to show, in the order to show them; `ranked` is what `rank_sentences` gave for the question."""
    places = {(candidate.hit.row, candidate.place): candidate for candidate in ranked}
    first = next((candidate for candidate in ranked if not _leans_back(candidate)), None)
    if first is None:
        return []
    if _ASKS_FOR_STEPS.search(question):
        return _whole_passage(first, places)
    asks_for_list = _ASKS_FOR_LIST.search(question) is not None
    if asks_for_list:
        # The list beside the best sentence is what was asked for.
        first = next((other for other in ranked if other.hit is first.hit and other.is_item), first)
    is_list = first.is_item or first.text.endswith(":")
    chosen = _with_list(first, places, whole=asks_for_list) if is_list else _with_following(first, places)
    head = len(chosen) if is_list else 1
    for other in ranked:
        if len(chosen) >= MAX_SENTENCES:
            break
        is_near = other.hit.passage.article == first.hit.passage.article
        if other.score < first.score - (KEEP_OTHER if is_near else KEEP_ELSEWHERE):
            continue
        if _stands_alone(other, places) and other not in chosen and _fits(chosen, other) and not _repeats(other, chosen):
            chosen.append(other)
    return _in_reading_order(chosen, head)


def _in_reading_order(chosen: list[Candidate], head: int) -> list[Candidate]:
    """The head as it is, then the others passage by passage, each passage's in the order of its text."""
    rows = list(dict.fromkeys(candidate.hit.row for candidate in chosen))
    rest = sorted(chosen[head:], key=lambda candidate: (rows.index(candidate.hit.row), candidate.place))
    return chosen[:head] + rest


def _whole_passage(first: Candidate, places: Places) -> list[Candidate]:
    """The steps of a procedure: the passage's sentences in their order, as far as MAX_STEPS_WORDS reach."""
    chosen: list[Candidate] = []
    words = 0
    for place in range(len(first.hit.passage.sentences)):
        candidate = places.get((first.hit.row, place))
        if candidate is not None:
            words += len(candidate.text.split())
            if words > MAX_STEPS_WORDS:
                break
            chosen.append(candidate)
    return chosen if first in chosen else [first]


def _with_following(first: Candidate, places: Places) -> list[Candidate]:
    """The sentence and those after it in its paragraph while they stay relevant."""
    chosen = [first]
    while len(chosen) < MAX_SENTENCES:
        following = places.get((first.hit.row, chosen[-1].place + 1))
        if following is None or following.is_item or following.text.endswith(":"):
            break
        if following.score < first.score - KEEP_OTHER or not _fits(chosen, following):
            break
        chosen.append(following)
    return chosen


def _with_list(first: Candidate, places: Places, *, whole: bool) -> list[Candidate]:
    """The list that `first` introduces or stands in, with its introduction; of a list that was not asked for, its item."""
    row = first.hit.row
    before = first.place
    while (row, before) in places and places[row, before].is_item:
        before -= 1
    introduction = places.get((row, before))
    chosen = [introduction] if introduction and introduction.text.endswith(":") else []
    if first.is_item and not whole:
        return [*chosen, first]
    place = before + 1
    while (row, place) in places and places[row, place].is_item and len(chosen) <= MAX_ITEMS:
        chosen.append(places[row, place])
        place += 1
    return chosen if first in chosen else [first, *chosen]


def _stands_alone(candidate: Candidate, places: Places) -> bool:
    """Whether the sentence can be read without those around it."""
    if candidate.is_item:
        before = candidate.place
        while (candidate.hit.row, before) in places and places[candidate.hit.row, before].is_item:
            before -= 1
        introduction = places.get((candidate.hit.row, before))
        return not (introduction and introduction.text.endswith(":"))
    return not (_leans_back(candidate) or candidate.text.endswith(":"))


def _leans_back(candidate: Candidate) -> bool:
    """Whether the sentence needs the one before it to be understood."""
    return _LEANS_BACK.match(candidate.text) is not None


def _repeats(candidate: Candidate, chosen: Sequence[Candidate]) -> bool:
    return any(
        float(np.dot(candidate.vector, other.vector)) > SAME_CONTENT for other in chosen if other.hit is not candidate.hit
    )


def _fits(chosen: Sequence[Candidate], more: Candidate) -> bool:
    return sum(len(candidate.text.split()) for candidate in (*chosen, more)) <= MAX_WORDS
