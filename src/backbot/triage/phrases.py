"""Phrases as data, and finding all of them in one pass over a message.

A phrase is written in plain words; each stands for every form of its lemma ("leak" also finds "leaking"):

    wet|soil myself|himself      one of several words
    going? to                    a word that may be missing
    _                            any one word; `_?` at most one
    =bits                        this word exactly, not "bit"
    #over70                      a number of this class (see reading.NUMBER_CLASSES)

All phrases are one automaton. Its deterministic states are made when a message first needs them and kept (as RE2 does),
so that a word costs one look-up however many phrases there are.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from backbot.errors import RulesInvalid
from backbot.triage.reading import NUMBER_CLASSES, Reader, Word

_ANY = "_"
_PARTS = re.compile(r"\d+(?:\.\d+)?|[a-z']+")
_CLASSES = frozenset(name for name, _, _ in NUMBER_CLASSES)
_MOST_STEPS_KEPT = 500_000


@dataclass(frozen=True, slots=True)
class Hit:
    """A concept found: words `first` to `last` of the message, both included."""

    first: int
    last: int


@dataclass(slots=True)
class _State:
    """A set of places in phrases, what has been found on arriving there, and the steps from it that are known."""

    nodes: tuple[int, ...]
    found: tuple[str, ...]
    steps: dict[str, "_State | None"] = field(default_factory=dict)


_UNKNOWN = _State((), ())
"""Stands for a step that has not been worked out yet."""


class PhraseBook:
    """Every concept's phrases, ready to be found."""

    def __init__(self, concepts: Mapping[str, Iterable[str]], reader: Reader) -> None:
        self._edges: list[dict[str, list[int]]] = [{}]
        self._ends: list[str] = [""]
        self._spelt: dict[str, tuple[str, ...]] = {}
        for concept, phrases in concepts.items():
            for phrase in phrases:
                self._add(concept, phrase, reader)
        self._forget()

    def find(self, words: Sequence[Word]) -> dict[str, list[Hit]]:
        """Where each concept stands, in order of its first word; of hits that begin together only the longest is kept."""
        if self._steps_kept > _MOST_STEPS_KEPT:
            self._forget()
        found: dict[str, dict[int, int]] = {}
        count, root = len(words), self._root
        for first in range(count):
            state = root
            at = first
            while at < count:
                word = words[at]
                if at > first and word.before == ".":
                    break
                after = state.steps.get(word.text, _UNKNOWN)
                if after is _UNKNOWN:
                    after = self._step(state, word)
                if after is None:
                    break
                state = after
                for concept in state.found:
                    found.setdefault(concept, {})[first] = at
                at += 1
        return {concept: [Hit(f, last) for f, last in spans.items()] for concept, spans in found.items()}

    def _forget(self) -> None:
        self._steps_kept = 0
        self._states: dict[tuple[int, ...], _State] = {}
        self._root = _State((0,), ())

    def _step(self, state: _State, word: Word) -> _State | None:
        """Where a word leads to; the same word always leads to the same state, so two threads may both work it out."""
        nodes = {n for node in state.nodes for symbol in (*word.symbols, _ANY) for n in self._edges[node].get(symbol, ())}
        after: _State | None = None
        if nodes:
            key = tuple(sorted(nodes))
            found = tuple(sorted({self._ends[node] for node in key} - {""}))
            after = self._states.setdefault(key, _State(key, found))
        state.steps[word.text] = after
        self._steps_kept += 1
        return after

    def _add(self, concept: str, phrase: str, reader: Reader) -> None:
        frontier = {0}
        for part in phrase.split():
            optional = part.endswith("?") and len(part) > 1
            end = self._node()
            for word in part.removesuffix("?").split("|"):
                if word not in self._spelt:
                    self._spelt[word] = _symbols(word, phrase, reader)
                symbols = self._spelt[word]
                for node in frontier:
                    at = node
                    for symbol in symbols[:-1]:
                        step = self._node()
                        self._edges[at].setdefault(symbol, []).append(step)
                        at = step
                    self._edges[at].setdefault(symbols[-1], []).append(end)
            frontier = {*frontier, end} if optional else {end}
        if 0 in frontier or all(part.removesuffix("?") == _ANY for part in phrase.split()):
            raise RulesInvalid(f"The phrase '{phrase}' can stand for nothing at all: give it a word that must be there.")
        for node in frontier:
            self._ends[node] = concept

    def _node(self) -> int:
        self._edges.append({})
        self._ends.append("")
        return len(self._edges) - 1


def _symbols(word: str, phrase: str, reader: Reader) -> tuple[str, ...]:
    """The symbols that a word of a phrase stands for, one after the other ("can't" in a phrase is `cannot` too)."""
    if word == _ANY:
        return (_ANY,)
    if word.startswith("#"):
        if word.removesuffix(".") not in _CLASSES:
            raise RulesInvalid(f"Unknown class '{word}' in the phrase '{phrase}': there are {', '.join(sorted(_CLASSES))}.")
        return (word,)
    exact = word.startswith("=")
    forms = [form for part in _PARTS.findall(word) for form in reader.forms(part)]
    if not forms:
        raise RulesInvalid(f"'{word}' in the phrase '{phrase}' is no word.")
    return tuple(f"={form}" if exact else reader.lemma(form) for form in forms)
