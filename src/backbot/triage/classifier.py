"""The classifier at run time: a small encoder read by ONNX Runtime, made by `python -m backbot.commands.train_triage`.

It says how likely a conversation holds each flag and is at least soon, urgent or an emergency, and which of the reader's
sentences it looked at. What is made of that stands in `judgement`.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

FOLDER = Path(__file__).parent / "classifier"
MODEL_FILE = "model.onnx"
TOKENIZER_FILE = "tokenizer.json"
SETTINGS_FILE = "settings.json"
LEVEL_LABELS = ("at least soon", "at least urgent", "emergency")
SEPARATOR = " [SEP] "

_MOST_READ = 4000
"""Characters of a conversation that are read whole; of a longer one half of this at each end."""
_MOST_AROUND = 4
_REACH = 250
"""Characters before and after a place that are read with it."""
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

    def read(self, turns: Sequence[str], around: Sequence[Place] = ()) -> Opinion:
        """What it says of the reader's messages, oldest first.

        A conversation longer than it can read at once is read in pieces, a very long one only at its beginning, its end
        and `around` the places given; the most alarming piece counts for each label.
        """
        # A lone half of a surrogate pair is no text to the tokenizer; a question mark stands at the same offset.
        text = SEPARATOR.join(turns).encode("utf-8", "replace").decode("utf-8")
        pieces = self._pieces(text, [_near(turns, place) for place in around])
        best = np.full(len(self.labels), -np.inf, dtype=np.float32)
        looked_at = [0] * len(self.labels)
        for start, piece in pieces:
            ids = np.asarray([piece.ids], dtype=np.int64)
            logits, attention = self._session.run(None, {"ids": ids, "mask": np.ones_like(ids)})
            for i in np.flatnonzero(logits[0] > best):
                best[i] = logits[0, i]
                looked_at[i] = start + piece.offsets[int(attention[0, :, i].argmax())][0]
        places = {label: _sentence(turns, at) for label, at in zip(self.labels, looked_at, strict=True)}
        return Opinion(dict(zip(self.labels, map(float, best), strict=True)), places)

    def _pieces(self, text: str, around: Sequence[tuple[int, int]]) -> list[tuple[int, Any]]:
        """Tokenized pieces of the text, each with the offset at which it begins."""
        if len(text) <= _MOST_READ:
            whole = self._tokenizer.encode(text)
            pieces = [(0, piece) for piece in (whole, *whole.overflowing)]
            if len(pieces) == 1:
                return pieces
        else:
            half = _MOST_READ // 2
            first, last = self._tokenizer.encode(text[:half]), self._tokenizer.encode(text[-half:])
            pieces = [(0, piece) for piece in (first, *first.overflowing)]
            pieces += [(len(text) - half, piece) for piece in (last, *last.overflowing)]
        return pieces + [(start, self._tokenizer.encode(text[start:end])) for start, end in around[:_MOST_AROUND]]


@cache
def load_classifier(folder: Path = FOLDER) -> Classifier | None:
    """The classifier in a folder, kept for the life of the process; None where none has been trained."""
    return Classifier(folder) if (folder / MODEL_FILE).is_file() else None


def _near(turns: Sequence[str], place: Place) -> tuple[int, int]:
    """Where the words around a place, of the same message, begin and end in the joined conversation."""
    before = sum(len(turn) + len(SEPARATOR) for turn in turns[: place.turn])
    return before + max(0, place.start - _REACH), before + min(len(turns[place.turn]), place.end + _REACH)


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
