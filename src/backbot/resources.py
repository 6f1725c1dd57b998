"""Where the files stand that ship beside the code: corpus, prompts and the like, kept once in the tree."""

from pathlib import Path

_PACKAGE = Path(__file__).parent


def resource(name: str) -> Path:
    """The folder `name` (`corpus`, `prompts`): inside the package in a wheel, at the top of the tree in a checkout."""
    shipped = _PACKAGE / "data" / name
    return shipped if shipped.is_dir() else _PACKAGE.parents[1] / name
