"""One index for several machines: a real Chroma server, killed, frozen, emptied and tampered with."""

import base64
import hashlib
import http.server
import io
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest

from articles import publish
from backbot.bot import Bot
from backbot.embeddings import Embedder
from backbot.errors import BackbotError, ChromaUnavailable, IndexMissing, SettingsInvalid
from backbot.index import following
from backbot.index.dense import FOLDER
from backbot.index.generations import check_files, list_generations, live_name, read_manifest
from backbot.index.ingest import IngestSummary, ingest
from backbot.index.search import Index, open_index
from backbot.index.sharing import SharedIndex, open_shared
from backbot.settings import Settings
from chroma_process import Chroma, chroma
from waiting import wait_until

__all__ = ["chroma"]

SEAT = "height of my seat"


@pytest.fixture
def machine(chroma: Chroma, tmp_path: Path) -> Callable[..., Settings]:
    """Settings of a machine of that name, with a folder of its own."""
    return lambda name, **more: Settings(index=tmp_path / name, chroma_url=chroma.url, **more)


@pytest.fixture
def author(machine: Callable[..., Settings]) -> Settings:
    """The machine that ingests."""
    return machine("author", keep_generations=2)


@pytest.fixture
def first(small_corpus: Path, author: Settings, embedder: Embedder) -> IngestSummary:
    return ingest([str(small_corpus)], author, embedder)


@pytest.fixture
def serve(machine: Callable[..., Settings], embedder: Embedder) -> Iterator[Callable[[str], Index]]:
    """Opens the index as the serving machine of that name does."""
    opened: list[Index] = []

    def run(name: str) -> Index:
        opened.append(open_index(machine(name), embedder))
        return opened[-1]

    yield run
    for index in opened:
        follower(index).stop()


def follower(index: Index) -> following.Follower:
    assert index._follower
    return index._follower


def top(index: Index, question: str = SEAT) -> str:
    return index.live().search(question, index.embedder.embed([question])[0])[0].passage.article


def serves(index: Index, summary: IngestSummary) -> bool:
    """Whether the machine answers from that generation."""
    assert top(index) == "chairs"
    return index.live().manifest.name == summary.generation


def is_asked(index: Index) -> bool:
    """Whether questions reach the server, and it answers them."""
    return bool(top(index)) and not index.degraded


def test_what_one_machine_ingests_others_serve_from_nothing_but_the_address(
    first: IngestSummary,
    author: Settings,
    machine: Callable[..., Settings],
    serve: Callable[[str], Index],
    embedder: Embedder,
):
    own = Index(author.index, embedder).live()
    vectors = embedder.embed([SEAT, "how many minutes of cold", "how far should I walk"])
    for index in (serve("web-1"), serve("web-2")):
        theirs = index.live()
        assert theirs.manifest.name == first.generation
        assert not list(index.folder.rglob("chroma*"))
        check_files(index.folder, theirs.manifest, every_byte=True)
        for vector in vectors:
            (rows, cosines), (own_rows, own_cosines) = theirs._dense.search(vector, 5), own._dense.search(vector, 5)
            assert rows.tolist() == own_rows.tolist()
            np.testing.assert_allclose(cosines, own_cosines, atol=1e-5)
        wait_until(lambda index=index: is_asked(index))


def test_a_publish_and_a_rollback_reach_every_machine(
    first: IngestSummary, small_corpus: Path, author: Settings, serve: Callable[[str], Index], embedder: Embedder
):
    machines = [serve("web-1"), serve("web-2")]
    second = publish(small_corpus, author, embedder, 11)
    for index in machines:
        wait_until(lambda index=index: serves(index, second))
        assert "Start with 11 minutes" in index.live().search("walk", embedder.embed(["walk"])[0])[0].passage.text
    assert open_shared(author).roll_back() == first.generation == live_name(author.index)
    for index in machines:
        wait_until(lambda index=index: serves(index, first))
        assert "Start with 10 minutes" in index.live().search("walk", embedder.embed(["walk"])[0])[0].passage.text
    with pytest.raises(IndexMissing, match="nothing to roll back to"):
        open_shared(author).roll_back()


