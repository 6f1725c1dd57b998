import pytest

from backbot.evaluation.statistics import judge_mean, judge_share, mcnemar, mean_interval, percentile
from backbot.triage.measure import wilson


@pytest.mark.parametrize("gate", [0.0, 0.01, 0.2, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("margin", [0.0, 0.05, 1.0])
@pytest.mark.parametrize("is_max", [False, True])
def test_one_case_is_never_a_pass(gate: float, margin: float, is_max: bool):
    for hits in (0, 1):
        assert judge_share(hits, 1, gate, margin, is_max=is_max).verdict != "PASS"


@pytest.mark.parametrize(
    ("hits", "total", "gate", "margin", "verdict"),
    [
        (100, 100, 0.95, 0.05, "PASS"),
        (95, 100, 0.95, 0.05, "NOT ENOUGH CASES"),
        (94, 100, 0.95, 0.05, "FAIL"),
        (9, 10, 0.95, 0.05, "FAIL"),
        (10, 10, 0.95, 0.05, "NOT ENOUGH CASES"),
        (23, 25, 0.92, 0.25, "PASS"),
        (0, 0, 0.5, 0.05, "NOT ENOUGH CASES"),
        (72, 72, 1.0, 0.05, "NOT ENOUGH CASES"),
        (73, 73, 1.0, 0.05, "PASS"),
    ],
)
def test_a_share_is_held_against_its_gate(hits: int, total: int, gate: float, margin: float, verdict: str):
    assert judge_share(hits, total, gate, margin, is_max=False).verdict == verdict


def test_a_limit_from_above_mirrors_one_from_below():
    assert judge_share(2, 200, 0.05, 0.05, is_max=True).verdict == "PASS"
    assert judge_share(0, 10, 0.05, 0.05, is_max=True).verdict == "NOT ENOUGH CASES"
    assert judge_share(20, 200, 0.05, 0.05, is_max=True).verdict == "FAIL"


@pytest.mark.parametrize(("hits", "total", "gate"), [(10, 10, 0.95), (48, 50, 0.95), (30, 30, 1.0), (5, 5, 0.9)])
def test_the_cases_that_are_asked_for_are_enough_and_not_too_many(hits: int, total: int, gate: float):
    add = judge_share(hits, total, gate, 0.05, is_max=False).add
    assert add > 0
    grown = hits * (total + add) // total
    assert wilson(grown, total + add)[0] >= gate - 0.05
    fewer = total + add - 1
    assert wilson(hits * fewer // total, fewer)[0] < gate - 0.05


def test_a_share_at_its_gate_without_a_margin_is_never_settled_and_says_so():
    judged = judge_share(95, 100, 0.95, 0.0, is_max=False)
    assert (judged.verdict, judged.add) == ("NOT ENOUGH CASES", 0)
    assert "no number" in judged.reason


def test_a_failure_that_could_be_chance_says_how_many_cases_would_tell():
    assert "could be chance" in judge_share(9, 10, 0.95, 0.05, is_max=False).reason
    assert "chance" not in judge_share(10, 100, 0.95, 0.05, is_max=False).reason


def test_nobody_is_asked_to_write_thousands_of_cases():
    near = judge_share(949, 1000, 0.95, 0.05, is_max=False)
    assert (near.verdict, near.add) == ("FAIL", 0)
    assert "mend what fails" in near.reason


def test_wilson_agrees_with_scipy():
    from scipy.stats import binomtest

    for hits, total in ((0, 1), (1, 1), (3, 10), (95, 100), (291, 291)):
        interval = binomtest(hits, total).proportion_ci(method="wilson")
        assert wilson(hits, total) == pytest.approx((interval.low, interval.high), abs=1e-4)


def test_means_want_ten_cases_and_the_same_values_give_the_same_interval():
    assert judge_mean(8.0, 9, 9, is_max=True).verdict == "NOT ENOUGH CASES"
    assert judge_mean(8.0, 10, 9, is_max=True).verdict == "PASS"
    assert judge_mean(9.5, 3, 9, is_max=True).verdict == "FAIL"
    assert judge_mean(0.0, 0, 9, is_max=True).verdict == "NOT ENOUGH CASES"
    values = [0.0, 0.5, 1.0, 1.0]
    assert mean_interval(values) == mean_interval(values)
    assert mean_interval(values)[0] < 0.625 < mean_interval(values)[1]


def test_the_percentile_is_a_value_that_was_measured():
    assert percentile(list(range(1, 101)), 0.95) == 95
    assert percentile([3, 1, 2], 0.5) == 2
    assert percentile([7], 0.95) == 7


def test_mcnemar_is_exact():
    assert mcnemar(0, 0) == 1
    assert mcnemar(5, 5) == 1
    assert mcnemar(6, 0) == pytest.approx(0.03125)
