"""A follow-up and the reader's earlier messages -> a question that stands alone. No language model, no state.

The earlier messages are read in order. Each one either names a subject of its own, or leans on the one before: by a
pronoun, by what it leaves out, by a correction ("no, I meant ...") or by a return ("back to the pillow thing"). Which words
do that, and which name nothing, are rows of vocabulary/turns.yaml.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from backbot.index.lexical import split_words
from backbot.vocabulary import load_vocabulary
from backbot.vocabulary.turns import Word, asking_sentence, load_turn_words, split_turn

MAX_HISTORY = 20
"""Earlier messages that are read for what a follow-up is about."""

MAX_CHARS = 1500
"""Of an earlier message: a longer one is a story, whose question stands at its beginning or its end."""

MAX_LEANING_WORDS = 30
"""A longer message says itself what it is about."""

MAX_ELLIPSIS_WORDS = 6
"""A message of so few words with no verb of asking ("and the hip flexors?") is about something else in the same question."""

MAX_CARRIED_WORDS = 14
"""An earlier question that stands beside a follow-up is this long at most."""

MOST_PLEASANTRIES = 8
"""Polite phrases before a question that are passed over."""

_EDGES = " \t\n,;:.!-–—…"
_DETERMINER = r"(?:an?|the|my|your|those|these|that|this)"
_EXPLETIVE = re.compile(
    r"\bit(?:s|'s)?\s+(?:(?:is|be|been|was|really|always|still|ever|actually)\s+)*(?:\w+\s+)?(?:\w+\s+)?to\b"
    r"|\b(?:is|be)\s+it\s+(?:true|normal|possible|ok|okay|likely|common|usual)\s+(?:to|that|if|for)\b"
    r"|\bone of\b|\bworth it\b|\bit takes?\b(?=.*\bto\b)",
    re.I,
)
""""It" and "one" that point to nothing: "is it true that", "does it take long to", "are they worth it"."""

_WHAT_ABOUT = re.compile(r"(?:what about|how about|what of|same for|same question for|for)\s+", re.I)
_SUPPOSE = re.compile(r"(?:(?:and|but|so|or)\s+)*(?:what if|and if|even if|but if|only if|unless|what happens if)\b", re.I)
_NOT_THIS = re.compile(r"(?:no\b[\s,.]*)?not\s+(.+?)(?:\s*[,;–—]|\s+-|\s+but)\s*(?:but\s+)?(?:i meant?\s+)?(.+)$", re.I)
_AFTER_NAME = re.compile(
    r"\s*(?:[,:;?.!–—]|\s-)\s*|\s+(?=(?:how|what|why|when|where|which|can|does|is|do|should|will)\b)", re.I
)
_AROUND_NAME = re.compile(rf"^{_DETERMINER}\s+|\s+(?:thing|things|stuff|question|bit|part|one|ones|again|idea)\b.*$", re.I)
_TRAILING = re.compile(r"\s+(?:then|though|tho|instead|too|as well)$", re.I)
_CORRECTED_AFTER = re.compile(r"(?:(?:no|nope|nah|sorry|oops)\b[\s,.]*)+(.+?)[\s,]+i (?:meant?|ment)\b[\s.!]*$", re.I)
"""The same with the words of correcting at the end: "no no, a CT scan I mean"."""

_SORRY = re.compile(r"[\s,]+(?:sorry|sry|oops|typo)$", re.I)
_BOUNDARY = re.compile(r"[,.;:!?–—]|\s-\s")
_PLURAL_VERBS = {"is": "are", "does": "do", "was": "were", "has": "have"}


@dataclass(frozen=True, slots=True)
class Turn:
    """A message that stands alone: its question and the words for its subject, empty when it names none.

    `about` is what a follow-up that names nothing is about: the subject, or a whole question that has no good word for it.
    """

    question: str
    subject: str
    about: str


def stand_alone(question: str, history: Sequence[str], titles: frozenset[str] = frozenset()) -> str:
    """The question as somebody who had read nothing before it would have to ask it.

    `history` is the reader's earlier messages, the oldest first. A question that names its own subject comes back without
    any word of theirs. `titles` are the stems of the words in the articles' titles and headings: of several things that an
    earlier message names ("my sister swears by cupping"), it is about one that they know.
    """
    if not history or len(question.split()) > MAX_LEANING_WORDS:
        return question
    turns: list[Turn] = []
    for message in history[-MAX_HISTORY:]:
        turn = _read(_shorten(message.strip()), turns, titles)
        if turn is not None:
            turns.append(_about_what_is_known(turn, titles))
    turn = _read(question.strip(), turns, titles)
    return question if turn is None else turn.question


def _read(message: str, turns: Sequence[Turn], titles: frozenset[str]) -> Turn | None:
    """The message as a turn that stands alone; None when it asks nothing."""
    said, switched = _without_pleasantries(message)
    words = split_turn(said)
    if not words:
        return None
    is_whole = " ".join(word.plain for word in words) in load_turn_words().whole
    if switched or is_whole or not turns or len(words) > MAX_LEANING_WORDS:
        return _new_turn(said)
    read = (reading(said, turns) for reading in _READINGS)
    turn = next(filter(None, read), None) or _new_turn(_without_opener(said))
    return turn if _is_about_something(turn, turns[-1], titles) else _lean(turn.question, turns[-1])


def _is_about_something(turn: Turn, last: Turn, titles: frozenset[str]) -> bool:
    """Whether the turn names what the last one is about, what the titles and headings do, or what the articles do not treat.

    What names none of these ("an easier version?") is about the last one's subject.
    """
    known = load_turn_words()
    carried = any(words.lower() in turn.question.lower() for words in (last.about, _carried(last.question)))
    if not titles or carried or known.is_elsewhere(turn.question):
        return True
    weak = known.generic | known.aspects | known.frame
    return bool(_stems(" ".join(word.plain for word in split_turn(turn.question) if word.plain not in weak)) & titles)


def _about_what_is_known(turn: Turn, titles: frozenset[str]) -> Turn:
    known = load_turn_words()
    if not titles or _stems(turn.subject) & titles or known.is_elsewhere(turn.question):
        return turn
    subject = known.subject_that(lambda words: bool(_stems(words) & titles), turn.question)
    return Turn(turn.question, subject, subject) if subject else turn


def _shorten(message: str) -> str:
    return message if len(message) <= MAX_CHARS else f"{message[: MAX_CHARS // 2]} {message[-MAX_CHARS // 2 :]}"


def _without_pleasantries(message: str) -> tuple[str, bool]:
    """What is left of the message after the polite words it begins with, and whether it announced another subject."""
    known = load_turn_words()
    if all(word.plain in known.polite for word in split_turn(message)):
        return "", False
    said, switched = message, False
    for _ in range(MOST_PLEASANTRIES):
        before = said
        if match := known.small_talk.match(said):
            rest = said[match.end() :].strip(_EDGES)
            # "good for sciatica?" is no thanks; "good. is it safe" and "great thanks" are.
            if not rest.strip("?") or not said[match.end()].isspace() or known.small_talk.match(rest):
                said = rest.strip() if rest.strip("?") else ""
        if (match := known.switches.match(said)) and (rest := said[match.end() :].strip(_EDGES + "?")):
            said, switched = rest, True
        if said == before:
            break
    return said, switched


def _without_opener(said: str) -> str:
    match = load_turn_words().openers.match(said)
    return (said[match.end() :].strip(_EDGES) if match else said) or said


def _new_turn(question: str) -> Turn:
    """A message that begins a subject. With no better word for it, an aspect of other subjects is this one's."""
    known = load_turn_words()
    named = known.subject(question)
    return Turn(question, named or known.weak_subject(question), named or _carried(question))


