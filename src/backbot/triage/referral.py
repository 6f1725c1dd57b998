"""What the reader is told: flags and a country become advice in plain words, with whom to call."""

from collections.abc import Sequence

from backbot.records import TRIAGE_LEVELS, Contact, Flag, Triage, TriageLevel
from backbot.triage.rules import Country, FlagRow, Rules

_MOST_SIGNS_NAMED = 3
_UNKNOWN_EMERGENCY = Contact("Emergency services", "112 or your local emergency number", "https://en.wikipedia.org/wiki/List_of_emergency_telephone_numbers")


def refer(flags: Sequence[Flag], country: str, rules: Rules) -> Triage:
    """The triage of these flags, the most urgent first; a crisis flag stands alone in what is said."""
    if not flags:
        return Triage()
    level = max((flag.level for flag in flags), key=TRIAGE_LEVELS.index)
    rows = {row.id: row for row in rules.flags}
    crisis = next((flag for flag in flags if rows[flag.id].is_crisis), None)
    if crisis is not None:
        ordered = (crisis, *(flag for flag in flags if flag is not crisis))
        advice = _fill(rows[crisis.id].advice[crisis.level], country, rules)
        return Triage(level, ordered, advice, contacts(level, country, rules, crisis_first=True))
    return Triage(level, tuple(flags), _advice(flags, level, rows, country, rules), contacts(level, country, rules))


def refer_unchecked(country: str, rules: Rules) -> Triage:
    """What is said when triage itself failed: it could not be told how serious the message is."""
    flag = Flag("triage-failed", "The message could not be checked", "urgent", "", 0)
    return Triage("urgent", (flag,), _fill(rules.texts["failed"], country, rules), contacts("emergency", country, rules))


def contacts(level: TriageLevel, country: str, rules: Rules, crisis_first: bool = False) -> tuple[Contact, ...]:
    """Whom to call at a level, the first to call first; nobody at `none`."""
    place = find_country(country, rules)
    emergency = place.emergency if place else _unknown(rules).emergency
    advice_line = place.advice_line if place else None
    crisis = place.crisis if place else _unknown(rules).crisis
    if level == "none":
        return ()
    if crisis_first:
        return (crisis, emergency)
    lines = (emergency, advice_line) if level == "emergency" else (advice_line, emergency)
    return tuple(line for line in lines if line is not None)
