"""What takes a sign back: the reach of a negation, of the past, of a question of theory; and whom the words are about.

The idea of a cue with a scope that ends at certain words is NegEx's (Chapman et al. 2001, J Biomed Inform 34:301);
every context, not negation alone, is a row of contexts.yaml read by the code below.
"""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from backbot.triage.phrases import Hit
from backbot.triage.reading import Word

_LONGEST_YES = 8
_BLOCK = 32
_SAME_SCOPES_KEPT = 3
_DECOYS_LOOKED_AT = 12


@dataclass(frozen=True, slots=True)
class Context:
    """One row of contexts.yaml: which fields hold cues, how far they reach, whether signs heed it unless told."""

    name: str
    reach: int
    is_default: bool


@dataclass(frozen=True, slots=True)
class Scope:
    """Words `first` to `last`, in which `context` takes signs back, because of the words of `cue`.

    Not in the ranges `lifted` (sentences with a word such as "again"). `reaches_back`: earlier messages too.
    """

    context: str
    first: int
    last: int
    cue: Hit
    reaches_back: bool
    lifted: tuple[Hit, ...]

    def takes_back(self, hits: Sequence[Hit]) -> bool:
        """Whether a sign made of these hits is taken back: "can't" in "can't feel" is the sign's own, no negation of it."""
        if any(_overlap(self.cue, hit) for hit in hits):
            return False
        return any(self.first <= hit.first <= self.last and not _is_in(hit.first, self.lifted) for hit in hits)


class Scopes:
    """Every scope in a message, found by the words it covers."""

    def __init__(self, words: Sequence[Word], concepts: Mapping[str, list[Hit]], contexts: Sequence[Context]) -> None:
        self._starts = [i for i, word in enumerate(words) if word.before == "." or i == 0]
        self._count = len(words)
        self._wide: list[Scope] = []
        self._by_block: dict[int, list[Scope]] = {}
        kept: Counter[tuple[str, int, int]] = Counter()
        for context in contexts:
            for scope in self._find(context, words, concepts):
                kept[scope.context, scope.first, scope.last] += 1
                if kept[scope.context, scope.first, scope.last] > _SAME_SCOPES_KEPT:
                    continue
                if scope.last - scope.first > _BLOCK:
                    self._wide.append(scope)
                else:
                    for block in range(scope.first // _BLOCK, scope.last // _BLOCK + 1):
                        self._by_block.setdefault(block, []).append(scope)
        self.reaching_back = frozenset(scope.context for scope in self._wide if scope.reaches_back) | {
            scope.context for scopes in self._by_block.values() for scope in scopes if scope.reaches_back
        }

    def around(self, hits: Sequence[Hit]) -> Iterator[Scope]:
        """The scopes that may cover one of the hits."""
        for block in {hit.first // _BLOCK for hit in hits}:
            yield from self._by_block.get(block, ())
        yield from self._wide

    def _sentence(self, i: int) -> Hit:
        at = bisect_right(self._starts, i)
        return Hit(self._starts[at - 1], (self._starts[at] if at < len(self._starts) else self._count) - 1)

    def _find(self, context: Context, words: Sequence[Word], concepts: Mapping[str, list[Hit]]) -> Iterator[Scope]:
        def cues(kind: str) -> list[Hit]:
            return concepts.get(f"{context.name}/{kind}", [])

        decoys = cues("looks_like")
        lifted = tuple(dict.fromkeys(self._sentence(hit.first) for hit in cues("lifted_by")))
        ends = [hit.first for hit in cues("ends")]
        ends = sorted(ends + [hit.first for hit in cues("ends_after_comma") if words[hit.first].before == ","])
        for kind in ("forward", "backward", "sentence", "earlier", "message"):
            found = [cue for cue in cues(kind) if not _is_decoy(cue, decoys)]
            if kind in ("earlier", "message"):
                found = [cue for cue in found if not _is_in(cue.first, lifted)][-_SAME_SCOPES_KEPT:]
            for cue in found:
                around = self._sentence(cue.first)
                before, after = bisect_left(ends, cue.first), bisect_right(ends, cue.last)
                first = max(around.first, ends[before - 1]) if before else around.first
                last = min(around.last, ends[after] - 1) if after < len(ends) else around.last
                if kind == "forward":
                    first, last = cue.last + 1, min(last, cue.last + context.reach)
                elif kind == "backward":
                    first, last = max(first, cue.first - context.reach), cue.first - 1
                elif kind == "earlier":
                    first, last = 0, cue.last
                elif kind == "message":
                    first, last = 0, self._count - 1
                if first <= last:
                    yield Scope(context.name, first, last, cue, kind == "earlier", lifted)


def _is_decoy(cue: Hit, decoys: Sequence[Hit]) -> bool:
    at = bisect_right(decoys, cue.last, key=lambda hit: hit.first)
    return any(_overlap(cue, decoy) for decoy in decoys[max(0, at - _DECOYS_LOOKED_AT) : at])


def _is_in(word: int, spans: Sequence[Hit]) -> bool:
    """Whether a word lies in one of the spans, which are in order and apart."""
    at = bisect_right(spans, word, key=lambda span: span.first)
    return at > 0 and word <= spans[at - 1].last


def subjects(words: Sequence[Word], concepts: Mapping[str, list[Hit]]) -> tuple[list[int], list[bool]]:
    """Where the message names whom it is about, in order, and whether that is someone other than the reader."""
    others = concepts.get("someone", []) + concepts.get("he-or-she", [])
    inside = {i for hit in others for i in range(hit.first, hit.last + 1)}
    named = {hit.first: True for hit in others} | {
        hit.first: False for hit in concepts.get("reader", []) if hit.first not in inside
    }
    places = sorted(named)
    return places, [named[i] for i in places]


def is_bare_yes(concepts: Mapping[str, list[Hit]], words: Sequence[Word]) -> bool:
    """Whether a message is but a yes ("yes", "yeah I do", "yes both legs")."""
    return 0 < len(words) <= _LONGEST_YES and any(hit.first == 0 for hit in concepts.get("yes", ()))


def _overlap(left: Hit, right: Hit) -> bool:
    return left.first <= right.last and right.first <= left.last