def _carried(question: str) -> str:
    """What is asked, short enough to stand beside a follow-up."""
    return " ".join(asking_sentence(question).strip(_EDGES + "?").split()[:MAX_CARRIED_WORDS])


def _read_contrast(said: str, turns: Sequence[Turn]) -> Turn | None:
    """ "not the plank, the bridge": the last question with the one in the place of the other."""
    match = _NOT_THIS.match(said)
    if match and set(split_words(match[1])) & set(split_words(turns[-1].question)):
        return _ask_about(match[2], turns[-1])
    return None


def _read_correction(said: str, turns: Sequence[Turn]) -> Turn | None:
    """ "no, I meant the facet joints": the last question about what was meant."""
    match = load_turn_words().corrections.match(said)
    after = _CORRECTED_AFTER.match(said)
    if not (match or after):
        return None
    meant = after[1] if after else said[match.end() :] if match else ""
    meant = _SORRY.sub("", re.split(r",?\s+not\s+", meant.strip(_EDGES + "?"))[0])
    words = split_turn(meant)
    if not words:
        return turns[-1]
    if load_turn_words().is_elsewhere(meant):
        return _new_turn(meant)
    if words[0].plain in load_turn_words().asking and len(words) > 1:
        return _read_pointer(meant, turns) or _read_omission(meant, turns) or _new_turn(meant)
    return _ask_about(meant, turns[-1])


