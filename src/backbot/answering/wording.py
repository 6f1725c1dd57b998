"""Sentences as comparable words: stems, numbers as digits, one wording for each row of `wording.yaml`."""

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import yaml

from backbot.errors import RulesInvalid
from backbot.index.lexical import split_words

WORDING_FILE = Path(__file__).with_name("wording.yaml")

BREAK = "‖"
"""Stands for a full stop, semicolon, colon or dash inside a sentence."""

_TYPOGRAPHIC = str.maketrans(
    {"‘": "'", "’": "'", "‚": "'", "“": '"', "”": '"', "„": '"', "–": "-", "—": "-", "−": "-", "‐": "-", "‑": "-"}
    | dict.fromkeys("\u00a0\u2009\u202f\u2007\t\r\n", " ")
)
_CONTRACTIONS = tuple(
    (re.compile(pattern), full)
    for pattern, full in (
        (r"\bcannot\b|\bcan't\b", "can not"),
        (r"\bwon't\b", "will not"),
        (r"n't\b", " not"),
        (r"'re\b", " are"),
        (r"'ll\b", " will"),
        (r"'ve\b", " have"),
        (r"\b(it|that|there|what|here)'s\b", r"\1 is"),
        (r"'s\b|(?<=s)'(?=\s)", ""),
        (r"\byou (?:should|ought to)\b", "you"),
        (r"(?<=\d)\s*-\s*(?=\d)", " to "),
        (r"(?<!\w)-(?=\d)", " minus "),
        (r"\s-+\s", " ; "),
        (r",\s+since\b", ", because"),
    )
)
_TOKEN = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+|\S")
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+")
_BREAKS = frozenset(".;:!?")
_SILENT = frozenset("'\"()[]-")
_PHRASES = frozenset({"openings", "topics", "limits_sentence_before"})


@dataclass(frozen=True, slots=True)
class Words:
    """A text's words in order; `commas` holds the numbers of the words that a comma follows."""

    words: tuple[str, ...]
    commas: frozenset[int]


@dataclass(frozen=True, slots=True)
class Wording:
    """`wording.yaml`, its words as stems; see the comments there."""

    free: frozenset[str]
    may_drop: frozenset[str]
    openings: tuple[tuple[str, ...], ...]
    leaning: frozenset[str]
    unstemmed: frozenset[str]
    same: Mapping[tuple[str, ...], str]
    topics: tuple[tuple[str, ...], ...]
    offers: frozenset[str]
    rules_what_follows: frozenset[str]
    limits_what_went_before: frozenset[str]
    conditions: frozenset[str]
    limits_sentence_before: tuple[tuple[str, ...], ...]
    adverbials: frozenset[str]


def plain(text: str) -> str:
    """The text with typewriter quotes, dashes and spaces, character for character."""
    return text.translate(_TYPOGRAPHIC)


def read_words(text: str) -> Words:
    """The words that count, in order; a word or row of words that `same` names by its first wording."""
    wording = load_wording()
    tokens = _tokens(text, wording.unstemmed)
    longest = max(map(len, wording.same))
    words: list[str] = []
    commas = set()
    place = 0
    while place < len(tokens):
        if tokens[place] == ",":
            # A comma before "and" or "or" in a list is a matter of style.
            if words and tokens[place + 1 : place + 2] not in (["and"], ["or"]):
                commas.add(len(words) - 1)
            place += 1
            continue
        for length in range(longest, 0, -1):
            canonical = wording.same.get(tuple(tokens[place : place + length]))
            if canonical is not None:
                words.append(canonical)
                place += length
                break
        else:
            if tokens[place] not in wording.free:
                words.append(tokens[place])
            place += 1
    while words and words[-1] == BREAK:
        words.pop()
    return Words(tuple(words), frozenset(n for n in commas if n < len(words) - 1))


def stems(text: str) -> tuple[str, ...]:
    """Every word of the text as its stem, in order, commas and breaks left out."""
    return tuple(token for token in _tokens(text, load_wording().unstemmed) if token not in (",", BREAK))


@functools.cache
def load_wording() -> Wording:
    """The rows of `wording.yaml`; raises RulesInvalid naming the fault."""
    try:
        return parse_wording(yaml.safe_load(WORDING_FILE.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError) as error:
        raise RulesInvalid(f"{WORDING_FILE} cannot be read: {error}. Restore it from the release.") from error


def parse_wording(rows: Any) -> Wording:
    """The rows as read from YAML, checked: strings of words, lists of phrases, and `same`, a list of such lists."""
    names = {field.name for field in fields(Wording)}
    given = set(rows) if isinstance(rows, dict) else set()
    if given != names:
        odd = ", ".join(sorted(map(str, names ^ given)))
        raise RulesInvalid(f"{WORDING_FILE.name}: missing or unknown: {odd}. Its keys are {', '.join(sorted(names))}.")
    for name, value in rows.items():
        lists = value if name == "same" else [value] if name in _PHRASES else [[value]]
        if not _is_lists_of_strings(lists):
            raise RulesInvalid(f"{WORDING_FILE.name}: {name} has the wrong shape. Write it as its neighbours are.")
    unstemmed = frozenset(rows["unstemmed"].split())
    same: dict[tuple[str, ...], str] = {}
    for phrases in rows["same"]:
        canonical = "_".join(_tokens(phrases[0], unstemmed))
        for phrase in phrases:
            if same.setdefault(tuple(_tokens(phrase, unstemmed)), canonical) != canonical:
                raise RulesInvalid(f'{WORDING_FILE.name}: "{phrase}" stands in two rows of `same`. Keep it in one.')
    sets = {name: frozenset(_tokens(rows[name], unstemmed)) for name in names - _PHRASES - {"same", "unstemmed"}}
    lists_of_words = {name: tuple(tuple(_tokens(phrase, unstemmed)) for phrase in rows[name]) for name in _PHRASES}
    values: dict[str, Any] = sets | lists_of_words
    return Wording(**values, same=same, unstemmed=unstemmed)


def _is_lists_of_strings(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(r, list) and r and all(isinstance(p, str) for p in r) for r in value)


def _tokens(text: str, unstemmed: frozenset[str]) -> list[str]:
    """The text's words as stems, and its commas and breaks, in order."""
    text = plain(text).lower()
    for pattern, full in _CONTRACTIONS:
        text = pattern.sub(full, text)
    found = (BREAK if token in _BREAKS else token for token in _TOKEN.findall(text) if token not in _SILENT)
    return [_stem(token, unstemmed) for token in found]


@functools.lru_cache(8192)
def _stem(word: str, unstemmed: frozenset[str]) -> str:
    if _THOUSANDS.fullmatch(word):
        return word.replace(",", "")
    if word in unstemmed or word[0].isdigit():
        return word
    return (split_words(word) or [word])[0]
