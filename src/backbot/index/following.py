"""A folder's index kept the same as the one on a Chroma server, and search there; what goes on while that is away."""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from backbot.embeddings import Vectors
from backbot.errors import BackbotError, ChromaUnavailable, IndexBusy, IndexMissing, IndexUnusable
from backbot.index.chroma_server import Collection
from backbot.index.exact import Exact
from backbot.index.generations import Manifest, ingest_lock, live_name, read_manifest
from backbot.index.sharing import INGEST_AGAIN, SharedIndex, open_shared
from backbot.settings import Settings

POLL_SECONDS = 1.0
"""How often the server is asked what is published, whether or not anybody asks questions."""

QUESTION_SECONDS = 0.3
"""How long a question waits for the server; then it is answered without."""

SILENT_SECONDS = 2.0
"""A server that lets every question wait for so long is away: none waits for it any more."""

PROBE_SECONDS = 5.0
"""How long the server may take for what no reader waits for, such as the search that shows that it is back."""

RETRY_SECONDS = 30.0
"""When a generation that cannot be taken up is tried again."""

FIRST_SECONDS = 60.0
"""How long a start waits for another process that fetches the first copy into the same folder."""

ASKERS = 8
"""How many questions a process asks the server at the same time; Chroma Cloud allows ten for a collection."""

EXACT_ROWS = 50_000
"""With more passages than these, comparing each takes too long (0.1 s): without the server the words alone propose."""

_log = logging.getLogger(__name__)

Nearest = tuple[NDArray[np.int64], Vectors]
"""The rows of the nearest vectors, and their distances."""


class Follower:
    """Takes up what is published on a Chroma server, once it is started, and asks that server. Threads may share it.

    `away` says why the server is not asked now, `behind` why the published generation is not served; empty if all is well.
    """

    def __init__(self, shared: SharedIndex):
        self.shared = shared
        self.away = self.behind = ""
        self._is_known = False
        self._silent_since: float | None = None
        self._refused, self._retry_at = "", 0.0
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._askers = ThreadPoolExecutor(ASKERS, "chroma")
        self._tell: Callable[[bool], None] = lambda is_degraded: None

    def start(self) -> None:
        """Take up what is published, then go on doing so from a thread; a copy that is here is served meanwhile.

        Raises ChromaUnavailable when there is no copy and none can be had.
        """
        self.look(FIRST_SECONDS)
        if not self._has_copy():
            why = self.away or self.behind
            raise ChromaUnavailable(f"{why} There is no copy of the index in {self.shared.index} to serve meanwhile.")
        threading.Thread(target=self._run, name="following", daemon=True).start()

    def stop(self) -> None:
        """Take up nothing more, ask nothing more."""
        self._stopped.set()
        self._askers.shutdown(wait=False, cancel_futures=True)

    def on_change(self, tell: Callable[[bool], None]) -> None:
        """Call `tell` at each change with whether the server is away or the published generation not served."""
        self._tell = tell

    def serve(self, manifest: Manifest, vectors: NDArray[np.float16]) -> "Served":
        """The dense side of a generation; `vectors` are those on the disk, shape (rows, dimension)."""
        return Served(self, manifest.name, vectors)

    def find_fault(self) -> str:
        """What is amiss with the server, or between it and the copy here; empty if nothing is. Changes nothing."""
        try:
            name = self.shared.live()
            if not name:
                return f"{self.shared.server} holds no generation. {INGEST_AGAIN}"
            if self._has_copy() and not self.shared.has_taken_up(name):
                return f"{self.shared.server} has published {name}, which is not live here yet. backbot serve takes it up."
            if self._has_copy():
                self._probe(name)
        except IndexUnusable as error:
            return str(error)
        return ""

    def look(self, patience: float = 0.0) -> None:
        """Take up what is published now, and find out whether a server that was away is back."""
        is_unsure = bool(self.away) or not self._is_known
        away, behind = None, None
        try:
            behind = self._catch_up(patience)
            if is_unsure and self._has_copy():
                self._probe(live_name(self.shared.index))
                away = ""
        except Exception as error:
            # Whatever it is, the copy still answers, and the thread must live to see the server come back.
            away = _explain(error)
        self._is_known = True
        self._change(away, behind)

    def ask(self, search: Callable[[Vectors, int], Nearest], vector: Vectors, k: int) -> Nearest | None:
        """What `search` finds; None when the server is away, or takes longer than QUESTION_SECONDS."""
        if self.away:
            return None
        asked = self._askers.submit(search, vector, k)
        try:
            # A limit of the connection alone is not enough: looking up the server's name can hang, too.
            found = asked.result(QUESTION_SECONDS)
            self._silent_since = None
            return found
        except TimeoutError:
            asked.cancel()
            # Under load some answers come late from a server that is well.
            self._silent_since = self._silent_since or time.monotonic()
            if time.monotonic() > self._silent_since + SILENT_SECONDS:
                self._change(self._too_slow(), None)
        except ChromaUnavailable as error:
            self._change(str(error), None)
        return None

    def _run(self) -> None:
        while not self._stopped.wait(POLL_SECONDS):
            self.look()

    def _catch_up(self, patience: float) -> str:
        """Take up what is published; returns why it cannot be. Raises ChromaUnavailable when the server is away."""
        shared = self.shared
        name = shared.live()
        if not name:
            raise IndexMissing(f"{shared.server} holds no generation. {INGEST_AGAIN}")
        # A copy that was damaged while nobody served it is fetched again.
        if shared.has_taken_up(name) and (self._is_known or shared.is_whole_here(name)):
            return ""
        if name == self._refused and time.monotonic() < self._retry_at:
            return self.behind
        try:
            with ingest_lock(shared.index, 0 if self._has_copy() else patience):
                shared.take_up(name)
            return ""
        except ChromaUnavailable:
            raise
        except IndexBusy as error:
            # Another process takes it up, or an ingest here is about to publish: the next look sees.
            return self.behind if self._has_copy() else str(error)
        except Exception as error:
            self._refused, self._retry_at = name, time.monotonic() + RETRY_SECONDS
            return _explain(error)

    def _probe(self, name: str) -> None:
        """Search as a reader's question does; raises ChromaUnavailable when that fails or takes too long."""
        server, collection = self.shared.server, self.shared.passages(name, PROBE_SECONDS)
        manifest = read_manifest(self.shared.index, name)
        if server.count(collection) != manifest.passages:
            raise ChromaUnavailable(f"{server} has lost vectors of {name}, or holds others. {INGEST_AGAIN}")
        vector = np.zeros(manifest.dimension, np.float32)
        # The first search may have to read the vectors from the server's disk.
        server.search(collection, vector, 1, PROBE_SECONDS)
        begun = time.monotonic()
        server.search(collection, vector, 1, PROBE_SECONDS)
        self._silent_since = None
        if time.monotonic() - begun > QUESTION_SECONDS:
            raise ChromaUnavailable(self._too_slow())

    def _too_slow(self) -> str:
        return f"{self.shared.server} takes longer than {QUESTION_SECONDS} seconds for a search."

    def _has_copy(self) -> bool:
        return (self.shared.index / "live").is_file()

    def _change(self, away: str | None, behind: str | None) -> None:
        """Remember why the server is away and why the published generation is not served, and say what is new.

        None leaves it as it was.
        """
        with self._lock:
            was_away, was_behind = self.away, self.behind
            self.away = was_away if away is None else away
            self.behind = was_behind if behind is None else behind
            is_degraded = bool(self.away or self.behind)
            if not self._has_copy():
                return  # The start fails, and says why.
            if self.away and not was_away:
                _log.error("Degraded: %s Until it is back, the copy on this machine is searched.", self.away)
            if self.behind and self.behind != was_behind:
                _log.error("Degraded: what is published cannot be taken up, so the former one is served. %s", self.behind)
            if not is_degraded and (was_away or was_behind):
                _log.warning("No longer degraded: the Chroma server answers, and what is published there is served.")
            if is_degraded != bool(was_away or was_behind):
                self._tell(is_degraded)