def _read_return(said: str, turns: Sequence[Turn]) -> Turn | None:
    """ "back to the pillow thing, how high": what is asked now about the earlier turn that the words name."""
    match = load_turn_words().returns.match(said)
    if not match or split_turn(said[match.end() :])[0].plain in load_turn_words().asking:
        return None
    name, *rest = _AFTER_NAME.split(said[match.end() :].strip(_EDGES), maxsplit=1)
    name = _AROUND_NAME.sub("", name)
    asked = rest[0].strip(_EDGES) if rest else ""
    earlier = next((turn for turn in reversed(turns) if _stems(name) & _stems(f"{turn.subject} {turn.question}")), None)
    if load_turn_words().is_elsewhere(asked) or not name:
        return _new_turn(asked or said)
    if not asked:
        return earlier or _new_turn(name)
    same_words = earlier and set(split_words(name)) & set(split_words(earlier.subject))
    subject = earlier.subject if earlier and same_words else name
    found = Turn(earlier.question if earlier else name, subject, subject)
    return _read_pointer(asked, [found]) or _lean(asked, found)


def _stems(text: str) -> set[str]:
    """The stems of the words and of what lay words among them mean."""
    return set(split_words(text)) | set(split_words(" ".join(load_vocabulary().meanings(text))))


def _read_elsewhere(said: str, turns: Sequence[Turn]) -> Turn | None:
    """A question about what the articles do not treat: what came before must not lend it a subject that they do."""
    del turns
    return _new_turn(_without_opener(said)) if load_turn_words().is_elsewhere(said) else None


def _read_exchange(said: str, turns: Sequence[Turn]) -> Turn | None:
    """ "what about fish oil?", "and mindfulness?": the last question about another subject."""
    bare = _without_opener(said)
    if match := _WHAT_ABOUT.match(bare):
        return _ask_about(bare[match.end() if not bare.lower().startswith("for") else 0 :], turns[-1])
    words = split_turn(bare)
    asks = any(word.plain in load_turn_words().asking for word in words)
    return _ask_about(bare, turns[-1]) if bare != said and not asks and len(words) <= MAX_ELLIPSIS_WORDS else None


def _ask_about(subject: str, last: Turn) -> Turn:
    """The last question about another subject, or with a condition added to it."""
    known = load_turn_words()
    subject = _TRAILING.sub("", subject.strip(_EDGES + "?"))
    words = split_turn(subject)
    if not words:
        return last
    named = known.subject(subject)
    if words[0].plain in known.within or not named:
        return _lean(subject, last)
    question = asking_sentence(last.question)
    at = question.find(last.subject)
    if not last.subject or at < 0 or len(question.split()) > MAX_LEANING_WORDS:
        return Turn(subject, named, named)
    before, after = question[:at], question[at + len(last.subject) :]
    replaced = _DETERMINER if re.match(rf"{_DETERMINER}\s", subject, re.I) else "an?"
    before = re.sub(rf"\b{replaced}\s+$", "", before, flags=re.I)
    return Turn(before + subject + after, named, named)


