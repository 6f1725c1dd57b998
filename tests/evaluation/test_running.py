"""Runs in the background: one at a time, whoever asks, with what became of them in files that every worker reads."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from test_comparing import declines

from backbot.errors import IndexMissing, SuiteInvalid
from backbot.evaluation.asking import Progress
from backbot.evaluation.run import Run
from backbot.evaluation.running import KEPT_REPORTS, Runner, State
from backbot.evaluation.suite import Suite

Evaluate = Callable[[Suite, Progress], Run]
ONE = "suite: One\ncases: [{id: a, ask: x, expect: answer}]\n"


@pytest.fixture
def suites(tmp_path: Path) -> Path:
    folder = tmp_path / "evals"
    folder.mkdir()
    (folder / "one.yaml").write_text(ONE)
    return folder


@pytest.fixture
def runner(suites: Path, tmp_path: Path, run_small: Callable[..., Run]) -> Runner:
    return Runner(suites, tmp_path / "reports", lambda suite, told: run_small())


def wait(runner: Runner) -> State:
    for _ in range(1000):
        state = runner.state
        if state and not state.is_running:
            return state
        time.sleep(0.01)
    raise AssertionError("the run did not end")


def run(runner: Runner) -> State:
    # The lock is given back a moment after the state is told.
    for _ in range(1000):
        if runner.start("one"):
            return wait(runner)
        time.sleep(0.01)
    raise AssertionError("the run did not start")


def test_a_run_leaves_a_report_that_is_listed_and_can_be_read(runner: Runner):
    assert (runner.state, runner.reports()) == (None, [])
    state = run(runner)
    (report,) = runner.reports()
    assert (report.file, report.suite, report.verdict) == (state.report, "one", "PASS")
    page = runner.read_report(report.file)
    assert page
    assert "What changed since the baseline" not in page
    assert runner.read_report(f"../reports/{report.file}") is None


def test_a_report_tells_what_changed_since_the_run_before(suites: Path, tmp_path: Path, run_small: Callable[..., Run]):
    runs = [run_small(), run_small(declines("walk"))]
    runner = Runner(suites, tmp_path / "reports", lambda suite, told: runs.pop(0))
    first = run(runner).report
    # Reports are named by the second.
    while time.strftime("%Y%m%d-%H%M%S", time.gmtime()) in first:
        time.sleep(0.05)
    page = runner.read_report(run(runner).report)
    assert page
    assert "Newly failing (1)" in page
    assert [report.verdict for report in runner.reports()] == ["FAIL", "PASS"]


def test_a_run_before_that_cannot_be_compared_is_passed_over(runner: Runner, tmp_path: Path):
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "one.20260101-000000.pass.html").write_text("old")
    (tmp_path / "reports" / "one.20260101-000000.pass.json").write_text("{}")
    page = runner.read_report(run(runner).report)
    assert page
    assert "What changed since the baseline" not in page


def test_one_run_at_a_time_whoever_asks(suites: Path, tmp_path: Path, run_small: Callable[..., Run]):
    going, go = threading.Event(), threading.Event()

    def evaluate(suite: Suite, told: Progress) -> Run:
        told("asking", 3, 7)
        going.set()
        assert go.wait(30)
        return run_small()

    runner = Runner(suites, tmp_path / "reports", evaluate)
    # Another worker of the same server has a runner of its own.
    other = Runner(suites, tmp_path / "reports", evaluate)
    assert runner.start("one")
    assert going.wait(30)
    assert not runner.start("one")
    assert not other.start("one")
    assert other.state == runner.state == State("one", 3, 7)
    go.set()
    assert wait(other).report


def test_a_run_whose_server_was_killed_is_told_and_can_be_started_again(runner: Runner, suites: Path, tmp_path: Path):
    script = f"""
