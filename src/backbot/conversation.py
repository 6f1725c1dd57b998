"""A follow-up and the reader's earlier messages -> a question that stands alone. No language model, no state.

The earlier messages are read in order. Each one either names a subject of its own, or leans on the one before: by a
pronoun, by what it leaves out, by a correction ("no, I meant ...") or by a return ("back to the pillow thing"). Which words
do that, and which name nothing, are rows of vocabulary/turns.yaml.
"""

import functools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from backbot.errors import RulesInvalid
from backbot.index.lexical import split_words
from backbot.vocabulary import load_vocabulary

MAX_HISTORY = 20
"""Earlier messages that are read for what a follow-up is about."""

MAX_CHARS = 1500
"""Of a message: a longer one is a story, and its question stands at its beginning or its end."""

MAX_LEANING_WORDS = 30
"""A longer message says itself what it is about."""

MOST_PLEASANTRIES = 8
"""Polite phrases before a question that are passed over."""

MAX_CARRIED_WORDS = 14
"""An earlier question that stands beside a follow-up is this long at most."""

_TOKEN = re.compile(r"[^\W_]+(?:['’\-][^\W_]+)*")
_SENTENCE = re.compile(r"[^.!?\n]+[.!?]*")
_ASKING = frozenset("what whats which when where wheres why how hows who whos is are am was were do does did can could will would shall should may might must any".split())  # fmt: skip  # noqa: E501, SIM905
_SUBJECT_PRONOUNS = frozenset("i you we they he she people someone somebody".split())  # noqa: SIM905
_POINTERS = frozenset("it its this that these those they them one ones".split())  # noqa: SIM905
_AFTER_ONE = frozenset(
    [
        "",
        *[
            "if",
            "for",
            "with",
            "when",
            "then",
            "too",
            "in",
            "every",
            "again",
            "at",
            "on",
            "myself",
            "before",
            "after",
            "while",
            "to",
            "and",
            "or",
        ],
    ]
)
_JOINS = frozenset("or vs versus and of n".split())  # noqa: SIM905
_ARTICLES = frozenset(("a", "an"))
_WITHIN = frozenset("in for with during at on after before if when while without on top instead".split())  # noqa: SIM905
_CLAUSES = frozenset("and but so if because when while since then although though whether".split())  # noqa: SIM905
_AUXILIARIES = frozenset("is are was do does did can could will would should may might has have".split())  # noqa: SIM905
_PEOPLE_DO = frozenset("say says said tell told tells give gave do did put offered want wanted think thought found call called".split())  # fmt: skip  # noqa: E501, SIM905
_EXPLETIVE = re.compile(
    r"\bit(?:s|'s)?\s+(?:(?:is|be|been|was|really|always|still|ever|actually)\s+)*(?:\w+\s+)?(?:\w+\s+)?to\b"
    r"|\b(?:is|be)\s+it\s+(?:true|normal|possible|ok|okay|likely|common|usual)\s+(?:to|that|if|for)\b"
    r"|\bone of\b|\bit takes?\b(?=.*\bto\b)"
)
_PLURAL_VERBS = {"is": "are", "does": "do", "was": "were", "isnt": "arent", "doesnt": "dont", "has": "have"}
_WHAT_ABOUT = re.compile(
    r"^(?:what about|how about|and what about|what of|same for|same question for|and for|or for)\s+", re.I
)
_SUPPOSE = re.compile(r"^(?:(?:and|but|so|or)\s+)*(?:what if|and if|even if|but if|only if|unless|what happens if)\b", re.I)
_NOT_THIS = re.compile(r"^(?:no\b[\s,.]*)?not\s+(.+?)(?:\s*[,;–—]|\s+-|\s+but)\s*(?:but\s+)?(?:i mean[t]?\s+)?(.+)$", re.I)
_EDGES = " \t\n,;:.!-–—…"


