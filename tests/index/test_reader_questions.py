"""Questions in readers' words lead to the sentence that the publisher named as their answer."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from articles import write_article
from backbot.bot import Bot
from backbot.embeddings import Embedder
from backbot.index.ingest import ingest
from backbot.index.search import Index
from backbot.settings import Settings

BODY = (
    "## How should a cold pack be used?\n\nLeave a cold pack on for 15 to 20 minutes. Put a cloth between pack and skin. "
    "Wait 2 hours before the next one.\n\n## Who should avoid cold?\n\nPeople with Raynaud disease should avoid cold."
)
ASKED = "chucked the frozen peas on me lumbago, when do they come off"
QUESTIONS = 'questions:\n  - answer: "{answer}"\n    asked:\n      - "{asked}"\n'


def open_index(folder: Path, settings: Settings, embedder: Embedder) -> Index:
    ingest([str(folder)], settings, embedder)
    return Index(settings.index, embedder)


@pytest.fixture
def folder(small_corpus: Path) -> Path:
    write_article(small_corpus, "cold-packs", BODY, title="Cold packs")
    return small_corpus


def add_questions(folder: Path, answer: str, asked: str = ASKED) -> None:
    file = folder / "cold-packs.md"
    file.write_text(file.read_text().replace("---\n", "---\n" + QUESTIONS.format(answer=answer, asked=asked), 1))


def nearness(index: Index, question: str) -> dict[str, float]:
    """Of the question to the readers' questions that it is near to, by the sentence that answers."""
    hits = index.live().search(question, index.embedder.embed([question])[0])
    return {hit.passage.quote(hit.passage.sentences[n]): near for hit in hits for n, near in hit.asked.items()}


def test_a_question_leads_to_its_answer(folder: Path, settings: Settings, embedder: Embedder):
    alike = "put frozen peas on my lumbago, when should they come off?"
    # Known questions of another kind: with none at all other weights hold, and scores could not be compared.
    other = folder.with_name("other")
    shutil.copytree(folder, other)
    add_questions(other, "Wait 2 hours before the next one.", asked="how high should my chair be")
    before = Bot(open_index(other, settings, embedder), settings).search(alike, 1)[0]
    add_questions(folder, "Wait 2 hours before the next one.")
    index = open_index(folder, settings, embedder)
    found = nearness(index, alike)
    assert list(found) == ["Wait 2 hours before the next one."]
    assert 0 < found["Wait 2 hours before the next one."] <= 1
    assert nearness(index, ASKED)["Wait 2 hours before the next one."] == pytest.approx(1, abs=0.02)
    after = Bot(index, settings).search(alike, 1)[0]
    assert after.passage.id == before.passage.id or after.passage.article == "cold-packs"
    assert after.score > before.score


def test_a_question_of_another_kind_is_near_to_none(folder: Path, settings: Settings, embedder: Embedder):
    add_questions(folder, "Wait 2 hours before the next one.")
    assert nearness(open_index(folder, settings, embedder), "how high should my chair be") == {}


def test_an_answer_that_the_article_does_not_hold_leads_nowhere(folder: Path, settings: Settings, embedder: Embedder):
    add_questions(folder, "Take the pack off after a week.")
    assert nearness(open_index(folder, settings, embedder), ASKED) == {}


def test_new_questions_are_embedded_and_nothing_else(folder: Path, settings: Settings, embedder: Embedder):
    ingest([str(folder)], settings, embedder)
    add_questions(folder, "Wait 2 hours before the next one.")
    summary = ingest([str(folder)], settings, embedder)
    assert (summary.published, summary.changed, summary.embedded) == (True, ("cold-packs",), 1)


def test_an_article_whose_known_questions_are_all_near_beats_one_with_a_single_one(
    folder: Path, settings: Settings, embedder: Embedder
):
    index = open_index(folder, settings, embedder)
    generation = index.live()
    rows = np.arange(generation.manifest.passages)
    passages = generation.content.passages(rows.tolist())
    numbers = generation.content.article_numbers(rows)
    of = {(passage.article, int(number)) for passage, number in zip(passages, numbers, strict=True)}
    assert len(of) == len({article for article, _ in of}) == len({number for _, number in of}) > 1
    cold, other = (
        next(row for row, p in enumerate(passages) if (p.article == "cold-packs") is held) for held in (True, False)
    )
    vector = embedder.embed([ASKED])[0]
    generation.content.questions = np.tile(vector, (3, 1))
    scores = {}
    for name, answers in {"both": (cold, cold, other), "one": (cold, other, other)}.items():
        generation.content.answers = np.array([(row, 0) for row in answers], np.int32)
        scores[name] = {hit.row: hit.score for hit in generation.search(ASKED, vector, len(rows))}
    assert scores["both"][cold] > scores["one"][cold]
    assert scores["both"][other] < scores["one"][other]
