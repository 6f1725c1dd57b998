"""Each thing that can be wrong is made wrong for real, and the doctor names it and says what to do."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest

from articles import write_article
from backbot.embeddings import Embedder, find_export
from backbot.errors import ModelUnavailable
from backbot.index.ingest import ingest
from backbot.operation import doctor
from backbot.operation.doctor import Finding
from backbot.settings import Settings

NOBODY = 65534


@pytest.fixture
def home(index: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An installation in which all is well; its folder."""
    monkeypatch.setenv("BACKBOT_INDEX", str(index))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def found(home: Path, free_port: int) -> Callable[[str], Finding]:
    """Examines the installation and gives the gravest finding of that name."""

    def examine(name: str) -> Finding:
        findings = [finding for finding in doctor.examine(free_port) if finding.name == name]
        return max(findings, key=lambda finding: ("ok", "warn", "fail").index(finding.state))

    return examine


def test_an_installation_in_which_all_is_well_has_nothing_to_mend(home: Path, free_port: int):
    findings = doctor.examine(free_port)
    assert [finding for finding in findings if finding.state == "fail"] == []
    names = {finding.name for finding in findings}
    assert {"settings", "packages", "model", "index", "articles", "answers", "folders", "disk", "memory", "port"} <= names


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("BACKBOT_ENGINE", "gpu", "BACKBOT_ENGINE"),
        ("BACKBOT_ALLOWED_ORIGINS", "https://*", "no origin"),
        ("BACKBOT_RATE_PER_ADDRESS", "often", "30/minute"),
        ("BACKBOT_RATE_STORE", "carrier-pigeon://", "BACKBOT_RATE_STORE"),
    ],
)
def test_a_setting_that_cannot_be_used_fails(
    found: Callable[[str], Finding], monkeypatch: pytest.MonkeyPatch, variable: str, value: str, says: str
):
    monkeypatch.setenv(variable, value)
    finding = found("settings")
    assert (finding.state, says in finding.found) == ("fail", True)


