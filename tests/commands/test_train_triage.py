"""Training from the command line: what it takes from the articles."""

import json
from pathlib import Path

from backbot.commands.train_triage import read_readers_questions


def test_readers_questions_of_the_articles_are_learnt_as_harmless_alone_and_in_conversations(tmp_path: Path):
    asked = [f"how many minutes of ice on day {n}" for n in range(8)]
    rows = [json.dumps(ask) for ask in [*asked, "I am numb between my legs and I can't pee"]]
    questions = "\n".join(["  - answer: Use it for 20 minutes.", "    asked:", *(f"      - {row}" for row in rows)])
    (tmp_path / "cold.md").write_text(f"---\ntitle: Cold\nquestions:\n{questions}\n---\n\nUse it for 20 minutes.\n")
    cases = read_readers_questions(tmp_path)
    assert [case.turns for case in cases[: len(asked)]] == [(ask,) for ask in asked]
    assert {len(case.turns) for case in cases[len(asked) :]} <= {2, 3} and len(cases) == len(asked) + 2
    assert {(case.level, case.flags) for case in cases} == {("none", ())}
