import re
from dataclasses import replace
from pathlib import Path
from zipfile import ZipFile

import pytest

from backbot.errors import SuiteInvalid
from backbot.evaluation.run import METRIC_NAMES
from backbot.evaluation.spreadsheet import export_suite, import_suite
from backbot.evaluation.suite import Suite, load_suite, read_suite

EVALS = Path(__file__).parents[2] / "evals"

ODD = """
suite: "Odd: yes"
margin: 0.1
gate: {quotes: 1.0, near_miss_any_flag: max 0.05}
cases:
  - id: "1-2"
    ask: "=HYPERLINK(1)"
    also_ask: ["12:30", "no", "'quoted", "@x", "semi; colon, comma \\"quote\\""]
    expect: answer
    cite: {any_of: [a, b], never: [c]}
    must_say: ["+3|x", "- dash", "two\nlines"]
    checked_by: {editor: Ann, date: 2026-05-01, article_version: 1e5}
  - id: talk
    turns: ["één", "und 🙂"]
    expect: none
    near_miss_of: cancer
"""


def plain(suite: Suite) -> Suite:
    """Without the lines on which things stand."""
    cases = tuple(replace(case, line=0) for case in suite.cases)
    return replace(suite, cases=cases, gate=tuple(replace(limit, line=0) for limit in suite.gate))


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
@pytest.mark.parametrize("name", ["odd", "smoke", "injection", "answers-tune"])
def test_a_suite_comes_back_from_a_table_as_it_went(tmp_path: Path, ending: str, name: str):
    suite = read_suite(ODD, "odd", Path()) if name == "odd" else load_suite(EVALS / f"{name}.yaml")
    export_suite(suite, tmp_path / f"t.{ending}")
    assert plain(read_suite(import_suite(tmp_path / f"t.{ending}", METRIC_NAMES), "back", Path())) == plain(suite)


def test_no_cell_is_run_as_a_formula(tmp_path: Path):
    from openpyxl import load_workbook

    suite = read_suite(ODD, "odd", Path())
    export_suite(suite, tmp_path / "t.xlsx")
    assert "f" not in {cell.data_type for row in load_workbook(tmp_path / "t.xlsx").active for cell in row}
    export_suite(suite, tmp_path / "t.csv")
    assert "'=HYPERLINK" in (tmp_path / "t.csv").read_text("utf-8-sig")


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_what_a_spreadsheet_saves_is_read_whatever_parts_its_cells(tmp_path: Path, delimiter: str):
    rows = [["id", "ask", "expect"], ["a", "how long?", "answer"], ["", "", ""]]
    (tmp_path / "t.csv").write_text("\r\n".join(delimiter.join(row) for row in rows))
    assert "how long?" in import_suite(tmp_path / "t.csv")


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("sep=;\r\nid;ask;expect\r\na;how, long?;answer\r\n", "utf-8"),
        ('"#suite";"Mine, all of it"\r\n"id";"ask";"expect"\r\n"a";"how, long?";"answer"\r\n', "utf-8-sig"),
        ("id\task\texpect\r\na\thow, long?\tanswer\r\n", "utf-16"),
    ],
)
def test_what_excel_calls_text_and_csv_is_read(tmp_path: Path, text: str, encoding: str):
    (tmp_path / "t.csv").write_bytes(text.encode(encoding))
    assert read_suite(import_suite(tmp_path / "t.csv"), "s", Path()).cases[0].asks == (("how, long?",),)


def test_the_sheet_of_cases_is_read_wherever_it_stands_and_cells_are_as_the_editor_sees_them(tmp_path: Path):
    from datetime import time

    from openpyxl import Workbook

    book = Workbook()
    book.active.append(["notes of mine"])
    sheet = book.create_sheet("cases")
    sheet.append(["id", "ask", "must_say", "expect", "topic"])
    sheet.append([7, time(12, 30), 0.9, "answer", True])
    sheet["C2"].number_format = "0%"
    book.save(tmp_path / "t.xlsx")
    case = read_suite(import_suite(tmp_path / "t.xlsx"), "s", Path()).cases[0]
    assert (case.asks, case.must_say, case.topic) == ((("12:30",),), ("90%",), "TRUE")


