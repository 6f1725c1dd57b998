"""YAML as front matter needs it: text, lists and mappings with the line of each. No aliases, tags or duplicate keys."""

from dataclasses import dataclass

import yaml

from backbot.loaders.faults import ArticleFault
from backbot.plain_yaml import NotPlain, compose_plain

Value = str | list["Value"] | dict[str, "Value"]
"""What front matter holds. Every value stays the text that was written: the schema decides what is a date or a year."""

Path = tuple[str | int, ...]

_MAX_CHARS = 100_000
_NULLS = {"~", "null", "Null", "NULL"}


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """The mapping that was read, and the line in the file on which each of its values stands, by its path of keys."""

    values: dict[str, Value]
    lines: dict[Path, int]


def read_front_matter(text: str, first_line: int) -> FrontMatter:
    """Parse `text`, which begins on `first_line` of its file; raises ArticleFault with the line of the fault."""
    if len(text) > _MAX_CHARS:
        raise ArticleFault("the front matter is longer than 100,000 characters; is its closing --- missing?", first_line)
    offset = first_line - 1
    try:
        node = compose_plain(text)
        found = FrontMatter({}, {})
        if node is None:
            return found
        if not isinstance(node, yaml.MappingNode):
            raise ArticleFault("the front matter is not a list of `key: value` lines", 1)
        return FrontMatter(_mapping(node, (), found.lines, offset), found.lines)
    except NotPlain as error:
        raise ArticleFault(f"the front matter uses {error.what}; {error.remedy}", error.line + offset) from None
    except ArticleFault as fault:
        raise ArticleFault(fault.reason, fault.line + offset) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = error.problem or "cannot be parsed"
        raise ArticleFault(
            f"the front matter is not valid YAML: {problem}; put quotes around a value that holds ': ' or '#'",
            (mark.line if mark else 0) + 1 + offset,
        ) from None
    except (yaml.YAMLError, RecursionError, ValueError):
        raise ArticleFault("the front matter is not valid YAML; see corpus/README.md for its form", first_line) from None


def _value(node: yaml.Node, path: Path, lines: dict[Path, int], offset: int) -> Value:
    lines[path] = node.start_mark.line + 1 + offset
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, path, lines, offset)
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, (*path, n), lines, offset) for n, item in enumerate(node.value)]
    # libyaml writes "" for a plain scalar, PyYAML None.
    is_plain = isinstance(node, yaml.ScalarNode) and not node.style
    return "" if is_plain and node.value in _NULLS else str(node.value)


def _mapping(node: yaml.MappingNode, path: Path, lines: dict[Path, int], offset: int) -> dict[str, Value]:
    values: dict[str, Value] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            raise ArticleFault("the front matter has a key that is not a word", line)
        key = str(key_node.value)
        if key in values:
            raise ArticleFault(f"the front matter has the key {key!r} twice; keep one", line)
        values[key] = _value(value_node, (*path, key), lines, offset)
    return values
