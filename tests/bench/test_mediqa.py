"""The MEDIQA benchmark, on a file of its shape."""

import gzip
import json
import runpy
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "evals" / "bench" / "mediqa.py"
ANSWERS = {
    "ice": "Cold packs: Put a cold pack on the sore spot for 15 minutes, with a cloth between it and the skin.",
    "eyes": "Uveitis: The middle layer of the eye is inflamed. See an eye doctor soon.",
    "walk": "Walking: Start with ten minutes on level ground, and add a minute a day.",
}
ASKED = {"1": ("how long do I leave an ice pack on", "ice"), "2": ("my eye is inflamed, what is uveitis", "eyes")}


def test_each_way_of_ranking_is_measured_over_all_answers_and_over_the_questions_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    file = tmp_path / "tiny.jsonl.gz"
    with gzip.open(file, "wt") as lines:
        for qid, (question, right) in ASKED.items():
            own = [right, "walk"]
            answers = [
                {"aid": f"{qid}_{name}", "text": ANSWERS[name], "score": 4 if name == right else 1, "system_rank": 2 - place}
                for place, name in enumerate(own)
            ]
            lines.write(json.dumps({"qid": qid, "question": question, "answers": answers}) + "\n")
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), str(file)])
    runpy.run_path(str(SCRIPT), run_name="__main__")
    printed = {line.split()[0]: line.split()[1:] for line in capsys.readouterr().out.splitlines() if line.strip()}
    assert printed["backbot"] == printed["dense"] == printed["bm25"] == ["1.000"] * 4
    assert printed["system"] == ["0.631"] * 2
