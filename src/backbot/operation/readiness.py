"""Whether this process can answer: it asks itself a question and looks for a red flag, as for a reader."""

import logging
import threading
import time
from dataclasses import dataclass, field

from backbot.bot import Bot
from backbot.errors import BackbotError
from backbot.triage import triage

ASKED = "bakc pain"
"""Misspelt, because the first misspelt word is what loads the list of words."""

RED_FLAG = "I am numb between my legs and cannot pee"
DEGRADED = (
    "What was published is damaged, and an earlier generation answers, which may hold what was withdrawn since; or the "
    "Chroma server cannot be asked, or not taken up from, and the copy on this machine answers. The log says more; so does: "
    "backbot doctor"
)
KEPT_SECONDS = 1.0
"""How long one finding stands, so that nobody keeps the server busy by asking whether it is ready."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ready:
    """What was found: the generation that answers, or, where `reason` is given, why nothing does.

    `degraded` says what is amiss although this process can answer.
    """

    generation: str = ""
    passages: int = 0
    reason: str = ""
    degraded: str = ""


@dataclass(slots=True)
class Readiness:
    """Asks one bot, at most every KEPT_SECONDS. Threads may share it."""

    bot: Bot
    _found: Ready = field(default_factory=Ready)
    _until: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def check(self) -> Ready:
        """The last finding if it is fresh; else a new one."""
        with self._lock:
            if time.monotonic() >= self._until:
                self._found = check_readiness(self.bot)
                self._until = time.monotonic() + KEPT_SECONDS
            return self._found


def check_readiness(bot: Bot) -> Ready:
    """Answer a question from the live generation, and let triage read a red flag. Never raises.

    The reason is for whoever may ask; the log has the details, such as names of folders.
    """
    try:
        generation = bot.index.live()
        # Without the language model: with none to be had, every reply is still answered.
        Bot(bot.index, bot.settings).reply(ASKED)
    except Exception as error:
        _log.error("Not ready: %s", error)
        what = type(error).__doc__ if isinstance(error, BackbotError) else f"Answering failed ({type(error).__name__})."
        return Ready(reason=f"{(what or '').splitlines()[0]} The log says more; so does: backbot doctor")
    if triage((RED_FLAG,)).level != "emergency":
        _log.error("Not ready: triage did not see the red flag that it was shown")
        return Ready(reason="Triage does not see a red flag that it was shown. Run: backbot doctor")
    return Ready(generation.manifest.name, generation.manifest.passages, degraded=DEGRADED if bot.index.degraded else "")
