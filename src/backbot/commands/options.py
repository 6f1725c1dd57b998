"""What several commands are told in the same words."""

from pathlib import Path
from typing import Annotated

import typer

from backbot.settings import Settings, load_settings

IndexOption = Annotated[Path | None, typer.Option("--index", help="The folder of the index (or BACKBOT_INDEX).")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
SourcesArgument = Annotated[
    list[str] | None, typer.Argument(help="Files, folders, exports, sites; default: corpus/.", show_default=False)
]


def settings_for(index: Path | None = None) -> Settings:
    """The settings of this environment, with the index that the command line names."""
    settings = load_settings()
    return settings.model_copy(update={"index": index}) if index else settings


def default_corpus() -> str:
    """The folder corpus/ where the command is run; the sample corpus where there is none."""
    from backbot.resources import resource

    return "corpus" if Path("corpus").is_dir() else str(resource("corpus"))
