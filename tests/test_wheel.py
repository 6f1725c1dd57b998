"""The wheel in an empty folder: what a stranger gets from an installation."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel's content on a path of its own, so that the checkout cannot help it."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def run(unpacked: Path, cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": str(unpacked)}
    return subprocess.run(
        [sys.executable, "-m", "backbot", *arguments], cwd=cwd, env=env, capture_output=True, text=True, check=False
    )


def test_the_wheel_ingests_its_own_corpus_and_answers(unpacked: Path, tmp_path: Path):
    where = subprocess.run(
        [sys.executable, "-c", "import backbot; print(backbot.__file__)"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(unpacked)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert where.stdout.startswith(str(unpacked))
    ingested = run(unpacked, tmp_path, "ingest")
    assert ingested.returncode == 0, ingested.stderr
    assert (tmp_path / "index" / "live").is_file()
    asked = run(unpacked, tmp_path, "ask", "Should I put ice or heat on my back?")
    assert "heat-vs-cold" in asked.stdout
    assert "emergency" in run(unpacked, tmp_path, "triage", "--json", "numb between my legs and I can't pee").stdout
