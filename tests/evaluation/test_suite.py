import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from backbot.errors import SuiteInvalid
from backbot.evaluation.figures import METRICS
from backbot.evaluation.run import METRIC_NAMES
from backbot.evaluation.schema import CASE, SUITE, schema_text
from backbot.evaluation.suite import CASE_KEYS, NO_SHARES, SUITE_KEYS, Suite, load_suite, read_suite

EVALS = Path(__file__).parents[2] / "evals"


def read(text: str) -> Suite:
    return read_suite(text, "my.yaml", Path(), METRIC_NAMES)


def fault(text: str) -> str:
    with pytest.raises(SuiteInvalid) as caught:
        read(text)
    return str(caught.value)


WHOLE = """suite: Mine
cases:
  - id: a
    ask: no
    also_ask: [12:30, 2026-05-01]
    topic: on
    expect: answer
    cite: {any_of: [heat-vs-cold], never: chairs}
    must_say: [0.50, yes|no, 1_000]
    checked_by: {editor: Ann, date: 2026-05-01, article_version: 0123e456}
"""


def test_what_yaml_would_make_a_number_a_date_or_a_truth_stays_text():
    case = read(WHOLE).cases[0]
    assert case.asks == (("no",), ("12:30",), ("2026-05-01",))
    assert (case.topic, case.must_say, case.never) == ("on", ("0.50", "yes|no", "1_000"), ("chairs",))
    assert case.checked_by.article_version == "0123e456"
    assert case.checked_by.date == "2026-05-01"


def test_a_conversation_varies_in_its_last_message_only():
    case = read("suite: s\ncases: [{id: a, turns: [one, two], also_ask: [deux], expect: answer}]").cases[0]
    assert case.asks == (("one", "two"), ("one", "deux"))


BEFORE = "suite: s\ncases:\n  - id: a\n    ask: x\n"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (BEFORE + "    expct: answer\n", ["line 5", "`expct`", "`expect`"]),
        (BEFORE + "    expect: anwser\n", ["line 5", "anwser", "`answer`"]),
        (BEFORE + "    expect: answer\n    ask: y\n", ["line 6", "`ask` stands twice", "line 4"]),
        (BEFORE + "    expect: answer\n    cite: {anyof: [b]}\n", ["line 6", "`anyof`", "`any_of`"]),
        (BEFORE + "    expect: answer\n    risk: hgih\n", ["line 6", "`high`"]),
        (BEFORE + "    expect: answer\n    must_say: {a: b}\n", ["line 6", "must_say", "list"]),
        (BEFORE + "    expect: answer\n    checked_by: {date: 1 May}\n", ["line 6", "2026-05-31"]),
        (
            BEFORE + "    expect: answer\n  - id: a\n    ask: y\n    expect: answer\n",
            ["line 6", "'a' stands twice", "line 3"],
        ),
        (BEFORE + "    turns: [y]\n    expect: answer\n", ["line 3", "`ask`", "`turns`", "one of them"]),
        (BEFORE, ["line 3", "`expect` is missing"]),
        (BEFORE + "    expect: decline\n    must_say: [y]\n", ["line 3", "decline"]),
        (BEFORE + "    expect: answer\n    cite: {any_of: [b], never: [b]}\n", ["line 3", "b", "never"]),
        (BEFORE + "    expect: answer\n    red_flag: cauda-equina\n", ["line 3", "red_flag"]),
        (BEFORE + "    expect: urgent\n    near_miss_of: cauda-equina\n", ["line 3", "near miss"]),
        ("suite: s\ngate: {first_citaton: 0.9}\ncases: [{id: a, ask: x, expect: answer}]", ["line 2", "`first_citation`"]),
        ("suite: s\ngate: {quotes: most}\ncases: [{id: a, ask: x, expect: answer}]", ["line 2", "quotes", "max 0.05"]),
        ("suite: s\nowner: e\nreview_by: soon\ncases: []", ["line 3", "review_by"]),
        ("suit: s", ["line 1", "`suit`", "`suite`"]),
        ("suite: s", ["cases"]),
        ("suite: s\ncases: [{ask: x, expect: answer}]", ["line 2", "`id`"]),
        ("suite: s\ncases: [{id: a b, ask: x, expect: answer}]", ["line 2", "'a b'"]),
        ("suite: s\ncases:\n  a: b", ["line 3", "list"]),
        ("suite: &a s\ncases: [*a]", ["line 1", "alias"]),
        ("suite: !!python/object:os.system s\ncases: []", ["line 1", "tag"]),
        ("suite: !x s\ncases: []", ["line 1", "tag"]),
        ("suite: s\n\tcases: []", ["line 2", "YAML"]),
        ("suite: [s", ["YAML"]),
        (BEFORE + "    expect: urgent\n    red_flag: cauda-equinna\n", ["line 3", "`cauda-equinna`", "`cauda-equina`"]),
        (BEFORE + "    expect: none\n    near_miss_of: cancr\n", ["line 3", "`cancer`"]),
        ("suite: s\ngate: {flag:cancr: 0.9}\ncases: [{id: a, ask: x, expect: answer}]", ["line 2", "`cancer`"]),
        ("suite: s\ngate: {passed: 90}\ncases: [{id: a, ask: x, expect: answer}]", ["line 2", "0.9", "90%"]),
        (BEFORE + "    expect: answer\n    must_say: [1,500 mg]\n", ["line 6", "`1,500 mg`", "quotes"]),
        (BEFORE + "    expect: answer\n    topic: my L4 #5 disc\n", ["line 6", "#", "quotes"]),
        (BEFORE + "    expect: answer\n    must_say: a||b\n", ["line 3", "`|`"]),
        (BEFORE + "    expect: answer\n    must_say: [b]\n    must_not_say: [b]\n", ["line 3", "must_not_say"]),
        ('suite: s\nowner: "Ann\ncases: []\n', ["line 2", "YAML"]),
        ("", ["empty"]),
        ("- a", ["line 1", "key: value"]),
        ("suite: s\n? [a, b]\n: c", ["line 2", "word"]),
        ("a: &a [x]\nb: *a", ["line 1", "alias"]),
        ("suite: s\x00", ["YAML"]),
    ],
)
def test_a_slip_is_refused_with_its_line_and_the_nearest_right_word(text: str, says: list[str]):
    message = fault(text)
    assert message.startswith("my.yaml")
    for words in says:
        assert words in message


