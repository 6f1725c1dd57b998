"""YAML that people write: text, lists and mappings, read by libyaml, without what could hurt or mean more than it says."""

from dataclasses import dataclass

import yaml

MAX_DEPTH = 12

# libyaml is ten times as fast; PyYAML may have been built without it.
_Loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


@dataclass(frozen=True)
class NotPlain(Exception):
    """What stands on the `line` (1 is the first), as it goes on after "the file uses", and how to mend it."""

    line: int
    what: str
    remedy: str


def compose_plain(text: str) -> yaml.Node | None:
    """The document's node, None of an empty text; all scalars are text.

    Raises NotPlain for an anchor, alias or tag and for nesting that nobody writes, yaml.YAMLError for what is not YAML.
    """
    depth = 0
    for event in yaml.parse(text, _Loader):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            # libyaml's composer calls itself for each level: without this a hostile file ends the process.
            if depth > MAX_DEPTH:
                raise NotPlain(line, f"YAML lists more than {MAX_DEPTH} levels deep", "close its brackets, or quote it")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise NotPlain(line, "a YAML anchor or alias (& or *)", "write the value out, or quote it")
        if getattr(event, "tag", None):
            raise NotPlain(line, "a YAML tag (!)", "remove it, or quote the text")
    node: yaml.Node | None = yaml.compose(text, _Loader)
    return node
