"""Cases that editors make of answers that they have seen: the editors' page saves them here, as a suite of drafts."""

import hashlib
import re
from dataclasses import replace
from pathlib import Path

from filelock import FileLock

from backbot.errors import SuiteInvalid
from backbot.evaluation.asking import Turns
from backbot.evaluation.spreadsheet import suite_to_yaml
from backbot.evaluation.suite import Case, Checked, Expect, Suite, load_suite, read_suite
from backbot.records import Reply


def draft_case(turns: Turns, reply: Reply, *, is_right: bool, editor: str, date: str, article_version: str = "") -> Case:
    """What an editor's mark says of a reply, as a case.

    Right: the outcome and the articles cited are what is expected from now on. Wrong: they are what must not come back;
    the editor fills in the rest.
    """
    level = reply.triage.level
    outcome: Expect = level if level != "none" else "answer" if reply.outcome == "answered" else "decline"
    cited = tuple(dict.fromkeys(citation.article for citation in reply.citations))
    checked = Checked(editor, date, article_version)
    case = Case(_name(turns), (turns,), outcome, topic="draft", checked_by=checked)
    if is_right:
        return replace(case, any_of=cited) if outcome != "decline" else case
    if outcome == "decline":
        return replace(case, expect="answer")
    if level != "none":
        return replace(case, expect="none")
    return replace(case, never=cited)


def save_draft(file: Path, case: Case) -> None:
    """Add the case to the suite in `file`, in place of an earlier one of the same messages; makes the file if needed.

    Raises SuiteInvalid when the file has a fault or cannot be written, and leaves it as it was.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{file}.lock"):
            suite = load_suite(file) if file.is_file() else Suite("Drafts", ())
            others = tuple(other for other in suite.cases if other.id != case.id)
            text = suite_to_yaml(replace(suite, cases=(*others, case)))
            # What cannot be read again must not be written.
            read_suite(text, str(file), file.parent)
            new = file.with_name(file.name + ".new")
            new.write_text(text, encoding="utf-8")
            new.replace(file)
    except OSError as error:
        raise SuiteInvalid(
            f"The draft cannot be saved in {file}: {error.strerror}. Choose a folder that can be written."
        ) from None


def _name(turns: Turns) -> str:
    """A name made of the last message's words, the same for the same messages."""
    words = re.findall(r"[a-z0-9]+", turns[-1].lower())[:6]
    return "-".join([*words, hashlib.sha256("\n".join(turns).encode(errors="replace")).hexdigest()[:6]])[:100]
