"""Retrieval on MEDIQA-2019: readers' own medical questions, and answers that experts graded.

python evals/bench/mediqa.py mediqa2019_val.jsonl.gz [MORE.jsonl.gz] [--keep FOLDER]

Each line of a file is a question: `qid, question, answers[{aid, text, score 1-4, system_rank}]` (Ben Abacha et al. 2019,
BioNLP). All answers of a file become one index. Printed is nDCG@10 (ir-measures), once with a gain of score - 1 and once of
score - 2: of all answers for each question (`pool`), and of its own answers put in order (`own`), by

    bm25     BM25 over whole answers       dense     the cosine of whole answers, cut at the model's window
    backbot  what `backbot search` ranks   system    the order that came with the answers (own only)
"""

import argparse
import gzip
import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import bm25s
import ir_measures
import numpy as np
from ir_measures import nDCG

from backbot.bot import open_bot
from backbot.index.ingest import ingest
from backbot.index.lexical import split_words
from backbot.settings import Settings

Ranked = Mapping[str, Mapping[str, float]]
"""Scores of answers by question."""


def main() -> None:
    """Measure each file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--keep", type=Path, help="where indexes are built, and found again by the next run")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        for file in given.files:
            measure(file, (given.keep or Path(scratch)) / file.name.split(".")[0])


def measure(file: Path, folder: Path) -> None:
    """Print one file's figures; its index is in `folder`."""
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    answers = {answer["aid"]: answer["text"] for row in rows for answer in row["answers"]}
    own = {row["qid"]: {answer["aid"] for answer in row["answers"]} for row in rows}
    found = dict(rank(rows, answers, folder))
    system = {row["qid"]: {answer["aid"]: -float(answer["system_rank"]) for answer in row["answers"]} for row in rows}
    print(f"{file.name}: {len(rows)} questions, {len(answers)} answers")
    print(f"{'':8} {'pool -1':>8} {'pool -2':>8} {'own -1':>8} {'own -2':>8}")
    for name, scores in [*found.items(), ("system", system)]:
        kept = {qid: {aid: score for aid, score in of.items() if aid in own[qid]} for qid, of in scores.items()}
        cells = [f"{ndcg(rows, run, least):8.3f}" for run in (scores, kept) for least in (1, 2)]
        print(f"{name:8} {' '.join(cells)}" if name != "system" else f"{name:8} {'':17} {' '.join(cells[2:])}")


def rank(rows: list[dict[str, str]], answers: Mapping[str, str], folder: Path) -> Iterator[tuple[str, Ranked]]:
    """The scores of all answers for each question, by each way."""
    folder.mkdir(parents=True, exist_ok=True)
    source, names = folder / "answers.jsonl", list(answers)
    source.write_text("".join(json.dumps(_article(aid, text)) + "\n" for aid, text in answers.items()), "utf-8")
    settings = Settings(index=folder / "index", max_question_chars=100_000)
    if not (settings.index / "live").is_file():
        from backbot.embeddings import load_embedder

        ingest([str(source)], settings, load_embedder(settings))
    bot = open_bot(settings)
    lexical = bm25s.BM25(method="lucene")
    lexical.index([split_words(text) for text in answers.values()], show_progress=False)
    vectors = bot.index.embedder.embed(list(answers.values()))

    def each(scores: Iterable[Iterable[tuple[str, float]]]) -> Ranked:
        return {row["qid"]: {aid: float(score) for aid, score in of} for row, of in zip(rows, scores, strict=True)}

    asked = [row["question"] for row in rows]
    yield "bm25", each(zip(names, lexical.get_scores(split_words(question)), strict=True) for question in asked)
    cosines = vectors @ bot.index.embedder.embed(asked).T
    yield "dense", each(zip(names, np.asarray(column), strict=True) for column in cosines.T)
    by_id = {_article(aid, "")["id"]: aid for aid in names}
    ranked = (bot.rank_articles(question, len(names)) for question in asked)
    yield "backbot", each(((by_id[name], score) for name, score in of) for of in ranked)


def _article(aid: str, text: str) -> dict[str, str]:
    """An answer as an article; its title is what stands before its first colon, which is the name of its topic."""
    head = text.split(":", maxsplit=1)[0]
    return {"id": aid.lower().replace("_", "-"), "title": head if len(head) < 100 else text[:60], "body": text}


def ndcg(rows: list[dict[str, list[dict[str, str]]]], scores: Ranked, least: int) -> float:
    """nDCG@10, where an answer gains its score less `least`, but never less than nothing."""
    graded = {
        str(row["qid"]): {answer["aid"]: max(0, int(answer["score"]) - least) for answer in row["answers"]} for row in rows
    }
    return float(ir_measures.calc_aggregate([nDCG @ 10], graded, scores)[nDCG @ 10])


if __name__ == "__main__":
    main()
