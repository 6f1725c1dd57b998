"""What backbot says beside its answers, the same in the chat page, the widget and the API."""

import logging
import traceback

from backbot.errors import BackbotError
from backbot.triage.rules import ANYWHERE, Country, load_rules

SERIOUS = "If this may be serious, do not wait: call your emergency number."
"""Goes with every refusal: triage may have missed what is serious, or not have been reached."""

AWAY = f"backbot cannot answer just now. Please try again in a minute. {SERIOUS}"
TOO_MANY = f"That was many questions in a short time. Please wait a little. {SERIOUS}"
BUSY = f"Many people are asking just now. Please try again in a moment. {SERIOUS}"

EXAMPLES = (
    "Should I use heat or cold?",
    "Do I need an MRI scan?",
    "Which stretches help a stiff back?",
    "How should I set up my chair?",
)

REASONS = {"wrong": "It is wrong", "not-my-question": "Not my question", "unclear": "Unclear", "source": "Wrong source"}

_log = logging.getLogger(__name__)


def countries() -> list[Country]:
    """The countries whose numbers are known, by name."""
    rows = {row.code: row for code, row in load_rules().countries.items() if code != ANYWHERE}
    return sorted(rows.values(), key=lambda row: row.name)


def known_country(code: str) -> str:
    """The two letters of a known country; empty for any other."""
    row = load_rules().countries.get(code.strip().upper())
    return row.code if row and row.code != load_rules().countries[ANYWHERE].code else ""


def log_without_words(error: Exception) -> None:
    """Where an error arose and of which kind; its message may hold a reader's words, so only an operator's error is
    shown with it."""
    where = "" if isinstance(error, BackbotError) else "".join(traceback.format_tb(error.__traceback__))
    what = str(error) if isinstance(error, BackbotError) else type(error).__name__
    _log.error("A question could not be answered: %s\n%s", what, where)
