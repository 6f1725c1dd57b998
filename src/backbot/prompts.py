"""The prompt templates of `prompts/`: text with $variables, checked when they are loaded."""

from collections.abc import Set
from dataclasses import dataclass
from pathlib import Path
from string import Template

from backbot.errors import RulesInvalid
from backbot.resources import resource

SUFFIXES = (".md", ".txt")


@dataclass(frozen=True, slots=True)
class Prompt:
    """A template whose variables are known to be the expected ones."""

    template: Template

    def fill(self, **values: object) -> str:
        """The prompt with its variables filled; a `$` in a value stays as it is."""
        return self.template.substitute(values)


def load_prompt(name: str, variables: Set[str], folder: Path | None = None) -> Prompt:
    """The template `name` (without its suffix) of `folder`, `prompts/` when none is given.

    `variables` are those that it must name, each at least once, and no other. Raises RulesInvalid.
    """
    folder = folder or resource("prompts")
    file = next((f for suffix in SUFFIXES if (f := folder / f"{name}{suffix}").is_file()), None)
    if file is None:
        raise RulesInvalid(f"There is no prompt {name}{' or '.join(SUFFIXES)} in {folder}. Restore it from the release.")
    try:
        template = Template(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise RulesInvalid(f"{file} cannot be read: {error}. Save it as UTF-8 text.") from error
    if not template.is_valid():
        raise RulesInvalid(f"{file}: a $ stands without a variable's name. Write $$ for a dollar sign.")
    named = set(template.get_identifiers())
    faults = [f"${variable} is unknown" for variable in sorted(named - variables)]
    faults += [f"${variable} is missing" for variable in sorted(variables - named)]
    if faults:
        known = ", ".join(f"${variable}" for variable in sorted(variables)) or "none"
        raise RulesInvalid(f"{file}: {'; '.join(faults)}. Its variables are: {known}.")
    return Prompt(template)