def _read_pointer(said: str, turns: Sequence[Turn]) -> Turn | None:
    """ "does it hurt?": the question with the last subject in the place of the pronoun that points to it."""
    asked, last = _without_opener(said), turns[-1]
    known = load_turn_words()
    words = split_turn(asked)
    place = next((i for i in range(len(words)) if _points_back(asked, words, i)), None)
    if place is None or known.subject(_clauses_before(asked[: words[place].start])):
        return None
    word = words[place]
    # "I'm pregnant, does that change anything": "that" is the condition, not the subject.
    is_condition = word.plain in known.choosers and any(
        before.plain in known.aspects or before.plain.isdigit() for before in words[:place]
    )
    if not last.subject or is_condition:
        return _lean(asked, last)
    start, end = word.start, word.end
    if word.plain in known.choosers and place + 1 < len(words) and words[place + 1].plain in {"one", "ones"}:
        end = words[place + 1].end
    elif word.plain in {"one", "ones"} and words[place - 1].plain == "the":
        start = words[place - 1].start
    subject = last.subject
    if word.plain == "its" and place + 1 < len(words) and not known.can_name(words[place + 1].plain):
        # "once its done".
        subject += " are" if _is_plural(subject) else " is"
    elif word.plain == "its":
        subject += "'" if subject.endswith("s") else "'s"
    elif article := re.search(rf"\b(an?)\s+{re.escape(subject)}", last.question, re.I):
        subject = f"{article[1].lower()} {subject}"
    return Turn(_agree(asked[:start], last.subject) + subject + asked[end:], last.subject, last.about)


def _points_back(asked: str, words: Sequence[Word], i: int) -> bool:
    """Whether word i is a pronoun that means something said before."""
    known = load_turn_words()
    word = words[i].plain
    if word not in known.pointers or any(m.start() <= words[i].start < m.end() for m in _EXPLETIVE.finditer(asked)):
        return False
    before = words[i - 1].plain if i else ""
    after = words[i + 1].plain if i + 1 < len(words) else ""
    if word in {"they", "them"}:
        return after not in known.people_do
    if word == "that" and after in known.degrees and before not in known.auxiliaries:
        # "is slouching that bad": so bad.
        return False
    if word in known.choosers:
        return not known.can_name(after) and after not in {"i", "you", "the", "my", "a"}
    if word in {"one", "ones"}:
        return before == "the" or (bool(before) and before not in known.asking and (not after or after in known.after_one))
    return True


def _clauses_before(before: str) -> str:
    """The words before a pronoun without those of its own clause: nothing in one clause with it can be what it means."""
    known = load_turn_words()
    words = split_turn(before)
    for i in reversed(range(len(words))):
        is_last = i == len(words) - 1
        # "one of those guns is it any good": a new question begins without a mark.
        turned = is_last and words[i].plain in known.auxiliaries and words[0].plain not in known.asking
        if turned or words[i].plain in known.clauses:
            return before[: words[i].start]
        if _BOUNDARY.search(before[words[i].end : len(before) if is_last else words[i + 1].start]):
            return before[: words[i].end]
    return ""


def _agree(before: str, subject: str) -> str:
    """The words before a plural subject with their verb in the plural: "does it hurt" -> "do the jabs hurt"."""
    if not _is_plural(subject):
        return before
    return re.sub(r"\b(\w+)(\s+)$", lambda found: _PLURAL_VERBS.get(found[1].lower(), found[1]) + found[2], before)


def _is_plural(subject: str) -> bool:
    return re.search(r"[^sui]s$", subject) is not None and not re.search(r" or |^\w+ing (?:an?|the|my|your) ", subject)


def _read_omission(said: str, turns: Sequence[Turn]) -> Turn | None:
    """ "how many sessions?", "what if I can't sit?": what is asked leaves out what it is about."""
    asked = _without_opener(said)
    ends_with_else = said.rstrip("?. ").lower().endswith(" else")
    if _SUPPOSE.match(said) or not load_turn_words().subject(asked) or ends_with_else:
        return _lean(asked, turns[-1])
    return None


def _lean(asked: str, last: Turn) -> Turn:
    """What is asked, with what it is about beside it: where it only says when or for whom, the last question."""
    known, words = load_turn_words(), split_turn(asked)
    if words[0].plain in known.within and not any(word.plain in known.asking for word in words):
        return Turn(f"{_carried(last.question)}: {asked}", last.subject, last.about)
    if last.subject and last.about == last.subject:
        return Turn(f"{last.subject[:1].upper()}{last.subject[1:]}: {asked}", last.subject, last.about)
    return Turn(f"{asked.rstrip(_EDGES)} ({last.about})", last.subject, last.about)


_READINGS: tuple[Callable[[str, Sequence[Turn]], Turn | None], ...] = (
    _read_contrast,
    _read_correction,
    _read_return,
    _read_elsewhere,
    _read_exchange,
    _read_pointer,
    _read_omission,
)
"""The ways in which a message may lean on those before it, in the order in which they are tried."""
