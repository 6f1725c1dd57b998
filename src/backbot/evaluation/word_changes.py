"""Which words of an answer another answer does not have: the report marks them."""

from difflib import SequenceMatcher

Part = tuple[str, bool]
"""Words that follow each other, and whether the other text lacks them there."""


def mark_changes(before: str, after: str) -> tuple[list[Part], list[Part]]:
    """Both texts in parts, in order; white space made single."""
    old, new = before.split(), after.split()
    was, now = [], []
    for kind, old_from, old_to, new_from, new_to in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        is_changed = kind != "equal"
        if old_from < old_to:
            was.append((" ".join(old[old_from:old_to]), is_changed))
        if new_from < new_to:
            now.append((" ".join(new[new_from:new_to]), is_changed))
    return was, now
