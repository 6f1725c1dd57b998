"""A suite: the cases that an editor wrote and the gate that they must pass; read strictly, faults named by line."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, get_args

from backbot.errors import SuiteInvalid
from backbot.evaluation.strict_yaml import Node, read_yaml
from backbot.records import TriageLevel
from backbot.triage.measure import read_cases
from backbot.triage.rules import load_rules

Expect = Literal["answer", "decline", "soon", "urgent", "emergency", "none"]
"""`none`: no warning sign, whatever else is said. The other levels are triage's."""

Risk = Literal["", "low", "medium", "high"]

DEFAULT_MARGIN = 0.05

NO_SHARES = ("reading_level", "words", "ms_p50", "ms_p95")
"""The gate's metrics that may be above 1."""


@dataclass(frozen=True, slots=True)
class Checked:
    """Who checked a case against the articles, when, and which version of them (`article_version` of the report).

    `verdict` is what the editor said of one very answer, the one that has this `answer_version`.
    """

    editor: str = ""
    date: str = ""
    article_version: str = ""
    verdict: Literal["", "right", "wrong"] = ""
    answer_version: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """What a reader says and what must come back. `asks` are its wordings, each the reader's messages in order."""

    id: str
    asks: tuple[tuple[str, ...], ...]
    expect: Expect
    topic: str = ""
    risk: Risk = ""
    any_of: tuple[str, ...] = ()
    all_of: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    must_say: tuple[str, ...] = ()
    must_not_say: tuple[str, ...] = ()
    red_flag: tuple[str, ...] = ()
    near_miss_of: tuple[str, ...] = ()
    checked_by: Checked = Checked()
    line: int = 0
    voice: str = ""
    kind: str = ""
    pair: str = ""

    @property
    def level(self) -> TriageLevel:
        """The right level of triage."""
        return self.expect if self.expect in ("soon", "urgent", "emergency") else "none"

    @property
    def right_articles(self) -> tuple[str, ...]:
        """Every article that is a right source."""
        return tuple(dict.fromkeys((*self.any_of, *self.all_of)))

    @property
    def is_answerable(self) -> bool:
        """Whether the articles hold the answer and the reader should get it."""
        return self.expect == "answer" or (self.expect in ("soon", "urgent") and bool(self.right_articles))

    @property
    def is_near_miss(self) -> bool:
        """Whether nothing is wrong but it sounds as if."""
        return self.level == "none" and (bool(self.near_miss_of) or self.kind not in ("", "ordinary"))


@dataclass(frozen=True, slots=True)
class Limit:
    """One line of the gate: the metric must be at least `value`, or at most where `is_max`."""

    metric: str
    value: float
    is_max: bool = False
    line: int = 0

    def __str__(self) -> str:
        return f"{'at most' if self.is_max else 'at least'} {self.value:g}"


@dataclass(frozen=True, slots=True)
class Suite:
    """A suite as it was read. `margin`: how far below its gate the truth behind a share may still lie for a PASS."""

    name: str
    cases: tuple[Case, ...]
    gate: tuple[Limit, ...] = ()
    owner: str = ""
    review_by: str = ""
    margin: float = DEFAULT_MARGIN
    triage_only: bool = False
    file: str = field(default="", compare=False)


def load_suite(path: Path, metrics: Iterable[str] | None = None) -> Suite:
    """The suite in a YAML file; raises SuiteInvalid naming the line. `metrics` are the names that its gate may use."""
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise SuiteInvalid(
            f"The suite {path} cannot be read: {error.strerror}. Name a YAML file, such as evals/smoke.yaml."
        ) from None
    except UnicodeDecodeError:
        raise SuiteInvalid(f"The suite {path} is not a text file in UTF-8. Save it as plain text, UTF-8.") from None
    return read_suite(text, str(path), path.parent, metrics)


