"""What the reader is told: flags and a country become advice in plain words, with whom to call."""

from collections.abc import Mapping, Sequence

from backbot.records import TRIAGE_LEVELS, Contact, Flag, Triage, TriageLevel
from backbot.triage.rules import ANYWHERE, Country, FlagRow, Rules

_MOST_FLAGS_EXPLAINED = 3

UNCHECKED = """\
We could not check this message safely, so please do not rely on this chat to tell whether it is serious.

Get emergency help now if any of these is true: numbness around the bottom, genitals or inner thighs; trouble starting, \
stopping or feeling when you pee; loss of bowel control; weakness or numbness in both legs; pain after a crash or a bad \
fall; chest pain or trouble breathing; fever with back pain and feeling very ill; or thoughts of ending your life.

Call {emergency}. In a crisis, or if you might hurt yourself, you can also reach: {crisis}."""
"""What is said when triage itself failed. It stands here, not in a rule file, because reading those may be what failed."""

_ANYWHERE = (
    Contact("Emergency services", "your local emergency number (112 works in many countries)", "https://www.itu.int/"),
    Contact("A crisis line near you", "find the number at findahelpline.com", "https://findahelpline.com/"),
)


def refer(flags: Sequence[Flag], country: str, rules: Rules) -> Triage:
    """The triage of these flags (the most urgent first). A crisis flag comes before all others and is all that is said."""
    if not flags:
        return Triage()
    rows = {row.id: row for row in rules.flags}
    crises = {row.id for row in rules.flags if row.is_crisis}
    ordered = tuple(sorted(flags, key=lambda flag: (flag.id not in crises, -TRIAGE_LEVELS.index(flag.level))))
    level = max((flag.level for flag in ordered), key=TRIAGE_LEVELS.index)
    place = find_country(country, rules)
    if ordered[0].id in crises:
        advice = rows[ordered[0].id].advice[ordered[0].level].format_map(_names(place))
        return Triage(level, ordered, advice, (place.crisis, place.emergency))
    return Triage(level, ordered, _advice(ordered, level, rows, place, rules.texts), _contacts(level, place))


def refer_unchecked(country: str, rules: Rules | None) -> Triage:
    """What is said when triage failed: nobody knows how serious the message is. `rules` is None if they cannot be read."""
    emergency, crisis = _ANYWHERE
    if rules is not None:
        place = find_country(country, rules)
        emergency, crisis = place.emergency, place.crisis
    flag = Flag("triage-failed", "The message could not be checked", "urgent", "", 0)
    advice = UNCHECKED.format(emergency=emergency.number, crisis=f"{crisis.name}, {crisis.number}")
    return Triage("urgent", (flag,), advice, (emergency, crisis))


def find_country(code: str, rules: Rules) -> Country:
    """The row of a country by its two letters, in any case; the row for anywhere when it is not known."""
    return rules.countries.get(code.strip().upper(), rules.countries[ANYWHERE])


def _advice(
    flags: Sequence[Flag], level: TriageLevel, rows: Mapping[str, FlagRow], place: Country, texts: Mapping[str, str]
) -> str:
    """Paragraphs: what to do, what it can be a sign of and what to do meanwhile, what to say, when not to wait."""
    names = _names(place)
    line = place.advice_line
    whom = texts["advice_line"].format(name=line.name, number=line.number) if line else texts["no_advice_line"]
    paragraphs = [texts[level].format(advice_line=whom, **names)]
    told = [flag for flag in flags if flag.level == level and flag.id in rows][:_MOST_FLAGS_EXPLAINED]
    for flag in told:
        row = rows[flag.id]
        paragraphs.append(f"{texts['sign'].format(sign_of=row.sign_of)} {row.advice[level].format_map(names)}")
    if told:
        paragraphs.append(texts["say"].format(say=rows[told[0].id].say))
    if level != "emergency":
        paragraphs.append(texts["worse"].format_map(names))
    paragraphs.append(texts["unsure"])
    return "\n\n".join(paragraphs)


def _contacts(level: TriageLevel, place: Country) -> tuple[Contact, ...]:
    lines = (place.emergency, place.advice_line) if level == "emergency" else (place.advice_line, place.emergency)
    return tuple(line for line in lines if line is not None)


def _names(place: Country) -> dict[str, str]:
    return {"emergency": place.emergency.number, "crisis": f"{place.crisis.name}, {place.crisis.number}"}
