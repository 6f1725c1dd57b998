"""A suite as a table, for editors who would rather write cases in a spreadsheet: CSV and XLSX, there and back.

One row is one case, one column one key. Where a key holds several texts they stand in one cell, a line each. The suite's
own keys stand in rows above the cases: `#suite` in the first column, its value in the second; `#gate quotes`, `1.0`.
"""

import codecs
import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import date, datetime, time
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml

from backbot.errors import SuiteInvalid
from backbot.evaluation.strict_yaml import Node
from backbot.evaluation.suite import DEFAULT_MARGIN, SUITE_KEYS, Case, Limit, Suite, build_suite

COLUMNS: dict[str, tuple[str, ...]] = {
    "id": ("id",),
    "ask": ("ask",),
    "also_ask": ("also_ask",),
    "turns": ("turns",),
    "topic": ("topic",),
    "risk": ("risk",),
    "expect": ("expect",),
    "cite any_of": ("cite", "any_of"),
    "cite all_of": ("cite", "all_of"),
    "cite never": ("cite", "never"),
    "must_say": ("must_say",),
    "must_not_say": ("must_not_say",),
    "red_flag": ("red_flag",),
    "near_miss_of": ("near_miss_of",),
    "voice": ("voice",),
    "kind": ("kind",),
    "pair": ("pair",),
    "checked by": ("checked_by", "editor"),
    "checked on": ("checked_by", "date"),
    "article_version": ("checked_by", "article_version"),
    "verdict": ("checked_by", "verdict"),
    "answer_version": ("checked_by", "answer_version"),
}
"""Where in a case each column stands."""

_LISTS = {"also_ask", "turns", "any_of", "all_of", "never", "must_say", "must_not_say", "red_flag", "near_miss_of"}
_FORMULAS = ("=", "+", "-", "@", "\t", "'")
_MOST_ROWS = 20_000
_LINE_END = "↵"
"""Stands for the end of a line inside one of several texts of a cell."""


def export_suite(suite: Suite, file: Path) -> None:
    """Write the suite to a .csv or .xlsx file; raises SuiteInvalid."""
    if suite.triage_only:
        raise SuiteInvalid(f"The cases of {suite.file} stand in a file of their own (`cases_from`): edit that one.")
    rows = _rows(suite)
    try:
        if file.suffix.lower() == ".xlsx":
            _write_xlsx(rows, file)
        elif file.suffix.lower() == ".csv":
            out = io.StringIO()
            csv.writer(out).writerows([[_disarm(cell) for cell in row] for row in rows])
            # Excel takes a CSV without this mark for one in the machine's old code page.
            file.write_text(out.getvalue(), encoding="utf-8-sig", newline="")
        else:
            raise SuiteInvalid(f"{file} is neither .csv nor .xlsx. Name a file that ends in one of them.")
    except OSError as error:
        raise SuiteInvalid(f"{file} cannot be written: {error.strerror}. Name another file.") from None


def import_suite(file: Path, metrics: Iterable[str] | None = None) -> str:
    """The YAML of the suite in a .csv or .xlsx file; raises SuiteInvalid naming the row (1 is the first)."""
    rows = _read_xlsx(file) if file.suffix.lower() == ".xlsx" else _read_csv(file)
    return suite_to_yaml(build_suite(_document(rows, str(file)), str(file), file.parent, metrics))


def suite_to_yaml(suite: Suite) -> str:
    """The suite as an editor would write it; reading it gives an equal suite."""
    values: dict[str, Any] = {"suite": suite.name, "owner": suite.owner, "review_by": suite.review_by}
    if suite.margin != DEFAULT_MARGIN:
        values["margin"] = suite.margin
    values["gate"] = {limit.metric: _limit(limit) for limit in suite.gate}
    values["cases"] = [case_values(case) for case in suite.cases]
    return to_yaml({key: value for key, value in values.items() if value})


def to_yaml(values: Any) -> str:
    """YAML in the form of the suites: keys in their order, texts that could be misread in quotes."""
    return yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=120)