def read_suite(text: str, name: str, folder: Path, metrics: Iterable[str] | None = None) -> Suite:
    """The suite in `text`; `name` is what faults call it, `folder` where `cases_from` begins."""
    return build_suite(read_yaml(text, name), name, folder, metrics)


def build_suite(root: Node, name: str, folder: Path, metrics: Iterable[str] | None = None) -> Suite:
    """The suite in a document that was read; `name`, `folder` and `metrics` are as for `read_suite`."""
    values = _Reader(name).mapping(root, SUITE_KEYS, "a suite")
    if not values.get("suite"):
        raise SuiteInvalid(f"{name}, line 1: the suite has no name. Begin with `suite: a name`.")
    listed, source = values.get("cases"), values.get("cases_from")
    if bool(listed) == bool(source):
        raise SuiteInvalid(
            f"{name}: a suite has either `cases` or `cases_from`, and at least one case. See evals/README.md."
        )
    cases = _cases_from(folder / source) if source else tuple(listed or ())
    seen: dict[str, int] = {}
    for case in cases:
        if case.id in seen:
            raise SuiteInvalid(
                f"{name}, line {case.line}: the id {case.id!r} stands twice (first in line {seen[case.id]}). Change one."
            )
        seen[case.id] = case.line
    gate = values.get("gate", ())
    for limit in gate:
        known = list(metrics) if metrics is not None else [limit.metric]
        if limit.metric.startswith("flag:"):
            _check_flag(limit.metric.removeprefix("flag:"), f"{name}, line {limit.line}")
        elif limit.metric not in known:
            raise SuiteInvalid(f"{name}, line {limit.line}: " + _unknown("gate metric", limit.metric, known))
        if limit.value > 1 and limit.metric not in NO_SHARES:
            raise SuiteInvalid(
                f"{name}, line {limit.line}: the gate of `{limit.metric}` is a share from 0 to 1, and {limit.value:g} is "
                f"above it. Write {limit.value / 100:g} or {limit.value:g}% if you mean {limit.value:g} of 100."
            )
    return Suite(
        name=values["suite"],
        cases=cases,
        gate=gate,
        owner=values.get("owner", ""),
        review_by=values.get("review_by", ""),
        margin=values.get("margin", DEFAULT_MARGIN),
        triage_only=bool(source),
        file=name,
    )