def test_numbers_and_dates_of_a_workbook_become_the_text_that_was_typed(tmp_path: Path):
    from datetime import datetime

    from openpyxl import Workbook

    book = Workbook()
    for row in (["id", "ask", "must_say", "expect", "checked on"], [7, "how long", 20.0, "answer", datetime(2026, 5, 1)]):
        book.active.append(row)
    book.save(tmp_path / "t.xlsx")
    case = read_suite(import_suite(tmp_path / "t.xlsx"), "s", Path()).cases[0]
    assert (case.id, case.must_say, case.checked_by.date) == ("7", ("20",), "2026-05-01")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("id,ask,expct\na,b,answer", ["line 1", "expct", "did you mean `expect`"]),
        ("ask,expect\nb,answer", ["line 1", "`id`"]),
        ("id,ask,ask,expect\na,b,c,answer", ["line 1", "twice"]),
        ("id,ask,expect\na,b,anwser", ["line 2", "`answer`"]),
        ("id,ask,expect\na,b,answer\na,c,answer", ["line 3", "'a'"]),
        ("#suit,x\nid,ask,expect\na,b,answer", ["line 1", "#suit"]),
        ("#gate quotes,1\n#gate quotes,0.1\nid,ask,expect\na,b,answer", ["line 2", "`#gate quotes`", "first in line 1"]),
        ("#suite,x\n#suite,y\nid,ask,expect\na,b,answer", ["line 2", "`#suite`", "twice"]),
        ("#gate quots,1\nid,ask,expect\na,b,answer", ["line 1", "`quotes`"]),
        ("", ["column names"]),
        ("id,ask,expect\n", ["cases"]),
    ],
)
def test_a_slip_in_a_table_is_refused_with_its_row(tmp_path: Path, text: str, says: list[str]):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(SuiteInvalid) as caught:
        import_suite(tmp_path / "t.csv", METRIC_NAMES)
    for words in says:
        assert words in str(caught.value)


@pytest.mark.parametrize("name", ["t.csv", "t.xlsx"])
@pytest.mark.parametrize("content", [b"\x89PNG\r\n\xff\xfe", b"", b"PK\x03\x04broken"])
def test_a_file_that_is_no_table_is_refused(tmp_path: Path, name: str, content: bytes):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SuiteInvalid):
        import_suite(tmp_path / name)


def changed_workbook(file: Path, old: str, new: str) -> None:
    """The same workbook with `new` for `old` in its first sheet."""
    with ZipFile(file) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    sheet = next(name for name in parts if name.startswith("xl/worksheets/sheet"))
    assert re.search(old.encode(), parts[sheet])
    parts[sheet] = re.sub(old.encode(), new.encode(), parts[sheet])
    with ZipFile(file, "w") as book:
        for name, content in parts.items():
            book.writestr(name, content)


def test_rows_beyond_the_size_that_a_workbook_names_are_read(tmp_path: Path):
    suite = read_suite(ODD, "odd", Path())
    export_suite(suite, tmp_path / "t.xlsx")
    changed_workbook(tmp_path / "t.xlsx", '<dimension ref="[^"]*"', '<dimension ref="A1:B2"')
    assert plain(read_suite(import_suite(tmp_path / "t.xlsx", METRIC_NAMES), "back", Path())) == plain(suite)


def test_an_empty_cell_at_the_far_end_of_a_sheet_costs_nothing(tmp_path: Path):
    suite = read_suite(ODD, "odd", Path())
    export_suite(suite, tmp_path / "t.xlsx")
    changed_workbook(tmp_path / "t.xlsx", "</sheetData>", '<row r="1048576"><c r="XFD1048576"/></row></sheetData>')
    assert plain(read_suite(import_suite(tmp_path / "t.xlsx", METRIC_NAMES), "back", Path())) == plain(suite)


def test_a_workbook_with_broken_xml_is_no_workbook(tmp_path: Path):
    export_suite(read_suite(ODD, "odd", Path()), tmp_path / "t.xlsx")
    changed_workbook(tmp_path / "t.xlsx", "</sheetData>.*", "")
    with pytest.raises(SuiteInvalid, match="not a workbook"):
        import_suite(tmp_path / "t.xlsx", METRIC_NAMES)


def test_other_endings_missing_files_and_messages_of_a_held_out_file_are_refused(tmp_path: Path):
    with pytest.raises(SuiteInvalid, match=r"\.csv"):
        export_suite(read_suite(ODD, "odd", Path()), tmp_path / "t.ods")
    with pytest.raises(SuiteInvalid, match="No such file"):
        import_suite(tmp_path / "none.csv")
    with pytest.raises(SuiteInvalid, match="No such file"):
        import_suite(tmp_path / "none.xlsx")
    with pytest.raises(SuiteInvalid, match="cases_from"):
        export_suite(replace(read_suite(ODD, "odd", Path()), triage_only=True), tmp_path / "t.csv")
