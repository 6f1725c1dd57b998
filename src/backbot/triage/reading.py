"""A reader's message as words: plain letters, known spellings, and for each word where it stands in the message.

Nothing here knows medicine. What the words are called (their symbols) is what phrases are written in:
a lemma (`leak` for "leaking"), the exact word (`=bits`), a class of numbers (`#over70`), or a known word that the
reader probably misspelt.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache, lru_cache

import Stemmer

_WORD = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+(?:'[^\W\d_]+)*|[^\w\s]|_|\n", re.UNICODE)
_STOPS = frozenset(".!?;\n…")
_BREAKS = frozenset(',:()–—-/"')
_LONG_RUN = re.compile(r"(.)\1{2,}")
_DOUBLED = re.compile(r"(.)\1+")
_SPELT_OUT = re.compile(r"(?<![^\W_])(?:[^\W\d_'][ .\-_*]){2,}[^\W\d_](?![^\W_])")
_STOP_WORDS_APART = 4
"""How many words a full stop counts for when the distance between two words is measured."""

_LOOKALIKES = str.maketrans(
    "аеорсухіјѕԁһԛԝӏвкмнтгАЕОРСУХІЈЅВКМНТαβεικνορτυχΑΒΕΖΗΙΚΜΝΟΡΤΥΧıɑɡʟⅼ∣´’‘ʼʻ′＇“”„«»",
    "aeopcyxijsdhqwlbkmhtrAEOPCYXIJSBKMHTabeiknoptuxABEZHIKMNOPTYXiaglll'''''''\"\"\"\"\"",
)
"""Letters of other alphabets that look like Latin ones, and the many marks that stand for an apostrophe."""

NUMBER_CLASSES: tuple[tuple[str, float, float], ...] = (
    ("#n", 0, 9999),
    ("#two", 2, 99),
    ("#three", 3, 99),
    ("#six", 6, 999),
    ("#child", 0, 17),
    ("#teen", 12, 17),
    ("#young", 13, 44),
    ("#over70", 70, 109),
    ("#year", 1940, 2024),
    ("#fever", 38, 42.5),
    ("#fever", 100.4, 108),
    ("#forty", 40, 999),
    ("#pills", 8, 999),
)
"""Name, least and greatest value: a number has the symbol of every class that it falls in.

A number written with a decimal point (38.5) has the symbol with a point (`#fever.`) as well.
"""


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a message. `start` and `end` are offsets in the message as it was typed.

    `place` counts words, a full stop counting for several, so that distances respect sentences.
    `before` is the strongest mark since the word before: `.`, `,` or nothing.
    """

    text: str
    symbols: tuple[str, ...]
    start: int
    end: int
    place: int
    before: str


@dataclass(frozen=True, slots=True)
class Spelling:
    """How words are known: `forms` replaces a word by others, `lemmas` names a base form, `numbers` values of words.

    `misspelt` are the words worth recognising when misspelt, `known` further words that are never a misspelling,
    `phrase_words` all words that phrases are written with.
    """

    forms: dict[str, tuple[str, ...]]
    lemmas: dict[str, str]
    numbers: dict[str, float]
    phrase_words: frozenset[str] = frozenset()
    misspelt: frozenset[str] = frozenset()
    known: frozenset[str] = frozenset()


def plain_letters(text: str) -> tuple[str, list[int] | None]:
    """Lower-case Latin letters of the text, and for each the offset it came from (None: the same offsets)."""
    if text.isascii():
        return text.replace("`", "'").lower(), None
    letters: list[str] = []
    offsets: list[int] = []
    for offset, character in enumerate(text):
        for letter in _plain(character):
            letters.append(letter)
            offsets.append(offset)
    return "".join(letters), offsets


@lru_cache(maxsize=4096)
def _plain(character: str) -> str:
    if unicodedata.category(character) in {"Cf", "Mn", "Me", "Cc"} and character not in "\n\t":
        return ""
    looks = character.translate(_LOOKALIKES)
    composed = unicodedata.normalize("NFKD", looks).translate(_LOOKALIKES)
    return "".join(c for c in composed if not unicodedata.combining(c)).lower()