import time
from pathlib import Path
from backbot.evaluation.running import Runner
runner = Runner(Path({str(suites)!r}), Path({str(tmp_path / "reports")!r}), lambda suite, told: time.sleep(60))
assert runner.start("one")
print("started", flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        assert server.stdout.readline() == "started\n"
        assert runner.state == State("one")
        assert not runner.start("one")
        server.kill()
    state = runner.state
    assert state
    assert "was cut off" in state.error
    assert run(runner).report


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (IndexMissing("Nothing has been ingested yet."), "Nothing has been ingested yet."),
        (ValueError("a reader's words"), "The run failed (ValueError). The server's log says more."),
    ],
)
def test_a_run_that_fails_says_why_and_the_next_one_can_start(
    runner: Runner, suites: Path, tmp_path: Path, error: Exception, says: str
):
    def fail(suite: Suite, told: Progress) -> Run:
        raise error

    failing = Runner(suites, tmp_path / "reports", fail)
    assert run(failing).error == says
    assert failing.reports() == []
    assert run(runner).report


def test_a_folder_that_cannot_be_written_is_said(suites: Path, tmp_path: Path):
    (tmp_path / "file").write_text("")
    runner = Runner(suites, tmp_path / "file" / "reports", lambda suite, told: None)  # type: ignore[arg-type,return-value]
    with pytest.raises(SuiteInvalid, match="BACKBOT_REPORTS"):
        runner.start("one")
    assert runner.state is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"who": 1}', b"\xff", b"null"])
def test_a_damaged_state_is_as_good_as_none(runner: Runner, tmp_path: Path, content: bytes):
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "running.json").write_bytes(content)
    assert runner.state is None
    assert run(runner).report


def test_old_reports_are_removed_those_of_other_suites_and_other_files_are_not(runner: Runner, tmp_path: Path):
    folder = tmp_path / "reports"
    folder.mkdir()
    for day in range(10, 25):
        for name in ("one", "two"):
            (folder / f"{name}.202601{day}-000000.pass.html").write_text("old")
            (folder / f"{name}.202601{day}-000000.pass.json").write_text("{}")
    (folder / "smoke.html").write_text("made by hand")
    run(runner)
    kept = runner.reports()
    assert [report.suite for report in kept].count("one") == KEPT_REPORTS
    assert [report.suite for report in kept].count("two") == 15
    assert len(list(folder.glob("one.*.json"))) == KEPT_REPORTS
    assert (folder / "smoke.html").is_file()
    assert not list(folder.glob("*.new"))


def test_suites_are_listed_with_their_faults_and_read_again_when_they_change(runner: Runner, suites: Path):
    (suites / "slip.yaml").write_text("suite: s\ncases:\n  - {id: a, ask: x, expct: answer}\n")
    (suites / "a b;c.yaml").write_text(ONE)
    (suites / "folder.yaml").mkdir()
    (suites / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    binary, one, slip, misnamed = runner.suites()
    assert misnamed.name == "a b;c.yaml"
    assert (one.name, one.title, one.cases, one.fault) == ("one", "One", 1, "")
    assert "line 3" in slip.fault
    assert "UTF-8" in binary.fault
    (suites / "one.yaml").write_text(ONE + "owner: Ann\n")
    assert runner.suites()[1].owner == "Ann"


@pytest.mark.parametrize("name", ["", "two", "../evals/one", "one.yaml", "a b;c", "one\x00"])
def test_only_listed_suites_start(runner: Runner, suites: Path, name: str):
    (suites / "a b;c.yaml").write_text(ONE)
    assert not runner.start(name)


def test_a_state_is_json_that_any_worker_reads(runner: Runner, tmp_path: Path):
    state = run(runner)
    assert State(**json.loads((tmp_path / "reports" / "running.json").read_text())) == state
    assert replace(state, report="").is_running


def test_a_suite_whose_file_has_a_name_that_cannot_be_used_is_listed_with_what_to_do(runner: Runner, suites: Path):
    for name in ("my suite.yaml", "two.yml", "a.b.yaml"):
        (suites / name).write_text(ONE)
    listed = {suite.name: suite.fault for suite in runner.suites()}
    assert listed.pop("one") == ""
    assert set(listed) == {"my suite.yaml", "two.yml", "a.b.yaml"}
    assert all("end it in .yaml" in fault for fault in listed.values())
    assert not runner.start("two.yml")
