"""From a reader's messages to red flags, by rules alone: find concepts, then signs, drop those taken back, add them up."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from backbot.records import TRIAGE_LEVELS, Flag
from backbot.triage.contexts import Scope, is_bare_yes, scopes, subjects
from backbot.triage.phrases import Hit
from backbot.triage.reading import Word
from backbot.triage.rules import Pattern, Rule, Rules

_LONGEST_QUOTE = 200


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
    scopes: tuple[Scope, ...]
    subjects: tuple[list[int], list[bool]]

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
            against |= {scope.context for scope in message.scopes if scope.reaches_back and scope.context in contexts}
        if not against:
            standing.append(sign)
            standing.extend(replace(sign, sign=group) for group in rules.groups.get(sign.sign, ()))
    return standing


def read_message(text: str, rules: Rules) -> Message:
    """One message read: words, concepts, scopes."""
    words = rules.reader.read(text)
    concepts = rules.phrases.find(words)
    found = tuple(scopes(words, concepts, rules.contexts))
    return Message(text, words, concepts, found, subjects(words, concepts))


def _signs(turn: int, message: Message, rules: Rules) -> Iterator[Found]:
    words, concepts = message.words, message.concepts
    for sign in rules.signs.values():
        for pattern in sign.patterns:
            if any(name not in concepts for name in pattern.concepts):
                continue
            for hits in _matches(pattern, words, concepts):
                first, last = min(h.first for h in hits), max(h.last for h in hits)
                taken_back = frozenset(
                    scope.context
                    for scope in message.scopes
                    if scope.context in sign.contexts and scope.takes_back(hits)
                )
                other = message.is_about_other(first)
                yield Found(sign.name, turn, words[first].start, words[last].end, hits, other, taken_back)


def _matches(pattern: Pattern, words: Sequence[Word], concepts: Mapping[str, list[Hit]]) -> Iterator[tuple[Hit, ...]]:
    for hit in concepts[pattern.concepts[0]]:
        chain = _extend((hit,), pattern, words, concepts)
        if chain and not any(_is_near(chain, other, pattern.reach, words) for n in pattern.unless for other in concepts.get(n, ())):
            yield chain


def _extend(
    chain: tuple[Hit, ...], pattern: Pattern, words: Sequence[Word], concepts: Mapping[str, list[Hit]]
) -> tuple[Hit, ...] | None:
    at = len(chain)
    if at == len(pattern.concepts):
        return chain
    near = [
        hit
        for hit in concepts[pattern.concepts[at]]
        if hit not in chain
        and (not pattern.ordered[at] or hit.first > chain[-1].last)
        and _is_near(chain, hit, pattern.reach, words)
    ]
    near.sort(key=lambda hit: abs(words[hit.first].place - words[chain[-1].last].place))
    return next((full for hit in near if (full := _extend((*chain, hit), pattern, words, concepts))), None)


def _is_near(chain: tuple[Hit, ...], hit: Hit, reach: int, words: Sequence[Word]) -> bool:
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
