"""How readers say things: lay words, spellings, shorthand and slips, as rows of data, and the articles' words for them.

Nothing is learned: what is read otherwise than it was typed follows from terms.yaml and from the articles' own words.
"""

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import yaml

from backbot.errors import RulesInvalid
from backbot.vocabulary.spelling import CorpusWords

__all__ = ["Change", "CorpusWords", "Expanded", "Vocabulary", "load_vocabulary"]

TERMS = Path(__file__).with_name("terms.yaml")

MOST_RESOLVED = 40
"""Unknown words of one message that are looked up: a message of gibberish must not cost more than a question."""

_WORD = re.compile(r"[^\W_]+(?:['’\-/][^\W_]+)*/?")
_LINK = re.compile(r"\s*[-/]\s*|\s+")


@dataclass(frozen=True, slots=True)
class Change:
    """What was read otherwise than typed: `read` replaces a misspelling or shorthand and stands beside a lay term."""

    kind: Literal["spelling", "shorthand", "term"]
    typed: str
    read: str


@dataclass(frozen=True, slots=True)
class Expanded:
    """A question as the articles would put it, and what was changed to get there.

    `corrected` is the question with misspellings and shorthand resolved; `question` has the medical words of lay terms
    in brackets after them as well.
    """

    question: str
    corrected: str
    changes: tuple[Change, ...]


class Vocabulary:
    """The rows of terms.yaml, ready to look up. Made by `load_vocabulary`; threads may share it."""

    def __init__(
        self,
        terms: Mapping[str, tuple[str, ...]],
        spellings: Mapping[str, tuple[str, ...]],
        shorthand: Mapping[str, str],
        words: frozenset[str],
    ):
        self._spellings = spellings
        self._shorthand = shorthand
        self._by_first: dict[str, list[tuple[tuple[str, ...], tuple[str, ...]]]] = {}
        for say, mean in terms.items():
            parts = tuple(_LINK.split(say))
            for form in {parts, (*parts[:-1], _other_number(parts[-1]))}:
                self._by_first.setdefault(form[0], []).append((form, mean))
        for forms in self._by_first.values():
            forms.sort(key=lambda item: -len(item[0]))
        self._known = words | {word for forms in self._by_first.values() for form, _ in forms for word in form}

    def expand(self, question: str, corpus_words: CorpusWords) -> Expanded:
        """The question with misspellings resolved, and lay terms followed by those medical words that the articles use."""
        changes: list[Change] = []
        corrected = self._correct(question, corpus_words, changes)
        return Expanded(self._add_terms(corrected, corpus_words, changes), corrected, tuple(changes))

    def meanings(self, text: str) -> frozenset[str]:
        """The medical words for the lay terms in the text, in small letters."""
        return frozenset(word.lower() for _, _, means in self._terms_in(text) for word in means)

    def _correct(self, question: str, corpus_words: CorpusWords, changes: list[Change]) -> str:
        left = MOST_RESOLVED
        resolved: dict[str, str] = {}
        shouted = question.isupper()

        def read(match: re.Match[str]) -> str:
            nonlocal left
            typed = match.group()
            word = typed.lower().replace("’", "'")
            if word in self._shorthand:
                # Of one capital letter: a name's initial, a vertebra, vitamin R.
                if typed.isupper() and not shouted and len(typed) > 0 and match.start() > 0:
                    return typed
                changes.append(Change("shorthand", typed, self._shorthand[word]))
                return self._shorthand[word]
            if word in self._spellings and word not in corpus_words:
                for other in self._spellings[word]:
                    if other in corpus_words:
                        changes.append(Change("spelling", typed, other))
                        return other
            is_name = typed[:1].isupper() and not shouted and match.start() > 0
            if is_name or word in corpus_words or word in self._known:
                return typed
            if word not in resolved:
                if left == 0:
                    return typed
                left -= 1
                resolved[word] = corpus_words.meant_by(word, self._known)
                if resolved[word]:
                    changes.append(Change("spelling", typed, resolved[word]))
            return resolved[word] or typed

        return _WORD.sub(read, question)

    def _add_terms(self, question: str, corpus_words: CorpusWords, changes: list[Change]) -> str:
        parts: list[str] = []
        at = 0
        added: set[str] = set()
        plain = f" {' '.join(_LINK.split(question.lower()))} "
        for start, end, means in self._terms_in(question):
            new = [
                mean
                for mean in means
                if mean not in added
                and f" {mean.lower()} " not in plain
                and all(corpus_words.holds(word) for word in _LINK.split(mean.lower()))
            ]
            if not new or _is_used(question[start:end].lower(), new, corpus_words):
                continue
            added.update(new)
            read = ", ".join(new)
            changes.append(Change("term", question[start:end], read))
            parts += [question[at:end], f" ({read})"]
            at = end
        return "".join((*parts, question[at:]))

    def _terms_in(self, text: str) -> list[tuple[int, int, tuple[str, ...]]]:
        """Start, end and medical words of each lay term in the text, the longest where several begin."""
        words = [(match.start(), match.end(), match.group().lower().replace("’", "'")) for match in _PART.finditer(text)]
        found = []
        i = 0
        while i < len(words):
            for form, means in self._by_first.get(words[i][2], ()):
                if i + len(form) <= len(words) and all(words[i + k][2] == part for k, part in enumerate(form)):
                    found.append((words[i][0], words[i + len(form) - 1][1], means))
                    i += len(form)
                    break
            else:
                i += 1
        return found


