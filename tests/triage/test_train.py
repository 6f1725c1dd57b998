"""Training: what the one command writes is read by the classifier, and the same messages give the same network."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from backbot.triage.classifier import LEVEL_LABELS, MODEL_FILE, SETTINGS_FILE, Classifier
from backbot.triage.measure import Case
from backbot.triage.network import GOING_ON, Recipe, export, load_network, predict, save_network, train
from backbot.triage.train import Lesson, go_on, learn_part, read_harmless

LABELS = (*LEVEL_LABELS, "cauda-equina")
FLAGGED = ("cannot pee since this morning", "no feeling when I wipe", "wet the bed and both legs are numb")
PLAIN = ("which chair is best", "heat or ice for my back", "how long does sciatica last")
CASES = [
    *(Case(f"f{n}", (said,), "emergency", ("cauda-equina",), "plain", "flag") for n, said in enumerate(FLAGGED)),
    *(Case(f"p{n}", (said,), "none", (), "plain", "ordinary") for n, said in enumerate(PLAIN)),
]


@pytest.fixture(scope="module")
def network():
    return train(CASES, LABELS, Recipe(epochs=8, batch=6))


def test_the_network_learns_what_it_was_shown(network):
    emergency = predict(network, CASES, 64)[:, LABELS.index("emergency")]
    assert emergency[: len(FLAGGED)].min() > emergency[len(FLAGGED) :].max()


def test_the_same_messages_give_the_same_network(network):
    again = train(CASES, LABELS, Recipe(epochs=8, batch=6))
    np.testing.assert_array_equal(predict(again, CASES, 64), predict(network, CASES, 64))


def test_the_exported_network_says_what_the_trained_one_says(network, tmp_path: Path):
    export(network, tmp_path)
    settings = {"labels": LABELS, "longest": 64, "weights": {label: [0.0] for label in LEVEL_LABELS}}
    (tmp_path / SETTINGS_FILE).write_text(json.dumps(settings))
    classifier = Classifier(tmp_path)
    read = np.array([list(classifier.read(case.turns).logits.values()) for case in CASES])
    # 8-bit weights: near, not equal.
    np.testing.assert_allclose(read, predict(network, CASES, 64), atol=0.5)
    assert (tmp_path / MODEL_FILE).stat().st_size < 25_000_000


def test_questions_in_which_phrases_see_a_flag_are_not_learnt_as_harmless(tmp_path: Path):
    file = tmp_path / "questions.jsonl"
    asked = ["which chair is best", "I am numb between my legs and I can't pee"]
    file.write_text("".join(json.dumps({"id": f"q{n}", "ask": ask}) + "\n" for n, ask in enumerate(asked)))
    assert [case.turns for case in read_harmless(file)] == [("which chair is best",)]


def test_what_was_learnt_is_kept_and_found_again(tmp_path: Path):
    files = [CASES[n::4] for n in range(4)]
    lesson = Lesson(files, [], LABELS, Recipe(epochs=1, batch=6), "cpu", tmp_path)
    first = learn_part(lesson, 0)
    assert json.loads(first.read_text()).keys() == {case.id for case in files[0]}
    first.write_text("{}")
    assert learn_part(lesson, 0).read_text() == "{}"
    assert learn_part(Lesson(files[::-1], [], LABELS, Recipe(epochs=1, batch=6), "cpu", tmp_path), 0) != first


def test_going_on_keeps_what_was_learnt_and_the_weights(network, tmp_path: Path):
    start, out = tmp_path / "start.pt", tmp_path / "classifier"
    save_network(network, start)
    export(network, out)
    weights = {label: [1.5] for label in LEVEL_LABELS}
    (out / SETTINGS_FILE).write_text(json.dumps({"labels": LABELS, "longest": 64, "model": "", "weights": weights}))
    more = [Case("n", ("I keep having to sit with the tap running",), "emergency", ("cauda-equina",), "plain", "flag")]
    said = "I keep having to sit with the tap running"
    before = Classifier(out).read([said]).logits["emergency"]
    lesson = Lesson([CASES, more], [], LABELS, replace(GOING_ON, batch=7), "cpu", tmp_path)
    go_on(lesson, start, out)
    after = Classifier(out)
    assert after.read([said]).logits["emergency"] > before
    assert after.read([PLAIN[0]]).logits["emergency"] < after.read([said]).logits["emergency"]
    assert after.weights == weights
    kept = predict(load_network(lesson.kept("network.pt"), len(LABELS)), more, 64)[0]
    np.testing.assert_allclose(list(after.read([said]).logits.values()), kept, atol=0.5)