def test_a_misspelt_setting_is_named_with_the_right_one(found: Callable[[str], Finding], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("BACKBOT_RATE_PER_ADRESS", "1/minute")
    finding = found("settings")
    assert finding.state == "warn"
    assert "BACKBOT_RATE_PER_ADRESS" in finding.found
    assert "BACKBOT_RATE_PER_ADDRESS" in finding.todo


def test_packages_that_are_missing_or_others_are_named():
    wanted = ["no-such-package==1.0", "pytest==0.1", "httpx", "torchx==1; extra == 'never'"]
    missing, other = doctor.check_packages(wanted)
    assert (missing.state, "no-such-package==1.0" in missing.found) == ("fail", True)
    assert (other.state, "pytest" in other.found, "httpx" in other.found) == ("warn", True, False)
    assert next(iter(doctor.check_packages(["httpx"]))).state == "ok"


def test_a_model_that_is_not_exported_yet_is_no_failure_where_it_can_be(
    found: Callable[[str], Finding], monkeypatch: pytest.MonkeyPatch, home: Path
):
    monkeypatch.setenv("BACKBOT_MODEL_CACHE", str(home / "cache"))
    assert found("model").state == "warn"
    assert not (home / "cache").exists()
    monkeypatch.setattr(doctor, "EXPORTING", ("no-such-package",))
    assert (found("model").state, str(home / "cache") in found("model").todo) == ("fail", True)


def test_an_export_that_was_changed_fails(found: Callable[[str], Finding], monkeypatch: pytest.MonkeyPatch, home: Path):
    _, export = find_export(Settings())
    copy = shutil.copytree(export, home / "cache" / export.name)
    (copy / "tokenizer.json").write_text("{}")
    monkeypatch.setenv("BACKBOT_MODEL_CACHE", str(home / "cache"))
    assert (found("model").state, "Delete that folder" in found("model").found) == ("fail", True)


def test_a_model_that_is_not_to_be_had_fails(found: Callable[[str], Finding], monkeypatch: pytest.MonkeyPatch, home: Path):
    monkeypatch.setenv("BACKBOT_MODEL", str(home))
    assert (found("model").state, "model.safetensors" in found("model").found) == ("fail", True)


def test_no_index_fails_with_the_next_step(found: Callable[[str], Finding], index: Path):
    shutil.rmtree(index)
    for name in ("index", "answers"):
        assert (found(name).state, "Run: backbot ingest" in found(name).found) == ("fail", True)


@pytest.mark.parametrize("file", ["manifest.json", "content.sqlite", "vectors.bin", "words.json"])
def test_an_index_with_a_changed_byte_fails(found: Callable[[str], Finding], index: Path, file: str):
    (damaged,) = index.glob(f"generations/*/{file}")
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 0xFF
    damaged.write_bytes(content)
    assert (found("index").state, "damaged" in found("index").found) == ("fail", True)


def test_an_index_of_another_model_fails(found: Callable[[str], Finding], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("BACKBOT_PRECISION", "fp32")
    monkeypatch.setattr(doctor, "load_embedder", _identified)
    assert (found("answers").state, "made with" in found("answers").found) == ("fail", True)


def _identified(settings: Settings) -> Embedder:
    from backbot.embeddings import load_embedder

    embedder = load_embedder(Settings())
    embedder.identity, _ = find_export(settings)
    return embedder


def test_an_index_that_others_can_write_is_warned_about(found: Callable[[str], Finding], index: Path):
    index.chmod(0o777)
    assert (found("index").state, f"chmod go-w {index}" in found("index").todo) == ("warn", True)


def test_articles_that_are_overdue_or_stale_are_named(
    found: Callable[[str], Finding], small_corpus: Path, index: Path, embedder: Embedder
):
    shutil.rmtree(index)
    write_article(small_corpus, "old", "## Heat?\n\nHeat helps some people.", review_by=date(2020, 1, 1))
    ingest([str(small_corpus)], Settings(index=index), embedder)
    assert (found("articles").state, "1 overdue for review: old" in found("articles").found) == ("warn", True)
    (small_corpus / "old.md").unlink()
    (small_corpus / "walking.md").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    ingest([str(small_corpus)], Settings(index=index), embedder, max_bad=1.0)
    assert (found("articles").state, "walking" in found("articles").found) == ("warn", True)


def test_a_language_model_that_cannot_be_had_fails(found: Callable[[str], Finding], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("BACKBOT_LLM", "nobody:knows")
    assert found("language model").state == "fail"


def test_a_rate_store_that_does_not_answer_is_warned_about(
    found: Callable[[str], Finding], monkeypatch: pytest.MonkeyPatch, free_port: int
):
    monkeypatch.setenv("BACKBOT_RATE_STORE", f"async+valkey://:secretword@127.0.0.1:{free_port}")
    finding = found("rate store")
    assert (finding.state, "secretword" in finding.found + finding.todo) == ("warn", False)


def test_a_full_disk_fails_and_a_nearly_full_one_is_warned_about(home: Path, index: Path):
    free = shutil.disk_usage(index).free
    settings = Settings(index=index)
    states = [next(iter(doctor.check_disk(settings, spare))).state for spare in (0, free + 2**30, 20 * free)]
    assert states == ["ok", "warn", "fail"]


def test_too_little_memory_fails_and_little_is_warned_about(tmp_path: Path):
    states = [next(iter(doctor.check_memory(needed))).state for needed in (1, 2**60)]
    assert states == ["ok", "fail"]
    group = tmp_path / "sys/fs/cgroup"
    group.mkdir(parents=True)
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/meminfo").write_text("MemTotal: 9000 kB\nMemAvailable: 8000 kB\n")
    (group / "memory.max").write_text("max\n")
    (group / "memory.current").write_text("2048\n")
    assert doctor._free_memory(tmp_path) == 8000 * 1024
    (group / "memory.max").write_text("4096\n")
    assert doctor._free_memory(tmp_path) == 2048


def test_a_port_that_is_taken_is_warned_about(found: Callable[[str], Finding], free_port: int):
    with socket.create_server(("127.0.0.1", free_port)):
        assert (found("port").state, "--port" in found("port").todo) == ("warn", True)


def test_a_temporary_folder_that_cannot_be_written_fails(found: Callable[[str], Finding], monkeypatch: pytest.MonkeyPatch):
    # Nobody can write here, root neither.
    monkeypatch.setattr(tempfile, "tempdir", "/proc")
    assert (found("folders").state, "/proc" in found("folders").found) == ("fail", True)


@pytest.fixture
def as_somebody_else(home: Path, index: Path) -> Iterator[None]:
    """What a user sees to whom the index is read-only and the folder `cache` closed; root could do anything."""
    (home / "cache" / "private").mkdir(parents=True)
    (home / "cache").chmod(0)
    index.chmod(0o555)
    if os.geteuid():
        yield
    else:
        for folder in (home, *home.parents[:3]):
            folder.chmod(folder.stat().st_mode | 0o055)
        os.seteuid(NOBODY)
        yield
        os.seteuid(0)
    index.chmod(0o755)
    (home / "cache").chmod(0o755)


def test_an_index_that_the_servers_user_cannot_write_fails(as_somebody_else: None, index: Path, home: Path):
    finding = next(iter(doctor.check_folders(Settings(index=index, model_cache=home / "none"))))
    assert (finding.state, str(index) in finding.found, "Permission denied" in finding.found) == ("fail", True, True)


def test_a_model_that_the_servers_user_may_not_read_fails(as_somebody_else: None, home: Path):
    with pytest.raises(ModelUnavailable, match="may not be read by this user"):
        list(doctor.check_model(Settings(model_cache=home / "cache" / "private")))


def test_the_command_prints_a_line_for_each_finding_and_ends_with_1_when_one_failed(
    index: Path, tmp_path: Path, free_port: int
):
    env = {**os.environ, "BACKBOT_INDEX": str(index)}

    def run(*options: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "backbot", "doctor", "--port", str(free_port), *options]
        return subprocess.run(command, capture_output=True, text=True, env=env, cwd=tmp_path, check=False)

    well = run()
    assert (well.returncode, well.stderr) == (0, "")
    assert "ok    index: " in well.stdout
    (index / "live").unlink()
    ill = run("--json")
    assert ill.returncode == 1
    told = json.loads(ill.stdout)
    assert told["ok"] is False
    assert ("index", "fail") in {(finding["name"], finding["state"]) for finding in told["findings"]}
