"""Where the web's questions are taken: the bot answers, links are checked, declined ones are kept if insights are on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from backbot.bot import Bot
from backbot.errors import IndexUnusable
from backbot.insights import Insights
from backbot.records import AnswerSentence, Reply, Triage
from backbot.triage import triage
from backbot.web.publisher import Publisher

Part = Triage | AnswerSentence | Reply

LOOK_CHARS = 4_000
"""Of the newest messages, when triage alone reads them: some thousandths of a second for most, a third for so many."""


@dataclass(frozen=True, slots=True)
class Desk:
    """The same for the chat page, the widget and the API; threads may share it."""

    bot: Bot
    publisher: Publisher
    insights: Insights | None

    def stream(self, turns: Sequence[str], country: str, context: str = "") -> Iterator[Part]:
        """The answer to the last of the reader's turns in parts, as `Bot.stream` gives it.

        `context` is an id or an address of the article that the reader has open; any other is passed over.
        """
        article = self.publisher.article_at(context) if context else ""
        for part in self.bot.stream(turns[-1], turns[:-1], country, article):
            if not isinstance(part, Reply):
                yield part
                continue
            yield self.publisher.check(part)
            if self.insights:
                self.insights.keep_declined(part, self.bot.index.live().words)

    def known(self, articles: Sequence[str]) -> list[str]:
        """Those of the ids that are articles': any other may hold a caller's words, and is not logged or kept."""
        try:
            content = self.bot.index.live().content
        except IndexUnusable:
            return []
        return [name for name in dict.fromkeys(articles) if content.article(name)]

    def take_thumb_down(self, reason: str, articles: Sequence[str]) -> None:
        """Keep a thumb down, if insights are on, for those of the articles that there are."""
        if self.insights:
            self.insights.keep_fault(reason, self.known(articles))

    def sounds_urgent(self, turns: Sequence[str]) -> bool:
        """Whether phrases alone see an emergency in the newest messages: far quicker than `look`, and sees less."""
        return triage(_newest(turns), use_classifier=False).level == "emergency"

    def look(self, turns: Sequence[str], country: str) -> Iterator[Part] | None:
        """The referral when the newest messages hold an emergency; None for anything else.

        Whoever asks too often, or when too many ask, is still looked at: a referral costs neither a search nor a place.
        """
        parts = self.stream(_newest(turns), country)
        first = next(parts)
        return chain((first,), parts) if isinstance(first, Triage) and first.level == "emergency" else None


def _newest(turns: Sequence[str]) -> list[str]:
    """The newest turns that come to LOOK_CHARS; of a newest one that is longer, its beginning and its end."""
    last = turns[-1]
    kept = [last if len(last) <= LOOK_CHARS else f"{last[: LOOK_CHARS // 2]} {last[-LOOK_CHARS // 2 :]}"]
    left = LOOK_CHARS - len(kept[0])
    for turn in reversed(turns[:-1]):
        left -= len(turn)
        if left < 0:
            break
        kept.insert(0, turn)
    return kept
