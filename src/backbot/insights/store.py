"""A small SQLite file of what the bot could not answer. It holds days, redacted words, reasons and article ids; no more."""

import contextlib
import logging
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path

from backbot.errors import SettingsInvalid
from backbot.insights.redacting import redact
from backbot.records import Reply
from backbot.settings import Settings
from backbot.vocabulary import CorpusWords

MOST_ROWS = 100_000
"""Of each kind; beyond them the oldest go first, whatever the days."""

MOST_ARTICLES = 20
"""Of one thumb down."""

WAIT_SECONDS = 20.0
"""How long a process waits for another one that writes. No reader waits with it: the answer was given before."""

REASONS = frozenset({"", "wrong", "not-my-question", "unclear", "source"})

_SCHEMA = (
    "create table if not exists declined (day text not null, words text not null)",
    "create table if not exists faults (day text not null, reason text not null, article text not null)",
)

_log = logging.getLogger(__name__)


class Insights:
    """The file, kept for `days` days. Threads and processes may share it; a fault of it never reaches a reader."""

    def __init__(self, file: Path, days: int):
        self.file = file
        self.days = days
        self._lock = threading.Lock()
        with self._open() as database:
            for statement in _SCHEMA:
                database.execute(statement)
        file.chmod(0o600)

    def keep_declined(self, reply: Reply, corpus_words: CorpusWords) -> None:
        """Keep the redacted question of a reply that declined; nothing when any warning sign was raised."""
        if reply.outcome != "declined" or reply.triage.level != "none" or reply.triage.flags:
            return
        try:
            if words := redact(reply.question, corpus_words):
                self._add("declined", (words,))
        except Exception as error:
            # Its message may hold the reader's words.
            _log.error("A declined question was not kept (%s).", type(error).__name__)

    def keep_fault(self, reason: str, articles: Sequence[str]) -> None:
        """Keep a thumb down for the articles that the answer quoted; the caller knows that there are such articles."""
        try:
            for article in list(dict.fromkeys(articles))[:MOST_ARTICLES]:
                self._add("faults", (reason if reason in REASONS else "", article))
        except Exception as error:
            _log.error("A thumb down was not kept (%s).", type(error).__name__)

    def declined(self) -> list[tuple[str, str]]:
        """Day and words of each question kept, the newest first."""
        return [(day, words) for day, words in self._rows("select day, words from declined order by rowid desc")]

    def faults(self) -> list[tuple[str, str, str]]:
        """Day, reason and article of each thumb down kept, the newest first."""
        rows = self._rows("select day, reason, article from faults order by rowid desc")
        return [(day, reason, article) for day, reason, article in rows]

    def _rows(self, query: str) -> list[tuple[str, ...]]:
        with self._open() as database:
            self._forget(database)
            return database.execute(query).fetchall()

    def _add(self, table: str, values: tuple[str, ...]) -> None:
        marks = ", ".join("?" * (len(values) + 1))
        with self._open() as database:
            self._forget(database)
            database.execute(f"insert into {table} values ({marks})", (date.today().isoformat(), *values))  # noqa: S608
            database.execute(
                f"delete from {table} where rowid <= (select max(rowid) from {table}) - ?",  # noqa: S608
                (MOST_ROWS,),
            )

    def _forget(self, database: sqlite3.Connection) -> None:
        first = (date.today() - timedelta(days=self.days)).isoformat()
        for table in ("declined", "faults"):
            database.execute(f"delete from {table} where day <= ?", (first,))  # noqa: S608  # a name of ours

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """A connection of one's own, committed and closed at the end."""
        # Threads queue here: SQLite lets those that wait for its lock try again at random, and some never get it.
        with self._lock, contextlib.closing(sqlite3.connect(self.file, timeout=WAIT_SECONDS)) as database, database:
            # What is deleted is overwritten, not only let go.
            database.execute("pragma secure_delete = on")
            database.execute("begin immediate")
            yield database


def open_insights(settings: Settings) -> Insights | None:
    """The file that the settings name; None when insights are off. Raises SettingsInvalid when it cannot be written."""
    if not settings.insights:
        return None
    index = settings.index
    file = Path(settings.insights_file) if settings.insights_file else index.with_name(f"{index.name}-insights.sqlite")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        return Insights(file.expanduser(), settings.insights_days)
    except (OSError, sqlite3.Error) as error:
        raise SettingsInvalid(
            f"Insights cannot be kept in {file} ({error}). Name a file that can be written in BACKBOT_INSIGHTS_FILE, move "
            "away one that is damaged, or leave BACKBOT_INSIGHTS off."
        ) from None