class _Reader:
    """Turns nodes into values; `name` is the file that its faults call by name."""

    def __init__(self, name: str):
        self._name = name

    def fault(self, line: int, reason: str) -> SuiteInvalid:
        return SuiteInvalid(f"{self._name}, line {line}: {reason}")

    def mapping(self, node: Node, keys: "dict[str, _Read]", what: str) -> dict[str, Any]:
        """The values of `node` by key; an unknown key is refused with the nearest right one."""
        if not isinstance(node.value, dict):
            raise self.fault(node.line, f"{what} is written as `key: value` lines; the keys are {', '.join(keys)}.")
        found = {}
        for key, value in node.value.items():
            if key not in keys:
                raise self.fault(node.key_lines[key], _unknown(f"key of {what}", key, list(keys)))
            found[key] = keys[key](self, value, key)
        return found

    def text(self, node: Node, key: str) -> str:
        if not isinstance(node.value, str):
            raise self.fault(node.line, f"`{key}` is one text. Put quotes around it if it begins with [ or {{ or -.")
        return node.value.strip()

    def texts(self, node: Node, key: str) -> tuple[str, ...]:
        """A list of texts; one text alone is a list of one."""
        if isinstance(node.value, str):
            return (node.value.strip(),) if node.value.strip() else ()
        if isinstance(node.value, dict):
            raise self.fault(
                node.line, f"`{key}` is a list of texts, such as [one, two]. Put quotes around a text that holds ': '."
            )
        texts = [self.text(item, key) for item in node.value]
        for item, text in zip(node.value, texts, strict=True):
            if not text:
                raise self.fault(item.line, f"`{key}` holds an empty text. Fill it or remove it.")
        return tuple(texts)

    def day(self, node: Node, key: str) -> str:
        text = self.text(node, key)
        try:
            return date.fromisoformat(text).isoformat() if text else ""
        except ValueError:
            raise self.fault(node.line, f"`{key}` is a date, written as 2026-05-31; {text[:40]!r} is none.") from None

    def share(self, node: Node, key: str) -> float:
        text = self.text(node, key)
        try:
            value = float(text)
        except ValueError:
            value = -1
        if not 0 <= value <= 1:
            raise self.fault(node.line, f"`{key}` is a share from 0 to 1, such as 0.05; {text[:40]!r} is none.")
        return value

    def gate(self, node: Node, key: str) -> tuple[Limit, ...]:
        if not isinstance(node.value, dict):
            raise self.fault(node.line, "`gate` names metrics and what they must reach, such as {answered: 0.97}.")
        return tuple(self._limit(metric, value) for metric, value in node.value.items())

    def _limit(self, metric: str, node: Node) -> Limit:
        text = self.text(node, f"gate: {metric}")
        match = re.fullmatch(r"(max|min)?\s*(\d+(?:\.\d+)?)\s*(%?)", text)
        if not match:
            raise self.fault(
                node.line, f"the gate of `{metric}` is a number such as 0.95, or `max 0.05`; {text[:40]!r} is neither."
            )
        value = float(match[2]) / (100 if match[3] else 1)
        return Limit(metric, value, match[1] == "max", node.line)

    def checked(self, node: Node, key: str) -> Checked:
        return Checked(**self.mapping(node, CHECKED_KEYS, f"`{key}`"))

    def cite(self, node: Node, key: str) -> dict[str, tuple[str, ...]]:
        return self.mapping(node, dict.fromkeys(("any_of", "all_of", "never"), _Reader.texts), f"`{key}`")

    def cases(self, node: Node, key: str) -> tuple[Case, ...]:
        if not isinstance(node.value, list):
            raise self.fault(node.line, "`cases` is a list; each case begins with `- id:`.")
        return tuple(self.case(item) for item in node.value)

    def case(self, node: Node) -> Case:
        values = self.mapping(node, CASE_KEYS, "a case")
        identity = values.get("id") or ""
        if not identity:
            raise self.fault(node.line, "this case has no `id`. Give it a short name of its own, such as heat-how-long.")
        if not re.fullmatch(r"[\w.:-]{1,120}", identity):
            raise self.fault(
                node.line, f"the id {identity[:60]!r} cannot be used. Write letters, digits, '-', '_', '.', no spaces."
            )
        ask, turns = values.pop("ask", ""), values.pop("turns", ())
        if bool(ask) == bool(turns):
            raise self.fault(
                node.line, f"case {identity}: give `ask` (one message) or `turns` (a conversation), one of them."
            )
        if not values.get("expect"):
            raise self.fault(node.line, f"case {identity}: `expect` is missing; {_one_of(get_args(Expect))}.")
        first = turns or (ask,)
        asks = (first, *((*first[:-1], other) for other in values.pop("also_ask", ())))
        cite = values.pop("cite", {})
        case = Case(asks=asks, line=node.line, **cite, **values)
        self._check_sense(case)
        return case

    def _check_sense(self, case: Case) -> None:
        """Refuse what can never come out right, so that a slip is not taken for a fault of backbot."""
        for flag in (*case.red_flag, *case.near_miss_of):
            _check_flag(flag, f"{self._name}, line {case.line}: case {case.id}")
        for fact in (*case.must_say, *case.must_not_say):
            if not all(words.strip() for words in fact.split("|")):
                raise self.fault(
                    case.line, f"case {case.id}: {fact[:60]!r} has nothing on one side of a `|`. Fill it or remove the `|`."
                )
        if said := set(case.must_say) & set(case.must_not_say):
            raise self.fault(
                case.line, f"case {case.id}: {min(said)[:60]!r} is under `must_say` and `must_not_say`. Keep one."
            )
        both = set(case.never) & set(case.right_articles)
        if both:
            raise self.fault(
                case.line, f"case {case.id}: {', '.join(sorted(both))} is both wanted and under `never`. Keep one."
            )
        if case.expect == "decline" and (case.right_articles or case.must_say):
            raise self.fault(case.line, f"case {case.id}: it expects decline, so it can neither `cite` nor have `must_say`.")
        if case.red_flag and case.level == "none":
            raise self.fault(case.line, f"case {case.id}: it has a `red_flag`, so `expect` is soon, urgent or emergency.")
        if case.near_miss_of and case.level != "none":
            raise self.fault(
                case.line, f"case {case.id}: a near miss raises no flag, so `expect` is answer, decline or none."
            )


