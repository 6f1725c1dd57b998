"""YAML as an editor means it: every value stays the text that was written, and everything keeps its line.

`no`, `12:30` and `2026-05-01` are text. Duplicate keys, anchors, aliases and tags are refused.
"""

import re
from dataclasses import dataclass
from itertools import pairwise

import yaml

from backbot.errors import SuiteInvalid
from backbot.plain_yaml import NotPlain, compose_plain

MAX_CHARS = 5_000_000
_NULLS = {"", "~", "null", "Null", "NULL"}


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
        root = compose_plain(text)
        if root is None:
            raise SuiteInvalid(f"{name} is empty. A suite begins with `suite: a name`; evals/README.md shows a whole one.")
        return _Document(name, text.splitlines()).read(root)
    except NotPlain as error:
        remedy = error.remedy[0].upper() + error.remedy[1:]
        raise SuiteInvalid(f"{name}, line {error.line}: the file uses {error.what}. {remedy}.") from None
    except yaml.MarkedYAMLError as error:
        # Of a quote or bracket that is never closed, where it was opened.
        is_open = error.problem and "end of stream" in error.problem
        mark = (error.context_mark if is_open else None) or error.problem_mark or error.context_mark
        where = f"{name}, line {mark.line + 1}" if mark else name
        raise SuiteInvalid(
            f"{where}: this is not valid YAML ({error.problem or 'cannot be parsed'}). "
            "Indent with spaces, and put quotes around a text that holds ': ' or ' #' or begins with a sign."
        ) from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else "cannot be parsed"
        raise SuiteInvalid(f"{name}: this is not valid YAML ({reason}). Is it a text file in UTF-8?") from None


@dataclass(frozen=True, slots=True)
class _Document:
    """A file's name and lines: a fault names the one, and looks into the others for what YAML has dropped."""

    name: str
    lines: list[str]

    def read(self, node: yaml.Node) -> Node:
        line = node.start_mark.line + 1
        if isinstance(node, yaml.SequenceNode):
            self._check_commas(node)
            return Node(line, [self.read(item) for item in node.value], {})
        if isinstance(node, yaml.MappingNode):
            values: dict[str, Node] = {}
            lines: dict[str, int] = {}
            for key, value in node.value:
                at = key.start_mark.line + 1
                if not isinstance(key, yaml.ScalarNode):
                    raise SuiteInvalid(f"{self.name}, line {at}: a key must be a word, such as `ask`.")
                if key.value in values:
                    first = lines[key.value]
                    raise SuiteInvalid(
                        f"{self.name}, line {at}: the key `{key.value}` stands twice (first in line {first}). Keep one."
                    )
                values[key.value], lines[key.value] = self.read(value), at
            return Node(line, values, lines)
        assert isinstance(node, yaml.ScalarNode)
        # libyaml writes "" for a plain scalar, PyYAML None.
        is_plain = not node.style
        if is_plain and node.value:
            self._check_comment(node)
        return Node(line, "" if is_plain and node.value in _NULLS else str(node.value), {})

    def _check_comment(self, node: yaml.ScalarNode) -> None:
        """A comment that an editor writes has a space after its sign; "my L4 #5 disc" has lost its end."""
        end = node.end_mark
        rest = self.lines[end.line][end.column :] if end.line < len(self.lines) else ""
        if re.match(r"\s+#\w", rest):
            raise SuiteInvalid(
                f"{self.name}, line {end.line + 1}: what follows ` #` is dropped as a comment. "
                "Put quotes around the text, or a space after the #."
            )

    def _check_commas(self, node: yaml.SequenceNode) -> None:
        """[1,500 mg] is two texts to YAML, and one to an editor."""
        for left, right in pairwise(node.value):
            is_plain = all(isinstance(item, yaml.ScalarNode) and not item.style for item in (left, right))
            is_next = left.end_mark.line == right.start_mark.line and left.end_mark.column + 1 == right.start_mark.column
            if is_plain and is_next and left.value[-1:].isdigit() and right.value[:1].isdigit():
                raise SuiteInvalid(
                    f"{self.name}, line {right.start_mark.line + 1}: `{left.value},{right.value}` would be two texts. Put "
                    "quotes around it if it is one number, or a space after the comma."
                )
