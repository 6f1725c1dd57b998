"""Suites of one folder, run one at a time in the background, with their reports kept in another: the editors' page.

A suite is named by its file's name without `.yaml`, a report by its file's name; nothing is opened that is not listed.
What is under way stands in a file beside the reports, so that every worker of a server can tell.
"""

import contextlib
import json
import logging
import re
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from backbot.errors import BackbotError, SuiteInvalid
from backbot.evaluation.asking import Progress
from backbot.evaluation.comparing import compare
from backbot.evaluation.report import render_report
from backbot.evaluation.run import METRIC_NAMES, Run, as_baseline, read_run, run_to_json
from backbot.evaluation.statistics import Verdict
from backbot.evaluation.suite import Suite, load_suite

KEPT_REPORTS = 10
"""Of each suite; older ones are removed."""

DRAFTS = "drafts"
"""The suite in which marked answers are saved."""

_SUITE = re.compile(r"[\w-]{1,80}")
_REPORT = re.compile(r"(?P<suite>[\w-]{1,80})\.(?P<when>\d{8}-\d{6})\.(?P<verdict>pass|fail|few)\.html")
_MISNAMED = "Its file's name cannot be used here. Use letters, digits, - and _ alone, and end it in .yaml."
_VERDICTS: dict[str, Verdict] = {"pass": "PASS", "fail": "FAIL", "few": "NOT ENOUGH CASES"}
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ListedSuite:
    """A suite of the folder; `fault` says why it cannot be run, and then the rest is empty."""

    name: str
    title: str = ""
    owner: str = ""
    review_by: str = ""
    cases: int = 0
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """A report that is kept. `when` is in UTC."""

    file: str
    suite: str
    when: datetime
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class State:
    """What became of the last run that was started: under way until it has a report or an error."""

    suite: str
    done: int = 0
    total: int = 0
    report: str = ""
    error: str = ""

    @property
    def is_running(self) -> bool:
        """Whether it is still under way."""
        return not (self.report or self.error)


