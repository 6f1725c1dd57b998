from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from backbot.bot import Bot
from backbot.errors import SuiteInvalid
from backbot.evaluation.articles import Articles
from backbot.evaluation.asking import Answer, answer_version
from backbot.evaluation.drafts import Mark, draft_case, save_draft
from backbot.evaluation.judging import judge_case
from backbot.evaluation.suite import Case, load_suite

COLD = "How long should a cold pack stay on?"


def draft(bot: Bot, question: str, mark: Mark, fact: str = "") -> Case:
    generation = bot.index.live()
    articles = Articles(generation.manifest.articles, generation)
    return draft_case((question,), bot.reply(question), articles, mark, editor="Ann", date="2026-05-01", fact=fact)


CAPITAL = "what is the capital of France"
NUMB = "numb between my legs and I can't pee"


@pytest.mark.parametrize(
    ("question", "mark", "expect", "cite"),
    [
        (COLD, "right", "answer", "any_of"),
        (COLD, "words", "answer", "any_of"),
        (COLD, "article", "answer", "never"),
        (COLD, "answered", "decline", ""),
        (COLD, "missed", "urgent", ""),
        (CAPITAL, "right", "decline", ""),
        (CAPITAL, "declined", "answer", ""),
        (NUMB, "right", "emergency", ""),
        (NUMB, "alarm", "none", ""),
    ],
)
def test_a_mark_becomes_a_case(small_bot: Bot, tmp_path: Path, question: str, mark: Mark, expect: str, cite: str):
    case = draft(small_bot, question, mark, "" if expect == "decline" else "a fact")
    assert case.expect == expect
    assert [name for name in ("any_of", "never") if "cold-packs" in getattr(case, name)] == ([cite] if cite else [])
    assert case.must_say == (() if expect == "decline" else ("a fact",))
    assert (case.checked_by.verdict, case.risk) == (
        "right" if mark == "right" else "wrong",
        "high" if mark == "missed" else "",
    )
    save_draft(tmp_path / "drafts.yaml", case)
    (read,) = load_suite(tmp_path / "drafts.yaml").cases
    assert replace(read, line=0) == case


def test_an_answer_that_was_marked_wrong_fails_until_another_is_given(small_bot: Bot):
    generation = small_bot.index.live()
    articles = Articles(generation.manifest.articles, generation)
    reply = small_bot.reply(COLD)
    case = draft(small_bot, COLD, "words")
    result = judge_case(case, [Answer((COLD,), reply, reply.triage)], articles)
    assert [name for name, is_right in result.checks.items() if not is_right] == ["not_marked_wrong"]
    assert "Ann marked this very answer as wrong on 2026-05-01" in result.reasons
    of_another = replace(case, checked_by=replace(case.checked_by, answer_version="00000000"))
    assert judge_case(of_another, [Answer((COLD,), reply, reply.triage)], articles).is_right
    right = draft(small_bot, COLD, "right")
    assert judge_case(right, [Answer((COLD,), reply, reply.triage)], articles).is_right


def test_a_fact_beside_the_mark_that_it_should_decline_is_not_dropped_in_silence(small_bot: Bot):
    for question, mark in ((COLD, "answered"), (CAPITAL, "right")):
        with pytest.raises(SuiteInvalid, match="should decline"):
            draft(small_bot, question, mark, "Paris")


def test_marks_of_the_same_question_are_all_kept_and_the_earlier_ones_named(small_bot: Bot, tmp_path: Path):
    file = tmp_path / "new" / "drafts.yaml"
    right, article, words = (draft(small_bot, COLD, mark) for mark in ("right", "article", "words"))
    assert save_draft(file, right) == (right, ())
    second, earlier = save_draft(file, article)
    assert (second.id, [other.checked_by.verdict for other in earlier]) == (f"{right.id}-2", ["right"])
    save_draft(file, draft(small_bot, "12:30 {no}: - & *x 'é' 🙂 \u2028", "right"))
    third, earlier = save_draft(file, words)
    assert (third.id, len(earlier)) == (f"{right.id}-3", 2)
    cases = [case for case in load_suite(file).cases if case.asks == ((COLD,),)]
    assert ["cold-packs" in case.never for case in cases] == [False, True, False]
    assert [case.checked_by.verdict for case in cases] == ["right", "wrong", "wrong"]


