import re
from collections.abc import Callable
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest
from test_comparing import declines

from backbot.evaluation.articles import Articles
from backbot.evaluation.asking import Answer, ask_triage
from backbot.evaluation.command import ask_and_judge
from backbot.evaluation.comparing import compare
from backbot.evaluation.junit import render_junit
from backbot.evaluation.report import render_report, verdict_line
from backbot.evaluation.run import Run, run_to_json
from backbot.evaluation.suite import Case, Limit, Suite
from backbot.evaluation.word_changes import mark_changes

RunSmall = Callable[..., Run]


def without_times(page: str) -> str:
    return re.sub(r"<!-- times -->.*?<!-- /times -->", "", page, flags=re.S)


def test_two_runs_on_the_same_inputs_give_the_same_report_apart_from_times(run_small: RunSmall):
    one, two = run_small(seconds=0.01), run_small(seconds=0.02)
    assert one.verdict == two.verdict
    assert without_times(render_report(one)) == without_times(render_report(two))
    assert render_report(one) == render_report(one)
    times = '"times"'
    assert run_to_json(one).split(times)[0] == run_to_json(two).split(times)[0]


def test_the_page_needs_no_other_host(run_small: RunSmall):
    page = render_report(run_small())
    assert re.findall(r'(?:src|href|action|url)\s*[=(]\s*["\']?(?:https?:)?//', page) == []
    assert "<link" not in page
    assert "@import" not in page


def test_the_verdict_is_one_line(run_small: RunSmall):
    assert verdict_line(run_small()).startswith("PASS: all 2 lines")
    failed = verdict_line(run_small(declines("walk")))
    assert failed == "FAIL: 1 of 2 lines of the gate failed: Cases with everything right."


def test_a_suite_of_one_case_does_not_claim_a_pass(run_small: RunSmall, small_suite: Suite):
    one = replace(small_suite, cases=small_suite.cases[:1], gate=(Limit("passed", 0.1), Limit("quotes", 1.0)))
    run = run_small(suite=one)
    assert run.verdict == "NOT ENOUGH CASES"
    assert "more to be sure" in verdict_line(run)
    assert "PASS" not in verdict_line(run)


def test_the_report_shows_what_changed_with_both_answers(run_small: RunSmall):
    run = run_small(declines("walk"))
    page = render_report(run, compare(run, run_small()))
    changes = page[page.index('id="changes"') : page.index('id="gate"')]
    assert "Newly failing (1)" in changes
    assert "walking-how-far" in changes
    assert re.search(r"<del>\(answer\) Walk for 10 minutes[^<]*</del>.*?<ins>\(decline\)</ins>", changes, re.S)


def test_only_the_words_that_changed_are_marked():
    was, now = mark_changes("Walk for 10 minutes  a day [walking]", "Walk for 15 minutes a day, please [walking]")
    assert [words for words, is_changed in was if is_changed] == ["10", "day"]
    assert [words for words, is_changed in now if is_changed] == ["15", "day, please"]
    assert " ".join(words for words, _ in now) == "Walk for 15 minutes a day, please [walking]"
    assert mark_changes("", "") == ([], [])
    assert mark_changes("same words", "same words") == ([("same words", False)], [("same words", False)])


def test_times_of_an_earlier_run_are_called_so_beside_the_figure(run_small: RunSmall):
    run = run_small()
    assert "Times of an earlier run" not in render_report(run, compare(run, run))
    kept = replace(run, times=replace(run.times, kept=3))
    page = render_report(kept, compare(run, kept))
    wordings = sum(len(result.answers) for result in run.cases)
    note = "Times of an earlier run, whose answers were kept: 3 of"
    for section, total in (("changes", 2 * wordings), ("gate", wordings), ("slowest", wordings)):
        assert f"{note} {total};" in page[page.index(f'id="{section}"') :].split("</section>")[0], section
    assert note not in without_times(page)


def test_the_report_maps_coverage_gaps_and_declines(run_small: RunSmall):
    page = render_report(run_small(declines("walk")))
    assert re.search(r"Not used \(1\).*?walking-how-far", page, re.S)
    assert "untested" not in page
    assert page.count("<svg") == 3
    assert re.search(r"Declined, should be answered", page)


