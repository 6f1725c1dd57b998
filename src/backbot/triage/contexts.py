"""What takes a sign back: the reach of a negation, of the past, of a question of theory; and whom the words are about.

The idea of a cue with a scope that ends at certain words is NegEx's (Chapman et al. 2001, J Biomed Inform 34:301);
every context, not negation alone, is a row of contexts.yaml read by the code below.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from backbot.triage.phrases import Hit
from backbot.triage.reading import Word

_LONGEST_YES = 8


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
        return any(self.first <= hit.first <= self.last and not any(_overlap(hit, span) for span in self.lifted) for hit in hits)


def scopes(words: Sequence[Word], concepts: Mapping[str, list[Hit]], contexts: Sequence[Context]) -> Iterator[Scope]:
    """Every scope in a message."""
    if not words:
        return
    starts = [i for i, word in enumerate(words) if word.before == "." or i == 0]

    def sentence(i: int) -> Hit:
        at = bisect_right(starts, i)
        return Hit(starts[at - 1], (starts[at] if at < len(starts) else len(words)) - 1)

    for context in contexts:
        def cues(kind: str, name: str = context.name) -> list[Hit]:
            return concepts.get(f"{name}/{kind}", [])

        decoys = cues("looks_like")
        lifted = tuple(sentence(hit.first) for hit in cues("lifted_by"))
        ends = sorted(hit.first for hit in cues("ends"))
        ends += [hit.first for hit in cues("ends_after_comma") if words[hit.first].before == ","]
        ends.sort()
        for kind in ("forward", "backward", "sentence", "earlier", "message"):
            for cue in cues(kind):
                if any(_overlap(cue, decoy) and decoy != cue for decoy in decoys):
                    continue
                around = sentence(cue.first)
                first = max(around.first, max((end for end in ends if end < cue.first), default=0))
                last = min(around.last, min((end - 1 for end in ends if end > cue.last), default=len(words)))
                if kind == "forward":
                    first, last = cue.last + 1, min(last, cue.last + context.reach)
                elif kind == "backward":
                    first, last = max(first, cue.first - context.reach), cue.first - 1
                elif kind == "earlier":
                    first, last = 0, cue.last
                elif kind == "message":
                    first, last = 0, len(words) - 1
                if kind == "earlier" and any(_overlap(cue, span) for span in lifted):
                    continue
                if first <= last:
                    yield Scope(context.name, first, last, cue, kind == "earlier", lifted)


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
