"""Trains the classifier; its command line is `python -m backbot.commands.train_triage`.

The writers' files are dealt out to four parts. Each part is left out in turn: a network learns from the others and reads
what was left out (kept, so that a second run goes on where the first ended). Phrases are weighed against the classifier on
these readings; then a network learns from all files and is exported. A quarter of an hour on a GPU, hours on two cores.
`go_on` takes up new files in minutes.
"""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from backbot.records import TRIAGE_LEVELS
from backbot.triage.classifier import LEVEL_LABELS, MODEL_FILE, SETTINGS_FILE, Opinion
from backbot.triage.detector import detect
from backbot.triage.judgement import features
from backbot.triage.measure import Case
from backbot.triage.network import Network, Recipe, export, load_network, mean_network, predict, save_network, train
from backbot.triage.rules import load_rules

_PARTS = 4
_SHRINKAGE = 0.1
_BARS = dict(zip(LEVEL_LABELS, (0.5, 0.45, 0.3), strict=True))
"""How likely a level must be to be given: an emergency that is missed costs more than one that is called in vain."""


def weigh(cases: Sequence[Case], logits: Mapping[str, Mapping[str, float]]) -> dict[str, list[float]]:
    """The weights of `judgement`, fitted on the classifier's logits for cases that it has not learnt from."""
    from sklearn.linear_model import LogisticRegression

    rules = load_rules()
    seen = np.asarray([features(Opinion(logits[c.id], {}), detect(c.turns, rules), rules) for c in cases])
    ranks = np.asarray([TRIAGE_LEVELS.index(case.level) for case in cases])
    found = {}
    for rank, label in enumerate(LEVEL_LABELS, 1):
        fitted = LogisticRegression(C=_SHRINKAGE, max_iter=5000).fit(seen[:, 1:], ranks >= rank)
        bar = _BARS[label]
        constant = float(fitted.intercept_[0]) - math.log(bar / (1 - bar))
        found[label] = [round(float(number), 4) for number in (constant, *fitted.coef_[0])]
    return found


@dataclass(frozen=True, slots=True)
class Lesson:
    """What there is to learn, and where it is learnt; what comes of each part is kept in `keep`."""

    files: Sequence[Sequence[Case]]
    harmless: Sequence[Case]
    labels: Sequence[str]
    recipe: Recipe
    device: str
    keep: Path

    def kept(self, name: str) -> Path:
        """Where something is kept that came of these cases by this recipe."""
        learnt = hashlib.sha256(repr((self.recipe, self.labels, self.files, self.harmless)).encode()).hexdigest()[:12]
        return self.keep / f"{learnt}-{name}"


def learn_part(lesson: Lesson, part: int) -> Path:
    """The kept logits of a part's cases, by a network that learnt from the harmless questions and the other parts' files."""
    kept = lesson.kept(f"{part}.logits.json")
    if not kept.is_file():
        left_out = [case for file in lesson.files[part::_PARTS] for case in file]
        others = [case for n, file in enumerate(lesson.files) if n % _PARTS != part for case in file]
        logits = predict(_train(lesson, others), left_out, lesson.recipe.longest)
        rows = {
            case.id: dict(zip(lesson.labels, map(float, row), strict=True))
            for case, row in zip(left_out, logits, strict=True)
        }
        kept.write_text(json.dumps(rows), "utf-8")
    return kept


def learn_all(lesson: Lesson) -> Path:
    """The kept weights of a network that learnt from everything."""
    kept = lesson.kept("network.pt")
    if not kept.is_file():
        save_network(_train(lesson, _every(lesson)), kept)
    return kept


def _every(lesson: Lesson) -> list[Case]:
    return [case for file in lesson.files for case in file]


def _train(lesson: Lesson, cases: Sequence[Case], start: Path | None = None) -> Network:
    return train([*cases, *lesson.harmless], lesson.labels, lesson.recipe, lesson.device, start)


def read_harmless(path: Path) -> list[Case]:
    """Ordinary questions as cases without a flag; those in which phrases see one are left out, since they may hold one."""
    rules = load_rules()
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]
    return [
        Case(id=row["id"], turns=(row["ask"],), level="none", flags=(), voice="", kind="ordinary", pair="")
        for row in rows
        if not detect([row["ask"]], rules)
    ]


def train_classifier(lesson: Lesson, at_once: int, out: Path, *, weigh_only: bool = False) -> None:
    """Learns, weighs, and writes the classifier into `out`; with `weigh_only` only its weights, for rules that changed.

    `at_once` of the five trainings run at the same time, each in a process of its own.
    """
    lesson.keep.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(at_once, mp_context=get_context("spawn")) as pool:
        learnt = None if weigh_only else pool.submit(learn_all, lesson)
        parts = [pool.submit(learn_part, lesson, part) for part in range(_PARTS)]
        left_out = [json.loads(part.result().read_text("utf-8")) for part in parts]
        if learnt:
            export(load_network(learnt.result(), len(lesson.labels)), out)
    _describe(out, lesson, weigh(_every(lesson), {name: row for part in left_out for name, row in part.items()}))


def go_on(lesson: Lesson, start: Path, out: Path) -> None:
    """Learns the lesson's files, some of them new, from the kept network `start` on; writes the mean of both into `out`.

    The mean is kept, to go on from. The weights of phrases against the classifier stay: they are fitted on readings of files
    not learnt from, and there are none.
    """
    weights = json.loads((out / SETTINGS_FILE).read_text("utf-8"))["weights"]
    labels = len(lesson.labels)
    mean = mean_network(load_network(start, labels), _train(lesson, _every(lesson), start), labels)
    lesson.keep.mkdir(parents=True, exist_ok=True)
    save_network(mean, lesson.kept("network.pt"))
    export(mean, out)
    _describe(out, lesson, weights)


def _describe(out: Path, lesson: Lesson, weights: Mapping[str, Sequence[float]]) -> None:
    model = hashlib.sha256((out / MODEL_FILE).read_bytes()).hexdigest()
    settings = {"labels": lesson.labels, "longest": lesson.recipe.longest, "model": model, "weights": weights}
    (out / SETTINGS_FILE).write_text(json.dumps(settings, indent=1) + "\n", "utf-8")
