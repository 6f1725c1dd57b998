"""`backbot eval` as an editor uses it: whole processes, real files, exit codes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from backbot.settings import Settings

SUITE = """suite: Mine
margin: 0.7
gate: {passed: 1.0}
cases:
"""
CASES = "".join(
    f"  - {{id: c{n}, ask: {question}, expect: {expect}}}\n"
    for n, (question, expect) in enumerate(
        [
            ("How long should a cold pack stay on?", "answer"),
            ("what is the capital of France", "decline"),
            ("how do I bake sourdough bread", "decline"),
            ("numb between my legs and I can't pee", "emergency"),
            ("how far should I walk", "answer"),
        ]
    )
)


def backbot(*arguments: str, settings: Settings, cwd: Path) -> subprocess.CompletedProcess[str]:
    variables = {**os.environ, "BACKBOT_INDEX": str(settings.index), "COLUMNS": "200"}
    command = [sys.executable, "-m", "backbot", "eval", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=variables, check=False)


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    (tmp_path / "mine.yaml").write_text(SUITE + CASES)
    return tmp_path / "mine.yaml"


def test_a_suite_that_passes_exits_0_and_writes_its_files(suite: Path, small_settings: Settings):
    run = backbot(
        str(suite), "--html", "out/r.html", "--junit", "out/j.xml", "--save", "out/run.json",
        settings=small_settings, cwd=suite.parent,
    )  # fmt: skip
    assert (run.returncode, run.stdout.split()[0]) == (0, "PASS"), run.stdout + run.stderr
    assert "5/5 = 1.000" in run.stdout
    saved = json.loads((suite.parent / "out" / "run.json").read_text())
    assert saved["verdict"] == "PASS"
    assert "<svg" in (suite.parent / "out" / "r.html").read_text()
    assert (suite.parent / "out" / "j.xml").read_text().startswith("<?xml")


def test_a_failed_gate_exits_1_and_names_the_case_beside_the_baseline(suite: Path, small_settings: Settings):
    assert backbot(str(suite), "--save", "run.json", settings=small_settings, cwd=suite.parent).returncode == 0
    suite.write_text(suite.read_text() + "  - {id: wrong, ask: what is the capital of France, expect: answer}\n")
    run = backbot(str(suite), "--baseline", "run.json", settings=small_settings, cwd=suite.parent)
    assert run.returncode == 1
    assert "FAIL" in run.stdout
    assert "wrong: expected answer, got decline" in run.stdout
    assert "0 newly failing" in run.stdout


def test_one_case_is_shown_whole(suite: Path, small_settings: Settings):
    run = backbot(str(suite), "--case", "c0", settings=small_settings, cwd=suite.parent)
    assert run.returncode == 0
    for words in ("RIGHT", "cold-packs", "Cosine", "searched:", "15 to 20 minutes", "outcome"):
        assert words in run.stdout


def test_json_is_the_run_and_nothing_else(suite: Path, small_settings: Settings):
    run = backbot(str(suite), "--json", settings=small_settings, cwd=suite.parent)
    assert [case["case"]["id"] for case in json.loads(run.stdout)["cases"]] == ["c0", "c1", "c2", "c3", "c4"]


def test_a_table_goes_there_and_back(suite: Path, small_settings: Settings):
    assert backbot("export", "mine.yaml", "t.xlsx", settings=small_settings, cwd=suite.parent).returncode == 0
    assert backbot("import", "t.xlsx", "back.yaml", settings=small_settings, cwd=suite.parent).returncode == 0
    assert "sourdough" in (suite.parent / "back.yaml").read_text()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["none.yaml"], "cannot be read"),
        (["typo.yaml"], "line 5: `expct` is no key of a case. Did you mean `expect`?"),
        (["mine.yaml", "--case", "c9"], "no case 'c9'"),
        (["mine.yaml", "--baseline", "none.json"], "--save"),
        (["mine.yaml", "more.yaml"], "one suite"),
        (["export", "mine.yaml"], "two files"),
        (["mine.yaml", "--index", "nowhere"], "backbot ingest"),
        (["mine.yaml", "--html", "mine.yaml/r.html"], "cannot be written"),
        (["mine.yaml", "--html", "./mine.yaml"], "would be lost"),
        (["mine.yaml", "--save", "mine.yaml"], "would be lost"),
        (["mine.yaml", "--junit", "."], "is a folder"),
        (["export", "mine.yaml", "mine.yaml"], "would be lost"),
        (["import", "mine.yaml", "mine.csv"], "End it in .yaml"),
    ],
)
def test_wrong_use_is_a_line_that_names_the_next_step(
    suite: Path, small_settings: Settings, arguments: list[str], says: str
):
    (suite.parent / "typo.yaml").write_text("suite: s\ncases:\n  - id: a\n    ask: x\n    expct: answer\n")
    run = backbot(*arguments, settings=small_settings, cwd=suite.parent)
    assert run.returncode == 2
    assert says in run.stderr
    assert "Traceback" not in run.stderr
    assert suite.read_text() == SUITE + CASES
