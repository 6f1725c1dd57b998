"""The server's log: plain lines, or JSON lines with BACKBOT_LOG=json. No line holds what a reader said.

Messages of backbot's own modules are written without readers' words. Other libraries do not promise that: of their messages
only the fixed part is kept, and of any exception its kind and where it arose, but not its text.
"""

import json
import logging
import re
import sys
import traceback
import uuid
from contextvars import ContextVar
from datetime import UTC, datetime
from types import TracebackType
from typing import Literal

ACCESS = "backbot.access"
"""The logger with a line for each request."""

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""The id of the request that is being answered; empty outside of one."""

MOST_FOREIGN = 200
"""Characters kept of another library's message."""

_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def known_or_new_id(sent: str) -> str:
    """The id that came with a request if it is one (64 letters, digits, dots, dashes at most); else a new one."""
    return sent if _ID.fullmatch(sent) else uuid.uuid4().hex


def configure_logs(style: Literal["text", "json"]) -> None:
    """Log to standard error in the style, and every request too if it is JSON; whatever was configured before is gone."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if style == "json" else PlainLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("backbot").setLevel(logging.INFO)
    logging.getLogger(ACCESS).setLevel(logging.INFO if style == "json" else logging.WARNING)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers[:], logger.propagate = [], True


class JsonLines(logging.Formatter):
    """A JSON object a line: time (UTC), level, logger, message; request_id inside a request; what the line is about."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        fields = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
            **({"request_id": request_id.get()} if request_id.get() else {}),
            **getattr(record, "fields", {}),
            **({"error": _without_text(record.exc_info)} if record.exc_info else {}),
        }
        return json.dumps(fields, ensure_ascii=False)


class PlainLines(logging.Formatter):
    """Time, level, message; the request's id in brackets."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, and below it where an exception arose."""
        identity = f" [{request_id.get()}]" if request_id.get() else ""
        line = f"{self.formatTime(record)} {record.levelname} {record.name}: {_message(record)}{identity}"
        return f"{line}\n{_without_text(record.exc_info)}" if record.exc_info else line


def _message(record: logging.LogRecord) -> str:
    if record.name.partition(".")[0] == "backbot":
        return record.getMessage().rstrip()
    fixed = str(record.msg).partition("\n")[0]
    return fixed[:MOST_FOREIGN]


def _without_text(error: _ExcInfo) -> str:
    """The frames of a traceback, without their source lines, and the chain of exceptions by kind alone."""
    lines: list[str] = []
    raised = error[1]
    while raised is not None:
        frames = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(raised.__traceback__)]
        lines += [*frames, type(raised).__name__]
        raised = raised.__cause__ or (None if raised.__suppress_context__ else raised.__context__)
    return "\n".join(lines)