def case_values(case: Case) -> dict[str, Any]:
    """The case's keys as a suite has them, empty ones left out."""
    first, others = case.asks[0], [wording[-1] for wording in case.asks[1:]]
    values: dict[str, Any] = {"id": case.id}
    values |= {"ask": first[0]} if len(first) == 1 else {"turns": list(first)}
    values |= {
        "also_ask": others,
        "topic": case.topic,
        "risk": case.risk,
        "expect": case.expect,
        "cite": _filled({"any_of": list(case.any_of), "all_of": list(case.all_of), "never": list(case.never)}),
        "must_say": list(case.must_say),
        "must_not_say": list(case.must_not_say),
        "red_flag": list(case.red_flag),
        "near_miss_of": list(case.near_miss_of),
        "voice": case.voice,
        "kind": case.kind,
        "pair": case.pair,
        "checked_by": _filled(asdict(case.checked_by)),
    }
    return _filled(values)


def _filled(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value}


def _limit(limit: Limit) -> str | float:
    return f"max {limit.value:g}" if limit.is_max else limit.value


def _rows(suite: Suite) -> list[list[str]]:
    head = {"suite": suite.name, "owner": suite.owner, "review_by": suite.review_by, "margin": f"{suite.margin:g}"}
    rows = [[f"#{key}", value] for key, value in head.items()]
    rows += [[f"#gate {limit.metric}", str(_limit(limit))] for limit in suite.gate]
    rows.append(list(COLUMNS))
    for case in suite.cases:
        values = case_values(case)
        rows.append([_cell(values, path) for path in COLUMNS.values()])
    return rows


def _cell(values: dict[str, Any], path: tuple[str, ...]) -> str:
    value: Any = values
    for key in path:
        value = value.get(key, "")
        if not value:
            return ""
    return "\n".join(text.replace("\n", _LINE_END) for text in value) if isinstance(value, list) else str(value)


def _disarm(cell: str) -> str:
    """A cell that a spreadsheet would run as a formula, with the mark that makes it text; `_arm` takes it off."""
    return f"'{cell}" if cell.startswith(_FORMULAS) else cell


def _arm(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULAS) else cell


def _write_xlsx(rows: Sequence[Sequence[str]], file: Path) -> None:
    from openpyxl import Workbook
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    book = Workbook()
    sheet = book.active
    sheet.title = "cases"
    for number, row in enumerate(rows, 1):
        for column, text in enumerate(row, 1):
            cell = sheet.cell(number, column)
            # A text stays a text: 12:30 no time, 1-2 no date, =1+1 no formula.
            cell.value = ILLEGAL_CHARACTERS_RE.sub("", text)
            cell.data_type = "s"
            cell.number_format = "@"
    book.save(file)


def _read_xlsx(file: Path) -> list[list[str]]:
    from zipfile import BadZipFile

    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = load_workbook(file, read_only=True, data_only=True)
        sheet = book["cases"] if "cases" in book.sheetnames else book.worksheets[0]
        # The size that the file names may be an old one, which would hide the rows after it.
        sheet.reset_dimensions()
        rows: list[list[str]] = []
        for row in sheet.iter_rows():
            # A formatted cell far below makes a million empty rows.
            if len(rows) < _MOST_ROWS or any(cell.value for cell in row):
                rows.append([_as_text(cell.value, cell.number_format) for cell in row])
            if len(rows) > _MOST_ROWS:
                break
        return _few(rows, file)
    except OSError as error:
        raise SuiteInvalid(f"{file} cannot be read: {error.strerror or error}. Name a .csv or .xlsx file.") from None
    # A syntax error: of the XML inside.
    except (InvalidFileException, BadZipFile, KeyError, ValueError, IndexError, SyntaxError):
        raise SuiteInvalid(f"{file} is not a workbook. Save it from the spreadsheet as .xlsx, or as .csv.") from None


def _as_text(value: object, number_format: str | None) -> str:
    """What the editor sees, though the spreadsheet may have made a number, a date or a time of it."""
    text = "" if value is None else str(value)
    match value:
        case bool():
            text = text.upper()
        case datetime() if value.hour or value.minute:
            text = f"{value:%Y-%m-%d %H:%M}"
        case date():
            text = f"{value:%Y-%m-%d}"
        case time():
            text = f"{value:%H:%M}"
        case int() | float() if "%" in (number_format or ""):
            text = f"{100 * value:g}%"
        case float() if value.is_integer():
            text = str(int(value))
    return text


