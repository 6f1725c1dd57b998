"""What can be wrong between articles: links that lead nowhere, articles nobody links to, duplicates and contradictions."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

import numpy as np
from numpy.typing import NDArray

from backbot.chunking import split_passages
from backbot.corpus_check.findings import Finding, Quote, finding
from backbot.corpus_check.parts import Parts, Statement
from backbot.corpus_check.quantities import disagree, read_quantities, without_quantities
from backbot.index.lexical import split_words
from backbot.records import Passage

Embed = Callable[[list[str]], NDArray[Any]]
"""Sentences -> vectors of length 1, shape (sentences, dimension)."""

MAX_SENTENCES = 40_000
"""More than this are not compared for contradictions: the comparisons grow with the square."""

_SHINGLE = 4
_DUPLICATE = 0.5
_LEAST_PASSAGE_WORDS = 25
# How near two sentences must be: the less of their words they share, the nearer in meaning. Each row: (share, cosine).
_NEARNESS = ((0.6, 0.65), (0.4, 0.8))
_LEAST_COSINE = min(cosine for _, cosine in _NEARNESS)
_LEAST_SHARED_OF_OPPOSITES = 0.6
_BLOCK = 1024

_NEGATION = re.compile(
    r"\b(?:not|never|no|cannot|avoid|leave out|unlikely|neither|nor|rarely|seldom|hardly|[a-z]+n[’']t)\b", re.I
)
# A negation after one of these is about a side matter ("weakness that does not wear off"), not about what is said.
_SIDE_CLAUSE = re.compile(
    r"\b(?:if|when|which|who|unless|until|because|while|whereas|or|nothing|no treatment"
    r"|(?<!found )(?<!shows )(?<!say )(?<!says )(?<!advise )(?<!advises )(?<!suggests )that)\b[^,;:]*",
    re.I,
)
# Words of which a sentence holds the one or the other.
_OPPOSITES: tuple[tuple[str, str], ...] = (
    (r"safe", r"unsafe|dangerous|harmful|risky"),
    (r"always", r"never"),
    (r"better|improves?", r"worse|worsens?"),
    (r"help(?:s|ful)?|effective|works?|eases?|relieves?", r"harm(?:s|ful)?|ineffective|useless"),
    (r"recommends?|recommended", r"discourages?|discouraged"),
    (r"increas(?:es?|ed)|raises?|higher", r"decreas(?:es?|ed)|lowers?|reduces?|lower"),
)


def check_links(corpus: list[Parts]) -> Iterator[Finding]:
    """Links to articles that are not there, and articles that no other links to."""
    by_id = {parts.article.id: parts for parts in corpus}
    by_url = {parts.article.url.rstrip("/"): parts for parts in corpus if parts.article.url}
    linked: set[str] = set()
    has_inner_links = False
    for parts in corpus:
        for link in parts.links:
            target, fragment = _target(link.target)
            is_own = not urlsplit(target).scheme
            found = by_id.get(_id_in(target) or parts.article.id) if is_own else by_url.get(target.rstrip("/"))
            if found is None and not is_own:
                continue
            has_inner_links = True
            article = parts.article.id
            if found is None:
                yield finding("link broken", article, link.place, f"links to {link.target}, which is no article")
                continue
            if found.article.status == "withdrawn":
                yield finding("link broken", article, link.place, f"links to {found.article.id}, which is withdrawn")
            if fragment and is_own and fragment not in {section.anchor for section in found.sections}:
                what = f"links to #{fragment}, and {found.article.id} has no such heading"
                yield finding("link broken", article, link.place, what)
            if found is not parts:
                linked.add(found.article.id)
    if has_inner_links and len(corpus) > 1:
        for parts in corpus:
            if parts.article.id not in linked and parts.article.status == "published":
                yield finding("nobody links to it", parts.article.id, parts.place, "no other article links to this one")


def _target(link: str) -> tuple[str, str]:
    target, _, fragment = link.partition("#")
    return target, unquote(fragment)


def _id_in(path: str) -> str:
    """The article's id that a relative link names: `sciatica.md`, `./sciatica.md`, `sciatica`; "" for the article itself."""
    name = unquote(path).rstrip("/").rsplit("/", 1)[-1]
    return re.sub(r"\.(?:md|markdown|html?)$", "", name)


