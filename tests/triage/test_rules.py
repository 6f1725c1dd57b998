import shutil
from datetime import date
from pathlib import Path

import pytest

from backbot.errors import RulesInvalid
from backbot.records import TRIAGE_LEVELS
from backbot.triage.rules import ANYWHERE, RULE_FILES, RULES_FOLDER, load_rules, rules_version

FLAGS = {
    "cauda-equina", "leg-weakness", "cord-compression", "trauma", "fragility-fracture", "spinal-infection", "cancer",
    "aortic",
    "cardiac", "pulmonary-embolism", "kidney", "abdominal", "pregnancy", "child", "stroke", "meningitis-sepsis", "self-harm",
    "overdose", "gi-bleed", "anaphylaxis", "post-procedure", "shingles", "inflammatory", "persistent",
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in RULE_FILES:
        shutil.copy(RULES_FOLDER / name, tmp_path / name)
    return tmp_path


def test_every_flag_of_the_specification_has_a_row_with_all_its_texts() -> None:
    rows = load_rules().flags
    assert {row.id for row in rows} == FLAGS
    for row in rows:
        assert row.level in row.advice
        assert {rule.level for rule in row.rules} == set(row.advice)
        assert all(source.startswith("https://") for source in row.sources)
        assert row.level in TRIAGE_LEVELS[1:]


def test_only_self_harm_is_a_crisis() -> None:
    assert [row.id for row in load_rules().flags if row.is_crisis] == ["self-harm"]


def test_every_sign_is_used_by_a_flag_or_another_sign() -> None:
    rules = load_rules()
    used = {name for row in rules.flags for rule in row.rules for name in (*rule.signs, *rule.unless)}
    used |= {name for sign in rules.signs.values() for name in sign.includes}
    assert rules.signs.keys() - used == set()


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("flags.yaml", "    sign_of: a stroke", "    sign_off: a stroke", "unknown key sign_off"),
        ("flags.yaml", "[stroke-face,", "[stroke-fase,", "unknown sign stroke-fase"),
        ("flags.yaml", "      soon: [band-pain", "      later: [band-pain", "unknown level 'later'"),
        (
            "flags.yaml",
            "    say: I think this may be a stroke. The face, speech or one side of the body is affected.\n",
            "",
            "say must be given",
        ),
        ("signs.yaml", "    - fever !not-fever", "    - fever !not-fevre", "unknown concept not-fevre"),
        ("signs.yaml", "numb + saddle /7", "numb ~ saddle", "cannot be read"),
        ("signs.yaml", "also: [eaten]", "also: [swallowed]", "unknown context swallowed"),
        ("words.yaml", "  reader: i, me", "  reader: _, me", "nothing at all"),
        ("words.yaml", "#over70 year", "#over99 year", "Unknown class '#over99'"),
        ("words.yaml", "\nconcepts:", "\nconcept:", "unknown key concept"),
        ("contexts.yaml", "  reach: 24", "  range: 24", "unknown key range"),
        ("contacts.yaml", "anywhere:", "nowhere:", "'anywhere' is missing"),
        (
            "contacts.yaml",
            '  crisis: {name: Lifeline, number: "13 11 14", url: "https://www.lifeline.org.au/"}\n',
            "",
            "crisis must be given",
        ),
        ("words.yaml", "forms:", "forms: [", "not valid YAML"),
    ],
)
def test_a_faulty_row_is_refused_and_named(folder: Path, name: str, old: str, new: str, said: str) -> None:
    text = (folder / name).read_text("utf-8")
    assert old in text
    (folder / name).write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(RulesInvalid, match=said.replace("'", ".")):
        load_rules(folder)


def test_a_missing_rule_file_is_an_error_that_names_it(folder: Path) -> None:
    (folder / "signs.yaml").unlink()
    with pytest.raises(RulesInvalid, match=r"signs\.yaml cannot be read"):
        load_rules(folder)


def test_the_version_changes_with_any_rule(folder: Path) -> None:
    before = rules_version(folder)
    assert before == rules_version(folder)
    with (folder / "contacts.yaml").open("a") as file:
        file.write("\n")
    assert rules_version(folder) != before


@pytest.mark.parametrize(
    "code",
    [
        "US",
        "GB",
        "IE",
        "EU",
        "IN",
        "ID",
        "AU",
        "CA",
        "NZ",
        "NG",
        "ZA",
        "PH",
        "SG",
        "MY",
        "DE",
        "FR",
        "NL",
        "ES",
        "IT",
        ANYWHERE,
    ],
)
def test_every_country_has_whom_to_call_and_when_that_was_checked(code: str) -> None:
    country = load_rules().countries[code]
    assert country.emergency.number
    assert country.crisis.number
    assert country.emergency.url.startswith("https://")
    assert country.crisis.url.startswith("https://")
    assert country.checked == "not yet" or date.fromisoformat(country.checked)
