from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from backbot.bot import Bot
from backbot.errors import SuiteInvalid
from backbot.evaluation.drafts import draft_case, save_draft
from backbot.evaluation.suite import Case, load_suite

COLD = "How long should a cold pack stay on?"


def draft(bot: Bot, question: str, *, is_right: bool) -> Case:
    return draft_case((question,), bot.reply(question), is_right=is_right, editor="Ann", date="2026-05-01")


def test_a_mark_becomes_a_case(small_bot: Bot):
    right, wrong = (draft(small_bot, COLD, is_right=mark) for mark in (True, False))
    assert (right.expect, "cold-packs" in right.any_of, right.never) == ("answer", True, ())
    assert (wrong.any_of, "cold-packs" in wrong.never) == ((), True)
    assert draft(small_bot, "what is the capital of France", is_right=True).expect == "decline"
    assert draft(small_bot, "what is the capital of France", is_right=False).expect == "answer"
    assert draft(small_bot, "numb between my legs and I can't pee", is_right=True).expect == "emergency"
    assert draft(small_bot, "numb between my legs and I can't pee", is_right=False).expect == "none"


def test_drafts_are_a_suite_that_can_be_run_and_a_second_mark_replaces_the_first(small_bot: Bot, tmp_path: Path):
    file = tmp_path / "new" / "drafts.yaml"
    for is_right in (True, False):
        save_draft(file, draft(small_bot, COLD, is_right=is_right))
    save_draft(file, draft(small_bot, "12:30 {no}: - & *x 'é' 🙂 \u2028", is_right=True))
    cases = load_suite(file).cases
    assert len(cases) == 2
    assert "cold-packs" in cases[0].never
    assert cases[0].checked_by.editor == "Ann"


def test_marks_made_at_the_same_time_are_all_kept(small_bot: Bot, tmp_path: Path):
    file = tmp_path / "drafts.yaml"
    drafts = [draft(small_bot, f"{COLD} {n}", is_right=True) for n in range(12)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda case: save_draft(file, case), drafts))
    assert len(load_suite(file).cases) == 12


def test_a_file_with_a_fault_is_left_as_it_was(small_bot: Bot, tmp_path: Path):
    file = tmp_path / "drafts.yaml"
    file.write_text("suite: s\ncases: nonsense\n")
    with pytest.raises(SuiteInvalid):
        save_draft(file, draft(small_bot, COLD, is_right=True))
    assert file.read_text() == "suite: s\ncases: nonsense\n"
    with pytest.raises(SuiteInvalid, match="cannot be saved"):
        save_draft(file / "below" / "d.yaml", draft(small_bot, COLD, is_right=True))