def check_duplicates(corpus: list[Parts]) -> Iterator[Finding]:
    """Passages of two articles that share most of their wording (Jaccard of four-word shingles)."""
    passages = [passage for parts in corpus for passage in split_passages(parts.article)]
    passages = [passage for passage in passages if len(passage.text.split()) >= _LEAST_PASSAGE_WORDS]
    shingles = [_shingles(passage.text) for passage in passages]
    holders: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for at, own in enumerate(shingles):
        for shingle in own:
            holders[shingle].append(at)
    shared: dict[tuple[int, int], int] = defaultdict(int)
    for held in holders.values():
        # What very many passages share is a phrase of the house, such as a disclaimer.
        for first, one in enumerate(held[:50]):
            for other in held[first + 1 : 50]:
                shared[one, other] += 1
    places = {parts.article.id: parts for parts in corpus}
    for (one, other), count in sorted(shared.items()):
        a, b = passages[one], passages[other]
        likeness = count / (len(shingles[one]) + len(shingles[other]) - count)
        if a.article != b.article and likeness >= _DUPLICATE:
            quotes = [Quote(p.article, _place_of(places[p.article], p), p.text) for p in (a, b)]
            what = f"a passage and one of {b.article} are {likeness:.0%} the same"
            yield finding("near-duplicate", a.article, quotes[0].place, what, *quotes)


def _shingles(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.lower())
    return {tuple(words[at : at + _SHINGLE]) for at in range(len(words) - _SHINGLE + 1)}


def _place_of(parts: Parts, passage: Passage) -> str:
    first = passage.text.split("\n")[0]
    return next((paragraph.place for paragraph in parts.paragraphs if first and first in paragraph.text), parts.place)


@dataclass(frozen=True, slots=True)
class _Candidate:
    statement: Statement
    stems: frozenset[str]


def check_contradictions(corpus: list[Parts], embed: Embed) -> Iterator[Finding]:
    """Pairs of sentences of near-equal meaning that differ in a figure, a negation or a word for its opposite."""
    candidates = [
        _Candidate(statement, _stems(statement.text))
        for parts in corpus
        for statement in parts.statements
        if not statement.text.endswith("?") and not statement.has_link and len(statement.text.split()) >= 5
    ][:MAX_SENTENCES]
    if not candidates:
        return
    vectors = np.asarray(embed([candidate.statement.text for candidate in candidates]), dtype=np.float32)
    seen: set[frozenset[str]] = set()
    for one, other, cosine in _near_pairs(vectors):
        a, b = candidates[one], candidates[other]
        kind = _contradiction(a, b, cosine)
        pair = frozenset((a.statement.text, b.statement.text))
        if kind and pair not in seen:
            seen.add(pair)
            what = f"nearly the same as a sentence of {b.statement.article}, with {kind} (likeness {cosine:.2f})"
            yield finding(
                "contradiction", a.statement.article, a.statement.place, what, a.statement.quote, b.statement.quote
            )


def _near_pairs(vectors: NDArray[np.float32]) -> Iterator[tuple[int, int, float]]:
    """(one, other, cosine) of each pair above the threshold, one block of rows after the other to bound the memory."""
    for start in range(0, len(vectors), _BLOCK):
        cosines = vectors[start : start + _BLOCK] @ vectors[start:].T
        for row, column in zip(*np.nonzero(np.triu(cosines, 1) >= _LEAST_COSINE), strict=True):
            yield start + int(row), start + int(column), float(cosines[row, column])


def _stems(text: str) -> frozenset[str]:
    """What the sentence is about: the stems of its words, without figures and negations."""
    return frozenset(word for word in split_words(without_quantities(_NEGATION.sub(" ", text))) if not word.isdecimal())


def _contradiction(a: _Candidate, b: _Candidate, cosine: float) -> str:
    """What the two sentences differ in, in words; "" where they do not contradict each other."""
    shared = len(a.stems & b.stems) / max(len(a.stems | b.stems), 1)
    # What stands under one heading was written, and is read, as one thought.
    is_one_thought = (a.statement.article, a.statement.heading) == (b.statement.article, b.statement.heading)
    if is_one_thought or not any(shared >= least and cosine >= nearness for least, nearness in _NEARNESS):
        return ""
    one, other = a.statement.text, b.statement.text
    if disagree(read_quantities(one), read_quantities(other)):
        return "another figure"
    return _opposition(one, other) if shared >= _LEAST_SHARED_OF_OPPOSITES else ""


def _opposition(one: str, other: str) -> str:
    one, other = (_SIDE_CLAUSE.sub(" ", text) for text in (one, other))
    if bool(_NEGATION.search(one)) != bool(_NEGATION.search(other)):
        return "a negation in one of them"
    for left, right in _OPPOSITES:
        left_in, right_in = (re.compile(rf"\b(?:{words})\b", re.I) for words in (left, right))
        if (left_in.search(one) and right_in.search(other)) or (right_in.search(one) and left_in.search(other)):
            return "opposite words"
    return ""
