"""Waiting for what other threads and processes do."""

import time
from collections.abc import Callable


def wait_until(is_so: Callable[[], object], seconds: float = 90) -> None:
    """Return as soon as it is so; fail when it does not come to that."""
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)
