"""Answers of earlier runs, kept until anything that could change them does.

The key is made of the index's generation, the settings, every file of backbot's code, rules and prompts, the versions of
the libraries below and the day (a citation says whether its article is overdue). Expectations are not part of it: an
edited case is judged anew from the answer that is kept. Crashes are never kept.
"""

import contextlib
import hashlib
import json
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from backbot.evaluation.asking import Answer, Ask, Turns
from backbot.resources import resource
from backbot.settings import Settings

KEPT_FILES = 8
LIBRARIES = ("bm25s", "chromadb", "langchain-core", "numpy", "onnxruntime", "PyStemmer", "sentencex", "tokenizers")

NOT_ANSWERING = {"index", "model_cache", "editor_password", "evals", "reports", "judge"}
"""Settings that no answer depends on; the index is known by its manifest."""

_ANSWERS = TypeAdapter(list[Answer])


def cache_key(settings: Settings, manifest: str, today: str) -> str:
    """The name of what answers depend on; `manifest` is the text of the generation's manifest."""
    package = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for folder in (package, resource("prompts")):
        for file in sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts):
            digest.update(str(file.relative_to(folder)).encode() + b"\0" + hashlib.sha256(file.read_bytes()).digest())
    chosen = settings.model_dump_json(exclude=NOT_ANSWERING)
    versions = {name: version(name) for name in LIBRARIES}
    digest.update(json.dumps([manifest, chosen, versions, sys.version, today]).encode())
    return digest.hexdigest()[:32]


class AnswerCache:
    """The kept answers of one key, in a file of `folder`. A file that cannot be read or written is as good as none."""

    def __init__(self, folder: Path, key: str):
        self._file = folder / f"{key}.json"
        self._answers: dict[Turns, Answer] = {}
        self.used = 0
        with contextlib.suppress(OSError, ValidationError, ValueError):
            self._answers = {answer.turns: answer for answer in _ANSWERS.validate_json(self._file.read_bytes())}

    def asking(self, ask: Ask) -> Ask:
        """`ask`, but for what was asked before."""

        def kept_or_asked(turns: Turns) -> Answer:
            if turns in self._answers:
                self.used += 1
                return self._answers[turns]
            answer = ask(turns)
            self._answers[turns] = answer
            return answer

        return kept_or_asked

    def save(self) -> None:
        """Write the file, whole or not at all, and remove the oldest ones of other keys."""
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile("wb", dir=self._file.parent, suffix=".new", delete=False) as new:
                new.write(_ANSWERS.dump_json([answer for answer in self._answers.values() if not answer.error]))
            Path(new.name).replace(self._file)
            files = sorted(self._file.parent.glob("*.json"), key=lambda file: file.stat().st_mtime)
            for old in files[:-KEPT_FILES]:
                old.unlink(missing_ok=True)
        except OSError:
            # The cache saves time and nothing else: a full disk must not cost the run its result.
            return
