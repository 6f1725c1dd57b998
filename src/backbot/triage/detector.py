"""From a reader's messages to red flags, by rules alone: find concepts, then signs, drop those taken back, add them up."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from backbot.records import TRIAGE_LEVELS, Flag
from backbot.triage.contexts import Scopes, is_bare_yes, subjects
from backbot.triage.phrases import Hit
from backbot.triage.reading import Word
from backbot.triage.rules import Pattern, Rule, Rules

_LONGEST_QUOTE = 200
_LONGEST_PHRASE = 16
_KINDS_OF_FINDING = 4


@dataclass(frozen=True, slots=True)
class Found:
    """A sign in one turn: its words (`hits`), from offset `start` to `end`, and whom it is about."""

    sign: str
    turn: int
    start: int
    end: int
    hits: tuple[Hit, ...]
    is_other_person: bool
    taken_back: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Message:
    """One of the reader's turns, read: its words, the concepts in it and the scopes of what takes signs back."""

    text: str
    words: list[Word]
    concepts: Mapping[str, list[Hit]]
    scopes: Scopes
    subjects: tuple[list[int], list[bool]]

    def taken_back(self, hits: Sequence[Hit], contexts: frozenset[str]) -> frozenset[str]:
        """Those of the contexts that take back a sign made of these hits."""
        return frozenset(s.context for s in self.scopes.around(hits) if s.context in contexts and s.takes_back(hits))

    def is_about_other(self, word: int) -> bool:
        """Whether the word speaks about someone other than the reader."""
        places, others = self.subjects
        at = bisect_right(places, word)
        return others[at - 1] if at else bool(others) and all(others)


def detect(turns: Sequence[str], rules: Rules) -> tuple[Flag, ...]:
    """The red flags in the reader's turns (oldest first), the most urgent first."""
    standing = standing_signs(turns, rules)
    flags = [flag for row in rules.flags if (flag := _raise(row.id, row.label, row.rules, standing, turns))]
    return tuple(sorted(flags, key=lambda flag: -TRIAGE_LEVELS.index(flag.level)))


def standing_signs(turns: Sequence[str], rules: Rules) -> list[Found]:
    """Every sign that counts: said by the reader and not taken back, then or later."""
    messages = [read_message(text, rules) for text in turns]
    found = [sign for turn, message in enumerate(messages) for sign in _signs(turn, message, rules)]
    standing = []
    for sign in found:
        against = set(sign.taken_back)
        answer = messages[sign.turn + 1] if sign.turn + 1 < len(messages) else None
        if answer is not None and is_bare_yes(answer.concepts, answer.words):
            against -= {"hypothetical", "education", "generic"}
        contexts = rules.signs[sign.sign].contexts
        for message in messages[sign.turn + 1 :]:
            against |= contexts & message.scopes.reaching_back
        if not against:
            standing.append(sign)
            standing.extend(replace(sign, sign=group) for group in rules.groups.get(sign.sign, ()))
    return standing


def read_message(text: str, rules: Rules) -> Message:
    """One message read: words, concepts, scopes."""
    words = rules.reader.read(text)
    concepts = rules.phrases.find(words)
    return Message(text, words, concepts, Scopes(words, concepts, rules.contexts), subjects(words, concepts))


def _signs(turn: int, message: Message, rules: Rules) -> Iterator[Found]:
    """The signs in a message: of each, and for the reader and others apart, one that stands and one that is taken back."""
    for sign in rules.signs.values():
        seen: set[tuple[bool, bool]] = set()
        for pattern in sign.patterns:
            if len(seen) == _KINDS_OF_FINDING or any(name not in message.concepts for name in pattern.concepts):
                continue
            for hits in _matches(pattern, message):
                first, last = min(h.first for h in hits), max(h.last for h in hits)
                taken_back = message.taken_back(hits, sign.contexts)
                other = message.is_about_other(last)
                if (other, bool(taken_back)) not in seen:
                    seen.add((other, bool(taken_back)))
                    start, end = message.words[first].start, message.words[last].end
                    yield Found(sign.name, turn, start, end, hits, other, taken_back)
                if len(seen) == _KINDS_OF_FINDING:
                    break


def _matches(pattern: Pattern, message: Message) -> Iterator[tuple[Hit, ...]]:
    for hit in message.concepts[pattern.concepts[0]]:
        chain = _extend((hit,), pattern, message)
        if chain and not any(_near(chain, name, pattern.reach, message) for name in pattern.unless):
            yield chain


def _extend(chain: tuple[Hit, ...], pattern: Pattern, message: Message) -> tuple[Hit, ...] | None:
    at = len(chain)
    if at == len(pattern.concepts):
        return chain
    near = [
        hit
        for hit in _near(chain, pattern.concepts[at], pattern.reach, message)
        if hit not in chain and (not pattern.ordered[at] or hit.first > chain[-1].last)
    ]
    words = message.words
    near.sort(key=lambda hit: abs(words[hit.first].place - words[chain[-1].last].place))
    return next((full for hit in near if (full := _extend((*chain, hit), pattern, message))), None)


def _near(chain: Sequence[Hit], concept: str, reach: int, message: Message) -> list[Hit]:
    """The concept's hits with at most `reach` words between them and the nearest of the chain."""
    hits = message.concepts.get(concept)
    if not hits:
        return []
    low = bisect_left(hits, min(hit.first for hit in chain) - reach - _LONGEST_PHRASE, key=_first)
    high = bisect_right(hits, max(hit.last for hit in chain) + reach + 1, key=_first)
    return [hit for hit in hits[low:high] if _is_near(chain, hit, reach, message.words)]


def _first(hit: Hit) -> int:
    return hit.first


def _is_near(chain: Sequence[Hit], hit: Hit, reach: int, words: Sequence[Word]) -> bool:
    """Whether at most `reach` words lie between the hit and the nearest of the chain."""
    return any(
        words[max(hit.first, other.first)].place - words[min(hit.last, other.last)].place - 1 <= reach for other in chain
    )


def _raise(flag_id: str, label: str, rules: Sequence[Rule], standing: Sequence[Found], turns: Sequence[str]) -> Flag | None:
    for rule in rules:
        for other in (False, True):
            about = [sign for sign in standing if sign.is_other_person is other]
            names = {sign.sign for sign in about}
            if names.issuperset(rule.signs) and names.isdisjoint(rule.unless):
                first = next(sign for sign in about if sign.sign == rule.signs[0])
                return Flag(flag_id, label, rule.level, _quote(first, turns), first.turn)
    return None


def _quote(sign: Found, turns: Sequence[str]) -> str:
    words = turns[sign.turn][sign.start : sign.end]
    return words if len(words) <= _LONGEST_QUOTE else words[:_LONGEST_QUOTE]


def mentions_red_flags(question: str, rules: Rules) -> bool:
    """Whether a text names signs of an emergency (even taken back, as in a question of theory) or red flags as such."""
    message = read_message(question, rules)
    if "red-flag-subject" in message.concepts:
        return True
    names = {sign.sign for sign in _signs(0, message, rules)}
    return any(names.issuperset(rule.signs) for row in rules.flags for rule in row.rules if rule.level == "emergency")
