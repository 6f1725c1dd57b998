"""Cases that editors make of answers that they have seen: the editors' page saves them here, as a suite of drafts."""

import hashlib
import re
from contextlib import suppress
from dataclasses import replace
from itertools import count
from pathlib import Path
from textwrap import indent
from typing import Literal

from filelock import FileLock

from backbot.errors import SuiteInvalid
from backbot.evaluation.articles import Articles
from backbot.evaluation.asking import Turns, answer_version
from backbot.evaluation.spreadsheet import case_values, to_yaml
from backbot.evaluation.suite import Case, Checked, Expect, load_suite, read_suite
from backbot.records import Reply

Mark = Literal["right", "article", "words", "answered", "declined", "missed", "alarm"]

FAULTS: dict[Mark, str] = {
    "article": "It quotes the wrong article",
    "words": "The article is right, the sentences are not",
    "answered": "The articles do not answer this: it should decline",
    "declined": "The articles do answer this: it should answer",
    "missed": "It missed a warning sign",
    "alarm": "There is no warning sign in it",
}
"""What can be wrong with an answer, in words for editors."""


def draft_case(
    turns: Turns, reply: Reply, articles: Articles, mark: Mark, *, editor: str, date: str, fact: str = ""
) -> Case:
    """What an editor's mark says of a reply, as a case; `fact` is what a right answer says, if the editor wrote it.

    Right: the outcome and the articles cited are what is expected from now on. Otherwise the case says what was wrong, fails
    for as long as this very answer is given, and the editor fills in what is not known yet. Raises SuiteInvalid for a fact
    beside a mark that says that nothing should be answered.
    """
    level = reply.triage.level
    outcome: Expect = level if level != "none" else "answer" if reply.outcome == "answered" else "decline"
    cited = tuple(dict.fromkeys(citation.article for citation in reply.citations))
    case = Case(_name(turns), (turns,), outcome, topic="draft")
    match mark:
        case "right" | "words":
            case = replace(case, any_of=cited)
        case "article":
            case = replace(case, never=cited)
        case "answered":
            case = replace(case, expect="decline")
        case "declined":
            case = replace(case, expect="answer")
        case "missed":
            # Which level is right, only the editor knows; until then the reader must at least be sent somewhere today.
            case = replace(case, expect="urgent", risk="high")
        case "alarm":
            case = replace(case, expect="none")
    if fact and case.expect == "decline":
        raise SuiteInvalid(
            "You wrote what a right answer must say, and marked that backbot should decline. Clear one, or choose that the "
            "articles do answer this."
        )
    if fact:
        case = replace(case, must_say=(fact,))
    version = articles.version(case.right_articles) if case.right_articles else ""
    verdict: Literal["right", "wrong"] = "right" if mark == "right" else "wrong"
    return replace(case, checked_by=Checked(editor, date, version, verdict, answer_version(reply)))


def save_draft(file: Path, case: Case) -> tuple[Case, tuple[Case, ...]]:
    """Add the case behind the others of the suite in `file`, which stay as they are; makes the file if needed.

    Gives the case as it stands in the file, where its id may have got a number, and the earlier ones of the same messages. A
    mark that says again what an earlier one says is not added. Raises SuiteInvalid when the file has a fault or cannot be
    written, and leaves it as it was.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{file}.lock"):
            cases = load_suite(file).cases if file.is_file() else ()
            earlier = tuple(other for other in cases if other.asks[0] == case.asks[0])
            if again := next((other for other in earlier if _says_the_same(other, case)), None):
                return again, tuple(other for other in earlier if other is not again)
            names = {other.id for other in cases}
            free = (name for n in count(2) if (name := f"{case.id}-{n}") not in names)
            case = replace(case, id=next(free)) if case.id in names else case
            text = file.read_text("utf-8-sig") if cases else "suite: Drafts\ncases:\n"
            new = file.with_name(file.name + ".new")
            new.write_text(_append(text, cases, case, file), encoding="utf-8")
            new.replace(file)
            return case, earlier
    except OSError as error:
        raise SuiteInvalid(
            f"The draft cannot be saved in {file}: {error.strerror}. Choose a folder that can be written."
        ) from None


def _append(text: str, cases: tuple[Case, ...], case: Case, file: Path) -> str:
    """The file's text, an editor's comments and all, with the case at its end."""
    first = re.search(r"^( *)- ", text, re.M)
    longer = text.rstrip("\n") + "\n" + indent(to_yaml([case_values(case)]), first[1] if first else "")
    # What cannot be read again must not be written.
    with suppress(SuiteInvalid):
        *others, last = read_suite(longer, str(file), file.parent).cases
        if tuple(others) == cases and last.id == case.id:
            return longer
    raise SuiteInvalid(
        f"Nothing can be added at the end of {file}. Move its `cases` there, each beginning with `- id:`, and mark again."
    )


def _says_the_same(one: Case, other: Case) -> bool:
    checked = replace(one.checked_by, date=other.checked_by.date)
    return replace(one, id=other.id, line=other.line, checked_by=checked) == other


def _name(turns: Turns) -> str:
    """A name made of the last message's words, the same for the same messages."""
    words = re.findall(r"[a-z0-9]+", turns[-1].lower())[:6]
    return "-".join([*words, hashlib.sha256("\n".join(turns).encode(errors="replace")).hexdigest()[:6]])[:100]
