import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from backbot.bench.growth import find_nearest, measure_search, measure_worker, trace_curve
from backbot.bench.recombined import recombine
from backbot.bot import Bot
from backbot.index.dense import FOLDER, Dense
from backbot.index.generations import check_files, generation_folder
from backbot.index.search import Index

SCRIPT = Path(__file__).parents[2] / "evals" / "bench" / "growth.py"
COUNT = 501
QUESTIONS = ["Should I put ice or heat on my back?", "How far should I walk?", "I cannot feel my legs and I have wet myself"]


@pytest.fixture(scope="module")
def recombined(bot, tmp_path_factory):
    folder = tmp_path_factory.mktemp("recombined")
    recombine(bot.index.live(), COUNT, 7, folder)
    return folder


@pytest.fixture(scope="module")
def generation(recombined, embedder):
    return Index(recombined, embedder).live()


def test_the_new_passages_are_sentences_of_the_parents(bot, generation):
    known = {p.quote(sentence) for p in bot.index.live().content.all_passages() for sentence in p.sentences}
    passages = list(generation.content.all_passages())
    assert len(passages) == COUNT == generation.manifest.passages
    assert len({passage.id for passage in passages}) == COUNT
    assert {len(passage.sentences) for passage in passages} == {2, 3}
    for passage in passages:
        assert {passage.quote(sentence) for sentence in passage.sentences} <= known
        assert generation.content.article(passage.article) is not None


def test_their_vectors_are_near_those_of_the_model_and_none_is_twice(generation, embedder):
    rows = list(range(0, COUNT, 25))
    vectors = generation.content.vectors.astype(np.float32)
    texts = [passage.embedded_text for passage in generation.content.passages(rows)]
    near = np.sum(embedder.embed(texts) * vectors[rows], axis=1)
    assert np.median(near) > 0.8
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-2)
    assert len(np.unique(vectors, axis=0)) == COUNT


def test_the_same_seed_gives_the_same_index_and_another_one_another(bot, generation, recombined, tmp_path):
    again = recombine(bot.index.live(), COUNT, 7, tmp_path / "again")
    other = recombine(bot.index.live(), COUNT, 8, tmp_path / "other")
    assert again.articles == generation.manifest.articles
    assert again.files["vectors.bin"] == generation.manifest.files["vectors.bin"] != other.files["vectors.bin"]
    assert again.files["sentences.bin"] == generation.manifest.files["sentences.bin"]
    check_files(tmp_path / "again", again, every_byte=True)
    assert sorted(path.name for path in recombined.iterdir()) == ["generations", "live", "lock"]


def test_a_bot_answers_from_it(recombined, embedder, corpus_settings):
    bot = Bot(Index(recombined, embedder), corpus_settings)
    reply = bot.reply("Should I put ice or heat on my back?")
    assert reply.outcome == "answered"
    assert all(citation.article.startswith("recombined-") for citation in reply.citations)


def test_the_nearest_are_found_part_by_part(generation, embedder, monkeypatch):
    monkeypatch.setattr("backbot.bench.growth.ROWS_AT_ONCE", 100)
    questions = embedder.embed(QUESTIONS)
    cosines = questions @ generation.content.vectors.astype(np.float32).T
    assert (find_nearest(generation.content.vectors, questions) == np.argsort(-cosines, axis=1)[:, :10]).all()


def test_recall_counts_what_the_search_misses(generation, recombined, embedder):
    questions = embedder.embed(QUESTIONS)
    nearest = find_nearest(generation.content.vectors, questions)
    dense = Dense(generation_folder(recombined, generation.manifest.name) / FOLDER)
    recall, times = measure_search(dense, questions, nearest)
    assert recall == 1
    assert 0 < times.median <= times.p95 <= times.p99
    nearest[0, :5] = -1
    assert measure_search(dense, questions, nearest)[0] == pytest.approx(25 / 30)
    dense.close()


def test_more_candidates_find_more(tmp_path):
    random = np.random.default_rng(0)
    vectors, questions = (random.normal(size=(count, 64)) for count in (4000, 50))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    halves, asked = vectors.astype(np.float16), questions.astype(np.float32)
    few, many = trace_curve(halves, asked, find_nearest(halves, asked), [4], [10, 500], tmp_path)
    assert (few.neighbours, few.effort, many.effort) == (4, 10, 500)
    assert few.recall < many.recall
    assert few.build_seconds == many.build_seconds > 0
    assert list(tmp_path.iterdir()) == []


def test_a_worker_tells_its_memory_and_times(recombined):
    worker = measure_worker(recombined, QUESTIONS)
    assert worker.answered + worker.declined == 2
    assert worker.referred == 1
    assert 50 < worker.own < worker.resident < 2000
    assert 0 < worker.search.median < worker.reply.median
    assert worker.opening_seconds > 0


def test_the_script_prints_a_table_and_draws_a_picture(corpus_settings, tmp_path):
    (tmp_path / "corpus").symlink_to(corpus_settings.index, target_is_directory=True)
    lines = tmp_path / "questions.jsonl"
    lines.write_text("".join(json.dumps({"question": question}) + "\n" for question in QUESTIONS))
    run = subprocess.run(
        [
            *(sys.executable, str(SCRIPT), "--articles", "unused.jsonl", "--ingested", str(corpus_settings.index)),
            *("--passages", "100", "--out", str(tmp_path), "--questions", str(lines), "--most", "8"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    sizes = json.loads((tmp_path / "growth.json").read_text())["sizes"]
    assert [size["size"] for size in sizes] == ["corpus", "articles", "recombined"]
    assert sizes[2]["passages"] == 100
    assert sizes[2]["build"]["seconds"] > 0
    assert sizes[1]["build"] is None
    assert "| passages |" in run.stdout
    assert (tmp_path / "growth.svg").read_text().count("Recall@10") == 1
