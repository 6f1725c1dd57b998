"""A second reading, by a language model say, that can make a triage more urgent and never less."""

import logging
from collections.abc import Callable, Sequence

from backbot.records import TRIAGE_LEVELS, Flag, Triage
from backbot.triage.referral import refer
from backbot.triage.rules import load_rules

_log = logging.getLogger("backbot.triage")
_LABEL = "A second reading found this more urgent"
SECOND_READING = "second-reading"


def raise_level(
    triage: Triage, turns: Sequence[str], second: Callable[[Sequence[str]], str | None], country: str = ""
) -> Triage:
    """The triage, at the level that `second` names if that is more urgent; otherwise as it was.

    `second` reads the reader's messages and answers none, soon, urgent or emergency. Whatever else it answers, and
    whatever it raises, changes nothing; the log names the kind of error and none of the reader's words.
    """
    try:
        answer = second(turns)
        named = next((level for level in TRIAGE_LEVELS if isinstance(answer, str) and level == answer.strip().lower()), None)
        if named is None or TRIAGE_LEVELS.index(named) <= TRIAGE_LEVELS.index(triage.level):
            return triage
        flag = Flag(SECOND_READING, _LABEL, named, turns[-1] if turns else "", max(0, len(turns) - 1))
        return refer((*triage.flags, flag), country, load_rules())
    except Exception as error:
        _log.error("The second reading failed (%s); the level stays as it was.", type(error).__name__)
        return triage
