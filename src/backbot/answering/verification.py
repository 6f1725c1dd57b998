"""Whether an article's passage supports a sentence that a language model wrote. Pure: no model, no network.

The check is a closed world. The quote must stand in the passage, and the evidence is the whole of every sentence that it
touches, so that a quote cannot be cut to lose its "not". The sentence must then say what the evidence says, in the same
words and the same order, except for the differences that `wording.yaml` lists: free words, wordings that mean the same, an
adverbial moved to the other end, a passive made active, a clause left out where it neither rules nor limits the rest.
Numbers, units, negations, directions, conditions, hedges, comparisons and names are all held by that rule, since no row
frees them. A faithful sentence in quite other words is refused: the reader then gets the article's own words.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from backbot.answering.wording import BREAK, Words, load_wording, plain, read_words, stems
from backbot.chunking import split_sentences

MAX_SENTENCE_CHARS = 400
MIN_WORDS = 3
"""A shorter sentence or quote says too little to be checked."""

MAX_EVIDENCE_SENTENCES = 2
MAX_PLACES = 4
"""How many places of the passage are tried when the quote stands there more than once."""

MAX_CLAUSES = 12
"""Of a sentence with more, no clause may be left out."""

_JOINT = re.compile(
    r"(?P<mark>;)\s+|\s+(?P<dash>-+)\s+|(?P<colon>:)\s+|,\s+(?=(?P<word>and|so|because|since|but|yet|although|though|while|"
    r"whereas|which)\b)",
    re.I,
)
_LOOSE_ENDS = frozenset({"and", "so", "because", "since", "which", ";", "."})
"""Joints after which a clause may be left out."""
_LOOSE_STARTS = frozenset({"so", "because", "since", ";", "."})
"""Joints before which the clauses may be left out: after others, a clause may have lost its subject."""

_MARKS = frozenset({";", ".", ":", "-"})

_ASIDE = re.compile(r"\s*\([^()]*\)")
_FRONTED = re.compile(r"^(?P<front>\w[^,]*),\s*(?P<rest>.+)$", re.S)
_PASSIVE = re.compile(
    r"^(?P<subject>\w[^,;:]*?)\s+(?P<modal>can|could|may|might|should)\s+(?P<not>not\s+)?be\s+(?P<rest>(?P<verb>\w+ed)\b.*)$",
    re.I | re.S,
)
_OFFER = re.compile(r"^(?:you\s+(?:can|could|may)|try\s+to)\s+(?=(\w+))", re.I)
_REMINDER = re.compile(r"^(?:remember|make\s+sure|be\s+sure)\s+(?:to|you)\s+", re.I)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the sentence may be shown; `reason` says why not, empty when it may.

    `start` and `end` are where the sentences of the article that support it stand in the passage's text.
    """

    supported: bool
    reason: str = ""
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True)
class Clause:
    """A part of a sentence with the joint before it: a word, which the text begins with, or a mark ("." for the first)."""

    joint: str
    text: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where the sentences that a quote touches stand in the passage's text; `lead` introduces their list."""

    start: int
    end: int
    sentences: tuple[str, ...]
    lead: str = ""
    after: str = ""


def verify(sentence: str, quote: str, passage_text: str, question: str) -> Verdict:
    """Whether `passage_text`, where `quote` stands, says what `sentence` says; `question` is the reader's."""
    refusal = _unfit(sentence, passage_text)
    if refusal:
        return Verdict(False, refusal)
    places = find_evidence(quote, passage_text)
    if not places:
        return Verdict(False, "the quote does not stand in the passage")
    told = _tellings(sentence, question)
    for evidence in places:
        refusal = _refusal(told, evidence)
        if not refusal:
            return Verdict(True, "", evidence.start, evidence.end)
    return Verdict(False, refusal)


def find_evidence(quote: str, passage_text: str) -> list[Evidence]:
    """The sentences that the quote touches, for each place where it stands; white space and typography may differ."""
    words = plain(quote).strip().strip("\"'").split()
    if len(words) < MIN_WORDS:
        return []
    pattern = r"(?<!\w)" + r"\s+".join(map(re.escape, words[:200])) + r"(?!\w)"
    found: list[Evidence] = []
    for match in re.finditer(pattern, plain(passage_text)):
        if len(found) < MAX_PLACES and len(words) <= 200:
            evidence = _evidence(match.start(), match.end(), passage_text)
            if evidence:
                found.append(evidence)
    return found