def test_only_metrics_that_are_no_shares_may_be_held_above_1():
    assert {name for name, metric in METRICS.items() if metric.kind == "time"} < set(NO_SHARES) <= set(METRICS)
    assert not any(METRICS[name].kind == "share" for name in NO_SHARES)


def test_what_only_looks_like_a_slip_is_read():
    """A comment after a value, a list of numbers with spaces, a quoted figure, an unknown share in percent."""
    text = "suite: s\ngate: {passed: 90%, ms_p95: max 40}\n" + BEFORE.removeprefix("suite: s\n")
    suite = read(text + "    expect: answer # as Ann said\n    must_say: [1, 2, '1,500 mg', a|b]\n")
    assert suite.cases[0].must_say == ("1", "2", "1,500 mg", "a|b")
    assert [limit.value for limit in suite.gate] == [0.9, 40]


def test_deep_nesting_and_huge_files_are_refused():
    assert "YAML" in fault("suite: " + "[" * 100_000)
    assert "Split it" in fault("suite: " + "x" * 5_000_001)


@given(st.text(max_size=200))
def test_any_text_is_a_suite_or_a_plain_refusal(text: str):
    try:
        read(text)
    except SuiteInvalid as error:
        assert "my.yaml" in str(error)


def test_a_file_that_cannot_be_read_says_so(tmp_path: Path):
    with pytest.raises(SuiteInvalid, match="No such file"):
        load_suite(tmp_path / "none.yaml")
    (tmp_path / "binary.yaml").write_bytes(b"\x89PNG\xff\xfe")
    with pytest.raises(SuiteInvalid, match="UTF-8"):
        load_suite(tmp_path / "binary.yaml")


def test_messages_of_triage_are_taken_from_json_lines(tmp_path: Path):
    rows = [
        {
            "id": "m1",
            "turns": ["a", "b"],
            "level": "urgent",
            "flags": ["cancer"],
            "voice": "uk",
            "kind": "flag",
            "pair": "p1",
        },
        {"id": "m2", "turns": ["c"], "level": "none", "flags": [], "voice": "us", "kind": "near-miss", "pair": "p1"},
    ]
    (tmp_path / "m.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (tmp_path / "s.yaml").write_text("suite: s\ncases_from: m.jsonl\n")
    suite = load_suite(tmp_path / "s.yaml")
    assert suite.triage_only
    assert suite.cases[0].asks == (("a", "b"),)
    assert (suite.cases[0].level, suite.cases[0].red_flag, suite.cases[1].is_near_miss) == ("urgent", ("cancer",), True)


@pytest.mark.parametrize("file", sorted(EVALS.glob("*.yaml")), ids=lambda file: file.name)
def test_the_ready_suites_can_be_read_and_have_a_gate_and_an_owner(file: Path):
    import jsonschema

    suite = load_suite(file, METRIC_NAMES)
    assert suite.gate
    assert suite.owner
    values = yaml.safe_load(file.read_text())
    jsonschema.validate(json.loads(json.dumps(values, default=str)), SUITE)


def test_the_schema_in_the_tree_is_the_one_that_the_code_makes():
    assert (EVALS / "suite.schema.json").read_text() == schema_text()


def test_the_schema_has_the_keys_that_the_loader_reads():
    assert set(CASE["properties"]) == set(CASE_KEYS)
    assert set(SUITE["properties"]) == set(SUITE_KEYS)
    assert set(SUITE["properties"]["gate"]["properties"]) == set(METRIC_NAMES)


def test_where_a_case_stands_does_not_change_what_it_is():
    one, other = read(WHOLE).cases[0], read("# a comment\n" + WHOLE).cases[0]
    assert one != other
    assert one == replace(other, line=one.line)


def test_the_editors_guide_names_every_key_and_metric():
    guide = (EVALS / "README.md").read_text()
    for key in CASE_KEYS:
        assert f"`{key}`" in guide
    for row in METRICS.values():
        assert f"| `{row.name}` | {row.title}: {row.meaning} |" in guide
