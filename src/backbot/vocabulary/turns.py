"""The words by which messages of a conversation lean on each other or name a subject: the rows of turns.yaml."""

import functools
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from backbot.errors import RulesInvalid

_TOKEN = re.compile(r"[^\W_]+(?:['’\-][^\W_]+)*")
_SENTENCE = re.compile(r"[^.!?\n]+[.!?]*")

_DETERMINERS = re.compile(r"\s+(?:an?|the|my|your)\s+", re.I)
_WHERE = re.compile(
    r"\s+(?:in|of|at|behind|between)\s+(?:the|my|your)\s+(?:\w+\s+){0,4}?(?:back|spine|neck|chest|ribs|blades)\b", re.I
)
""""A herniated disc in the chest part of the back": another than the usual one."""

_ASKED_LAST = re.compile(r"(?<=,)\s*(?:[\w'’-]+\s+){0,3}[\w'’-]+\s*\?$")
""""Did my back lifting the sofa, ice?": a story, and in the end what is asked."""

_BEFORE_SWITCH = "and, ok, but, so, no, nah, oh, actually, one, a, i have a, ive got a, just a"
_BEFORE_RETURN = "and, ok, but, so, can we, just"
_BEFORE_CORRECTION = "no, nope, nah, sorry, oops, wait, actually, oh, ah, well, but, and, what"

_WORD_ROWS = (
    *(
        "asking",
        "auxiliaries",
        "doers",
        "pointers",
        "choosers",
        "after_one",
        "degrees",
        "people_do",
        "joins",
        "within",
        "clauses",
    ),
    *("frame", "generic", "aspects", "elsewhere", "whole"),
)
_PHRASE_ROWS = ("small_talk", "openers", "switches", "returns", "corrections")


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a message: `plain` is in small letters without apostrophes, `start` and `end` are offsets."""

    plain: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class TurnWords:
    """What turns.yaml says, by the names of its rows: sets of words, and patterns that match at a message's beginning."""

    asking: frozenset[str]
    auxiliaries: frozenset[str]
    doers: frozenset[str]
    pointers: frozenset[str]
    choosers: frozenset[str]
    after_one: frozenset[str]
    degrees: frozenset[str]
    people_do: frozenset[str]
    joins: frozenset[str]
    within: frozenset[str]
    clauses: frozenset[str]
    frame: frozenset[str]
    generic: frozenset[str]
    aspects: frozenset[str]
    elsewhere: frozenset[str]
    whole: frozenset[str]
    polite: frozenset[str]
    small_talk: re.Pattern[str]
    openers: re.Pattern[str]
    switches: re.Pattern[str]
    returns: re.Pattern[str]
    corrections: re.Pattern[str]

    def can_name(self, word: str) -> bool:
        """Whether the word can stand in the name of a subject."""
        return bool(word) and word not in self.frame and not word.isdigit()

    def subject(self, text: str) -> str:
        """The words that name what the text is about, as they stand in it; empty when it names nothing of its own."""
        question = asking_sentence(text)
        parts = dict.fromkeys((self._asked_last(question), question, text))
        return next(filter(None, (self._first_named(part, self.generic | self.aspects) for part in parts)), "")

    def subject_that(self, is_known: Callable[[str], bool], text: str) -> str:
        """The first words that can name a subject and are known, of the asking sentence or else of the text; those that
        name an aspect of a subject only where there are no others; empty when none are."""
        for weak in (self.generic | self.aspects, self.generic):
            for part in dict.fromkeys((asking_sentence(text), text)):
                for run in self._runs(part):
                    words = part[run[0].start : run[-1].end]
                    if any(word.plain not in weak for word in run) and is_known(words):
                        return words
        return ""

    def weak_subject(self, text: str) -> str:
        """The first words of the text that would be an aspect of another subject, where it has no subject of its own."""
        return self._first_named(asking_sentence(text), self.generic)

    def is_elsewhere(self, text: str) -> bool:
        """Whether the text speaks of an illness, a part of the body or an everyday matter that is not the back."""
        return any(word.plain in self.elsewhere for word in split_turn(text))

    def _asked_last(self, question: str) -> str:
        """The few words after its last comma where they ask without a verb; else the question as it is."""
        found = _ASKED_LAST.search(question)
        asks = found and not any(word.plain in self.asking for word in split_turn(found.group()))
        return found.group().strip() if found and asks else question

    def _first_named(self, text: str, weak: frozenset[str]) -> str:
        """The first run of naming words with one among them that is not weak, and what "or" and the like add to it."""
        runs = [run for run in self._runs(text) if any(word.plain not in weak for word in run)]
        if not runs:
            return ""
        last = runs[0]
        for run in runs[1:]:
            between = text[last[-1].end : run[0].start]
            words = split_turn(between)
            is_object = last[-1].plain.endswith("ing") and _DETERMINERS.fullmatch(between)
            if not is_object and (len(words) > 2 or not any(word.plain in self.joins for word in words)):
                break
            last = run
        end = last[-1].end
        where = _WHERE.match(text, end)
        return text[runs[0][0].start : where.end() if where else end]

    def _runs(self, text: str) -> list[list[Word]]:
        """The runs of words that can name a subject; a verb ("do I HOLD", "way to STRETCH") is in none."""
        runs: list[list[Word]] = [[]]
        words = split_turn(text)
        for i, word in enumerate(words):
            before = words[i - 1].plain if i else ""
            if i and not text[words[i - 1].end : word.start].isspace():
                runs.append([])
            is_verb = before in {*self.doers, "one", "ones"} or (before == "to" and i > 1)
            if self.can_name(word.plain) and not is_verb:
                runs[-1].append(word)
            else:
                runs.append([])
        return [run for run in runs if run]