def test_a_mark_that_says_the_same_again_is_not_added(small_bot: Bot, tmp_path: Path):
    file = tmp_path / "drafts.yaml"
    mark = draft(small_bot, COLD, "right")
    save_draft(file, mark)
    written = file.read_bytes()
    saved, earlier = save_draft(file, replace(mark, checked_by=replace(mark.checked_by, date="2026-06-01")))
    assert (replace(saved, line=0), earlier) == (mark, ())
    assert file.read_bytes() == written
    other_editor = replace(mark, checked_by=replace(mark.checked_by, editor="Bea"))
    assert len(save_draft(file, other_editor)[1]) == 1


@pytest.mark.parametrize("pad", ["", "  "])
def test_what_editors_wrote_into_the_file_stays_to_the_letter(small_bot: Bot, tmp_path: Path, pad: str):
    file = tmp_path / "drafts.yaml"
    lines = ["- id: mine  # ask Bob", "  ask: |", "    a long", "    story", "  expect: none", "# the end"]
    text = "\n".join(["suite: Ours", "gate: {passed: 0.9}  # for now", "cases:", *(pad + line for line in lines)])
    file.write_text(text)
    save_draft(file, draft(small_bot, COLD, "right"))
    assert file.read_text().startswith(text + "\n")
    assert [case.asks[0][0] for case in load_suite(file).cases] == ["a long\nstory", COLD]


@pytest.mark.parametrize(
    "text",
    ["suite: s\ncases: [{id: a, ask: x, expect: none}]\n", "cases:\n- {id: a, ask: x, expect: none}\nsuite: s\n"],
)
def test_a_file_to_which_nothing_can_be_added_is_left_as_it_was(small_bot: Bot, tmp_path: Path, text: str):
    file = tmp_path / "drafts.yaml"
    file.write_text(text)
    with pytest.raises(SuiteInvalid, match="Move its `cases` there"):
        save_draft(file, draft(small_bot, COLD, "right"))
    assert file.read_text() == text


def test_a_mark_is_of_one_very_answer(small_bot: Bot):
    reply = small_bot.reply(COLD)
    marked = draft(small_bot, COLD, "right").checked_by
    assert marked.answer_version == answer_version(reply)
    assert len(marked.article_version) == 8 * len(reply.citations) + len(reply.citations) - 1
    assert answer_version(replace(reply, engine="another", question="another")) == answer_version(reply)
    for other in (
        replace(reply, outcome="declined"),
        replace(reply, sentences=reply.sentences[1:]),
        replace(reply, citations=(replace(reply.citations[0], quote="another"),)),
    ):
        assert answer_version(other) != answer_version(reply)


def test_marks_made_at_the_same_time_are_all_kept(small_bot: Bot, tmp_path: Path):
    file = tmp_path / "drafts.yaml"
    drafts = [draft(small_bot, f"{COLD} {n}", "right") for n in range(12)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda case: save_draft(file, case), drafts))
    assert len(load_suite(file).cases) == 12


def test_a_file_with_a_fault_is_left_as_it_was(small_bot: Bot, tmp_path: Path):
    file = tmp_path / "drafts.yaml"
    file.write_text("suite: s\ncases: nonsense\n")
    with pytest.raises(SuiteInvalid):
        save_draft(file, draft(small_bot, COLD, "right"))
    assert file.read_text() == "suite: s\ncases: nonsense\n"
    with pytest.raises(SuiteInvalid, match="cannot be saved"):
        save_draft(file / "below" / "d.yaml", draft(small_bot, COLD, "right"))