class Served:
    """The dense side of a generation, on a Chroma server; threads may share it.

    While the server is away each of the vectors on the disk is compared; with more than EXACT_ROWS none is proposed.
    """

    def __init__(self, follower: Follower, name: str, vectors: NDArray[np.float16]):
        self._follower = follower
        self._name = name
        self._rows = len(vectors)
        self._exact = Exact(vectors if len(vectors) <= EXACT_ROWS else vectors[:0])
        self._collection: Collection | None = None

    def search(self, vector: Vectors, k: int) -> tuple[NDArray[np.int64], Vectors]:
        """Rows of the k nearest vectors and their cosines, the nearest first."""
        if found := self._follower.ask(self._search_there, vector, k):
            rows, distances = found
            return rows, 1 - distances
        return self._exact.search(vector, k)

    def close(self) -> None:
        """Nothing is held open."""

    def _search_there(self, vector: Vectors, k: int) -> Nearest:
        shared = self._follower.shared
        try:
            self._collection = self._collection or shared.passages(self._name, PROBE_SECONDS)
            rows, distances = shared.server.search(self._collection, vector, k, PROBE_SECONDS)
            if rows.max() >= self._rows:
                raise ChromaUnavailable(f"{shared.server} holds other vectors as those of {self._name}. {INGEST_AGAIN}")
            return rows, distances
        except ChromaUnavailable:
            # The same vectors may be there again as another collection.
            self._collection = None
            raise


def _explain(error: Exception) -> str:
    """The error in words; what no operator can mend is a bug, and its traceback goes to the log."""
    if not isinstance(error, BackbotError | OSError):
        _log.error("The Chroma server cannot be followed because of a bug.", exc_info=error)
    return str(error) or type(error).__name__


def find_follower(settings: Settings) -> Follower:
    """What follows the Chroma server that the settings name, not started: nothing is asked yet. Raises SettingsInvalid."""
    return Follower(open_shared(settings))


def follow(settings: Settings) -> Follower:
    """What keeps the index the same as on the Chroma server that the settings name, started.

    Raises ChromaUnavailable when there is no copy here and none can be had, and SettingsInvalid.
    """
    follower = find_follower(settings)
    follower.start()
    return follower
