"""Where the time of a question goes: the flow says when each stage has ended, and whoever listens gets the times."""

import contextlib
import time
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field


@dataclass(slots=True)
class Trace:
    """`milliseconds` by stage, in the order in which the stages were first reached, and of the `whole`.

    Stages that ran at the same time count in full, so that their sum is more than the whole.
    """

    milliseconds: dict[str, float] = field(default_factory=dict)
    whole: float = 0.0
    _last: float = field(default_factory=time.perf_counter)

    def ended(self, stage: str) -> None:
        """Count the time since the last stage ended as this one's."""
        now = time.perf_counter()
        self.milliseconds[stage] = self.milliseconds.get(stage, 0.0) + (now - self._last) * 1000
        self._last = now


_listening: ContextVar[Trace | None] = ContextVar("listening", default=None)


@contextlib.contextmanager
def tracing() -> Iterator[Trace]:
    """Listen to the stages of what this thread does inside the block."""
    trace = Trace()
    began = time.perf_counter()
    token = _listening.set(trace)
    try:
        yield trace
    finally:
        _listening.reset(token)
        trace.whole = (time.perf_counter() - began) * 1000


def ended(stage: str) -> None:
    """Say that a stage of the flow has ended; nothing happens where nobody listens."""
    trace = _listening.get()
    if trace is not None:
        trace.ended(stage)


def ran_beside(other: Trace) -> None:
    """Count the stages of what another thread did meanwhile for this one."""
    trace = _listening.get()
    if trace is not None:
        trace.milliseconds.update(other.milliseconds)