class Reader:
    """Reads messages with one spelling; keeps what it has learnt about words it has met."""

    def __init__(self, spelling: Spelling) -> None:
        self._spelling = spelling
        self._stem: Callable[[str], str] = lru_cache(maxsize=65536)(Stemmer.Stemmer("english").stemWord)
        self._misspellings = _misspellings(spelling.misspelt)
        self.symbols = lru_cache(maxsize=65536)(self._symbols)
        self.forms = lru_cache(maxsize=65536)(self._forms)

    def read(self, text: str) -> list[Word]:
        """The words of a message, in order."""
        plain, offsets = plain_letters(text)
        plain = _SPELT_OUT.sub(_join_letters, plain)
        words: list[Word] = []
        place, before = 0, "."
        for found in _WORD.finditer(plain):
            token = found.group()
            if not token[0].isalnum():
                if token in _STOPS:
                    before = "."
                elif token in _BREAKS and before != ".":
                    before = ","
                continue
            start, end = found.span()
            if offsets is not None:
                start, end = offsets[start], offsets[end - 1] + 1
            if before == "." and words:
                place += _STOP_WORDS_APART
            for form in self.forms(token):
                words.append(Word(form, self.symbols(form), start, end, place, before))
                place += 1
                before = ""
        return words

    def lemma(self, word: str) -> str:
        """The base form that phrases and messages share: `leak` for "leaking", `fall` for "fell"."""
        known = self._spelling.lemmas.get(word)
        return known if known is not None else self._stem(word)

    def _forms(self, token: str) -> tuple[str, ...]:
        """The words that a token stands for: "can't" is `cannot`, "didnt" is `did not`, "mum's" is `mum`."""
        spelling = self._spelling
        if token in spelling.forms:
            return spelling.forms[token]
        if _LONG_RUN.search(token) and token not in spelling.phrase_words:
            token = self._shorten_runs(token)
            if token in spelling.forms:
                return spelling.forms[token]
        if "'" in token:
            bare = token.replace("'", "")
            if bare in spelling.forms:
                return spelling.forms[bare]
            head, _, tail = token.partition("'")
            return (head,) if tail in {"s", ""} else (bare,)
        return (token,)

    def _shorten_runs(self, token: str) -> str:
        once, twice = _LONG_RUN.sub(r"\1", token), _LONG_RUN.sub(r"\1\1", token)
        single = _DOUBLED.sub(r"\1", token)
        for candidate in (twice, once, single):
            if self._is_known(candidate):
                return candidate
        mixed = _LONG_RUN.sub(r"\1\1", token[: len(token) // 2]) + _LONG_RUN.sub(r"\1", token[len(token) // 2 :])
        swapped = _LONG_RUN.sub(r"\1", token[: len(token) // 2]) + _LONG_RUN.sub(r"\1\1", token[len(token) // 2 :])
        return next((c for c in (swapped, mixed) if self._is_known(c)), twice)

    def _is_known(self, word: str) -> bool:
        bare = word.replace("'", "")
        return bool({word, bare} & self._spelling.forms.keys()) or word in self._spelling.phrase_words

    def _symbols(self, word: str) -> tuple[str, ...]:
        value = self._spelling.numbers.get(word)
        if value is None and word[0].isdigit():
            value = _number(word)
        if value is not None:
            classes = _number_symbols(value)
            exact = tuple(f"{name}." for name in classes if "." in word)
            return (f"={word}", self.lemma(word), *classes, *exact)
        lemma = self.lemma(word)
        if word in self._spelling.misspelt or word in self._spelling.known or len(word) < 4:
            return (f"={word}", lemma)
        meant = {self.lemma(target) for target in self._meant(word)}
        return (f"={word}", lemma, *sorted(meant - {lemma}))

    def _meant(self, word: str) -> Iterable[str]:
        """The known words that one slip of the finger (two in a long word) turns into this one."""
        near = {target for key in _with_one_less(word) for target in self._misspellings.get(key, ())}
        return [target for target in near if _slips(word, target) <= (2 if min(len(word), len(target)) >= 8 else 1)]


def _join_letters(found: re.Match[str]) -> str:
    """Spelt-out letters ("c a n t") as one word, padded so that offsets stay."""
    letters = re.sub(r"[ .\-_*]", "", found.group())
    if letters[0] == "i" and len(letters) > 3:
        letters = "i " + letters[1:]
    return letters.ljust(len(found.group()))


def _number(word: str) -> float | None:
    try:
        return float(word.replace(",", ""))
    except ValueError:
        return None


@cache
def _number_symbols(value: float) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name, least, most in NUMBER_CLASSES if least <= value <= most))


def _with_one_less(word: str) -> set[str]:
    """The word and every form of it that lacks one letter; two words one slip apart share one of these."""
    forms = {word, *(word[:i] + word[i + 1 :] for i in range(len(word)))}
    if len(word) >= 8:
        forms |= {form[:i] + form[i + 1 :] for form in tuple(forms) for i in range(len(form))}
    return forms


def _slips(left: str, right: str) -> int:
    """How many letters were added, dropped, changed or swapped with a neighbour (optimal string alignment)."""
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        previous, row, older = row, [i], before
        for j, b in enumerate(right, 1):
            row.append(min(previous[j] + 1, row[j - 1] + 1, previous[j - 1] + (a != b)))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                row[j] = min(row[j], older[j - 2] + 1)
        before = previous
    return row[-1]


def _misspellings(targets: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for target in targets:
        for form in _with_one_less(target):
            found.setdefault(form, []).append(target)
    return found
