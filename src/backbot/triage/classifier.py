"""The classifier at run time: ONNX Runtime and a tokenizer, nothing of torch."""

from collections.abc import Sequence
from pathlib import Path

FOLDER = Path(__file__).parent / "classifier"
MODEL_FILE = "model.onnx"
TOKENIZER_FILE = "tokenizer.json"
SETTINGS_FILE = "settings.json"
LEVEL_LABELS = ("at least soon", "at least urgent", "emergency")


def join_turns(turns: Sequence[str]) -> str:
    """A conversation as the classifier reads it."""
    return " [SEP] ".join(turn.replace("\n", " ") for turn in turns)
