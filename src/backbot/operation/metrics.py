"""What is counted and timed, for Prometheus. Labels come from fixed lists; nothing of what readers say is kept.

One process counts in memory. Several (`backbot serve --workers N`) count in files of a folder that
PROMETHEUS_MULTIPROC_DIR names, which must be set before this module is imported; `serve_metrics` then adds them up.
"""

import contextlib
import os
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, start_http_server
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from backbot.errors import IndexUnusable, QuestionInvalid, ServerUnavailable
from backbot.index.generations import live_name
from backbot.records import AnswerSentence, Reply, Triage

HOST = "127.0.0.1"
"""The only address that figures are served on: whoever collects them elsewhere puts a proxy before it."""

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

_stages = Histogram(
    "backbot_stage_seconds",
    "Time spent on a question: its triage, from there to the first sentence, and the whole.",
    ["stage"],
    buckets=SECONDS,
)
_outcomes = Counter(
    "backbot_questions",
    "Questions by what became of them: answered, declined, referred, invalid, failed, left (the reader went away).",
    ["outcome"],
)
_levels = Counter("backbot_triage", "Questions by the level that triage found.", ["level"])
_shed = Counter(
    "backbot_shed", "Questions turned away: one address asked too many (reader), or all together (server).", ["reason"]
)
_feedback = Counter("backbot_feedback", "Thumbs up and down, these with the reason that was chosen.", ["verdict", "reason"])
_requests = Counter("backbot_requests", "Requests by route and status.", ["route", "status"])
_streams = Gauge("backbot_streams_open", "Answers and pages being streamed.", multiprocess_mode="livesum")
_degraded = Gauge(
    "backbot_degraded",
    "1 while an earlier generation is served than the published one, or the Chroma server cannot be asked.",
    multiprocess_mode="livemax",
)
STREAMS = ("chat", "page-data")
"""Routes whose open requests are counted."""


def watch(parts: Iterator[Triage | AnswerSentence | Reply]) -> Iterator[Triage | AnswerSentence | Reply]:
    """The same parts of a reply, timed and counted. Time that the reader takes to receive them does not count."""
    outcome, spent, triaged = "left", 0.0, 0.0
    is_first = True
    try:
        while True:
            begun = time.perf_counter()
            try:
                part = next(parts)
            except StopIteration:
                return
            finally:
                spent += time.perf_counter() - begun
            match part:
                case Triage():
                    triaged = spent
                    _stages.labels("triage").observe(spent)
                    _levels.labels(part.level).inc()
                case AnswerSentence() if is_first:
                    is_first = False
                    _stages.labels("first_sentence").observe(spent - triaged)
                case Reply():
                    outcome = part.outcome
                    _stages.labels("whole").observe(spent)
            yield part
    except QuestionInvalid:
        outcome = "invalid"
        raise
    except Exception:
        outcome = "failed"
        raise
    finally:
        _outcomes.labels(outcome).inc()


def count_shed(*, is_reader: bool) -> None:
    """Count a question that was turned away."""
    _shed.labels("reader" if is_reader else "server").inc()


def count_feedback(verdict: str, reason: str) -> None:
    """Count a thumb; both words come from fixed lists."""
    _feedback.labels(verdict, reason).inc()


def count_request(route: str, status: int) -> None:
    """Count a request that was answered; `route` is a name from a fixed list."""
    _requests.labels(route, str(status)).inc()


def show_degraded(is_degraded: bool) -> None:
    """Show whether the index is degraded."""
    _degraded.set(is_degraded)


@contextlib.contextmanager
def counted_stream(route: str) -> Iterator[None]:
    """Count the request as open for as long as it is, if it is one of STREAMS."""
    if route not in STREAMS:
        yield
        return
    _streams.inc()
    try:
        yield
    finally:
        _streams.dec()


class _Published(Collector):
    """The generation that the index's pointer names now, looked up whenever figures are asked for."""

    def __init__(self, index: Path):
        self._index = index

    def collect(self) -> Iterator[GaugeMetricFamily]:
        with contextlib.suppress(IndexUnusable, ValueError):
            age = time.time() - _made_at(live_name(self._index))
            yield GaugeMetricFamily("backbot_generation_age_seconds", "Age of the published generation.", value=age)


class _Workers(Collector):
    """What all processes counted; those that ended no longer hold streams."""

    def __init__(self, folder: Path):
        self._folder = folder
        self._all = MultiProcessCollector(None, str(folder))  # type: ignore[no-untyped-call]

    def collect(self) -> Iterable[Metric]:
        for file in self._folder.glob("gauge_live*_*.db"):
            process = int(file.stem.rpartition("_")[2])
            try:
                os.kill(process, 0)
            except ProcessLookupError:
                mark_process_dead(process, str(self._folder))  # type: ignore[no-untyped-call]
        found: Iterable[Metric] = self._all.collect()  # type: ignore[no-untyped-call]
        return found


def serve_metrics(port: int, index: Path) -> int:
    """Serve the figures of this process, or of all workers, on HOST from a thread; gives the port, 0 being any free one.

    Raises ServerUnavailable when the port is not to be had.
    """
    registry = CollectorRegistry()
    folder = os.environ.get(FOLDER_VARIABLE)
    registry.register(_Workers(Path(folder)) if folder else REGISTRY)
    registry.register(_Published(index))
    try:
        server, _ = start_http_server(port, HOST, registry)
    except OSError as error:
        raise ServerUnavailable(
            f"The metrics cannot be served on {HOST} port {port} ({error.strerror}). Another program usually holds the "
            "port: choose another with BACKBOT_METRICS_PORT, or leave that setting out."
        ) from None
    return int(server.server_port)


def _made_at(generation: str) -> float:
    """Seconds since 1970 at which the generation of this name was made; raises ValueError for a name of another kind."""
    return datetime.strptime(generation, "%Y%m%dT%H%M%S.%f").replace(tzinfo=UTC).timestamp()
