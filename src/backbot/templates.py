"""How every page and report that backbot writes is made of its template."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment


def open_templates(folder: Path) -> "Environment":
    """The folder's templates: what is put into them is escaped, and a name that they do not know raises UndefinedError."""
    # Half a second: only who writes a page pays for it.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(folder), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