@dataclass(frozen=True, slots=True)
class Turn:
    """A message that stands alone: its question and the words for its subject, empty when it names none.

    `about` is what a follow-up that names nothing is about: the subject, or a whole question that has no good word for it.
    """

    question: str
    subject: str
    about: str


@dataclass(frozen=True, slots=True)
class _Word:
    text: str
    plain: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Phrases:
    """The rows of turns.yaml: sets of words, and patterns of phrases that a message begins with."""

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


def stand_alone(question: str, history: Sequence[str]) -> str:
    """The question as somebody who had read nothing before it would have to ask it.

    `history` is the reader's earlier messages, the oldest first. A question that names its own subject comes back without
    any word of theirs.
    """
    if not history:
        return question
    turns: list[Turn] = []
    for message in history[-MAX_HISTORY:]:
        turn = _read(_shorten(message), turns)
        if turn is not None:
            turns.append(turn)
    if len(question.split()) > MAX_LEANING_WORDS:
        return question
    turn = _read(question.strip(), turns)
    return question if turn is None else turn.question


def _read(message: str, turns: Sequence[Turn]) -> Turn | None:
    """The message as a turn that stands alone; None when it asks nothing."""
    phrases = _phrases()
    said, switched = _without_pleasantries(message)
    if not _TOKEN.search(said):
        return None
    if switched or not turns or _plain(said) in phrases.whole or len(said.split()) > MAX_LEANING_WORDS:
        return _new_turn(said)
    last = turns[-1]
    if (match := _NOT_THIS.match(said)) and set(split_words(match[1])) & set(split_words(last.question)):
        return _what_about(match[2], last)
    if match := phrases.corrections.match(said):
        return _corrected(said[match.end() :], said, last)
    if (
        (match := phrases.returns.match(said))
        and _words(said[match.end() :])[:1]
        and _words(said[match.end() :])[0].plain not in _ASKING
    ):
        return _returned(said[match.end() :], turns)
    bare = said[match.end() :].strip(_EDGES) if (match := phrases.openers.match(said)) else said
    bare = bare or said
    if _is_elsewhere(bare):
        return _new_turn(bare)
    if match := _WHAT_ABOUT.match(bare):
        return _what_about(bare[match.end() :], last)
    words = _words(bare)
    if bare != said and not any(word.plain in _ASKING for word in words) and len(words) <= 6:
        return _what_about(bare, last)
    if turn := _with_antecedent(bare, words, last):
        return turn
    if _SUPPOSE.match(said) or not _subject(bare) or (words[-1].plain in {"else"} and len(words) < 8):
        return _leaning(bare, last)
    return _new_turn(bare)


def _without_pleasantries(message: str) -> tuple[str, bool]:
    """What is left of the message after the polite words it begins with, and whether it announced another subject."""
    phrases = _phrases()
    said, switched = message.strip(), False
    if all(word.plain in phrases.polite for word in _words(said)):
        return "", False
    for _ in range(MOST_PLEASANTRIES):
        before = said
        if match := phrases.small_talk.match(said):
            rest = said[match.end() :]
            # "good for sciatica?" is no thanks; "good. is it safe" and "great thanks" are.
            if (
                not rest.strip(_EDGES + "?")
                or re.match(r"\s*[,.!;:\-–—…\n]", rest)
                or phrases.small_talk.match(rest.strip(_EDGES))
            ):
                said = rest.strip(_EDGES)
        if match := phrases.switches.match(said):
            rest = said[match.end() :].strip(_EDGES + "?")
            if rest:
                said, switched = rest, True
        if said == before:
            break
    return said, switched


