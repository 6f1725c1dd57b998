"""Gradio prints the traceback of an event that fails, a reader's words among it. Here its kind alone is logged."""

import logging
import sys
from types import SimpleNamespace

_log = logging.getLogger(__name__)


def log_event_faults_without_words() -> None:
    """Put a line of the log in place of what Gradio's queue prints."""
    from gradio import queueing

    vars(queueing)["traceback"] = SimpleNamespace(print_exc=_log_kind)


def _log_kind() -> None:
    _log.warning("The chat page sent an event that failed: %s", type(sys.exception()).__name__)