@pytest.mark.parametrize("death", ["killed", "frozen"])
def test_answers_go_on_while_the_server_is_away_and_it_is_asked_again_once_it_is_back(
    death: str,
    first: IngestSummary,
    small_corpus: Path,
    author: Settings,
    chroma: Chroma,
    serve: Callable[[str], Index],
    embedder: Embedder,
    caplog: pytest.LogCaptureFixture,
):
    index = serve("web")
    before = Bot(index, Settings()).reply("how high should the seat of my chair be?")
    wait_until(lambda: is_asked(index))
    caplog.clear()
    with caplog.at_level(logging.WARNING, "backbot"):
        if death == "killed":
            chroma.kill()
        else:
            chroma.send(signal.SIGSTOP)
        for _ in range(20):
            assert Bot(index, Settings()).reply("how high should the seat of my chair be?") == before
        assert "Chroma server" in index.degraded
        assert [record.levelname for record in caplog.records] == ["ERROR"]
        assert "copy on this machine" in caplog.text
        if death == "killed":
            chroma.start()
        else:
            chroma.send(signal.SIGCONT)
        wait_until(lambda: not index.degraded)
        assert caplog.records[-1].message.startswith("No longer degraded")
    wait_until(lambda: is_asked(index))
    second = publish(small_corpus, author, embedder, 12)
    wait_until(lambda: serves(index, second))


