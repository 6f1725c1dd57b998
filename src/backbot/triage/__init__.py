"""Red flags: what a reader's messages hold, how urgent it is, and what to tell the reader. Runs before everything else.

`triage` never raises: whatever goes wrong inside it, the reader is told that the message could not be checked and where
to get help, and the log says what kind of error it was but none of the reader's words.
"""

import logging
from collections.abc import Sequence

from backbot.records import Flag, Triage
from backbot.triage.referral import refer, refer_unchecked
from backbot.triage.rules import Rules, load_rules, rules_version
from backbot.triage.second_reading import raise_level

__all__ = ["is_about_red_flags", "light_line", "raise_level", "rules_version", "triage"]

_log = logging.getLogger("backbot.triage")


def triage(turns: Sequence[str], country: str = "", use_classifier: bool = True) -> Triage:
    """What the reader's messages (oldest first, nobody else's words) hold, and what to do.

    `country` is two letters, for whom to call; empty or unknown gives the local emergency number. Without the
    classifier phrases alone decide. Never raises: see the module's text.
    """
    rules = None
    try:
        rules = load_rules()
        if isinstance(turns, str) or not all(isinstance(turn, str) for turn in turns):
            raise TypeError("turns must be a sequence of texts")
        return refer(_find(turns, rules, use_classifier), country, rules)
    except Exception as error:
        _log.error("Triage failed (%s); the reader was told that the message could not be checked.", type(error).__name__)
    try:
        return refer_unchecked(country, rules)
    except Exception:
        return refer_unchecked("", None)


def _find(turns: Sequence[str], rules: Rules, use_classifier: bool) -> tuple[Flag, ...]:
    from backbot.triage.detector import detect

    phrases = detect(turns, rules)
    if not use_classifier or not any(turn.strip() for turn in turns):
        return phrases
    from backbot.triage.classifier import Place, load_classifier
    from backbot.triage.judgement import judge

    try:
        classifier = load_classifier()
        if classifier is None:
            return phrases
        starts = [(flag.turn, turns[flag.turn].find(flag.quote), len(flag.quote)) for flag in phrases]
        found = [Place(turn, start, start + length) for turn, start, length in starts]
        return judge(phrases, classifier.read(turns, found), classifier.weights, turns, rules)
    except Exception as error:
        if not phrases:
            raise
        _log.error("The classifier failed (%s); the phrases decide alone.", type(error).__name__)
        return phrases


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
