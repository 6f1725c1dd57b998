"""Where the time of a question goes: the flow says when each stage has ended, and whoever listens gets the times."""

import contextlib
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TypeVar

Result = TypeVar("Result")


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
    """Listen to the stages of what this thread does inside the block, and others for it (`traced`)."""
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


def traced(work: Callable[[], Result]) -> Callable[[], Result]:
    """The same work for another thread to do: whoever listens here hears of its stages, too."""
    trace = _listening.get()

    def do() -> Result:
        _listening.set(Trace(trace.milliseconds) if trace else None)
        return work()

    return do
