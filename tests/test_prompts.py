"""Prompt templates are checked when they are loaded."""

from pathlib import Path

import pytest

from backbot.errors import RulesInvalid
from backbot.prompts import load_prompt
from backbot.resources import resource

OURS = {
    "answer_rules": {"most"},
    "answer_question": {"question", "passages"},
    "answer_passage": {"number", "title", "text"},
    "judge_rules": {"count"},
    "judge_answer": {"question", "sentences"},
    "judge_sentence": {"number", "text", "passage"},
}


@pytest.mark.parametrize(("name", "variables"), OURS.items())
def test_the_prompts_that_ship_name_their_variables(name: str, variables: set[str]):
    filled = load_prompt(name, variables).fill(**dict.fromkeys(variables, "VALUE"))
    assert "VALUE" in filled
    assert "$" not in filled


def test_no_prompt_ships_that_is_not_checked():
    assert {file.stem for file in resource("prompts").iterdir()} == set(OURS)


def test_a_value_is_put_in_as_it_is(tmp_path: Path):
    (tmp_path / "ask.txt").write_text("Q: $question costs $$5")
    assert load_prompt("ask", {"question"}, tmp_path).fill(question="$other ${x} $$") == "Q: $other ${x} $$ costs $5"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("$question $passage", r"\$passage is unknown; \$passages is missing"),
        ("$question", r"\$passages is missing"),
        ("$question $passages $", "without a variable's name"),
        ("$question $passages ${}", "without a variable's name"),
        (b"\xff\xfe", "UTF-8"),
    ],
)
def test_a_faulty_prompt_is_refused_with_its_fault(text: str | bytes, told: str, tmp_path: Path):
    (tmp_path / "ask.md").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(RulesInvalid, match=told):
        load_prompt("ask", {"question", "passages"}, tmp_path)


def test_a_missing_prompt_is_refused(tmp_path: Path):
    with pytest.raises(RulesInvalid, match=r"no prompt ask\.md or \.txt"):
        load_prompt("ask", set(), tmp_path)