def test_gaps_are_split_by_where_the_article_was_lost(run_small: RunSmall, small_suite: Suite):
    cases = (
        Case("gone", (("how far should I walk",),), "answer", any_of=("nordic-walking",)),
        Case("lost", (("how far should I walk",),), "answer", any_of=("chairs",)),
    )

    def finds_only_walking(answer: Answer) -> Answer:
        return replace(answer, hits=tuple(hit for hit in answer.hits if hit.article == "walking"))

    page = render_report(run_small(finds_only_walking, suite=replace(small_suite, cases=cases)))
    assert re.search(r"No article \(1\).*?gone.*?Not retrieved \(1\).*?lost.*?Not used \(0\)", page, re.S)


HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(1)> \x00 \ud7ff {{ 713*317 }}'


def test_hostile_words_stay_words(run_small: RunSmall, small_suite: Suite):
    case = Case("x", ((HOSTILE,),), "answer", topic=HOSTILE, any_of=(HOSTILE,), must_say=(HOSTILE,))
    run = run_small(suite=Suite(HOSTILE, (case,), (Limit("passed", 1.0),), owner=HOSTILE))
    page = render_report(run, compare(run, run_small(declines(HOSTILE), suite=replace(small_suite, cases=(case,)))))
    assert "<script>alert" not in page
    assert "<img" not in page
    assert "226021" not in page.split("<svg")[0]
    ET.fromstring(render_junit(run))


def test_five_hundred_cases_are_small_enough_to_mail(run_small: RunSmall, small_suite: Suite):
    cases = tuple(replace(case, id=f"{case.id}-{n}") for n in range(84) for case in small_suite.cases)
    answers: dict[tuple[str, ...], Answer] = {}
    for result in run_small(declines("walk", "cold")).cases:
        answers |= {answer.turns: answer for answer in result.answers}
    big = replace(small_suite, cases=cases)
    run = ask_and_judge(big, answers.__getitem__, Articles({}), {})
    half = ask_and_judge(big, lambda turns: replace(answers[turns], error=""), Articles({}), {})
    page = render_report(run, compare(run, half))
    assert len(cases) >= 500
    assert len(page.encode()) < 1_000_000


def test_the_level_matrix_counts_what_was_missed_and_shows_no_held_out_message():
    cases = tuple(
        Case(f"m{n}", ((text,),), level, red_flag=flags, kind="flag" if flags else "near-miss", voice="uk")
        for n, (text, level, flags) in enumerate(
            [
                ("numb between my legs and I can't pee", "emergency", ("cauda-equina",)),
                ("zzz a message without any sign", "emergency", ("cauda-equina",)),
                ("which chair is best", "none", ()),
            ]
        )
    )
    run = ask_and_judge(
        Suite("t", cases, (Limit("flag_recall", 0.9),), triage_only=True), ask_triage("GB"), Articles({}), {}
    )
    page = render_report(run)
    assert run.verdict == "FAIL"
    assert "zzz" not in page
    assert "1/2 = 0.500" in page
    assert re.search(r'<th scope="row">emergency</th>\s*<td class="number wrong">1', page)


def test_every_table_has_a_caption_and_every_picture_words(run_small: RunSmall):
    page = render_report(run_small())
    assert page.count("<table") == page.count("<caption>")
    assert all('aria-label="' in svg for svg in re.findall(r"<svg [^>]*>", page))
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("fault", [False, True])
def test_junit_has_a_test_for_each_case_and_each_line_of_the_gate(run_small: RunSmall, fault: bool):
    def crash(answer: Answer) -> Answer:
        if fault and "walk" in answer.turns[-1]:
            raise ValueError("boom \x07")
        return answer

    gate, cases = ET.fromstring(render_junit(run_small(crash)))
    assert (gate.get("tests"), cases.get("tests")) == ("2", "6")
    assert (gate.get("failures"), cases.get("errors")) == (("1", "1") if fault else ("0", "0"))
