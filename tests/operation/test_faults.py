"""Faults of the machine: a damaged index is not served but the one before it, loudly; readers get right answers or none."""

import json
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient
from prometheus_client import REGISTRY

from backbot.bot import Bot
from backbot.embeddings import Embedder
from backbot.errors import IndexDamaged
from backbot.index.generations import generation_folder, live_name, roll_back
from backbot.index.ingest import ingest
from backbot.index.search import Index
from backbot.operation import doctor, readiness
from backbot.settings import Settings
from backbot.web.server import create_app
from operation.conftest import Server

BENCHES = Path(__file__).parents[2] / "evals" / "bench"


@pytest.fixture
def two_generations(small_corpus: Path, tmp_path: Path, embedder: Embedder) -> Settings:
    """An index with two generations of the small corpus; the later one is without the article on chairs."""
    settings = Settings(index=tmp_path / "two")
    ingest([str(small_corpus)], settings, embedder)
    (small_corpus / "chairs.md").unlink()
    ingest([str(small_corpus)], settings, embedder)
    return settings


def cut(index: Path, file: str = "content.sqlite") -> str:
    """Damage the live generation and give its name."""
    name = live_name(index)
    damaged = generation_folder(index, name) / file
    damaged.write_bytes(damaged.read_bytes()[:-1])
    return name


@pytest.mark.parametrize("file", ["manifest.json", "content.sqlite", "vectors.bin", "words.json", "chroma/chroma.sqlite3"])
def test_instead_of_a_damaged_generation_the_one_before_it_is_served_until_an_ingest_of_the_same_mends_it(
    two_generations: Settings, embedder: Embedder, small_corpus: Path, file: str, caplog: pytest.LogCaptureFixture
):
    before = Index(two_generations.index, embedder).live().manifest.name
    damaged = cut(two_generations.index, file)
    assert damaged == before
    with caplog.at_level(logging.ERROR):
        index = Index(two_generations.index, embedder)
    served = index.live().manifest.name
    assert served < damaged
    assert "may hold what was withdrawn" in index.degraded
    assert index.degraded in caplog.text
    assert damaged in index.degraded
    assert live_name(two_generations.index) == damaged

    summary = ingest([str(small_corpus)], two_generations, embedder)
    assert summary.published
    assert index.live().manifest.name == summary.generation
    assert index.degraded == ""


def test_without_a_whole_generation_before_it_a_damaged_one_is_refused(
    two_generations: Settings, embedder: Embedder, small_corpus: Path
):
    first, _ = sorted(path.name for path in (two_generations.index / "generations").iterdir())
    (generation_folder(two_generations.index, first) / "words.json").unlink()
    Index(two_generations.index, embedder)
    cut(two_generations.index)
    with pytest.raises(IndexDamaged, match="backbot ingest"):
        Index(two_generations.index, embedder)


def test_a_pointer_that_names_nothing_is_refused_as_damage(two_generations: Settings, embedder: Embedder):
    for content in (b"", b"\xff\xfe", b"\x00", b"../../etc"):
        (two_generations.index / "live").write_bytes(content)
        with pytest.raises(IndexDamaged, match="backbot ingest"):
            Index(two_generations.index, embedder)


def test_a_rollback_passes_over_a_damaged_generation(two_generations: Settings, embedder: Embedder, small_corpus: Path):
    first = Index(two_generations.index, embedder).folder
    whole, damaged = sorted(path.name for path in (first / "generations").iterdir())
    (small_corpus / "walking.md").unlink()
    ingest([str(small_corpus)], two_generations, embedder)
    (generation_folder(first, damaged) / "words.json").write_text("{}")
    assert roll_back(first) == whole
    assert Index(first, embedder).live().manifest.name == whole


