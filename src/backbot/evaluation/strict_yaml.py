"""YAML as an editor means it: every value stays the text that was written, and everything keeps its line.

`no`, `12:30` and `2026-05-01` are text. Duplicate keys, anchors, aliases and tags are refused.
"""

from dataclasses import dataclass

import yaml

from backbot.errors import SuiteInvalid

MAX_CHARS = 5_000_000
MAX_DEPTH = 12
_NULLS = {"", "~", "null", "Null", "NULL"}

# libyaml is ten times as fast; PyYAML may have been built without it.
_Loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


@dataclass(frozen=True, slots=True)
class Node:
    """A value and its line in the file (1 is the first). `value` is text, a list of nodes, or nodes by key."""

    line: int
    value: "str | list[Node] | dict[str, Node]"
    key_lines: dict[str, int]


def read_yaml(text: str, name: str) -> Node:
    """The document in `text`; raises SuiteInvalid with `name` and the line of the fault."""
    if len(text) > MAX_CHARS:
        raise SuiteInvalid(f"{name} is longer than {MAX_CHARS:,} characters. Split it into several suites.")
    try:
        _check_events(text, name)
        root = yaml.compose(text, _Loader)
        if root is None:
            raise SuiteInvalid(f"{name} is empty. A suite begins with `suite: a name`; evals/README.md shows a whole one.")
        return _read(root, name)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{name}, line {mark.line + 1}" if mark else name
        raise SuiteInvalid(
            f"{where}: this is not valid YAML ({error.problem or 'cannot be parsed'}). "
            "Indent with spaces, and put quotes around a text that holds ': ' or ' #' or begins with a sign."
        ) from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else "cannot be parsed"
        raise SuiteInvalid(f"{name}: this is not valid YAML ({reason}). Is it a text file in UTF-8?") from None


def _check_events(text: str, name: str) -> None:
    """Refuse what a suite does not need and what could hurt: anchors, aliases, tags, and nesting that no editor writes."""
    depth = 0
    for event in yaml.parse(text, _Loader):
        where = f"{name}, line {event.start_mark.line + 1 if event.start_mark else 1}"
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            # libyaml's composer calls itself for each level: without this a hostile file ends the process.
            if depth > MAX_DEPTH:
                raise SuiteInvalid(f"{where}: the YAML is nested more than {MAX_DEPTH} levels deep. Is a bracket missing?")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise SuiteInvalid(f"{where}: a YAML anchor or alias (& or *) is used. Write the value out, or quote it.")
        if getattr(event, "tag", None):
            raise SuiteInvalid(f"{where}: a YAML tag (!) is used. Remove it, or put quotes around the text.")


def _read(node: yaml.Node, name: str) -> Node:
    line = node.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode):
        return Node(line, [_read(item, name) for item in node.value], {})
    if isinstance(node, yaml.MappingNode):
        values: dict[str, Node] = {}
        lines: dict[str, int] = {}
        for key, value in node.value:
            at = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                raise SuiteInvalid(f"{name}, line {at}: a key must be a word, such as `ask`.")
            if key.value in values:
                first = lines[key.value]
                raise SuiteInvalid(
                    f"{name}, line {at}: the key `{key.value}` stands twice (first in line {first}). Keep one."
                )
            values[key.value], lines[key.value] = _read(value, name), at
        return Node(line, values, lines)
    assert isinstance(node, yaml.ScalarNode)
    # libyaml writes "" for a plain scalar, PyYAML None.
    is_plain = not node.style
    return Node(line, "" if is_plain and node.value in _NULLS else str(node.value), {})
