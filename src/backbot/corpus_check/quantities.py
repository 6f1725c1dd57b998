"""Numbers with units in a sentence -> intervals in one unit for each dimension, so that "40 °C" and "104 °F" agree."""

import re
from dataclasses import dataclass
from math import inf

# Each row: the dimension, the words for a unit, and how one of it is counted in the dimension's own unit.
_UNITS: tuple[tuple[str, str, float], ...] = (
    ("minutes", r"seconds?|secs?", 1 / 60),
    ("minutes", r"minutes?|mins?", 1),
    ("minutes", r"hours?|hrs?", 60),
    ("minutes", r"days?", 60 * 24),
    ("minutes", r"weeks?|wks?", 60 * 24 * 7),
    ("minutes", r"months?", 60 * 24 * 30.4),
    ("minutes", r"years?|yrs?", 60 * 24 * 365),
    ("metres", r"mm|millimet(?:re|er)s?", 0.001),
    ("metres", r"cm|centimet(?:re|er)s?", 0.01),
    ("metres", r"inch(?:es)?", 0.0254),
    ("metres", r"(?<!two[\s-])feet|(?<!one[\s-])foot", 0.3048),  # "one foot" and "two feet" are what a reader stands on
    ("metres", r"km|kilomet(?:re|er)s?", 1000),
    ("metres", r"miles?", 1609),
    ("metres", r"met(?:re|er)s?", 1),
    ("grams", r"mcg|µg|micrograms?", 1e-6),
    ("grams", r"mg|milligrams?", 1e-3),
    ("grams", r"kg|kilograms?|kilos?", 1000),
    ("grams", r"lbs?|pounds?", 453.6),
    ("grams", r"g|grams?", 1),
    ("units", r"IU|international units", 1),
    ("percent", r"%|percent|per cent", 1),
    ("out of", r"(?:in|out of) (?:every )?\d+(?:,\d{3})*", 1),
    ("times a day", r"times (?:a|per|each|every) day|times daily", 1),
    ("times a week", r"times (?:a|per|each|every) week|times weekly", 1),
    ("repetitions", r"repetitions?|reps|times", 1),
    ("sets", r"sets?", 1),
    ("degrees", r"°\s?C|degrees? (?:C|Celsius)|°\s?F|degrees? (?:F|Fahrenheit)", 1),
    ("angle", r"°|degrees?", 1),
)
_WORDS = {
    **{word: float(n) for n, word in enumerate("zero one two three four five six seven eight nine".split())},  # noqa: SIM905
    "ten": 10.0, "eleven": 11.0, "twelve": 12.0, "fifteen": 15.0, "twenty": 20.0, "thirty": 30.0, "forty": 40.0,
    "fifty": 50.0, "sixty": 60.0, "ninety": 90.0, "once": 1.0, "twice": 2.0,
}  # fmt: skip
_AT_LEAST = ("at least", "more than", "over", "above", "from", "longer than")
_AT_MOST = ("up to", "no more than", "less than", "under", "below", "within", "at most", "fewer than")
_NUMBER = rf"(?:\d+(?:,\d{{3}})*(?:\.\d+)?|{'|'.join(_WORDS)})"
_QUANTITY = re.compile(
    rf"(?P<before>\b(?:{'|'.join((*_AT_LEAST, *_AT_MOST))}) )?"
    rf"(?<![\w.])(?P<low>{_NUMBER})(?:\s?(?:to|-|–|or|and)\s?(?P<high>{_NUMBER}))?[\s-]?"
    rf"(?P<unit>{'|'.join(f'(?:{words})' for _, words, _ in _UNITS)})(?!\w)(?P<after> or (?:more|longer|less|fewer)\b)?",
    re.I,
)
_TOLERANCE = 0.06


@dataclass(frozen=True, slots=True)
class Quantity:
    """From `low` to `high` in the unit that names the dimension ("minutes", "degrees" of Celsius)."""

    dimension: str
    low: float
    high: float

    def agrees(self, other: "Quantity") -> bool:
        """Whether both can be said of one thing, rounding allowed for. Two limits of one kind must be the same limit."""
        if self.high == other.high == inf:
            return _near(self.low, other.low)
        if self.low == other.low == 0:
            return _near(self.high, other.high)
        slack = _TOLERANCE * min(self.high, other.high)
        return self.low <= other.high + slack and other.low <= self.high + slack


def read_quantities(sentence: str) -> list[Quantity]:
    """The quantities of a sentence, in order."""
    found = []
    for match in _QUANTITY.finditer(sentence):
        dimension, factor = _unit(match["unit"])
        low = _number(match["low"])
        high = _number(match["high"]) if match["high"] else low
        low, high = min(low, high), max(low, high)
        if dimension == "out of":
            whole = _number(re.sub(r"\D*", "", match["unit"], count=1).strip())
            dimension, factor = "percent", 100 / whole if whole else 1.0
        if dimension == "degrees" and re.search(r"F", match["unit"]):
            low, high = (low - 32) / 1.8, (high - 32) / 1.8
        low, high = low * factor, high * factor
        before, after = (match["before"] or "").strip().lower(), (match["after"] or "").lower()
        if before in _AT_LEAST or after.endswith(("more", "longer")):
            high = inf
        elif before in _AT_MOST or after.endswith(("less", "fewer")):
            low = 0.0
        found.append(Quantity(dimension, low, high))
    return found


def without_quantities(sentence: str) -> str:
    """The sentence with each quantity taken out."""
    return " ".join(_QUANTITY.sub(" ", sentence).split())


def disagree(one: list[Quantity], other: list[Quantity]) -> bool:
    """Whether two sentences give quantities of one dimension, and none of the one's agrees with any of the other's."""
    for dimension in {quantity.dimension for quantity in one} & {quantity.dimension for quantity in other}:
        ours = [quantity for quantity in one if quantity.dimension == dimension]
        theirs = [quantity for quantity in other if quantity.dimension == dimension]
        if not any(a.agrees(b) for a in ours for b in theirs):
            return True
    return False


def _near(one: float, other: float) -> bool:
    return abs(one - other) <= _TOLERANCE * max(abs(one), abs(other))


def _number(text: str) -> float:
    return _WORDS[text.lower()] if text.lower() in _WORDS else float(text.replace(",", ""))


def _unit(text: str) -> tuple[str, float]:
    for dimension, words, factor in _UNITS:
        if re.fullmatch(words, text, re.I):
            return dimension, factor
    raise AssertionError(f"the pattern of quantities knows a unit that no row does: {text!r}")