# libyaml is ten times as fast; PyYAML may have been built without it.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_PART = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")


@functools.cache
def load_vocabulary(file: Path = TERMS) -> Vocabulary:
    """The rows of the file, read once; raises RulesInvalid with the row at fault."""
    rows = yaml.load(file.read_text("utf-8"), _Loader)  # noqa: S506  # a safe loader
    _refuse_unknown(rows, {"terms", "spellings", "shorthand", "words"}, file.name)
    terms: dict[str, tuple[str, ...]] = {}
    for row in rows["terms"]:
        _refuse_unknown(row, {"say", "mean"}, f"{file.name}, terms")
        for say in _split(row["say"]):
            if say in terms:
                raise RulesInvalid(f"{file.name}: {say!r} stands in two rows of terms. Keep it in one.")
            terms[say.lower()] = _split(row["mean"])
    spellings: dict[str, tuple[str, ...]] = {}
    for row in rows["spellings"]:
        ways = _split(row)
        if len(ways) < 2 or any(way in spellings for way in ways):
            raise RulesInvalid(f"{file.name}: the spellings {row!r} are one word, or one of them stands in another row.")
        spellings |= {way: tuple(other for other in ways if other != way) for way in ways}
    shorthand = {str(typed): str(meant) for typed, meant in rows["shorthand"].items()}
    return Vocabulary(terms, spellings, shorthand, frozenset(_split(rows["words"])))


def _split(text: str) -> tuple[str, ...]:
    parts = tuple(part.strip() for part in str(text).split(","))
    if not all(parts):
        raise RulesInvalid(f"An entry of {text!r} is empty: is there a comma too many?")
    return parts


def _refuse_unknown(row: object, keys: set[str], where: str) -> None:
    if not isinstance(row, dict) or set(row) != keys:
        got = ", ".join(map(str, row)) if isinstance(row, dict) else repr(row)
        raise RulesInvalid(f"{where}: a row has {got}; it must have {', '.join(sorted(keys))}.")


def _other_number(word: str) -> str:
    return word.removesuffix("s") if word.endswith("s") and not word.endswith("ss") else f"{word}s"


def _is_used(lay: str, means: Sequence[str], corpus_words: CorpusWords) -> bool:
    """Whether the articles use the lay word themselves, at least half as often as what it means: it needs no help then."""
    rarest = min(corpus_words.passages_with(word) for mean in means for word in _LINK.split(mean.lower()))
    return lay.isalpha() and 2 * corpus_words.passages_with(lay) > rarest
