"""All sources of an ingest read into one account: which articles there are now, from where, and which cannot be read."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from backbot.errors import TooManyBadArticles
from backbot.index.generations import Manifest
from backbot.loaders import BadArticle, load_articles
from backbot.records import Article
from backbot.settings import Settings

Progress = Callable[[str, int, int], None]
"""Told (stage, done, total) as the work goes on."""


@dataclass(frozen=True, slots=True)
class Account:
    """What the sources hold. `hashes` and `origins` are by article id; withdrawn articles are in neither."""

    hashes: dict[str, str] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    withdrawn: set[str] = field(default_factory=set)
    bad: list[BadArticle] = field(default_factory=list)
    unsure: set[str] = field(default_factory=set)
    """Sources that hold something unreadable of which not even the id is known."""


def read_sources(sources: Sequence[str], settings: Settings, keep: Callable[[Article], None], progress: Progress) -> Account:
    """Read all sources, one article at a time, and give `keep` each published one.

    Raises SourceUnreadable when a source as a whole cannot be read: a site that is down must not take its articles away.
    """
    account = Account()
    for source in sources:
        for found in load_articles(source, cache=settings.index / "fetched", allow_private=settings.allow_private_sources):
            if isinstance(found, BadArticle):
                account.bad.append(found)
                if not found.article:
                    account.unsure.add(source)
            elif found.id in account.hashes or found.id in account.withdrawn:
                reason = f"two articles have the id {found.id!r}; the first was kept"
                account.bad.append(BadArticle(source, reason, found.id))
            elif found.status == "withdrawn":
                account.withdrawn.add(found.id)
            else:
                account.hashes[found.id] = found.content_hash
                account.origins[found.id] = source
                keep(found)
            progress("Reading", len(account.hashes), 0)
    return account


def find_stale(account: Account, before: Manifest | None) -> list[str]:
    """Ids of live articles that the sources hold in an unreadable form now; they serve on in their last good version.

    Where a source holds something unreadable without an id, each article missing from that source may be it.
    """
    if before is None:
        return []
    named = {item.article for item in account.bad}
    missing = before.articles.keys() - account.hashes.keys() - account.withdrawn
    return sorted(name for name in missing if name in named or before.origins.get(name) in account.unsure)


def check_share(account: Account, max_bad: float) -> None:
    """Raise TooManyBadArticles when more than the share `max_bad` of the articles cannot be read, or none can."""
    good, bad = len(account.hashes), account.bad
    if not good:
        first = f" The first: {bad[0].place}: {bad[0].reason}." if bad else ""
        raise TooManyBadArticles(
            f"The sources hold no article that can be read; nothing was published.{first} Name a folder with articles."
        )
    # One bad article in a small corpus is more than 5 %, and must not take the others down.
    if len(bad) > max(max_bad * (good + len(bad)), 1):
        raise TooManyBadArticles(
            f"{len(bad)} of {good + len(bad)} articles cannot be read, more than --max-bad {max_bad:.0%}; nothing was "
            f"published. The first: {bad[0].place}: {bad[0].reason}. Mend them, or raise --max-bad."
        )
