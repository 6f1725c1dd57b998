"""What is chosen, on small articles whose right answer is plain."""

import pytest

from articles import write_article
from backbot.bot import Bot
from backbot.embeddings import Embedder
from backbot.index.ingest import ingest
from backbot.index.search import Index
from backbot.settings import Settings


@pytest.fixture(scope="module")
def small_bot(tmp_path_factory: pytest.TempPathFactory, embedder: Embedder) -> Bot:
    folder = tmp_path_factory.mktemp("articles")
    write_article(
        folder,
        "cold",
        "## How long should a cold pack for back pain stay on?\n\nLeave a cold pack on your back for 15 to 20 minutes. This gives "
        "the skin time to cool. Wait at least 2 hours before you use it again.\n\n## Who should not use a cold pack on the back?\n\n"
        "People with Raynaud disease should not use a cold pack on the back.\n\nRead more in [Chairs](chairs.md).",
        title="Cold packs for back pain",
    )
    write_article(
        folder,
        "chairs",
        "## What should a chair for back pain have?\n\nA good chair for a sore back has:\n\n- a lumbar support that moves up and "
        "down\n- armrests that move\n- a seat edge that is round\n\n## How do I set up a chair for my back?\n\nSit right back in the "
        "seat. Set the seat height so that your feet rest flat. Bring the armrests up to your elbows. Tilt the back rest a little.",
        title="Choosing a chair for back pain",
    )
    write_article(
        folder,
        "bed-rest",
        "## Is bed rest good for back pain?\n\nBed rest does not speed up healing of back pain. Many people believe that a week in "
        "bed heals the back. Keep moving as much as the pain lets you.",
        title="Bed rest and back pain",
    )
    write_article(
        folder,
        "surgeon",
        "## What should I ask the surgeon?\n\nAsk the surgeon before an operation:\n\n- How sure are you that this is the cause?\n"
        "- What happens if I wait?\n- How many of these operations do you do a year?\n\nIs that too much to ask? It is not.",
        title="Before an operation on the back",
    )
    settings = Settings(index=tmp_path_factory.mktemp("index"))
    ingest([str(folder)], settings, embedder)
    return Bot(Index(settings.index, embedder), settings)


def texts(bot: Bot, question: str) -> list[str]:
    return [sentence.text for sentence in bot.reply(question).sentences]


def test_how_long_is_answered_by_the_duration_first(small_bot: Bot):
    assert texts(small_bot, "how long do I leave a cold pack on my back?")[0].endswith("15 to 20 minutes.")


def test_a_sentence_that_leans_back_comes_only_after_its_antecedent(small_bot: Bot):
    for question in ("why 20 minutes of a cold pack on the back?", "how does the skin cool with a cold pack on my back"):
        said = texts(small_bot, question)
        for n, text in enumerate(said):
            if text.startswith("This"):
                assert n > 0
                assert said[n - 1].startswith("Leave a cold pack")


@pytest.mark.parametrize(
    ("question", "wanted"),
    [
        (
            "what are the things a chair for back pain should have?",
            [
                "A good chair for a sore back has:",
                "a lumbar support that moves up and down",
                "armrests that move",
                "a seat edge that is round",
            ],
        ),
        (
            "what should i ask the surgeon before an operation",
            [
                "Ask the surgeon before an operation:",
                "How sure are you that this is the cause?",
                "What happens if I wait?",
                "How many of these operations do you do a year?",
            ],
        ),
    ],
)
def test_a_list_that_was_asked_for_is_kept_whole_with_its_introduction(small_bot: Bot, question: str, wanted: list[str]):
    said = texts(small_bot, question)
    assert said[:4] == wanted
    assert "Is that too much to ask?" not in said


def test_steps_come_in_their_order(small_bot: Bot):
    said = texts(small_bot, "how do I set up my chair for my back?")
    assert said == [
        "Sit right back in the seat.",
        "Set the seat height so that your feet rest flat.",
        "Bring the armrests up to your elbows.",
        "Tilt the back rest a little.",
    ]


def test_a_myth_is_answered_by_what_is_true(small_bot: Bot):
    assert texts(small_bot, "is it true that bed rest heals back pain?")[0].startswith("Bed rest does not")


def test_pointers_to_other_articles_are_never_quoted(small_bot: Bot):
    for question in ("who should not use a cold pack on the back?", "read more about chairs for back pain"):
        assert not any("Read more" in text for text in texts(small_bot, question))


def test_which_is_better_asks_for_no_list(small_bot: Bot):
    """A list of what a chair has would not say which."""
    first = small_bot.reply("good chair for a sore back or bed rest for back pain, which is better").sentences[0]
    assert not first.is_item


def test_a_sentence_much_less_likely_than_the_first_is_not_added(small_bot: Bot):
    shown = [sentence.text for sentence in small_bot.reply("is bed rest good for back pain").sentences]
    assert shown[0] == "Bed rest does not speed up healing of back pain."
    assert not any("cold pack" in text or "armrests" in text for text in shown)
