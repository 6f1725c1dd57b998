import numpy as np
import pytest

from backbot.bot import Bot
from backbot.index import exact, search
from backbot.index.dense import Dense
from backbot.index.exact import Exact
from backbot.index.focus import embed_question
from backbot.index.search import Generation


def test_scores_fall_and_stay_between_0_and_1(bot: Bot):
    scores = [hit.score for hit in bot.search("ice or heat for my back", 20)]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] <= 1
    assert scores[0] > scores[-1]
    assert scores[-1] >= 0


def test_words_alone_find_what_meaning_misses(bot: Bot):
    """A rare word that the embedding model does not know well is found by BM25."""
    assert "raynaud" in bot.search("Raynaud", 3)[0].passage.text.lower()


def test_a_question_about_two_things_finds_both(bot: Bot):
    articles = {hit.passage.article for hit in bot.search("chiropractor or acupuncture?", 10)}
    assert {"chiropractic-care", "acupuncture"} <= articles


def test_a_long_message_is_drawn_to_the_sentence_that_asks(bot: Bot):
    generation = bot.index.live()
    message = (
        "Hello all, hope you are well. We moved house in May and the garden is a mess. My wife says hi. "
        "How firm should a mattress be for a bad back? Thanks so much, Jim."
    )
    whole = bot.index.embedder.embed([message])[0]
    drawn = embed_question(message, bot.index.embedder, generation)
    asked = bot.index.embedder.embed(["How firm should a mattress be for a bad back?"])[0]
    assert drawn @ asked > whole @ asked
    assert np.isclose(np.linalg.norm(drawn), 1, atol=1e-5)
    assert bot.search(message, 1)[0].passage.article == "sleep-and-mattress"


def test_a_short_question_keeps_its_own_vector(bot: Bot):
    question = "ice or heat?"
    drawn = embed_question(question, bot.index.embedder, bot.index.live())
    assert np.allclose(drawn, bot.index.embedder.embed([question])[0])


def test_more_passages_than_there_are_can_be_asked_for(bot: Bot):
    count = bot.index.live().manifest.passages
    assert len(bot.search("back", count + 100)) <= count


def test_chroma_and_comparing_each_vector_find_the_same(bot: Bot, monkeypatch: pytest.MonkeyPatch):
    few = bot.index.live()
    assert isinstance(few._dense, Exact)
    monkeypatch.setattr(search, "FEW", few.manifest.passages - 1)
    many = Generation(bot.index.folder, few.manifest)
    assert isinstance(many._dense, Dense)
    for question in ("ice or heat?", "how firm should a mattress be", "are my flat feet why it hurts"):
        vector = bot.index.embedder.embed([question])[0]
        rows, cosines = few._dense.search(vector, 10)
        found, near = many._dense.search(vector, 10)
        assert found.tolist() == rows.tolist()
        assert np.allclose(near, cosines, atol=1e-3)
        assert [hit.row for hit in many.search(question, vector)] == [hit.row for hit in few.search(question, vector)]
    many.close()


@pytest.mark.parametrize("block", [1, 3, 4096])
def test_comparing_goes_through_all_vectors(block: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(exact, "BLOCK", block)
    vectors = np.eye(5, dtype=np.float16)
    wanted = np.array([0.1, 0.5, 0, 0.8, 0.3], np.float32)
    rows, cosines = Exact(vectors).search(wanted, 3)
    assert rows.tolist() == [3, 1, 4]
    assert cosines == pytest.approx([0.8, 0.5, 0.3])
    assert Exact(vectors[:0]).search(wanted, 3)[0].tolist() == []


def test_the_best_sentence_of_a_passage_is_the_nearest_of_all_its_sentences(bot: Bot):
    content = bot.index.live().content
    vector = bot.index.embedder.embed(["how long should ice stay on"])[0]
    rows = np.array([7, 0, len(content.vectors) - 1])
    expected = [max(0.0, float((content.sentence_vectors(int(row)) @ vector).max())) for row in rows]
    assert content.best_sentences(rows, vector) == pytest.approx(expected, abs=1e-6)
    counts = [len(passage.sentences) for passage in content.passages(rows.tolist())]
    assert [len(content.sentence_vectors(int(row))) for row in rows] == counts


def test_the_sentences_that_answer_known_questions_are_found_by_their_numbers(bot: Bot):
    content = bot.index.live().content
    numbers, vectors, headings = content.answering(content.answers)
    row, place = content.answers[5].tolist()
    assert np.array_equal(vectors[5], content.sentence_vectors(row)[place])
    assert np.array_equal(headings[5], content.headings[row].astype(np.float32))
    same = (content.answers == content.answers[5]).all(axis=1)
    assert np.array_equal(numbers == numbers[5], same)
