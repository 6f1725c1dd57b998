"""The rules of triage as they stand in the YAML files beside this module, read once and checked.

    words.yaml      spellings, slang and the vocabularies (concepts) that everything else is written in
    contexts.yaml   what takes a symptom back: negation, the past, a question of theory, a figure of speech
    signs.yaml      what a reader can be found to say: concepts near each other
    flags.yaml      which signs together are which red flag, and what the reader is told
    contacts.yaml   whom to call, by country

Every fault raises RulesInvalid, which names file, row and the way out.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

import yaml

from backbot.errors import RulesInvalid
from backbot.records import TRIAGE_LEVELS, Contact, TriageLevel
from backbot.triage.contexts import Context
from backbot.triage.phrases import PhraseBook
from backbot.triage.reading import Reader, Spelling

ANYWHERE = "anywhere"
RULES_FOLDER = Path(__file__).parent
RULE_FILES = ("words.yaml", "contexts.yaml", "signs.yaml", "flags.yaml", "contacts.yaml")

_PATTERN_PART = re.compile(r'"([^"]+)"|([a-z0-9][a-z0-9-]*)|([+>!])|/(\d+)')
_DEFAULT_REACH = 6


@dataclass(frozen=True, slots=True)
class Pattern:
    """Concepts that make a sign when they stand near each other.

    `ordered[i]` says whether concept i must come after concept i-1; at most `reach` words lie between two neighbours.
    None of `unless` may stand within `reach` words of the match.
    """

    concepts: tuple[str, ...]
    ordered: tuple[bool, ...]
    reach: int
    unless: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sign:
    """Something a reader can be found to say. `contexts` are those that take it back."""

    name: str
    patterns: tuple[Pattern, ...]
    includes: tuple[str, ...]
    contexts: frozenset[str]


@dataclass(frozen=True, slots=True)
class Rule:
    """A level that a flag has when all of `signs` and none of `unless` are found for one person."""

    signs: tuple[str, ...]
    unless: tuple[str, ...]
    level: TriageLevel


@dataclass(frozen=True, slots=True)
class FlagRow:
    """A red flag: what raises it, and what the reader is told. `say` is for the phone."""

    id: str
    level: TriageLevel
    label: str
    sign_of: str
    advice: Mapping[TriageLevel, str]
    say: str
    is_crisis: bool
    rules: tuple[Rule, ...]
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Country:
    """Whom to call in one country; `checked` is the day on which the numbers were compared with their sources."""

    code: str
    name: str
    emergency: Contact
    advice_line: Contact | None
    crisis: Contact
    checked: str


@dataclass(frozen=True, slots=True)
class Rules:
    """All rules, ready to be used."""

    reader: Reader
    phrases: PhraseBook
    contexts: tuple[Context, ...]
    signs: Mapping[str, Sign]
    groups: Mapping[str, tuple[str, ...]]
    flags: tuple[FlagRow, ...]
    countries: Mapping[str, Country]
    texts: Mapping[str, str]
    version: str


@cache
def load_rules(folder: Path = RULES_FOLDER) -> Rules:
    """The rules in a folder, checked; kept for the life of the process. Raises RulesInvalid."""
    words, contexts, signs, flags, contacts = (_read(folder / name) for name in RULE_FILES)
    _refuse_unknown(words, {"forms", "lemmas", "numbers", "misspelt", "known", "concepts"}, "words.yaml")
    concepts = {name: split_phrases(text) for name, text in words["concepts"].items()}
    context_rows = tuple(_context(name, row, concepts) for name, row in contexts.items())
    sign_rows = {name: _sign(name, row, context_rows, concepts) for name, row in signs.items()}
    _check_concepts(sign_rows, concepts)
    _refuse_unknown(flags, {"texts", "flags"}, "flags.yaml")
    flag_rows = tuple(_flag(row, sign_rows) for row in flags["flags"])
    forms = {key: tuple(str(value).split()) for key, value in words["forms"].items()}
    spelling = Spelling(
        forms=forms,
        lemmas=_lemmas(words["lemmas"]),
        numbers=words["numbers"],
        phrase_words=_phrase_words(concepts),
        misspelt=frozenset(str(words["misspelt"]).split()),
        known=frozenset(str(words["known"]).split()),
    )
    reader = Reader(spelling)
    return Rules(
        reader=reader,
        phrases=PhraseBook(concepts, reader),
        contexts=context_rows,
        signs=sign_rows,
        groups={name: tuple(_groups(name, sign_rows)) for name in sign_rows},
        flags=flag_rows,
        countries=_countries(contacts),
        texts=flags["texts"],
        version=rules_version(folder),
    )


def rules_version(folder: Path = RULES_FOLDER) -> str:
    """The first twelve hex digits of a SHA-256 over the rule files and the classifier's settings, if there is one.

    The settings hold the hash of the classifier's weights.
    """
    digest = hashlib.sha256()
    for name in (*RULE_FILES, "classifier/settings.json"):
        if (folder / name).is_file():
            digest.update(name.encode() + b"\0" + (folder / name).read_bytes())
    return digest.hexdigest()[:12]


def split_phrases(text: str | list[str]) -> tuple[str, ...]:
    """The phrases of a comma-separated text."""
    if isinstance(text, list):
        text = ",".join(text)
    return tuple(phrase for part in text.split(",") if (phrase := " ".join(part.split())))


def _read(path: Path) -> dict[str, Any]:
    try:
        rows = yaml.load(path.read_text("utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
    except OSError as error:
        raise RulesInvalid(
            f"The rule file {path} cannot be read ({error}). Reinstall backbot or restore the file."
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise RulesInvalid(f"The rule file {path} is not valid YAML: {error}. Mend that line.") from None
    if not isinstance(rows, dict):
        raise RulesInvalid(f"The rule file {path} should hold named rows. Compare it with the one that backbot ships.")
    return rows


def _refuse_unknown(row: Mapping[str, Any], allowed: Iterable[str], where: str) -> None:
    allowed = set(allowed)
    if not isinstance(row, Mapping):
        raise RulesInvalid(f"{where}: a row of named values was expected, not {type(row).__name__}.")
    if unknown := sorted(str(key) for key in row.keys() - allowed):
        raise RulesInvalid(f"{where}: unknown key {', '.join(unknown)}. Allowed are {', '.join(sorted(allowed))}.")


def _need(row: Mapping[str, Any], keys: Iterable[str], where: str) -> None:
    if missing := [key for key in keys if not row.get(key)]:
        raise RulesInvalid(f"{where}: {', '.join(missing)} must be given.")


def _lemmas(rows: Mapping[str, str]) -> dict[str, str]:
    """From `base: forms` to `form: base`; a base is its own lemma."""
    found = {form: base for base, forms in rows.items() for form in str(forms).split()}
    return {**found, **{base: base for base in rows}}


def _phrase_words(concepts: Mapping[str, tuple[str, ...]]) -> frozenset[str]:
    """Every word of every phrase: what a word with repeated letters may be meant to be."""
    return frozenset(w for phrases in concepts.values() for phrase in phrases for w in re.findall(r"[a-z]+", phrase))


_CONTEXT_CUES = (
    "forward",
    "backward",
    "sentence",
    "earlier",
    "message",
    "looks_like",
    "ends",
    "ends_after_comma",
    "lifted_by",
)


def _context(name: str, row: Mapping[str, Any], concepts: dict[str, tuple[str, ...]]) -> Context:
    _refuse_unknown(row, (*_CONTEXT_CUES, "reach", "default"), f"contexts.yaml, {name}")
    for cue in _CONTEXT_CUES:
        if row.get(cue):
            concepts[f"{name}/{cue}"] = split_phrases(row[cue])
    return Context(name, int(row.get("reach", 8)), bool(row.get("default", True)))


def _sign(name: str, row: Any, contexts: tuple[Context, ...], concepts: dict[str, tuple[str, ...]]) -> Sign:
    where = f"signs.yaml, {name}"
    row = {"patterns": row} if isinstance(row, list) else row
    _refuse_unknown(row, ("patterns", "includes", "despite", "also"), where)
    names = {context.name for context in contexts}
    default = {context.name for context in contexts if context.is_default}
    despite, also = set(row.get("despite", ())), set(row.get("also", ()))
    if unknown := (despite | also) - names:
        raise RulesInvalid(f"{where}: unknown context {', '.join(sorted(unknown))}. Known: {', '.join(sorted(names))}.")
    patterns = tuple(_pattern(text, where, concepts) for text in row.get("patterns", ()))
    return Sign(name, patterns, tuple(row.get("includes", ())), frozenset((default - despite) | also))


def _pattern(text: str, where: str, concepts: dict[str, tuple[str, ...]]) -> Pattern:
    """A pattern such as `numb + saddle /6 !after-sport`; phrases in quotes become concepts of their own."""
    names: list[str] = []
    ordered: list[bool] = []
    unless: list[str] = []
    reach, joint, at = _DEFAULT_REACH, "", 0
    for found in _PATTERN_PART.finditer(str(text)):
        if str(text)[at : found.start()].strip():
            break
        at = found.end()
        literal, name, sign, number = found.groups()
        if literal:
            name = f"words:{literal}"
            concepts[name] = split_phrases(literal)
        if number:
            reach = int(number)
        elif sign:
            joint = sign
        elif joint == "!":
            unless.append(name)
        else:
            names.append(name)
            ordered.append(joint == ">")
    if str(text)[at:].strip() or not names:
        raise RulesInvalid(f"{where}: the pattern '{text}' cannot be read. Write it like: numb + saddle /6 !sport")
    return Pattern(tuple(names), tuple(ordered), reach, tuple(unless))


def _check_concepts(signs: Mapping[str, Sign], concepts: Mapping[str, Any]) -> None:
    for sign in signs.values():
        used = {name for pattern in sign.patterns for name in (*pattern.concepts, *pattern.unless)}
        if unknown := sorted(used - concepts.keys()):
            raise RulesInvalid(f"signs.yaml, {sign.name}: unknown concept {', '.join(unknown)}. Add it to words.yaml.")
        if unknown := sorted(set(sign.includes) - signs.keys()):
            raise RulesInvalid(f"signs.yaml, {sign.name}: includes unknown sign {', '.join(unknown)}.")


def _groups(name: str, signs: Mapping[str, Sign]) -> set[str]:
    """The signs that a sign counts as, besides itself."""
    direct = {sign.name for sign in signs.values() if name in sign.includes}
    return direct.union(*(_groups(group, signs) for group in direct))


def _flag(row: Mapping[str, Any], signs: Mapping[str, Sign]) -> FlagRow:
    where = f"flags.yaml, {row.get('id', 'a row without id')}"
    keys = ("id", "level", "label", "sign_of", "advice", "say", "rules", "sources")
    _refuse_unknown(row, (*keys, "kind"), where)
    _need(row, keys, where)
    rules: list[Rule] = []
    for level, texts in row["rules"].items():
        if level not in TRIAGE_LEVELS[1:]:
            raise RulesInvalid(f"{where}: unknown level '{level}'. Levels are {', '.join(TRIAGE_LEVELS[1:])}.")
        for text in texts:
            parts = str(text).replace("&", " ").split()
            needed = tuple(part for part in parts if not part.startswith("!"))
            unless = tuple(part[1:] for part in parts if part.startswith("!"))
            if unknown := sorted({*needed, *unless} - signs.keys()):
                raise RulesInvalid(f"{where}: unknown sign {', '.join(unknown)}. Add it to signs.yaml.")
            rules.append(Rule(needed, unless, cast(TriageLevel, level)))
    if missing := {rule.level for rule in rules} ^ row["advice"].keys():
        raise RulesInvalid(f"{where}: advice must be given for each level of the rules, no other; see {', '.join(missing)}.")
    rules.sort(key=lambda rule: -TRIAGE_LEVELS.index(rule.level))
    return FlagRow(
        id=row["id"],
        level=row["level"],
        label=_line(row["label"]),
        sign_of=_line(row["sign_of"]),
        advice={level: _line(text) for level, text in row["advice"].items()},
        say=_line(row["say"]),
        is_crisis=row.get("kind") == "crisis",
        rules=tuple(rules),
        sources=tuple(row["sources"]),
    )


def _line(text: str) -> str:
    return " ".join(str(text).split())


def _countries(rows: Mapping[str, Any]) -> dict[str, Country]:
    if ANYWHERE not in rows:
        raise RulesInvalid(f"contacts.yaml: the row '{ANYWHERE}' is missing. It stands for a country that is unknown.")
    found = {code: _country(code, row) for code, row in rows.items()}
    return found | {other: found[code] for code, row in rows.items() for other in row.get("also", ())}


def _country(code: str, row: Mapping[str, Any]) -> Country:
    where = f"contacts.yaml, {code}"
    _refuse_unknown(row, ("name", "also", "emergency", "advice_line", "crisis", "checked"), where)
    _need(row, ("name", "emergency", "crisis", "checked"), where)
    advice = row.get("advice_line")
    return Country(
        code=code,
        name=row["name"],
        emergency=_contact(row["emergency"], where),
        advice_line=_contact(advice, where) if advice else None,
        crisis=_contact(row["crisis"], where),
        checked=str(row["checked"]),
    )


def _contact(row: Mapping[str, Any], where: str) -> Contact:
    _refuse_unknown(row, ("name", "number", "url"), where)
    _need(row, ("name", "number", "url"), where)
    return Contact(str(row["name"]), str(row["number"]), str(row["url"]))