def _evidence(start: int, end: int, text: str) -> Evidence | None:
    """The whole sentences between the offsets; None when they span lines or are too many."""
    line_start = text.rfind("\n", 0, start) + 1
    line_end = text.find("\n", start)
    line_end = len(text) if line_end < 0 else line_end
    if end > line_end:
        return None
    spans = [(line_start + s, line_start + e) for s, e in split_sentences(text[line_start:line_end])]
    touched = [(s, e) for s, e in spans if s < end and start < e]
    if not 0 < len(touched) <= MAX_EVIDENCE_SENTENCES:
        return None
    following = next((text[s:e] for s, e in spans if s >= touched[-1][1]), "")
    leads = [line for line in text[:line_start].splitlines() if line.rstrip().endswith(":")]
    return Evidence(
        touched[0][0], touched[-1][1], tuple(text[s:e] for s, e in touched), leads[-1].strip() if leads else "", following
    )


def _unfit(sentence: str, passage_text: str) -> str:
    """Why the sentence cannot be shown whatever the evidence; empty when it can."""
    wording = load_wording()
    if len(sentence) > MAX_SENTENCE_CHARS:
        return "the sentence is too long"
    for character in plain(sentence):
        if not (character.isascii() and character.isprintable()) and character not in passage_text:
            return f"the sentence holds a character that the passage does not: {unicodedata.name(character, 'a control')}"
    if "..." in sentence or sentence.rstrip().endswith(("?", ":")):
        return "the sentence asks, trails off or introduces what is not shown"
    opening = stems(sentence)[:1]
    if opening and opening[0] in wording.leaning:
        return "the sentence leans on one that is not shown"
    return ""


def _refusal(told: Sequence[Words], evidence: Evidence) -> str:
    """Why the evidence does not support the sentence; empty when it does."""
    wording = load_wording()
    last = evidence.sentences[-1].rstrip()
    if last.endswith(("?", ":")):
        return "the quote is a question or introduces a list"
    if not evidence.lead and not last.endswith((".", "!", '."', ".)", ".'")):
        return "the quote is a fragment of a list"
    if any(stems(evidence.after)[: len(opening)] == opening for opening in wording.limits_sentence_before):
        return "the article limits the quote in its next sentence"
    if all(len(words.words) < MIN_WORDS for words in told):
        return "the sentence says too little"
    for clauses in _readings(evidence):
        for text in _retellings(clauses):
            reading = read_words(text)
            for words in told:
                if _agrees(words, reading):
                    return ""
    return _difference(told[0], read_words(" ".join((evidence.lead, *evidence.sentences))))


def _agrees(told: Words, read: Words) -> bool:
    # A comma of the sentence's own can turn its meaning: "No, heat helps".
    if told.words == read.words:
        return told.commas <= read.commas
    may_drop = load_wording().may_drop
    kept = [n for n, word in enumerate(read.words) if word not in may_drop]
    return told.words == tuple(read.words[n] for n in kept) and {kept[n] for n in told.commas} <= read.commas


def _difference(told: Words, read: Words) -> str:
    added = Counter(told.words) - Counter(read.words)
    dropped = Counter(read.words) - Counter(told.words)
    if added:
        return f"the quote does not say: {' '.join(added)}".replace(BREAK, "(a break)")
    if dropped:
        return f"the sentence leaves out: {' '.join(dropped)}".replace(BREAK, "(a break)")
    return "the sentence says it in another order"


def _tellings(sentence: str, question: str) -> list[Words]:
    """The sentence's words in each form that is compared, its own first."""
    wording = load_wording()
    text = plain(sentence).strip()
    forms = [text]
    offer = _OFFER.match(text)
    if offer and set(stems(offer[1])) <= wording.offers:
        forms.append(text[offer.end() :])
    forms += [text[reminder.end() :] for reminder in [_REMINDER.match(text)] if reminder]
    forms += [turned for form in forms if (turned := _turned(form))]
    told = [read_words(form) for form in forms]
    asked = stems(question)
    if "back" in asked:
        for words, topic in [(w, t) for w in told for t in wording.topics]:
            counted = read_words(" ".join(topic)).words
            if words.words[-len(counted) :] == counted:
                told.append(Words(words.words[: -len(counted)], words.commas))
    return told