_Read = Callable[[_Reader, Node, str], Any]


def _choice(*allowed: str) -> _Read:
    def read(reader: _Reader, node: Node, key: str) -> str:
        text = reader.text(node, key)
        if text not in allowed:
            near = get_close_matches(text.lower(), allowed, n=1, cutoff=0.5)
            hint = f"Did you mean `{near[0]}`?" if near and near[0] else f"It is {_one_of(allowed)}."
            raise reader.fault(node.line, f"`{key}: {text[:40]}` is not known. {hint}")
        return text

    return read


CASE_KEYS: dict[str, _Read] = {
    "id": _Reader.text,
    "ask": _Reader.text,
    "also_ask": _Reader.texts,
    "turns": _Reader.texts,
    "topic": _Reader.text,
    "risk": _choice("", "low", "medium", "high"),
    "expect": _choice(*get_args(Expect)),
    "cite": _Reader.cite,
    "must_say": _Reader.texts,
    "must_not_say": _Reader.texts,
    "red_flag": _Reader.texts,
    "near_miss_of": _Reader.texts,
    "checked_by": _Reader.checked,
    "voice": _Reader.text,
    "kind": _Reader.text,
    "pair": _Reader.text,
}
"""Every key of a case, with what reads it."""

CHECKED_KEYS: dict[str, _Read] = {
    "editor": _Reader.text,
    "date": _Reader.day,
    "article_version": _Reader.text,
    "verdict": _choice("", "right", "wrong"),
    "answer_version": _Reader.text,
}
"""Every key of `checked_by`, with what reads it."""

SUITE_KEYS: dict[str, _Read] = {
    "suite": _Reader.text,
    "owner": _Reader.text,
    "review_by": _Reader.day,
    "margin": _Reader.share,
    "gate": _Reader.gate,
    "cases_from": _Reader.text,
    "cases": _Reader.cases,
}
"""Every key of a suite, with what reads it."""


def _cases_from(path: Path) -> tuple[Case, ...]:
    """Triage messages of a JSON Lines file as cases."""
    return tuple(
        Case(
            id=row.id,
            asks=(row.turns,),
            expect=row.level,
            red_flag=row.flags,
            voice=row.voice,
            kind=row.kind,
            pair=row.pair,
            topic=row.kind,
        )
        for row in read_cases(path)
    )


def _check_flag(flag: str, where: str) -> None:
    known = [row.id for row in load_rules().flags]
    if flag not in known:
        raise SuiteInvalid(f"{where}: " + _unknown("warning sign", flag, known))


def _unknown(what: str, word: str, known: list[str]) -> str:
    near = get_close_matches(word.lower(), known, n=1, cutoff=0.5)
    hint = f"Did you mean `{near[0]}`?" if near else f"The known ones are {', '.join(known)}."
    return f"`{word[:40]}` is no {what}. {hint}"


def _one_of(words: Iterable[str]) -> str:
    *most, last = [word for word in words if word]
    return f"{', '.join(most)} or {last}"
