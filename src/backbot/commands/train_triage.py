"""Trains the red-flag classifier and writes it into the package, in one command:

    python -m backbot.commands.train_triage evals/triage/train-*.jsonl --harmless evals/declining/*.jsonl \\
        --corpus corpus [--device cuda --at-once 5]
"""

import argparse
import random
from collections.abc import Sequence
from pathlib import Path

from backbot.loaders.markdown import read_markdown_file
from backbot.triage.classifier import FOLDER, LEVEL_LABELS
from backbot.triage.detector import detect
from backbot.triage.measure import Case, read_cases
from backbot.triage.network import GOING_ON, Recipe
from backbot.triage.rules import load_rules
from backbot.triage.train import Lesson, go_on, read_harmless, train_classifier


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line of this module."""
    parser = argparse.ArgumentParser(
        prog="python -m backbot.commands.train_triage",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("files", nargs="+", type=Path, help="JSON Lines files of cases, one a writer")
    parser.add_argument(
        "--harmless", nargs="*", default=[], type=Path, help="JSON Lines of ordinary questions ({id, ask}) that hold no flag"
    )
    parser.add_argument("--corpus", type=Path, help="a folder of articles, whose readers' questions hold no flag")
    parser.add_argument("--device", default="cpu", help="where torch trains: cpu or cuda")
    parser.add_argument("--at-once", type=int, default=1, help="how many of the five trainings run at the same time")
    parser.add_argument("--out", type=Path, default=FOLDER, help="where the classifier is written")
    parser.add_argument("--keep", type=Path, default=Path("build/triage"), help="where what was learnt is kept")
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument("--go-on", type=Path, help="a kept network: new files are taken up from there, nothing is weighed")
    instead.add_argument("--weigh-only", action="store_true", help="weigh phrases anew, which is needed when rules change")
    chosen = parser.parse_args(arguments)
    labels = (*LEVEL_LABELS, *(row.id for row in load_rules().flags))
    files = [read_cases(path) for path in chosen.files]
    harmless = [case for path in chosen.harmless for case in read_harmless(path)]
    if chosen.corpus:
        harmless += read_readers_questions(chosen.corpus)
    if chosen.go_on:
        go_on(Lesson(files, harmless, labels, GOING_ON, chosen.device, chosen.keep), chosen.go_on, chosen.out)
        return
    lesson = Lesson(files, harmless, labels, Recipe(), chosen.device, chosen.keep)
    train_classifier(lesson, chosen.at_once, chosen.out, weigh_only=chosen.weigh_only)


def read_readers_questions(corpus: Path) -> list[Case]:
    """What readers ask by the articles' front matter, as cases without a flag; a quarter more are two or three
    questions of one reader. Without articles on red flags, and without questions in which phrases see a flag."""
    rules = load_rules()
    asked = [
        question
        for file in sorted(corpus.glob("*.md"))
        if "red-flags" not in file.stem
        for known in read_markdown_file(file, file.stem).questions
        for question in known.asked
        if not detect([question], rules)
    ]
    chance = random.Random(len(asked))  # noqa: S311
    talks = [tuple(chance.sample(asked, chance.choice((2, 2, 3)))) for _ in range(len(asked) // 4)]
    said = [*((question,) for question in asked), *talks]
    return [Case(f"asked-{n}", turns, "none", (), voice="", kind="ordinary", pair="") for n, turns in enumerate(said)]


if __name__ == "__main__":
    main()