def _corrected(meant: str, said: str, last: Turn) -> Turn:
    """The last question about what was meant in the place of its subject."""
    meant = meant.strip(_EDGES + "?")
    if not _TOKEN.search(meant):
        return last
    words = _words(meant)
    if words[0].plain in _ASKING and len(words) > 1:
        turn = _with_antecedent(meant, words, last)
        if turn or not _subject(meant):
            return turn or _leaning(meant, last)
        return _new_turn(meant)
    meant = re.split(r",?\s+not\s+", meant)[0] if not meant.startswith("not ") else meant
    if _is_elsewhere(meant):
        return _new_turn(meant)
    return _what_about(meant, last)


def _returned(named: str, turns: Sequence[Turn]) -> Turn:
    """What is asked now about the earlier turn that the words name; about the words themselves when they name none."""
    parts = re.split(
        r"\s*(?:[,:;?.!–—]|\s-)\s*|\s+(?=(?:how|what|why|when|where|which|can|does|is|do|should|will)\b)",
        named.strip(_EDGES),
        maxsplit=1,
    )
    name = re.sub(
        r"^(?:the|that|my|your|those|this)\s+|\s+(?:thing|things|stuff|question|bit|part|one|ones|again|idea)\b.*$",
        "",
        parts[0],
        flags=re.I,
    )
    asked = parts[1].strip(_EDGES) if len(parts) > 1 else ""
    wanted = set(split_words(name)) | set(split_words(" ".join(load_vocabulary().meanings(name))))
    for turn in reversed(turns):
        words = f"{turn.subject} {turn.question}"
        if wanted & (set(split_words(words)) | set(split_words(" ".join(load_vocabulary().meanings(words))))):
            subject = turn.subject if set(split_words(name)) & set(split_words(turn.subject)) else name or turn.subject
            if not asked:
                return turn
            if _is_elsewhere(asked):
                return _new_turn(asked)
            found = Turn(turn.question, subject, subject)
            return _with_antecedent(asked, _words(asked), found) or _leaning(asked, found)
    return _leaning(asked, Turn(name, name, name)) if asked and name else _new_turn(asked or name)


def _what_about(subject: str, last: Turn) -> Turn:
    """The last question about another subject, or with a condition added to it."""
    subject = re.sub(r"\s+(?:then|though|tho|instead|too|as well)$", "", subject.strip(_EDGES + "?"), flags=re.I)
    words = _words(subject)
    if not words:
        return last
    if words[0].plain in _WITHIN or not _subject(subject):
        return _leaning(subject, last)
    own = _subject(subject) or subject
    question = _question_of(last.question)
    if last.subject and last.subject in question and len(question.split()) <= MAX_CARRIED_WORDS + 6:
        at = question.index(last.subject)
        start = (
            at - len(found.group())
            if (found := re.search(r"\b(?:an?|the|my|your|those|these|that|this)\s+$", question[:at], re.I))
            and re.match(r"(?:an?|the|my|your|those|these|that|this)\s", subject, re.I)
            else at
        )
        return Turn(question[:start] + subject + question[at + len(last.subject) :], own, own)
    return Turn(subject, own, own)


def _with_antecedent(asked: str, words: Sequence[_Word], last: Turn) -> Turn | None:
    """The question with the last subject in the place of the pronoun that points to it; None when none does."""
    subject = last.subject
    expletive = [match.span() for match in _EXPLETIVE.finditer(_keep_length(asked))]
    for i, word in enumerate(words):
        if word.plain not in _POINTERS or any(start <= word.start < end for start, end in expletive):
            continue
        following = words[i + 1].plain if i + 1 < len(words) else ""
        if word.plain in {"they", "them"} and following in _PEOPLE_DO:
            continue
        if word.plain in {"this", "that", "these", "those"} and (
            _names(following) or following in {"i", "you", "the", "my", "a"}
        ):
            continue
        is_chosen = i > 0 and words[i - 1].plain in {"this", "that", "these", "those", "the"}
        if (
            word.plain in {"one", "ones"}
            and not is_chosen
            and (i == 0 or words[i - 1].plain in _ASKING or following not in _AFTER_ONE)
        ):
            continue
        before = asked[: word.start]
        if _subject(_clauses_before(before)):
            return None
        if not subject or (
            any(_plain_word(w) in _phrases().aspects for w in before.split()) and word.plain in {"that", "this"}
        ):
            return _leaning(asked, last)
        end = word.end
        if word.plain in {"this", "that", "these", "those"} and following in {"one", "ones"}:
            end = words[i + 1].end
        elif is_chosen and word.plain in {"one", "ones"}:
            before = asked[: words[i - 1].start]
        if word.plain == "its":
            subject_here = f"{subject}'s" if not subject.endswith("s") else f"{subject}'"
        else:
            article = re.search(rf"\b(an?)\s+{re.escape(subject)}", last.question, re.I)
            subject_here = f"{article[1].lower()} {subject}" if article else subject
        return Turn(_agree(before, subject) + subject_here + asked[end:], subject, last.about)
    return None


