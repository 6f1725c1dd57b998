"""Red flags: what a reader's messages hold, how urgent it is, and what to tell the reader. Runs before everything else.

`triage` never raises: whatever goes wrong inside it, the reader is told that the message could not be checked and where
to get help, and the log says what kind of error it was but none of the reader's words.
"""

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from backbot.records import Triage
from backbot.triage.referral import refer, refer_unchecked
from backbot.triage.rules import load_rules, rules_version

if TYPE_CHECKING:
    import numpy as np

    Embed = Callable[[list[str]], np.ndarray]

__all__ = ["is_about_red_flags", "light_line", "rules_version", "triage"]

_log = logging.getLogger("backbot.triage")


def triage(turns: Sequence[str], country: str = "", embed: "Embed | None" = None) -> Triage:
    """What the reader's messages (oldest first, nobody else's words) hold, and what to do.

    `country` is two letters, for whom to call; empty or unknown gives the local emergency number. `embed`, texts to
    L2-normalised vectors (n, 384), lets the classifier look too. Never raises: see the module's text.
    """
    rules = None
    try:
        rules = load_rules()
        from backbot.triage.detector import detect

        return refer(detect([str(turn) for turn in turns], rules), country, rules)
    except Exception as error:
        _log.error("Triage failed (%s); the reader was told that the message could not be checked.", type(error).__name__)
    try:
        return refer_unchecked(country, rules)
    except Exception:
        return refer_unchecked("", None)


def is_about_red_flags(question: str) -> bool:
    """Whether a question that raised no flag is about warning signs, so that one light line belongs with its answer."""
    try:
        from backbot.triage.detector import mentions_red_flags

        return mentions_red_flags(question, load_rules())
    except Exception as error:
        _log.error("Looking for a question about red flags failed (%s); the light line is shown.", type(error).__name__)
        return True


def light_line() -> str:
    """The one line that goes with the answer to a question about red flags."""
    return load_rules().texts["light"]