def split_turn(text: str) -> list[Word]:
    """The words of a message, in order."""
    return [Word(re.sub(r"['’]", "", found.group().lower()), found.start(), found.end()) for found in _TOKEN.finditer(text)]


def asking_sentence(text: str) -> str:
    """The last sentence with a question mark, or else that begins as a question does; the whole text where there is none."""
    sentences = [found.group().strip() for found in _SENTENCE.finditer(text)]
    if len(sentences) < 2:
        return text
    asking = [sentence for sentence in sentences if sentence.endswith("?")] or list(filter(_begins_asking, sentences))
    return asking[-1] if asking else text


def _begins_asking(sentence: str) -> bool:
    known, words = load_turn_words(), [word.plain for word in split_turn(sentence)]
    # "When I sit it hurts" tells, "when can I sit" asks.
    return len(words) > 1 and words[0] in known.asking and (words[0] not in known.clauses or words[1] in known.auxiliaries)


@functools.cache
def load_turn_words() -> TurnWords:
    """The rows of turns.yaml, read once; raises RulesInvalid when one is missing or unknown."""
    file = Path(__file__).with_name("turns.yaml")
    rows = yaml.safe_load(file.read_text("utf-8"))
    expected = {*_WORD_ROWS, *_PHRASE_ROWS}
    if not isinstance(rows, dict) or set(rows) != expected:
        wrong = ", ".join(sorted(set(rows) ^ expected)) if isinstance(rows, dict) else "no rows"
        raise RulesInvalid(
            f"{file.name}: rows are missing or unknown ({wrong}). It must have {', '.join(sorted(expected))}."
        )
    lists = {name: tuple(phrase.strip() for phrase in str(text).split(",")) for name, text in rows.items()}
    if empty := sorted(name for name, phrases in lists.items() if not all(phrases)):
        raise RulesInvalid(f"{file.name}: {', '.join(empty)} has an empty entry: is there a comma too many?")
    phrases = {name: _one_of(lists[name]) for name in _PHRASE_ROWS}
    sorry = _one_of(_BEFORE_CORRECTION.split(", "))
    return TurnWords(
        **{name: frozenset(lists[name]) for name in _WORD_ROWS},
        polite=frozenset(phrase for phrase in lists["small_talk"] if " " not in phrase),
        small_talk=_pattern(rf"{phrases['small_talk']}(?![\w'’])"),
        openers=_pattern(rf"(?:{phrases['openers']}(?![\w'’])[\s,]*)+"),
        switches=_pattern(rf"(?:{_one_of(_BEFORE_SWITCH.split(', '))}\s+)*{phrases['switches']}\b"),
        returns=_pattern(rf"(?:{_one_of(_BEFORE_RETURN.split(', '))}\s+)*{phrases['returns']}\s+"),
        # Another remark may stand before it, with a mark between them.
        corrections=_pattern(rf"(?:[^.?!]{{0,60}}[,.!–—-]\s*)?(?:{sorry}\s+)*{phrases['corrections']}\b[\s:,]*"),
    )


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.I)


def _one_of(phrases: Iterable[str]) -> str:
    """A pattern of the phrases, the longest first; an apostrophe may stand in a word that is written without one."""
    longest_first: Sequence[str] = sorted(phrases, key=len, reverse=True)
    return "(?:" + "|".join(r"\s+".join(_with_apostrophe(word) for word in p.split()) for p in longest_first) + ")"


def _with_apostrophe(word: str) -> str:
    return re.sub(r"(?<=\w)(s|m|ve|re|ll|t)$", r"['’]?\1", word)