def _read_csv(file: Path) -> list[list[str]]:
    try:
        data = file.read_bytes()
        text = data.decode("utf-16" if data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8-sig")
        # Excel's own way to name the delimiter.
        text = re.sub(r"\A\"?sep=.\"?\r?\n", "", text)
        first = next((line for line in text.splitlines() if line.startswith(("id", '"id"'))), "")
        # Where the comma is the decimal sign, spreadsheets part the cells by semicolons.
        delimiter = max(",;\t", key=first.count)
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        return _few([[_arm(cell) for cell in row] for row in rows], file)
    except OSError as error:
        raise SuiteInvalid(f"{file} cannot be read: {error.strerror}. Name a .csv or .xlsx file.") from None
    except (UnicodeDecodeError, csv.Error):
        raise SuiteInvalid(f"{file} is not a table in UTF-8. Save it as “CSV UTF-8”, or as .xlsx.") from None


def _few(rows: list[list[str]], file: Path) -> list[list[str]]:
    if len(rows) > _MOST_ROWS:
        raise SuiteInvalid(f"{file} has more than {_MOST_ROWS:,} rows. Split it into several suites.")
    return rows


def _document(rows: Sequence[Sequence[str]], name: str) -> Node:
    """The rows as the document that a suite's YAML would be, each value with its row as its line."""
    root: dict[str, Node] = {}
    lines: dict[str, int] = {}
    gate: dict[str, Node] = {}
    gate_lines: dict[str, int] = {}
    cases: list[Node] = []
    columns: list[str] = []
    for number, row in enumerate(rows, 1):
        cells = [cell.strip() for cell in row]
        if not any(cells):
            continue
        key = cells[0].removeprefix("#")
        if cells[0].startswith("#gate "):
            metric = key.removeprefix("gate ").strip()
            _check_once(cells[0], gate_lines.get(metric), name, number)
            gate[metric], gate_lines[metric] = Node(number, (*cells, "", "")[1], {}), number
        elif cells[0].startswith("#"):
            if key not in SUITE_KEYS:
                raise SuiteInvalid(
                    f"{name}, line {number}: #{key[:40]} is not known; write #suite, #owner, #review_by, #gate NAME."
                )
            _check_once(cells[0], lines.get(key), name, number)
            root[key], lines[key] = Node(number, (*cells, "", "")[1], {}), number
        elif not columns:
            columns = _check_columns(cells, name, number)
        else:
            cases.append(_case_node(dict(zip(columns, cells, strict=False)), number))
    if not columns:
        raise SuiteInvalid(
            f"{name}: there is no row of column names. It begins with `id`, then {', '.join(list(COLUMNS)[1:5])} ..."
        )
    root.setdefault("suite", Node(1, Path(name).stem, {}))
    root |= {"cases": Node(1, cases, {})} | ({"gate": Node(1, gate, gate_lines)} if gate else {})
    return Node(1, root, lines | {"cases": 1, "suite": 1, "gate": 1})


def _check_once(key: str, first: int | None, name: str, number: int) -> None:
    if first:
        raise SuiteInvalid(f"{name}, line {number}: `{key}` stands twice (first in line {first}). Keep one.")


def _check_columns(cells: Sequence[str], name: str, number: int) -> list[str]:
    unknown = [cell for cell in cells if cell and cell not in COLUMNS]
    if unknown or "id" not in cells:
        near = get_close_matches(unknown[0].lower(), COLUMNS, n=1) if unknown else []
        hint = f" (did you mean `{near[0]}`?)" if near else ""
        what = f"the column {unknown[0][:40]!r} is not known{hint}" if unknown else "the column `id` is missing"
        raise SuiteInvalid(f"{name}, line {number}: {what}; the columns are {', '.join(COLUMNS)}.")
    if len({cell for cell in cells if cell}) < sum(map(bool, cells)):
        raise SuiteInvalid(f"{name}, line {number}: a column stands twice. Keep one.")
    return list(cells)


def _case_node(cells: dict[str, str], number: int) -> Node:
    values: dict[str, Node] = {}
    for column, text in cells.items():
        if not (column and text):
            continue
        path = COLUMNS[column]
        inside = values
        for key in path[:-1]:
            value = inside.setdefault(key, Node(number, {}, {})).value
            assert isinstance(value, dict)
            inside = value
        listed = [Node(number, line.strip().replace(_LINE_END, "\n"), {}) for line in text.splitlines() if line.strip()]
        inside[path[-1]] = Node(number, listed if path[-1] in _LISTS else text, {})
    for node in values.values():
        if isinstance(node.value, dict):
            node.key_lines.update(dict.fromkeys(node.value, number))
    return Node(number, values, dict.fromkeys(values, number))