def _clauses_before(before: str) -> str:
    """The words before a pronoun without those of its own clause: nothing in one clause with it can be what it means."""
    words = _words(before)
    for i in range(len(words) - 1, -1, -1):
        starts = words[i].plain in _CLAUSES or (words[i].plain in _AUXILIARIES and i == len(words) - 1 and not _asks(words))
        if starts or re.search(
            r"[,.;:!?–—]|\s-\s", before[words[i].end :] if i == len(words) - 1 else before[words[i].end : words[i + 1].start]
        ):
            return before[: words[i].start if starts else words[i].end]
    return ""


def _asks(words: Sequence[_Word]) -> bool:
    return bool(words) and words[0].plain in _ASKING


def _agree(before: str, subject: str) -> str:
    """The words before a plural subject with their verb in the plural: "does it hurt" -> "do the jabs hurt"."""
    if not re.search(r"[^sui]s$", subject) or " or " in subject:
        return before
    return re.sub(r"\b(\w+)(\s+)$", lambda found: _PLURAL_VERBS.get(found[1].lower(), found[1]) + found[2], before)


def _new_turn(question: str) -> Turn:
    """A message that begins a subject. With no better word for it, an aspect of another subject is this one's."""
    named = _subject(question)
    short = " ".join(_question_of(question).strip(_EDGES + "?").split()[:MAX_CARRIED_WORDS])
    return Turn(question, named or _named_in(_question_of(question), with_aspects=True), named or short)


def _leaning(asked: str, last: Turn) -> Turn:
    """What is asked, with what it is about beside it."""
    if last.subject and last.about == last.subject:
        return Turn(f"{_begin(last.subject)}: {asked}", last.subject, last.about)
    return Turn(f"{asked.rstrip(_EDGES)} ({last.about})", last.subject, last.about)


def _subject(text: str) -> str:
    """The words that name what the text is about, as they stand in it; empty when it names nothing of its own."""
    question = _question_of(text)
    return _named_in(question) or (_named_in(text) if question != text else "")


def _named_in(text: str, *, with_aspects: bool = False) -> str:
    phrases = _phrases()
    words = _words(text)
    chunks: list[list[_Word]] = []
    chunk: list[_Word] = []
    for i, word in enumerate(words):
        is_verb = i > 0 and (words[i - 1].plain in _SUBJECT_PRONOUNS or (words[i - 1].plain == "to" and i > 1))
        gap = text[words[i - 1].end : word.start] if i else ""
        if chunk and not gap.isspace():
            chunks.append(chunk)
            chunk = []
        if _names(word.plain) and not is_verb:
            chunk.append(word)
        elif chunk:
            chunks.append(chunk)
            chunk = []
    chunks.append(chunk)
    passed_over = phrases.generic if with_aspects else phrases.generic | phrases.aspects
    named = [c for c in chunks if any(word.plain not in passed_over for word in c)]
    if not named:
        return ""
    first = named[0]
    for other in named[1:]:
        between = _words(text[first[-1].end : other[0].start])
        if len(between) <= 2 and any(word.plain in _JOINS for word in between):
            first = first + other
        else:
            break
    return text[first[0].start : first[-1].end]


