"""Ways to turn an article's sentence into a false one: each yields sentences that the article does not support."""

import re
from collections.abc import Iterator

OPPOSITES = (
    ("more", "less"),
    ("more", "fewer"),
    ("better", "worse"),
    ("increase", "reduce"),
    ("raise", "lower"),
    ("heat", "cold"),
    ("warm", "cold"),
    ("hot", "cold"),
    ("before", "after"),
    ("left", "right"),
    ("always", "never"),
    ("high", "low"),
    ("upper", "lower"),
    ("front", "back"),
    ("safe", "dangerous"),
    ("strong", "weak"),
    ("start", "stop"),
    ("with", "without"),
    ("above", "below"),
    ("acute", "chronic"),
    ("first", "last"),
    ("firm", "soft"),
    ("long", "short"),
    ("on", "off"),
    ("ibuprofen", "paracetamol"),
    ("disc", "muscle"),
    ("neck", "knee"),
    ("men", "women"),
    ("children", "adults"),
    ("most", "few"),
    ("some", "all"),
    ("many", "all"),
    ("often", "always"),
    ("sometimes", "always"),
    ("may", "will"),
    ("can", "will"),
    ("can", "cannot"),
    ("might", "must"),
    ("should", "must"),
    ("minutes", "hours"),
    ("hours", "days"),
    ("days", "weeks"),
    ("weeks", "months"),
    ("months", "years"),
    ("mg", "g"),
    ("at least", "at most"),
    ("up to", "at least"),
    ("or", "and"),
    ("if", "even if"),
    ("unless", "if"),
    ("until", "after"),
    ("within", "after"),
    ("every", "no"),
)
HEDGES = (
    "may", "might", "can", "often", "usually", "sometimes", "some", "many", "most", "about", "mild", "small",
    "mainly", "only", "not", "never", "no", "rarely", "probably", "up to", "at least", "less", "fewer", "almost",
    "fresh", "new", "gentle", "few", "chronic", "acute", "short-term", "long-term", "severe", "within", "before",
    "after", "without", "until", "too", "at most",
)  # fmt: skip
EXTRAS = (
    "and cures sciatica", "in children", "for 3 weeks", "during pregnancy", "every day", "and avoids surgery",
    "like ibuprofen", "without any risk", "twice", "says Dr Smith", "for most people", "in all cases",
    "and is proven", "on the left side",
)  # fmt: skip
CONDITION = re.compile(
    r"[ ,]+(?:if|unless|when|until|while|except|before|after|within|during|without|for|but)\b[^.;:]*", re.I
)


def lies_about(sentence: str) -> Iterator[tuple[str, str]]:
    """(kind, false sentence) for everything that can be turned round in the sentence."""
    for one, other in OPPOSITES:
        for here, there in ((one, other), (other, one)):
            yield f"{here} -> {there}", re.sub(rf"\b{here}\b", there, sentence, count=1, flags=re.I)
    for hedge in HEDGES:
        yield f"without {hedge}", re.sub(rf"\b{hedge}\b ?", "", sentence, count=1, flags=re.I)
    for number in re.finditer(r"\d+", sentence):
        for wrong in (str(int(number[0]) + 1), number[0] + "0"):
            yield "another number", sentence[: number.start()] + wrong + sentence[number.end() :]
    yield "with not", re.sub(r"\b(is|are|can|may|should|does|do|has|have|helps?|use)\b", r"\1 not", sentence, count=1)
    for condition in CONDITION.finditer(sentence):
        yield "without the condition", sentence[: condition.start()] + sentence[condition.end() :]
    yield "sides of than swapped", re.sub(r"^(\w{4,})(.* than )((?!\1)\w{4,})", r"\3\2\1", sentence, flags=re.I)
    for extra in EXTRAS:
        yield "extra claim", f"{sentence.rstrip('.')} {extra}."
    words = sentence.rstrip(".").split()
    for n in range(0, len(words) - 3, 2):
        if min(len(words[n]), len(words[n + 3])) < 6 or words[n].lower().rstrip(",") == words[n + 3].lower().rstrip(","):
            continue
        swapped = words.copy()
        swapped[n], swapped[n + 3] = swapped[n + 3], swapped[n]
        yield "two words swapped", " ".join(swapped) + "."
    for n, word in enumerate(words):
        if len(word) > 4:
            yield "another word", " ".join([*words[:n], "elephants", *words[n + 1 :]]) + "."
