import json
from pathlib import Path

import pytest

from backbot.errors import SuiteInvalid
from backbot.records import Flag, Triage
from backbot.triage import negex, rules_version
from backbot.triage.measure import Case, headline, judge, main, read_cases, wilson
from backbot.triage.report import write_report
from backbot.triage.review import reviewed_by
from backbot.triage.rules import load_rules

ROW = {"id": "a", "turns": ["I can't pee"], "level": "emergency", "flags": ["cauda-equina"], "voice": "uk", "kind": "flag"}


@pytest.mark.parametrize(
    ("hits", "total", "low", "high"),
    [(0, 0, 0.0, 1.0), (10, 10, 0.7225, 1.0), (0, 10, 0.0, 0.2775), (45, 50, 0.7864, 0.9565)],
)
def test_wilsons_interval_is_the_published_one(hits: int, total: int, low: float, high: float) -> None:
    assert wilson(hits, total) == pytest.approx((low, high), abs=5e-4)


def test_the_figures_count_what_they_say() -> None:
    cases = [
        Case("1", ("a",), "emergency", ("stroke",), "uk", "flag", "p"),
        Case("2", ("b",), "none", (), "uk", "near-miss", "p"),
        Case("3", ("c",), "emergency", ("stroke",), "us", "flag"),
        Case("4", ("d",), "none", (), "us", "ordinary"),
    ]
    said = {"a": "emergency", "b": "none", "c": "urgent", "d": "soon"}

    def read(turns: object) -> Triage:
        level = said[turns[0]]  # type: ignore[index]
        return Triage(level, () if level == "none" else (Flag("stroke", "", level, "", 0),))  # type: ignore[arg-type]

    figures = {share.name: (share.hits, share.total) for share in headline(judge(cases, read))}
    assert figures == {
        "emergencies called emergency": (1, 2),
        "emergencies called at least urgent": (2, 2),
        "right level": (2, 4),
        "harmless messages with a flag": (1, 2),
        "harmless messages called emergency": (0, 2),
        "minimal pairs both right": (1, 1),
    }


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        '{"id": "x"}',
        json.dumps({**ROW, "level": "bad"}),
        json.dumps({**ROW, "turns": []}),
        json.dumps({**ROW, "x": 1}),
    ],
)
def test_a_bad_line_of_cases_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_text(json.dumps(ROW) + "\n" + line + "\n", "utf-8")
    with pytest.raises(SuiteInvalid, match="line 2"):
        read_cases(path)


def test_the_command_prints_figures_and_no_messages(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_text(
        json.dumps(ROW) + "\n" + json.dumps({**ROW, "id": "b", "turns": ["I like tea"], "level": "none", "flags": []}),
        "utf-8",
    )
    main([str(path), "--phrases"])
    printed = capsys.readouterr().out
    assert "emergencies called emergency" in printed
    assert "1/1" in printed
    assert "pee" not in printed


def test_the_report_holds_every_flag_and_who_reviewed_it(tmp_path: Path) -> None:
    cases = [
        Case("1", ("I can't pee <b>",), "emergency", ("cauda-equina",), "uk", "flag"),
        Case("2", ("tea",), "none", (), "uk", "ordinary"),
    ]
    write_report(tmp_path / "r.html", cases, None)
    page = (tmp_path / "r.html").read_text("utf-8")
    assert all(f'id="{row.id}"' in page for row in load_rules().flags)
    assert "No clinician" in page
    assert rules_version() in page
    assert "I can&#39;t pee &lt;b&gt;" in page
    assert "<script" not in page
    assert 'src="http' not in page

    record = tmp_path / "triage-review.yaml"
    record.write_text(f'name: Dr B\nrole: GP\ndate: 2026-11-01\nrules_version: "{rules_version()}"\n', "utf-8")
    review = reviewed_by(record)
    assert review is not None
    assert review.is_current
    write_report(tmp_path / "r.html", cases, review)
    assert "That is the version on this page" in (tmp_path / "r.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("condition", "sentence", "negated", "someone_else"),
    [
        ("edema", "Extremities reveal no peripheral cyanosis or EDEMA.", True, False),
        ("chest pain", "The patient denies CHEST PAIN, fever or cough.", True, False),
        ("fever", "She had no cough but a FEVER of 39.", False, False),
        ("pneumonia", "PNEUMONIA was ruled out.", True, False),
        ("stroke", "His mother had a STROKE.", False, True),
    ],
)
def test_clinical_sentences_are_read_as_their_annotators_do(
    condition: str, sentence: str, negated: bool, someone_else: bool
) -> None:
    said = negex.read(condition, sentence, load_rules())
    assert (said[0], said[3]) == (negated, someone_else)


def test_a_file_that_is_not_the_negex_kit_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "kit.txt"
    path.write_text("header\none\ttwo\n", "utf-8")
    with pytest.raises(SuiteInvalid, match="not NegEx"):
        negex.read_annotations(path)
