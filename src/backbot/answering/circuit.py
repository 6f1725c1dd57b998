"""A circuit breaker: after a failure nobody waits for a service until it has proved itself in the background."""

import logging
import threading
import time

FIRST_PAUSE = 15.0
LONGEST_PAUSE = 300.0
"""Seconds between a failure and the next probe: the first pause doubles with each probe that fails."""

_log = logging.getLogger(__name__)


class Circuit:
    """Closed while the service works. Threads may share it."""

    def __init__(self, first_pause: float = FIRST_PAUSE) -> None:
        self.is_closed = True
        self._lock = threading.Lock()
        self._first_pause = self._pause = first_pause
        self._is_probing = False
        self._probe_from = 0.0

    def open(self, why: str) -> None:
        """The service failed: nobody waits for it before a probe succeeds. `why` goes to the log."""
        with self._lock:
            if self.is_closed:
                self._pause = self._first_pause
                _log.warning("The language model failed (%s). Replies are extractive until it answers again.", why)
            elif self._is_probing:
                self._pause = min(2 * self._pause, LONGEST_PAUSE)
            else:
                return  # one of several that were waiting when it failed
            self.is_closed = self._is_probing = False
            self._probe_from = time.monotonic() + self._pause

    def may_probe(self) -> bool:
        """Whether the caller should try the service now, in the background; True for one caller a pause."""
        with self._lock:
            if self.is_closed or time.monotonic() < self._probe_from:
                return False
            self._is_probing = True
            # A probe that never ends does not keep others from trying.
            self._probe_from = time.monotonic() + LONGEST_PAUSE
            return True

    def close(self) -> None:
        """The service works."""
        with self._lock:
            if not self.is_closed:
                _log.warning("The language model answers again.")
            self.is_closed, self._is_probing = True, False
