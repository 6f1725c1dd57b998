"""Where the time of a question goes: the flow says when each stage has ended, and whoever listens gets the times."""

import contextlib
import time
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field


@dataclass(slots=True)
class Trace:
    """`milliseconds` by stage, in the order in which the stages were first reached."""

    milliseconds: dict[str, float] = field(default_factory=dict)
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
    token = _listening.set(trace)
    try:
        yield trace
    finally:
        _listening.reset(token)


def ended(stage: str) -> None:
    """Say that a stage of the flow has ended; nothing happens where nobody listens."""
    trace = _listening.get()
    if trace is not None:
        trace.ended(stage)