def _readings(evidence: Evidence) -> Iterator[list[Clause]]:
    """The runs of the evidence's clauses that can stand alone."""
    sentences = [evidence.lead.rstrip(":") + "."] if evidence.lead else []
    clauses = [clause for sentence in (*sentences, *evidence.sentences) for clause in _clauses(plain(sentence))]
    if len(clauses) > MAX_CLAUSES:
        yield clauses
        return
    for first, end in combinations(range(len(clauses) + 1), 2):
        if _may_begin(clauses, first) and _may_end(clauses, end):
            yield clauses[first:end]


def _may_begin(clauses: Sequence[Clause], first: int) -> bool:
    """Whether the clauses before `first` may be left out: nothing in them rules what follows."""
    wording = load_wording()
    if first == 0:
        return True
    fronted = set(stems(clauses[0].text)[:1]) & wording.adverbials
    ruled = any(wording.rules_what_follows & set(stems(clause.text)) for clause in clauses[:first])
    return clauses[first].joint in _LOOSE_STARTS and not fronted and not ruled


def _may_end(clauses: Sequence[Clause], end: int) -> bool:
    """Whether the clauses from `end` on may be left out: nothing in them limits what came before."""
    wording = load_wording()
    kept = {stem for clause in clauses[:end] for stem in stems(clause.text)}
    for clause in clauses[end:]:
        if clause.joint not in _LOOSE_ENDS or wording.limits_what_went_before & set(stems(clause.text)):
            return False
        if clause.joint == "and" and wording.conditions & kept:
            return False
    return True


def _clauses(sentence: str) -> list[Clause]:
    clauses: list[Clause] = []
    joint, start = ".", 0
    for match in _JOINT.finditer(sentence):
        word = (match["word"] or match["mark"] or match["colon"] or "-").lower()
        # ", which is rare, ..." is a clause inside another; ", and z" after "x, y" ends a list.
        if word == "which" and "," in sentence[match.end() :]:
            continue
        if word == "and" and "," in sentence[start : match.start()]:
            continue
        clauses.append(Clause(joint, sentence[start : match.start()]))
        joint, start = word, match.end()
    return [*clauses, Clause(joint, sentence[start:])]


def _retellings(clauses: Sequence[Clause]) -> Iterator[str]:
    """The ways to say the clauses that count as the same."""
    wording = load_wording()
    text = clauses[0].text if clauses[0].joint in _MARKS else clauses[0].text.split(maxsplit=1)[-1]
    for clause in clauses[1:]:
        text = f"{text.rstrip('.!')}{'; ' if clause.joint in _MARKS else ', '}{clause.text}"
    texts = [text]
    if len(clauses) == 2 and clauses[1].joint in ("so", "because", "since"):
        first, second = clauses[0].text.rstrip(".!"), clauses[1].text.split(maxsplit=1)[-1].rstrip(".! ")
        texts.append(f"{second}, {'because' if clauses[1].joint == 'so' else 'so'} {first}")
    if _ASIDE.search(text) and not wording.limits_what_went_before & set(stems(" ".join(_ASIDE.findall(text)))):
        texts.append(_ASIDE.sub("", text))
    for opening in wording.openings:
        if stems(text)[: len(opening)] == opening:
            texts.append(re.sub(rf"^(?:\W*\w+){{{len(opening)}}}\W*", "", text))
    for form in list(texts):
        passive = _PASSIVE.match(form)
        if passive and not wording.rules_what_follows & set(stems(passive["subject"])) and " by " not in passive["rest"]:
            rest = passive["rest"][len(passive["verb"]) :]
            texts.append(f"you {passive['modal']} {passive['not'] or ''}{passive['verb']} {passive['subject']}{rest}")
    yield from texts
    yield from filter(None, map(_turned, texts))


def _turned(text: str) -> str:
    """The text with its fronted adverbial moved to the end; empty when it has none."""
    fronted = _FRONTED.match(text)
    if not fronted or not load_wording().adverbials.issuperset(stems(fronted["front"])[:1]):
        return ""
    # With two clauses after it, it could end up with the wrong one.
    if len(_clauses(fronted["rest"])) > 1 or BREAK in read_words(fronted["rest"]).words:
        return ""
    return f"{fronted['rest'].rstrip('.! ')} {fronted['front']}"
