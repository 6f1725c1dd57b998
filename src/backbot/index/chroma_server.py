"""A Chroma server over its HTTP interface, as far as generations need it: collections, their records, and search.

Chroma's own client waits for a server that hangs as long as it hangs; here each call has a limit. Sizes stay within the
quotas of Chroma Cloud: 300 records and results a request, 4,096 bytes in one value of a record's metadata.
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
import numpy as np
from numpy.typing import NDArray

from backbot.embeddings import Vectors
from backbot.errors import ChromaUnavailable, SettingsInvalid
from backbot.settings import Settings

RECORDS = 300
"""The most records in one request."""

VALUE_CHARACTERS = 4000
"""The most characters in one value of a record's metadata."""

SECONDS = 60.0
"""How long reading and writing records may take; what is asked for readers' sake has limits of its own."""

DATABASE = "default_database"


@dataclass(frozen=True, slots=True)
class Collection:
    """A collection on the server."""

    id: str
    name: str
    metadata: Mapping[str, Any]


class ChromaServer:
    """A Chroma server. Every method raises ChromaUnavailable when it cannot be asked. Threads may share it."""

    def __init__(self, url: str, token: str = "", database: str = ""):
        address = httpx.URL(url)
        self._address = f"{address.scheme}://{address.netloc.decode()}"
        self._http = httpx.Client(
            base_url=address,
            headers={"Authorization": f"Bearer {token}", "x-chroma-token": token} if token else {},
            limits=httpx.Limits(keepalive_expiry=60),
        )
        self._database = database
        self._root = ""

    def __str__(self) -> str:
        return f"The Chroma server at {self._address}"

    def find(self, name: str, seconds: float = SECONDS) -> Collection | None:
        """The collection of that name; None when there is none."""
        answer = self._ask("GET", f"{self._path(seconds)}/{name}", seconds=seconds, may_miss=True)
        return None if answer is None else _collection(answer)

    def collections(self) -> list[Collection]:
        """All collections of the database."""
        found: list[Collection] = []
        while page := self._ask("GET", self._path(), params={"limit": RECORDS, "offset": len(found)}):
            found += map(_collection, page)
        return found

    def create(self, name: str, hnsw: Mapping[str, Any], metadata: Mapping[str, str] | None = None) -> Collection:
        """A new collection; one of that name that is there already is replaced."""
        self.delete(name)
        body = {"name": name, "metadata": metadata, "configuration": {"hnsw": hnsw}}
        return _collection(self._ask("POST", self._path(), body))

    def delete(self, name: str) -> None:
        """Delete the collection, if there is one."""
        self._ask("DELETE", f"{self._path()}/{name}", may_miss=True)

    def describe(self, collection: Collection, metadata: Mapping[str, str]) -> None:
        """Replace the collection's metadata, in one step."""
        self._ask("PUT", f"{self._path()}/{collection.id}", {"new_metadata": metadata})

    def add(
        self,
        collection: Collection,
        ids: Sequence[str],
        vectors: NDArray[np.float32],
        metadatas: Sequence[Mapping[str, str]] | None = None,
    ) -> None:
        """Add at most RECORDS records; `vectors` has shape (records, dimension)."""
        body = {
            "ids": ids,
            "embeddings": [base64.b64encode(vector.astype("<f4").tobytes()).decode() for vector in vectors],
            "metadatas": metadatas,
        }
        self._ask("POST", f"{self._path()}/{collection.id}/add", body)

    def count(self, collection: Collection) -> int:
        """How many records the collection holds."""
        return int(self._ask("GET", f"{self._path()}/{collection.id}/count"))

    def read(self, collection: Collection, ids: Sequence[str]) -> dict[str, Mapping[str, str]]:
        """The metadata of at most RECORDS records, by id; those that are missing are left out."""
        body = {"ids": ids, "include": ["metadatas"], "limit": len(ids)}
        answer = self._ask("POST", f"{self._path()}/{collection.id}/get", body)
        return {name: values or {} for name, values in zip(answer["ids"], answer["metadatas"], strict=True)}

    def search(
        self, collection: Collection, vector: Vectors, k: int, seconds: float = SECONDS
    ) -> tuple[NDArray[np.int64], Vectors]:
        """The ids, which are numbers, of the k records nearest to a vector, and their distances, the nearest first."""
        body = {"query_embeddings": [vector.tolist()], "n_results": min(k, RECORDS), "include": ["distances"]}
        answer = self._ask("POST", f"{self._path(seconds)}/{collection.id}/query", body, seconds=seconds)
        try:
            ((names,), (distances,)) = answer["ids"], answer["distances"]
            rows, found = np.array([int(name) for name in names], np.int64), np.array(distances, np.float32)
        except (KeyError, TypeError, ValueError) as error:
            raise self._unavailable(f"gives no search results ({error}).") from None
        if not len(rows) or len(rows) != len(found):
            raise self._unavailable("finds nothing.")
        return rows, found

    def _path(self, seconds: float = SECONDS) -> str:
        """Where the database's collections are. The server says which tenant and database the token opens."""
        if not self._root:
            known = self._ask("GET", "/api/v2/auth/identity", seconds=seconds)
            if not isinstance(known, dict) or not known.get("tenant"):
                raise self._unavailable("is none: it does not say who asks. Mend BACKBOT_CHROMA_URL.")
            opened = known.get("databases") or []
            database = self._database or (opened[0] if len(opened) == 1 and opened[0] != "*" else DATABASE)
            self._root = f"/api/v2/tenants/{known['tenant']}/databases/{database}/collections"
        return self._root

    def _ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        params: Mapping[str, int] | None = None,
        seconds: float = SECONDS,
        may_miss: bool = False,
    ) -> Any:
        """The answer's JSON; None where `may_miss` and there is no such thing."""
        try:
            answer = self._http.request(method, path, json=body, params=params, timeout=seconds)
            if answer.is_success:
                return answer.json()
        except (httpx.HTTPError, ValueError) as error:
            reason = " ".join(str(error).split())[:200] or type(error).__name__
            raise self._unavailable(f"does not answer ({reason}). Is it there, and is BACKBOT_CHROMA_URL right?") from None
        if answer.status_code in (401, 403):
            raise self._unavailable("refuses the token. Set BACKBOT_CHROMA_TOKEN to one that it knows.")
        said = _said(answer)
        if may_miss and answer.status_code == 404 and said.startswith("Collection"):
            return None
        raise self._unavailable(f"answers {answer.status_code} ({said or answer.reason_phrase}).")

    def _unavailable(self, what: str) -> ChromaUnavailable:
        return ChromaUnavailable(f"{self} {what}")


def open_server(settings: Settings) -> ChromaServer:
    """The server that the settings name, not asked yet; raises SettingsInvalid."""
    try:
        address = httpx.URL(settings.chroma_url)
        is_address = address.scheme in ("http", "https") and bool(address.host)
    except httpx.InvalidURL:
        is_address = False
    if not is_address:
        raise SettingsInvalid("BACKBOT_CHROMA_URL is no address of a server. It looks like http://chroma.internal:8000")
    return ChromaServer(settings.chroma_url, settings.chroma_token.get_secret_value(), settings.chroma_database)


def _collection(values: Mapping[str, Any]) -> Collection:
    return Collection(values["id"], values["name"], values.get("metadata") or {})


def _said(answer: httpx.Response) -> str:
    """What the server says about a failure, in a line."""
    try:
        said = answer.json()["message"]
    except (ValueError, KeyError, TypeError):
        said = ""
    return " ".join(str(said).split())[:200].removesuffix(".")