class Runner:
    """Runs the suites of `suites` and keeps their reports in `reports`. Threads and processes may share the folders."""

    def __init__(self, suites: Path, reports: Path, evaluate: Callable[[Suite, Progress], Run]):
        self.drafts = suites / f"{DRAFTS}.yaml"
        self._suites = suites
        self._reports = reports
        self._evaluate = evaluate
        self._listed: dict[tuple[str, int, int], ListedSuite] = {}

    @property
    def state(self) -> State | None:
        """How far the last run is; None before the first."""
        state = self._read_state()
        if state and state.is_running:
            # The lock can be had only if whoever ran it has ended meanwhile, or was ended.
            with contextlib.suppress(Timeout), self._lock():
                state = self._read_state()
                if state and state.is_running:
                    return replace(state, error="The run was cut off: the server stopped. Run it again.")
        return state

    def suites(self) -> list[ListedSuite]:
        """The suites of the folder, by name; a file is read again only when it has changed."""
        listed = {}
        for name, file in self._files().items():
            stat = file.stat()
            key = (name, stat.st_mtime_ns, stat.st_size)
            listed[key] = self._listed.get(key) or _list_suite(name, file)
        self._listed = listed
        return [*listed.values(), *(ListedSuite(file.name, fault=_MISNAMED) for file in self._misnamed())]

    def start(self, name: str) -> bool:
        """Run the suite in the background; False when there is no such suite, or another run is under way.

        Raises SuiteInvalid when the folder of reports cannot be written.
        """
        file = self._files().get(name)
        if file is None:
            return False
        lock = self._lock()
        try:
            self._reports.mkdir(parents=True, exist_ok=True)
            lock.acquire()
            self._tell(State(name))
        except Timeout:
            return False
        except OSError as error:
            lock.release()
            raise SuiteInvalid(
                f"Nothing can be kept in {self._reports}: {error.strerror}. Name another folder in BACKBOT_REPORTS."
            ) from None
        threading.Thread(target=self._run, args=(name, file, lock), name="eval-run", daemon=True).start()
        return True

    def reports(self) -> list[Report]:
        """The reports that are kept, the newest first."""
        try:
            found = [match for path in self._reports.iterdir() if (match := _REPORT.fullmatch(path.name)) and path.is_file()]
        except OSError:
            # Before the first run there is no folder.
            return []
        listed = [
            Report(match[0], match["suite"], datetime.strptime(match["when"], "%Y%m%d-%H%M%S"), _VERDICTS[match["verdict"]])
            for match in found
        ]
        return sorted(listed, key=lambda report: (report.when, report.suite), reverse=True)

    def read_report(self, file: str) -> str | None:
        """The page of a report; None when there is no such report."""
        listed = next((report.file for report in self.reports() if report.file == file), None)
        return (self._reports / listed).read_text("utf-8") if listed else None

    def _files(self) -> dict[str, Path]:
        """The suites' files by name."""
        found = sorted(self._suites.glob("*.yaml")) if self._suites.is_dir() else []
        return {file.stem: file for file in found if _SUITE.fullmatch(file.stem) and file.is_file()}

    def _misnamed(self) -> list[Path]:
        """Files that look like suites and cannot be run from the page."""
        found = sorted([*self._suites.glob("*.yaml"), *self._suites.glob("*.yml")]) if self._suites.is_dir() else []
        named = set(self._files().values())
        return [file for file in found if file not in named and file.is_file()]

    def _run(self, name: str, file: Path, lock: FileLock) -> None:
        def advance(stage: str, done: int, total: int) -> None:
            self._tell(State(name, done, total))

        try:
            run = self._evaluate(load_suite(file, METRIC_NAMES), advance)
            state = State(name, report=self._keep(name, run))
        except BackbotError as error:
            state = State(name, error=str(error))
        except Exception as error:
            _log.exception("The run of %s failed", name)
            state = State(name, error=f"The run failed ({type(error).__name__}). The server's log says more.")
        try:
            self._tell(state)
        finally:
            lock.release()

    def _lock(self) -> FileLock:
        """The lock that a run holds, to be had at once or not at all; one thread takes it, another gives it back."""
        return FileLock(self._reports / "running.lock", timeout=0, thread_local=False)

    def _read_state(self) -> State | None:
        try:
            return State(**json.loads((self._reports / "running.json").read_bytes()))
        except (OSError, ValueError, TypeError):
            return None

    def _tell(self, state: State) -> None:
        self._write("running.json", json.dumps(asdict(state)))

    def _write(self, name: str, text: str) -> None:
        """Write a file of the reports' folder, whole or not at all."""
        new = self._reports / f"{name}.new"
        new.write_text(text, encoding="utf-8")
        new.replace(self._reports / name)

    def _keep(self, name: str, run: Run) -> str:
        """Write the run and its report, beside the run before it, and remove old ones; gives the report's name."""
        earlier = [report for report in self.reports() if report.suite == name]
        comparison = None
        if earlier:
            try:
                comparison = compare(run, read_run(self._reports / _run_file(earlier[0].file)))
            except SuiteInvalid:
                # Another version's run, or one of other cases: the report then stands alone.
                _log.info("%s cannot be compared with its run before", name)
        word = next(word for word, verdict in _VERDICTS.items() if verdict == run.verdict)
        file = f"{name}.{datetime.now(UTC):%Y%m%d-%H%M%S}.{word}.html"
        # The report comes last: what is listed is whole.
        self._write(_run_file(file), run_to_json(as_baseline(run)))
        self._write(file, render_report(run, comparison))
        for old in earlier[KEPT_REPORTS - 1 :]:
            (self._reports / old.file).unlink(missing_ok=True)
            (self._reports / _run_file(old.file)).unlink(missing_ok=True)
        return file


def _run_file(report: str) -> str:
    return report.removesuffix(".html") + ".json"


def _list_suite(name: str, file: Path) -> ListedSuite:
    try:
        suite = load_suite(file, METRIC_NAMES)
    except BackbotError as error:
        return ListedSuite(name, fault=str(error))
    return ListedSuite(name, suite.name, suite.owner, suite.review_by, len(suite.cases))
