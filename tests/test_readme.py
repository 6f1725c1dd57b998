"""The README's generated parts are true. `python tests/test_readme.py` writes them anew."""

import re
import sys
from pathlib import Path

from typer.testing import CliRunner

from backbot.cli import app
from backbot.settings import Settings

README = Path(__file__).parents[1] / "README.md"


def renew(text: str) -> str:
    """The README's text with its settings and help text made anew."""
    for name, part in {"settings": settings_table(), "help": help_text()}.items():
        begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
        text = re.sub(f"{begin}.*?{end}", lambda _, b=begin, p=part, e=end: f"{b}\n{p}\n{e}", text, flags=re.DOTALL)
    return text


def settings_table() -> str:
    rows = ["| setting | default | what |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = f"`{field.default}`" if str(field.default).strip("*") else ""
        rows.append(f"| `BACKBOT_{name.upper()}` | {default} | {field.description} |")
    return "\n".join(rows)


def help_text() -> str:
    output = CliRunner(env={"COLUMNS": "100", "TERM": "dumb"}).invoke(app, ["--help"], prog_name="backbot").output
    return "```\n" + "\n".join(line.rstrip() for line in output.strip().splitlines()) + "\n```"


def test_the_readme_says_what_the_command_line_and_the_settings_say():
    assert README.read_text("utf-8") == renew(README.read_text("utf-8")), "run: python tests/test_readme.py"


def test_every_command_that_the_readme_names_exists():
    commands = {command.name or command.callback.__name__ for command in app.registered_commands}
    commands |= {group.name for group in app.registered_groups}
    named = set(re.findall(r"`backbot ([a-z]+)", README.read_text("utf-8")))
    assert named <= commands, named - commands


if __name__ == "__main__":
    README.write_text(renew(README.read_text("utf-8")), "utf-8")
    sys.stdout.write(f"{README} is up to date.\n")