def test_a_large_index_is_searched_by_its_words_while_the_server_is_away(
    first: IngestSummary,
    chroma: Chroma,
    serve: Callable[[str], Index],
    embedder: Embedder,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(following, "EXACT_ROWS", 3)
    index = serve("web")
    chroma.kill()
    wait_until(lambda: index.degraded)
    vector = embedder.embed(["seat"])[0]
    assert index.live()._dense.search(vector, 10)[0].tolist() == []
    found = {hit.passage.article for hit in index.live().search("seat", vector)}
    assert found == {"chairs"}
    long = "My knees hurt after work. How high should the seat of my chair be?"
    assert Bot(index, Settings()).reply(long).citations[0].article == "chairs"


def test_a_machine_starts_from_its_copy_without_the_server_and_follows_when_it_is_there(
    first: IngestSummary,
    small_corpus: Path,
    author: Settings,
    chroma: Chroma,
    serve: Callable[[str], Index],
    embedder: Embedder,
):
    follower(serve("web")).stop()
    second = publish(small_corpus, author, embedder, 13)
    chroma.kill()
    index = serve("web")
    assert "does not answer" in index.degraded
    assert serves(index, first)
    chroma.start()
    wait_until(lambda: serves(index, second) and not index.degraded)


def test_a_copy_that_was_damaged_is_fetched_again(first: IngestSummary, serve: Callable[[str], Index]):
    index = serve("web")
    follower(index).stop()
    file = index.folder / "generations" / first.generation / "words.json"
    file.write_bytes(file.read_bytes()[:-9])
    again = serve("web")
    assert serves(again, first)
    check_files(again.folder, again.live().manifest, every_byte=True)


def test_without_server_and_copy_the_error_says_both(author: Settings, embedder: Embedder, chroma: Chroma):
    with pytest.raises(ChromaUnavailable, match=r"holds no generation\. Run backbot ingest .* no copy of the index"):
        open_index(author, embedder)
    chroma.kill()
    with pytest.raises(
        ChromaUnavailable, match=r"127\.0\.0\.1:\d+ does not answer .*BACKBOT_CHROMA_URL.* no copy"
    ) as caught:
        open_index(author, embedder)
    assert caught.value.exit_code == 2


def test_an_ingest_without_the_server_publishes_nothing(
    first: IngestSummary, small_corpus: Path, author: Settings, chroma: Chroma, embedder: Embedder
):
    (small_corpus / "walking.md").unlink()
    chroma.kill()
    with pytest.raises(ChromaUnavailable, match="does not answer"):
        ingest([str(small_corpus)], author, embedder)
    assert live_name(author.index) == first.generation
    assert not (author.index / "building").exists()
    chroma.start()
    assert ingest([str(small_corpus)], author, embedder).published


@pytest.mark.parametrize("url", ["ftp://chroma:8000", "chroma:8000", "http://", "8000"])
def test_what_is_no_address_is_said_to_be_none(url: str, tmp_path: Path, embedder: Embedder):
    with pytest.raises(SettingsInvalid, match="BACKBOT_CHROMA_URL"):
        open_index(Settings(index=tmp_path / "index", chroma_url=url), embedder)


class Guard(http.server.BaseHTTPRequestHandler):
    """A proxy that lets only those pass who show the token, as one stands before a Chroma server."""

    behind = ""
    token = "right"

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        shown = {self.headers.get("Authorization"), self.headers.get("x-chroma-token")}
        if shown != {f"Bearer {self.token}", self.token}:
            self.answer(401, b'{"error": "AuthError", "message": "no"}')
        elif not self.behind:
            self.answer(200, b"<html>Another program</html>")
        else:
            sent = {"Content-Type": "application/json"}
            passed = httpx.request(self.command, self.behind + self.path, content=body, headers=sent, timeout=60)
            self.answer(passed.status_code, passed.content)

    do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def guard() -> Iterator[http.server.ThreadingHTTPServer]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("OwnGuard", (Guard,), {}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_a_server_behind_a_token_is_served_with_it_and_refuses_without(
    small_corpus: Path, chroma: Chroma, guard: http.server.ThreadingHTTPServer, tmp_path: Path, embedder: Embedder
):
    address = f"http://127.0.0.1:{guard.server_port}"

    def settings(token: str, name: str) -> Settings:
        return Settings(index=tmp_path / name, chroma_url=address, chroma_token=token)

    with pytest.raises(ChromaUnavailable, match=r"does not answer|is none: it does not say"):
        ingest([str(small_corpus)], settings("right", "author"), embedder)
    guard.RequestHandlerClass.behind = chroma.url  # type: ignore[attr-defined]
    ingest([str(small_corpus)], settings("right", "author"), embedder)
    for token in ("", "wrong"):
        with pytest.raises(ChromaUnavailable, match=r"refuses the token\. Set BACKBOT_CHROMA_TOKEN") as caught:
            open_index(settings(token, "web"), embedder)
        assert "wrong" not in str(caught.value)
    index = open_index(settings("right", "web"), embedder)
    wait_until(lambda: is_asked(index))
    guard.RequestHandlerClass.token = "another"  # type: ignore[attr-defined]
    wait_until(lambda: "refuses the token" in index.degraded)
    assert top(index) == "chairs"
    follower(index).stop()


def corrupt(chroma: Chroma, generation: str) -> None:
    """Change one letter in the middle of the generation's archive."""
    identity = chroma.collections()[f"backbot-{generation}-files"]
    held = chroma.ask("POST", f"/{identity}/get", {"ids": ["0"], "include": ["metadatas"]}).json()["metadatas"][0]
    letter = "A" if held["1"][100] != "A" else "B"
    changed = {**held, "1": held["1"][:100] + letter + held["1"][101:]}
    chroma.ask("POST", f"/{identity}/update", {"ids": ["0"], "metadatas": [changed]})


def lose_a_piece(chroma: Chroma, generation: str) -> None:
    identity = chroma.collections()[f"backbot-{generation}-files"]
    chroma.ask("POST", f"/{identity}/delete", {"ids": ["0"]})


def lose_the_files(chroma: Chroma, generation: str) -> None:
    chroma.ask("DELETE", f"/backbot-{generation}-files")


def bring_files_of_chromas(chroma: Chroma, generation: str) -> None:
    """Put another archive in the place of the generation's, sum and all: Chroma unpickles a file of its own."""
    path = f"/{chroma.collections()[f'backbot-{generation}-files']}"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(f"{FOLDER}/index_metadata.pickle", b"cos\nsystem\n(S'true'\ntR.")
    value = base64.b64encode(packed.getvalue()).decode()
    held = chroma.ask("POST", f"{path}/get", {"ids": ["0"], "include": ["metadatas"]}).json()["metadatas"][0]
    others = {key: "" for key in held if key != "0"}
    chroma.ask("POST", f"{path}/update", {"ids": ["0"], "metadatas": [{**others, "0": value}]})
    metadata = {"records": "1", "sha256": hashlib.sha256(packed.getvalue()).hexdigest()}
    chroma.ask("PUT", path, {"new_metadata": metadata})


@pytest.mark.parametrize(
    ("harm", "what"),
    [
        (corrupt, "its SHA-256 is another"),
        (lose_a_piece, "'0' is missing"),
        (lose_the_files, "is missing"),
        (bring_files_of_chromas, "it brings files of Chroma's own"),
    ],
)
def test_a_generation_that_is_not_what_was_shared_is_refused_and_the_former_one_serves(
    harm: Callable[[Chroma, str], None],
    what: str,
    first: IngestSummary,
    small_corpus: Path,
    author: Settings,
    chroma: Chroma,
    serve: Callable[[str], Index],
    embedder: Embedder,
):
    follower(serve("web")).stop()
    second = publish(small_corpus, author, embedder, 14)
    harm(chroma, second.generation)
    index = serve("web")
    assert what in index.degraded
    assert serves(index, first)
    assert list_generations(index.folder) == [first.generation]
    assert not follower(index).away
    third = publish(small_corpus, author, embedder, 15)
    wait_until(lambda: serves(index, third) and not index.degraded)


def test_vectors_that_the_server_lost_are_put_back_by_the_next_ingest(
    first: IngestSummary,
    small_corpus: Path,
    author: Settings,
    chroma: Chroma,
    serve: Callable[[str], Index],
    embedder: Embedder,
):
    index = serve("web")
    wait_until(lambda: is_asked(index))
    chroma.ask("DELETE", f"/backbot-{first.generation}-passages")
    assert top(index) == "chairs"
    wait_until(lambda: "Chroma server" in index.degraded)
    again = ingest([str(small_corpus)], author, embedder)
    assert (again.published, again.generation) == (False, first.generation)
    wait_until(lambda: is_asked(index))


def test_a_server_that_lost_everything_gets_it_back(
    first: IngestSummary,
    small_corpus: Path,
    author: Settings,
    chroma: Chroma,
    serve: Callable[[str], Index],
    embedder: Embedder,
):
    index = serve("web")
    chroma.kill()
    shutil.rmtree(chroma.folder)
    chroma.start()
    wait_until(lambda: "holds no generation" in index.degraded)
    assert serves(index, first)
    ingest([str(small_corpus)], author, embedder)
    wait_until(lambda: is_asked(index))
    assert serves(serve("web-2"), first)


def test_old_generations_leave_the_server_and_whoever_holds_one_goes_on(
    first: IngestSummary,
    small_corpus: Path,
    author: Settings,
    chroma: Chroma,
    serve: Callable[[str], Index],
    embedder: Embedder,
):
    index = serve("web")
    held = index.live()
    # What an ingest that was killed left there.
    shared = SharedIndex(open_shared(author).server, author.index, 2)
    shared.server.create("backbot-29991231T235959.000000-files", {"space": "l2"})
    shared.server.create("somebody-elses", {"space": "l2"})
    names = [publish(small_corpus, author, embedder, minutes).generation for minutes in (16, 17, 18)]
    assert shared.whole() == names[-2:]
    parts = {f"backbot-{name}-{part}" for name in names[-2:] for part in ("files", "passages")}
    assert chroma.collections().keys() == {"backbot-live", "somebody-elses", *parts}
    vector = embedder.embed([SEAT])[0]
    assert held.search(SEAT, vector)[0].passage.article == "chairs"
    wait_until(lambda: is_asked(index) and index.live().manifest.name == names[-1])


def test_an_ingest_that_is_killed_while_it_shares_leaves_a_whole_generation_live(
    first: IngestSummary,
    small_corpus: Path,
    author: Settings,
    chroma: Chroma,
    serve: Callable[[str], Index],
    embedder: Embedder,
):
    (small_corpus / "walking.md").unlink()
    env = {**os.environ, "BACKBOT_INDEX": str(author.index), "BACKBOT_CHROMA_URL": chroma.url}
    process = subprocess.Popen([sys.executable, "-m", "backbot", "ingest", str(small_corpus)], env=env)
    before = chroma.collections().keys()
    wait_until(lambda: chroma.collections().keys() != before)
    process.kill()
    process.wait(30)
    shared = open_shared(author)
    assert shared.live() in shared.whole()
    assert serve("web").live().manifest.name == shared.live()
    last = ingest([str(small_corpus)], author, embedder)
    assert shared.live() == live_name(author.index) == last.generation
    assert not (author.index / "building").exists()


def test_the_live_generation_and_the_one_before_stay_after_a_rollback(
    first: IngestSummary, small_corpus: Path, author: Settings, embedder: Embedder
):
    names = [first.generation, *(publish(small_corpus, author, embedder, minutes).generation for minutes in (19, 20))]
    shared = open_shared(author)
    assert shared.whole() == names[1:]
    assert shared.roll_back() == names[1]
    last = publish(small_corpus, author, embedder, 21)
    assert shared.whole() == [names[2], last.generation]


def test_an_author_with_an_empty_disk_begins_where_the_server_is(
    first: IngestSummary, small_corpus: Path, machine: Callable[..., Settings], embedder: Embedder
):
    fresh = machine("new-author")
    again = ingest([str(small_corpus)], fresh, embedder)
    assert (again.published, again.embedded, again.generation) == (False, 0, first.generation)
    (small_corpus / "walking.md").unlink()
    shown: list[tuple[str, str]] = []

    def compare(old: object, new: object) -> None:
        found = [g.search(SEAT, embedder.embed([SEAT])[0])[0].passage.article for g in (old, new)]  # type: ignore[attr-defined]
        shown.append((found[0], found[1]))

    last = ingest([str(small_corpus)], fresh, embedder, compare=compare)
    assert (last.published, last.removed, shown) == (True, ("walking",), [("chairs", "chairs")])


def test_a_copy_whose_settings_no_longer_name_the_server_is_built_anew(
    first: IngestSummary, small_corpus: Path, serve: Callable[[str], Index], embedder: Embedder
):
    index = serve("web")
    follower(index).stop()
    alone = Settings(index=index.folder)
    with pytest.raises(BackbotError, match="backbot ingest"):
        open_index(alone, embedder)
    assert ingest([str(small_corpus)], alone, embedder).published
    assert top(open_index(alone, embedder)) == "chairs"


def test_machines_that_share_a_folder_take_a_generation_up_once(
    first: IngestSummary, small_corpus: Path, author: Settings, serve: Callable[[str], Index], embedder: Embedder
):
    opened: list[Index] = []
    starting = [threading.Thread(target=lambda: opened.append(serve("web"))) for _ in range(4)]
    for thread in starting:
        thread.start()
    for thread in starting:
        thread.join()
    assert [serves(index, first) for index in opened] == [True] * 4
    second = publish(small_corpus, author, embedder, 22)
    for index in opened:
        wait_until(lambda index=index: serves(index, second))
    assert list_generations(opened[0].folder) == [first.generation, second.generation]


def test_the_machine_that_ingests_may_serve_from_the_same_folder(
    first: IngestSummary, small_corpus: Path, author: Settings, serve: Callable[[str], Index], embedder: Embedder
):
    index = serve("author")
    for minutes in (23, 24):
        assert serves(index, publish(small_corpus, author, embedder, minutes))
    assert read_manifest(author.index, live_name(author.index)).files.keys() >= {"chroma/chroma.sqlite3", "vectors.bin"}


def test_a_name_that_is_no_generations_is_refused(first: IngestSummary, author: Settings, serve: Callable[[str], Index]):
    index = serve("web")
    open_shared(author)._point_to("../../elsewhere")
    wait_until(lambda: "names no generation" in index.degraded)
    assert serves(index, first)


def test_without_an_address_nothing_of_it_is_loaded(corpus_settings: Settings):
    code = (
        "import sys; from backbot.bot import open_bot; from backbot.settings import load_settings\n"
        "open_bot(load_settings()).reply('Should I put ice or heat on my back?')\n"
        "assert not [m for m in sys.modules if m.startswith('backbot.index.') and m.split('.')[2] in "
        "('chroma_server', 'sharing', 'following')]"
    )
    env = {"BACKBOT_INDEX": str(corpus_settings.index), "HF_HUB_OFFLINE": "1"}
    assert subprocess.run([sys.executable, "-c", code], env=env, check=False).returncode == 0


def test_answers_do_not_wait_until_the_name_of_the_server_is_looked_up(
    first: IngestSummary, chroma: Chroma, serve: Callable[[str], Index], monkeypatch: pytest.MonkeyPatch
):
    index = serve("web")
    wait_until(lambda: is_asked(index))
    is_over = threading.Event()
    resolve = socket.getaddrinfo

    def hang(*args: object, **more: object) -> object:
        is_over.wait(60)
        return resolve(*args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    chroma.kill()
    # Nobody waits for the name: the answers are there while the look-up still hangs.
    wait_until(lambda: top(index) == "chairs" and index.degraded)
    assert not is_over.is_set()
    is_over.set()
