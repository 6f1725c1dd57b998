"""The classifier at run time: a small encoder read by ONNX Runtime, made by `python -m backbot.triage.train`.

It says how likely a conversation holds each flag and is at least soon, urgent or an emergency, and which of the reader's
sentences it looked at. What is made of that stands in `judgement`.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

FOLDER = Path(__file__).parent / "classifier"
MODEL_FILE = "model.onnx"
TOKENIZER_FILE = "tokenizer.json"
SETTINGS_FILE = "settings.json"
LEVEL_LABELS = ("at least soon", "at least urgent", "emergency")
SEPARATOR = " [SEP] "

_MOST_WINDOWS = 8
_SENTENCE_END = re.compile(r"[.!?\n]+(?:\s|$)")

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Place:
    """Where words stand: the reader's message (0 is the first) and offsets in it."""

    turn: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Opinion:
    """What the classifier says: a logit for each label, and for each the sentence that it looked at most."""

    logits: Mapping[str, float]
    places: Mapping[str, Place]


class Classifier:
    """A trained classifier from a folder that `train` wrote."""

    def __init__(self, folder: Path) -> None:
        # Both libraries cost time to import, and triage by phrases alone needs neither.
        import onnxruntime
        from tokenizers import Tokenizer

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        settings = json.loads((folder / SETTINGS_FILE).read_text("utf-8"))
        self.labels: tuple[str, ...] = tuple(settings["labels"])
        self.weights: Mapping[str, Sequence[float]] = settings["weights"]
        self._longest: int = settings["longest"]
        self._tokenizer = Tokenizer.from_file(str(folder / TOKENIZER_FILE))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(self._longest, stride=self._longest // 2)
        self._session = onnxruntime.InferenceSession(str(folder / MODEL_FILE), options, providers=["CPUExecutionProvider"])

    def read(self, turns: Sequence[str]) -> Opinion:
        """What it says of the reader's messages, oldest first. Of a very long text it reads the beginning and the end."""
        # A lone half of a surrogate pair is no text to the tokenizer; a question mark stands at the same offset.
        text = SEPARATOR.join(turns).encode("utf-8", "replace").decode("utf-8")
        whole = self._tokenizer.encode(_ends(text, self._longest * _MOST_WINDOWS * 6))
        windows = [whole, *whole.overflowing]
        if len(windows) > _MOST_WINDOWS:
            windows = windows[: _MOST_WINDOWS // 2] + windows[-_MOST_WINDOWS // 2 :]
        best = np.full(len(self.labels), -np.inf, dtype=np.float32)
        looked_at = [0] * len(self.labels)
        for window in windows:
            ids = np.asarray([window.ids], dtype=np.int64)
            logits, attention = self._session.run(None, {"ids": ids, "mask": np.ones_like(ids)})
            for i in np.flatnonzero(logits[0] > best):
                best[i] = logits[0, i]
                looked_at[i] = window.offsets[int(attention[0, :, i].argmax())][0]
        places = {label: _sentence(turns, at) for label, at in zip(self.labels, looked_at, strict=True)}
        return Opinion(dict(zip(self.labels, map(float, best), strict=True)), places)


@cache
def load_classifier(folder: Path = FOLDER) -> Classifier | None:
    """The classifier in a folder, kept for the life of the process; None where none has been trained."""
    return Classifier(folder) if (folder / MODEL_FILE).is_file() else None


def _ends(text: str, most: int) -> str:
    """The text, or its beginning and end where it is longer than `most` characters."""
    return text if len(text) <= most else text[: most // 2] + text[-most // 2 :]


def _sentence(turns: Sequence[str], at: int) -> Place:
    """The sentence around an offset in the joined conversation."""
    for turn, text in enumerate(turns):
        if at <= len(text) or turn == len(turns) - 1:
            at = min(max(0, at), len(text))
            start = max((m.end() for m in _SENTENCE_END.finditer(text, 0, at)), default=0)
            found = _SENTENCE_END.search(text, at)
            return Place(turn, start, found.end() if found else len(text))
        at -= len(text) + len(SEPARATOR)
    return Place(0, 0, 0)


def sigmoid(logit: float) -> float:
    """The probability that a logit stands for."""
    return float(1.0 / (1.0 + np.exp(-np.clip(logit, -30.0, 30.0))))


def join_turns(turns: Sequence[str]) -> str:
    """A conversation as the classifier learns it."""
    return SEPARATOR.join(turns)
