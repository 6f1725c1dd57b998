import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from backbot.errors import SuiteInvalid
from backbot.evaluation.asking import Answer
from backbot.evaluation.comparing import compare, said
from backbot.evaluation.report import render_report
from backbot.evaluation.run import Run, as_baseline, read_run, run_to_json
from backbot.evaluation.suite import Checked, Suite
from backbot.evaluation.terminal import print_comparison, print_run

RunSmall = Callable[..., Run]


def declines(*words: str) -> Callable[[Answer], Answer]:
    """A fault: questions with one of the words are declined."""

    def fault(answer: Answer) -> Answer:
        if not answer.reply or not any(word in answer.turns[-1] for word in words):
            return answer
        return replace(answer, reply=replace(answer.reply, outcome="declined", sentences=(), citations=()))

    return fault


def test_what_newly_fails_comes_first_by_risk_with_the_old_answer_beside_the_new(run_small: RunSmall):
    changes = compare(run_small(declines("walk", "cold pack")), run_small())
    assert [change.after.case.id for change in changes.newly_failing] == ["cold-how-long", "walking-how-far"]
    assert changes.newly_passing == ()
    first = changes.newly_failing[0]
    assert "15 to 20 minutes" in said(first.before)[0]
    assert said(first.after)[0] == "(decline)"
    shift = next(shift for shift in changes.shifts if shift.name == "answered")
    assert (shift.worse, shift.better, shift.p) == (2, 0, 0.5)


def test_what_newly_passes_is_listed_too(run_small: RunSmall):
    changes = compare(run_small(), run_small(declines("walk")))
    assert [change.after.case.id for change in changes.newly_passing] == ["walking-how-far"]


def test_another_answer_that_is_as_right_as_before_is_shown(run_small: RunSmall):
    def wordier(answer: Answer) -> Answer:
        if not answer.reply or "walk" not in answer.turns[-1]:
            return answer
        sentences = answer.reply.sentences
        return replace(answer, reply=replace(answer.reply, sentences=(*sentences, *sentences)))

    changes = compare(run_small(wordier), run_small())
    assert [change.after.case.id for change in changes.other_answers] == ["walking-how-far"]
    assert changes.newly_failing == changes.newly_passing == ()


def test_a_rewritten_case_is_not_compared_but_one_that_was_only_checked_is(run_small: RunSmall, small_suite: Suite):
    first, second, *others = small_suite.cases
    changed = replace(
        small_suite, cases=(replace(first, must_say=("x",)), replace(second, checked_by=Checked("Ann")), *others)
    )
    changes = compare(run_small(suite=changed), run_small())
    assert changes.rewritten == ("cold-how-long",)
    assert changes.newly_failing == ()


def test_new_and_removed_cases_are_named(run_small: RunSmall, small_suite: Suite):
    fewer = replace(small_suite, cases=small_suite.cases[1:])
    assert compare(run_small(), run_small(suite=fewer)).added == ("cold-how-long",)
    assert compare(run_small(suite=fewer), run_small()).removed == ("cold-how-long",)


def test_an_article_that_changed_in_between_is_named(run_small: RunSmall):
    before = run_small()
    before = replace(before, articles={**before.articles, "walking": "0" * 64})
    assert compare(run_small(declines("walk")), before).newly_failing[0].articles == ("walking",)


def test_a_run_of_another_suite_is_refused(run_small: RunSmall, small_suite: Suite):
    other = replace(small_suite, name="Other", cases=(replace(small_suite.cases[0], id="elsewhere"),))
    with pytest.raises(SuiteInvalid, match="shares no case"):
        compare(run_small(), run_small(suite=other))


def test_a_run_comes_back_from_its_file(run_small: RunSmall, tmp_path: Path):
    run = run_small()
    file = tmp_path / "run.json"
    file.write_text(run_to_json(run))
    back = read_run(file)
    assert (back.verdict, back.figures, back.coverage, back.articles) == (
        run.verdict,
        run.figures,
        run.coverage,
        run.articles,
    )
    changes = compare(run, back)
    assert changes.newly_failing == changes.newly_passing == changes.other_answers == changes.rewritten == ()


def test_what_is_saved_of_a_run_is_all_that_the_report_of_a_later_one_needs(run_small: RunSmall, tmp_path: Path):
    run, earlier = run_small(declines("walk")), run_small()
    pages, sizes = [], []
    for number, kept in enumerate((earlier, as_baseline(earlier))):
        file = tmp_path / f"{number}.json"
        file.write_text(run_to_json(kept))
        sizes.append(file.stat().st_size)
        pages.append(render_report(run, compare(run, read_run(file))))
    assert pages[0] == pages[1]
    assert sizes[1] < sizes[0]
    assert as_baseline(earlier).cases[0].is_right


@pytest.mark.parametrize("content", ["", "{", "[]", '{"suite": "x"}', "\x00"])
def test_a_file_that_is_no_run_is_refused(tmp_path: Path, content: str):
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(SuiteInvalid, match="--save"):
        read_run(tmp_path / "run.json")


@pytest.mark.parametrize(
    ("checked", "stale"),
    [
        (Checked(), False),
        (Checked("Ann", "2026-05-01"), False),
        (Checked("Ann", "2026-04-30"), True),
        (Checked("Ann", "2026-06-01", "right"), False),
        (Checked("Ann", "2026-06-01", "0000aaaa"), True),
    ],
)
def test_a_case_is_stale_when_its_article_has_changed_since(
    run_small: RunSmall, small_suite: Suite, checked: Checked, stale: bool
):
    version = run_small().articles["walking"][:8]
    if checked.article_version == "right":
        checked = replace(checked, article_version=version)
    cases = tuple(replace(case, checked_by=checked) for case in small_suite.cases if case.id == "walking-how-far")
    result = run_small(suite=replace(small_suite, cases=cases)).cases[0]
    assert bool(result.stale) is stale
    assert not stale or "walking" in result.stale
    assert result.version == version


def printed(show: Callable[[Console], None]) -> str:
    out = Console(file=io.StringIO(), width=200)
    show(out)
    assert isinstance(out.file, io.StringIO)
    return out.file.getvalue()


def test_the_terminal_names_what_was_not_compared(run_small: RunSmall, small_suite: Suite):
    first, second, *others = small_suite.cases
    changed = replace(small_suite, cases=(replace(first, id="brand-new"), replace(second, must_say=("x",)), *others))
    text = printed(lambda out: print_comparison(compare(run_small(suite=changed), run_small()), out))
    for line in ("1 new: brand-new", "1 gone: cold-how-long", "1 rewritten, so not compared: walking-how-far"):
        assert line in text


def test_the_terminal_says_why_a_suite_without_a_gate_cannot_pass_and_when_its_review_is_overdue(
    run_small: RunSmall, small_suite: Suite
):
    assert "no gate" not in printed(lambda out: print_run(run_small(), out))
    text = printed(lambda out: print_run(run_small(suite=replace(small_suite, gate=(), review_by="2020-01-01")), out))
    assert "no gate, so nothing can pass" in text
    assert "looked at again by 2020-01-01" in text


def test_an_article_that_is_misspelt_is_named_with_its_line_and_the_right_one(run_small: RunSmall, small_suite: Suite):
    first, *others = small_suite.cases
    slip = replace(small_suite, cases=(replace(first, never=("chiars",)), *others))
    (problem,) = run_small(suite=slip).problems
    assert f"line {first.line}" in problem
    assert "Did you mean chairs?" in problem
