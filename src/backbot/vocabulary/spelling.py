"""Misspelt words -> the articles' own words. A word that is known, to the articles or in English, is never changed."""

import functools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping

SHORTEST = 4
"""Shorter words are never taken for misspellings: too many of them are one letter apart."""

LONGEST = 24
TWO_SLIPS_FROM = 8
"""From so many letters on a word may be two letters off; shorter ones, one."""

IN_PRINT = 1.2
"""Zipf frequency (log10 of occurrences in a thousand million words) under which a word is no evidence of being a word."""

ORDINARY = 2.2
"""Zipf frequency from which a word is meant as it stands."""

MUCH_RARER = 1.5
"""How much rarer than its correction, in Zipf units, a word between those two must be: "matress" for "mattress"."""

_SOUNDS: tuple[tuple[str, str], ...] = (
    (r"^(?:kn|gn|pn)", "n"),
    (r"^wr", "r"),
    (r"^ps", "s"),
    (r"ph", "f"),
    (r"ght", "t"),
    (r"sc(?=[eiy])", "s"),
    (r"c(?=[eiy])", "s"),
    (r"ch|ck|c|q", "k"),
    (r"x", "ks"),
    (r"z", "s"),
    (r"ie|ei|ee|ea|y", "i"),
    (r"ae|oe", "e"),
    (r"ou|oo", "u"),
    (r"(.)\1+", r"\1"),
    (r"(?<=.)h", ""),
    (r"e$", ""),
)
"""Letters that sound alike are written alike, in this order: "kyropractor" and "chiropractor" then have the same sound."""

_COMPILED = tuple((re.compile(pattern), letters) for pattern, letters in _SOUNDS)


def sound(word: str) -> str:
    """A rough key of how an English word in small letters sounds."""
    for pattern, letters in _COMPILED:
        word = pattern.sub(letters, word)
    return word


class CorpusWords(Mapping[str, int]):
    """The words of the articles, in small letters, with the number of passages that hold each; finds the one meant.

    Made once for an index; threads may share it.
    """

    def __init__(self, words: Mapping[str, int]):
        self._words = dict(words)
        self._targets: dict[str, list[str]] | None = None
        self._by_sound: dict[str, list[str]] = {}

    def __getitem__(self, word: str) -> int:
        return self._words[word]

    def __iter__(self) -> Iterator[str]:
        return iter(self._words)

    def __len__(self) -> int:
        return len(self._words)

    def passages_with(self, word: str) -> int:
        """How many passages hold the word, in the singular or the plural, whichever is the more usual."""
        return max(self._words.get(form, 0) for form in (word, f"{word}s", word.removesuffix("s")))

    def holds(self, word: str) -> bool:
        """Whether the articles have the word, in the singular or the plural."""
        return self.passages_with(word) > 0

    def meant_by(self, word: str, also: Iterable[str] = ()) -> str:
        """The articles' word that `word`, in small letters, is a misspelling of; empty when it is none.

        `also` are further words that are right as they stand.
        """
        if not SHORTEST <= len(word) <= LONGEST or not word.isalpha() or self.holds(word) or word in also:
            return ""
        best = self._nearest(word, 2 if len(word) >= TWO_SLIPS_FROM else 1)
        # Only now: how usual a word is costs a quarter of a second to load, and most unknown words are near none.
        if not best or (in_print := _zipf()(word)) >= ORDINARY:
            return ""
        if in_print <= IN_PRINT:
            return best
        best = self._nearest(word, 1)
        return best if best and len(word) > 5 and _zipf()(best) - in_print >= MUCH_RARER else ""

    def _nearest(self, word: str, most: int) -> str:
        from rapidfuzz.distance import OSA
        from rapidfuzz.process import extract

        targets = self._targets_by_letter()
        key = sound(word)
        alike = self._by_sound.get(key, [])
        near = extract(word, targets.get(key[:1], ()), scorer=OSA.distance, score_cutoff=most, limit=8)
        found = {target: float(distance) for target, distance, _ in near}
        for target in alike:
            found[target] = min(found.get(target, most), 0.5)
        return min(found, key=lambda target: (found[target], -self._words[target]), default="")

    def _targets_by_letter(self) -> dict[str, list[str]]:
        """The words worth correcting to, by the first letter of their sound: readers seldom miss that one."""
        if self._targets is None:
            targets: dict[str, list[str]] = {}
            for word in self._words:
                if SHORTEST <= len(word) <= LONGEST and word.isalpha():
                    key = sound(word)
                    targets.setdefault(key[:1], []).append(word)
                    self._by_sound.setdefault(key, []).append(word)
            self._targets = targets
        return self._targets


@functools.cache
def _zipf() -> Callable[[str], float]:
    from wordfreq import zipf_frequency

    return lambda word: float(zipf_frequency(word, "en"))
