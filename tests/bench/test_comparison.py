import pytest

from backbot.bench.comparison import SEARCH, compare, stage_times
from backbot.bench.peers import Question

QUESTIONS = [Question("a#0", "Ice or heat?", ("heat-vs-cold",)), Question("b#0", "May I walk?", ("walking", "rehab"))]


def answered(peer, done, name, milliseconds, articles, extra=None):
    return {
        "step": "answered",
        "peer": peer,
        "round": done,
        "id": name,
        "milliseconds": milliseconds,
        "articles": articles,
        "extra": extra or {},
    }


def own(done, name, milliseconds, found):
    extra = {
        "search": {"milliseconds": milliseconds / 2, "articles": found},
        "stages": {"triage": 1.0, "search": milliseconds / 10},
    }
    return answered("backbot", done, name, milliseconds, ["cited"], extra)


ROWS = [
    row
    for done, slow in enumerate((1.0, 3.0))
    for row in (
        own(done, "a#0", 10 * slow, ["heat-vs-cold", "walking"]),
        own(done, "b#0", 12 * slow, ["sleep", "rehab"]),
        answered("txtai", done, "a#0", 30 * slow, ["sleep"]),
        answered("txtai", done, "b#0", 36 * slow, ["walking"]),
        {"step": "ingested", "peer": "txtai", "round": done, "articles": 36, "seconds": 18.0, "index": 4.0, "processor": 30.0, "megabytes": 800.0},
        {"step": "ingested", "peer": "backbot", "round": done, "articles": 36, "seconds": 4.0, "index": 8.0, "processor": 7.0, "megabytes": 200.0},
        {"step": "asked", "peer": "txtai", "round": done, "askers": 8, "seconds": 0.5},
        {"step": "asked", "peer": "backbot", "round": done, "askers": 8, "seconds": 0.1},
    )
]  # fmt: skip


def figure(name):
    return next(found for found in compare(ROWS, QUESTIONS) if found.name == name)


def test_a_ratio_is_taken_within_a_round_so_that_a_busy_round_does_not_move_it():
    found = figure("Time a question, median")
    assert found.sides["backbot"].low == 12
    assert found.sides["backbot"].high == 36
    ratio = found.ratios["txtai"]
    assert (ratio.median, ratio.low, ratio.high) == (3, 3, 3)


@pytest.mark.parametrize(
    ("name", "ratio"),
    [("Ingest", 4.5), ("Throughput, 8 asking at once", 5), ("Size of the index", 0.5), ("Ingest, processor time", 30 / 7)],
)
def test_a_ratio_above_one_means_that_backbot_is_better_whichever_way_the_figure_goes(name, ratio):
    assert figure(name).ratios["txtai"].median == pytest.approx(ratio)


def test_the_search_alone_stands_beside_the_reply():
    assert figure("Time a question, median").sides[SEARCH].low == 6


def test_quality_is_that_of_what_is_found_not_of_what_is_cited():
    first = figure("Quality: a right article first").sides
    assert (first["backbot"].median, first["txtai"].median) == (0.5, 0.5)
    assert figure("Quality: a right article in the first 5").sides["backbot"].median == 1
    assert SEARCH not in first


def test_a_peer_that_finds_nothing_for_a_question_loses_by_it():
    rows = [answered("txtai", 0, "a#0", 1.0, []), answered("txtai", 0, "b#0", 1.0, ["walking"])]
    found = next(c for c in compare(rows, QUESTIONS) if c.name == "Quality: a right article first")
    assert found.sides["txtai"].median == 0.5


def test_a_side_that_names_no_articles_has_a_time_and_no_quality():
    rows = [answered("floor", 0, "a#0", 1.0, []), answered("txtai", 0, "a#0", 2.0, ["heat-vs-cold"])]
    sides = {found.name: set(found.sides) for found in compare(rows, QUESTIONS)}
    assert sides["Time a question, median"] == {"floor", "txtai"}
    assert sides["Quality: a right article first"] == {"txtai"}


def test_a_figure_that_nobody_has_is_left_out():
    assert "Cold start to the first answer" not in {found.name for found in compare(ROWS, QUESTIONS)}


def test_stage_times_are_medians_in_the_order_of_the_flow():
    assert stage_times(ROWS) == {"triage": 1.0, "search": pytest.approx(2.1)}
    assert list(stage_times(ROWS)) == ["triage", "search"]
