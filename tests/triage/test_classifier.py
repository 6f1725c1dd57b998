import hashlib
import json

import pytest

from backbot.records import Flag
from backbot.triage.classifier import FOLDER, LEVEL_LABELS, MODEL_FILE, SETTINGS_FILE, Opinion, Place, load_classifier
from backbot.triage.judgement import features, judge
from backbot.triage.rules import load_rules

SURE, SURELY_NOT = 6.0, -6.0


def opinion(*labels: str) -> Opinion:
    """An opinion that is sure of some labels and sure that none of the others is there."""
    every = (*LEVEL_LABELS, *(row.id for row in load_rules().flags))
    return Opinion(
        {label: SURE if label in labels else SURELY_NOT for label in every}, {label: Place(0, 0, 4) for label in every}
    )


def weights() -> dict[str, list[float]]:
    found: dict[str, list[float]] = json.loads((FOLDER / SETTINGS_FILE).read_text("utf-8"))["weights"]
    return found


def test_the_shipped_classifier_fits_its_settings_and_the_rules() -> None:
    settings = json.loads((FOLDER / SETTINGS_FILE).read_text("utf-8"))
    assert settings["model"] == hashlib.sha256((FOLDER / MODEL_FILE).read_bytes()).hexdigest()
    assert settings["labels"] == [*LEVEL_LABELS, *(row.id for row in load_rules().flags)]
    width = len(features(opinion(), (), load_rules()))
    assert {label: len(numbers) for label, numbers in settings["weights"].items()} == dict.fromkeys(LEVEL_LABELS, width)
    assert (FOLDER / MODEL_FILE).stat().st_size < 25_000_000


def test_a_model_folder_without_a_model_is_no_classifier(tmp_path: object) -> None:
    assert load_classifier(tmp_path) is None  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "turns", [["x"], ["", "numb bum"], ["a. b. c? d! " * 2000], ["🙂 " * 900], ["one", "two", "three"] * 40]
)
def test_the_place_it_looked_at_lies_in_the_readers_words(turns: list[str]) -> None:
    classifier = load_classifier()
    assert classifier is not None
    for place in classifier.read(turns).places.values():
        assert 0 <= place.turn < len(turns)
        assert 0 <= place.start <= place.end <= len(turns[place.turn])


def test_the_same_message_is_always_read_alike() -> None:
    classifier = load_classifier()
    assert classifier is not None
    assert classifier.read(["my bum is numb"]) == classifier.read(["my bum is numb"])


def test_both_agreeing_on_an_emergency_give_one() -> None:
    found = Flag("cauda-equina", "", "emergency", "numb", 0)
    flags = judge((found,), opinion(*LEVEL_LABELS, "cauda-equina"), weights(), ["numb bum"], load_rules())
    assert [(flag.id, flag.level, flag.quote) for flag in flags] == [("cauda-equina", "emergency", "numb")]


def test_the_classifier_alone_can_raise_a_flag_with_the_readers_words() -> None:
    flags = judge((), opinion(*LEVEL_LABELS, "stroke"), weights(), ["mush"], load_rules())
    assert [(flag.id, flag.level, flag.quote) for flag in flags] == [("stroke", "emergency", "mush")]


def test_a_message_that_nobody_finds_anything_in_has_no_flag() -> None:
    assert judge((), opinion(), weights(), ["heat or ice"], load_rules()) == ()


def test_a_level_without_a_likely_flag_is_explained_by_the_likeliest_that_has_it() -> None:
    flags = judge((), opinion(*LEVEL_LABELS), weights(), ["odd"], load_rules())
    assert flags == () or flags[0].level in {"soon", "urgent", "emergency"}
    rows = {row.id: row for row in load_rules().flags}
    assert all(flag.level in rows[flag.id].advice for flag in flags)


def test_self_harm_is_always_an_emergency() -> None:
    flags = judge((), opinion("at least soon", "self-harm"), weights(), ["done"], load_rules())
    assert [(flag.id, flag.level) for flag in flags] == [("self-harm", "emergency")]