def test_what_is_served_instead_is_shown_where_an_operator_looks(
    two_generations: Settings, embedder: Embedder, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(readiness, "KEPT_SECONDS", 0.0)
    damaged = cut(two_generations.index)
    bot = Bot(Index(two_generations.index, embedder), two_generations)
    client = TestClient(create_app(bot, two_generations, with_page=False))
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json()["status"]) == (200, "degraded")
    assert "withdrawn" in ready.json()["reason"]
    assert ready.json()["generation"] < damaged
    assert REGISTRY.get_sample_value("backbot_degraded") == 1
    (finding,) = doctor.check_answers(two_generations)
    assert (finding.state, damaged in finding.found, "backbot ingest" in finding.todo) == ("warn", True, True)

    # The operator decides for the earlier one: then it is what was published.
    assert roll_back(two_generations.index) == ready.json()["generation"]
    assert client.get("/readyz").json()["status"] == "ready"
    assert REGISTRY.get_sample_value("backbot_degraded") == 0
    (finding,) = doctor.check_answers(two_generations)
    assert finding.state == "ok"


def test_a_running_server_goes_on_with_a_damaged_index_and_says_so_when_it_is_started_anew(
    index: Path, start: Callable[..., Server]
):
    whole = live_name(index)
    later = "99990101T000000.000000"
    shutil.copytree(generation_folder(index, whole), generation_folder(index, later))
    manifest = generation_folder(index, later) / "manifest.json"
    manifest.write_text(manifest.read_text().replace(whole, later))
    (index / "live").write_text(later)
    server = start("--no-page")
    cut(index)
    assert server.ask().json()["outcome"] == "answered"
    server.stop()
    server = start("--no-page")
    assert server.ask().json()["outcome"] == "answered"
    ready = httpx.get(f"{server.address}/readyz", timeout=60).json()
    assert (ready["status"], ready["generation"]) == ("degraded", whole)
    assert "".join(server.log).count(f"and not {later}") == 1
    assert "Traceback" not in "".join(server.log)


@pytest.mark.parametrize(
    ("bench", "kinds"),
    [
        ("faults.py", ["the server killed", "an ingest killed", "the index damaged"]),
        ("chroma_faults.py", ["Chroma killed", "Chroma killed in an ingest", "a server killed"]),
    ],
)
def test_readers_get_right_answers_or_refusals_while_things_are_killed_and_damaged(
    bench: str, kinds: list[str], tmp_path: Path
):
    played = subprocess.run(
        [sys.executable, str(BENCHES / bench), "--rounds", "3", "--out", str(tmp_path / "faults.json")]
        + [part for kind in kinds for part in ("--only", kind)],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    assert played.returncode == 0, played.stdout + played.stderr
    found = json.loads((tmp_path / "faults.json").read_text())
    assert (found["rounds"], found["wrong"], found["failures"], found["tracebacks"]) == (3, [], [], 0)
    assert found["answers"]["right"] > 0
    assert found["starts"] >= 3


@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        (200, {"outcome": "answered", "citations": [{"article": "a", "quote": "q"}]}, "right"),
        (200, {"outcome": "answered", "citations": [{"article": "a", "quote": "another"}]}, "wrong"),
        (200, {"outcome": "declined", "citations": []}, "wrong"),
        (200, {}, "wrong"),
        (503, {"error": "busy", "message": "Wait."}, "refused"),
        (503, {"detail": "no"}, "wrong"),
        (500, "Internal Server Error", "wrong"),
        (302, {"error": "x", "message": "y"}, "wrong"),
    ],
)
def test_the_bench_knows_a_right_answer_from_a_wrong_one(status: int, body: object, verdict: str):
    sys.path.insert(0, str(BENCHES))
    try:
        from readers import judge  # type: ignore[import-not-found]
    finally:
        sys.path.remove(str(BENCHES))
    text = body if isinstance(body, str) else json.dumps(body)
    assert judge(status, text, {("answered", (("a", "q"),))}) == verdict


@pytest.mark.parametrize("most", [20_000, 60_000, 120_000])
def test_an_ingest_that_may_not_write_says_so_and_leaves_what_is_live(
    two_generations: Settings, small_corpus: Path, embedder: Embedder, most: int
):
    live = live_name(two_generations.index)
    (small_corpus / "walking.md").unlink()
    limited = (
        f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({most}, {most})); from backbot.cli import main; main()"
    )
    command = [sys.executable, "-c", limited, "ingest", str(small_corpus), "--index", str(two_generations.index)]
    played = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert played.returncode == 2
    assert "cannot be written" in played.stderr
    assert "Traceback" not in played.stderr
    assert Index(two_generations.index, embedder).live().manifest.name == live