def _names(word: str) -> bool:
    """Whether the word can stand in the name of a subject."""
    return bool(word) and word not in _phrases().frame and not word.isdigit()


def _is_elsewhere(text: str) -> bool:
    return any(word.plain in _phrases().elsewhere for word in _words(text))


def _question_of(text: str) -> str:
    """The last sentence that asks; the whole text when it is one sentence or none asks."""
    sentences = [found.group().strip() for found in _SENTENCE.finditer(text)]
    asking = [s for s in sentences if s.endswith("?")]
    return asking[-1] if asking and len(sentences) > 1 else text


def _shorten(message: str) -> str:
    message = message.strip()
    return message if len(message) <= MAX_CHARS else f"{message[: MAX_CHARS // 2]} {message[-MAX_CHARS // 2 :]}"


def _words(text: str) -> list[_Word]:
    return [_Word(found.group(), _plain_word(found.group()), found.start(), found.end()) for found in _TOKEN.finditer(text)]


def _plain_word(word: str) -> str:
    return re.sub(r"[^\w\-]", "", word.lower())


def _plain(text: str) -> str:
    return " ".join(word.plain for word in _words(text))


def _keep_length(text: str) -> str:
    lowered = text.lower()
    return lowered if len(lowered) == len(text) else text


def _begin(text: str) -> str:
    return text[:1].upper() + text[1:]


@functools.cache
def _phrases() -> _Phrases:
    file = Path(__file__).parent / "vocabulary" / "turns.yaml"
    rows = yaml.safe_load(file.read_text("utf-8"))
    keys = set(_Phrases.__dataclass_fields__) - {"polite"}
    if not isinstance(rows, dict) or set(rows) != keys:
        raise RulesInvalid(f"{file.name} must have {', '.join(sorted(keys))}, each once, and nothing else.")
    lists = {name: tuple(phrase.strip() for phrase in str(text).split(",")) for name, text in rows.items()}
    words = ("frame", "generic", "aspects", "elsewhere", "whole")
    return _Phrases(
        **{name: frozenset(lists[name]) for name in words},
        polite=frozenset(phrase for phrase in lists["small_talk"] if " " not in phrase),
        small_talk=_beginning(lists["small_talk"]),
        openers=re.compile(rf"(?:{_beginning(lists['openers']).pattern}[\s,]*)+", re.I),
        switches=re.compile(
            rf"(?:(?:and|ok|but|so|no|nah|oh|actually|one|a|i have a|ive got a|just a)\s+)*{_alternatives(lists['switches'])}\b",
            re.I,
        ),
        returns=re.compile(rf"(?:(?:and|ok|but|so|can we|just)\s+)*{_alternatives(lists['returns'])}\s+", re.I),
        corrections=re.compile(
            rf"(?:[^.?!]{{0,60}}[,.!–—-]\s*)?(?:(?:no|nope|nah|sorry|oops|wait|actually|oh|ah|well|but|and|what)\s+)*"
            rf"{_alternatives(lists['corrections'])}\b[\s:,]*",
            re.I,
        ),
    )


def _beginning(phrases: Iterable[str]) -> re.Pattern[str]:
    return re.compile(rf"{_alternatives(phrases)}(?![\w'’])", re.I)


def _alternatives(phrases: Iterable[str]) -> str:
    """A pattern of the phrases, the longest first; an apostrophe may stand in a word that is written without one."""
    written = sorted(phrases, key=len, reverse=True)
    return (
        "(?:"
        + "|".join(
            r"\s+".join(re.sub(r"(?<=\w)(s|m|ve|re|ll|t)$", r"['’]?\1", word) for word in phrase.split())
            for phrase in written
        )
        + ")"
    )
