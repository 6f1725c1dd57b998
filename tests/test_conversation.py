from pathlib import Path
from typing import Any

import pytest
import yaml

from backbot.bot import Bot
from backbot.conversation import MAX_HISTORY, stand_alone
from backbot.index.lexical import split_words

CONVERSATIONS = yaml.safe_load((Path(__file__).parent / "conversations.yaml").read_text("utf-8"))
TUNE: list[dict[str, Any]] = CONVERSATIONS["tune"]
REPORT: list[dict[str, Any]] = CONVERSATIONS["report"]


def alone(row: dict[str, Any]) -> str:
    *history, question = row["turns"]
    return stand_alone(question, history)


def holds(row: dict[str, Any]) -> bool:
    asked = alone(row).lower()
    return all(words in asked for words in row.get("has", ())) and not any(words in asked for words in row.get("lacks", ()))


@pytest.mark.parametrize("row", TUNE, ids=[" / ".join(row["turns"][-2:]) for row in TUNE])
def test_last_message_stands_alone(row: dict[str, Any]):
    assert holds(row), alone(row)


def test_conversations_not_tuned_on_stand_alone():
    wrong = [alone(row) for row in REPORT if not holds(row)]
    assert len(wrong) <= 0.1 * len(REPORT), wrong


def test_first_citation_is_from_a_right_article(bot: Bot):
    rows = [row for row in (*TUNE, *REPORT) if "cite" in row]
    wrong = []
    for row in rows:
        *history, question = row["turns"]
        reply = bot.reply(question, history)
        if not reply.citations or reply.citations[0].article not in row["cite"]:
            wrong.append((row["turns"], reply.question, [citation.article for citation in reply.citations]))
    assert len(wrong) <= 0.2 * len(rows), wrong


def test_question_without_history_comes_back_as_it_is():
    assert stand_alone("and how long should I leave it on?", []) == "and how long should I leave it on?"


@pytest.mark.parametrize(
    ("history", "question", "expected"),
    [
        (["theyve offered me RFA, what is that"], "does it hurt?", "does RFA hurt?"),
        (["what is in an epidural steroid injection"], "does it hurt?", "does an epidural steroid injection hurt?"),
        (["does glucosamine work", "what about fish oil then"], "and can you take that with warfarin",
         "can you take fish oil with warfarin"),
        (["what happens when they do the epidural"], "no, I meant the facet joints",
         "what happens when they do the facet joints"),
        (["do chiropractors help"], "is it safe?", "are chiropractors safe?"),
        (["talk me through a plank"], "and how many days a week", "Plank: how many days a week"),
        (["how do i stretch my hamstrings"], "and the hip flexors?", "how do i stretch the hip flexors"),
        (["how high should my pillow be", "is turmeric any good"], "back to the pillow thing, how high",
         "Pillow: how high"),
        (["is walking good for a sore back"], "how far", "how far (is walking good for a sore back)"),
        (["how long does an MRI take"], "what about cupping?", "how long does cupping take"),
        (["how long do I fast before a scan"], "and after one?", "how long do I fast before a scan: after one"),
        (["does warming the hip joints work"], "and once its done when do i notice",
         "once warming the hip joints is done when do i notice"),
        (["is a cyst in the middle of the back rare"], "how long till it shrinks",
         "how long till a cyst in the middle of the back shrinks"),
    ],
)  # fmt: skip
def test_standalone_question_reads_well(history: list[str], question: str, expected: str):
    assert stand_alone(question, history) == expected


@pytest.mark.parametrize(
    "question",
    [
        "and what's the capital of Peru?",
        "which cream for my eczema then",
        "does it stop a migraine as well if i put it on my forehead",
        "and which cream gets rid of athletes foot",
        "what about my knee?",
        "ok thanks. who won the football last night",
        "can you write me a poem about it",
        "what time is it",
        "my new knee still swells up since the replacement, how many months does that go on",
    ],
)
def test_question_about_something_else_takes_nothing_along(question: str):
    asked = stand_alone(question, ["is heat or acupuncture better for back pain", "how long does acupuncture take"])
    assert "acupuncture" not in asked.lower() and "heat" not in asked.lower()


@pytest.mark.parametrize("thanks", ["ok", "thanks!", "Great, thank you so much.", "lol", "cheers mate", "👍", "..."])
def test_small_talk_between_is_passed_over(thanks: str):
    assert stand_alone("does it hurt?", ["whats cupping", thanks]) == "does cupping hurt?"


@pytest.mark.parametrize("thanks", ["ok", "thanks!", "Great, thank you so much.", "???", "  "])
def test_small_talk_takes_nothing_along(thanks: str):
    assert stand_alone(thanks, ["whats cupping"]) == thanks


def test_only_the_last_messages_are_read():
    history = ["whats cupping", *["lol"] * MAX_HISTORY]
    assert "cupping" not in stand_alone("does it hurt?", history)


def test_long_message_says_itself_what_it_is_about():
    story = "I have had this ache for years and my wife says I should do something about it. " * 5 + "Is it worth it?"
    assert stand_alone(story, ["whats cupping"]) == story


def test_subject_of_a_long_earlier_message_is_found_in_its_question():
    story = "My neighbour is a nosy man and told me all about his holiday in Spain last summer. " * 40
    assert stand_alone("how long does it last?", [story + "Does cupping work?"]) == "how long does cupping last?"


@pytest.mark.parametrize(
    "message",
    ["", "?", "it", "no, i meant", "back to", "what about ?", "İt ß it", "\x00", "( it", "it " * 6000, "ok " * 6000,
     ", " * 9000, "i meant " * 2500, "not x, " * 2500, "a" * 20_000, "back to back to " * 1200],
)  # fmt: skip
def test_strange_messages_do_no_harm(message: str):
    assert stand_alone("does it hurt?", ["whats cupping", message])
    assert isinstance(stand_alone(message, ["whats cupping", message]), str)


TITLES = frozenset({"cup", "needl", "acupunctur", "bulg", "disc", "postur", "slouch"})


@pytest.mark.parametrize(
    ("history", "question", "asked"),
    [
        (["my sister swears by cupping for her back, any use?"], "and the marks?", "Cupping: the marks"),
        (["thinking of needles for my back"], "how many would i need", "Needles: how many would i need"),
        (["i work in a warehouse. what is a bulging disc"], "is it serious", "is a bulging disc serious"),
        (["hurt my back lifting a bulging sofa, cupping?"], "and how often", "Cupping: how often"),
        (["a scan said slouch. nobody rang. what even is a bulging disc"], "is it serious", "is a bulging disc serious"),
        (["when i slouch it hurts. told to try cupping"], "does it help", "does cupping help"),
        (["my knee swears at me, is cupping any use?"], "and how often?", "Knee swears: how often"),
    ],
)
def test_of_several_things_named_the_one_that_the_articles_know_is_carried(history: list[str], question: str, asked: str):
    assert stand_alone(question, history, TITLES).rstrip("?") == asked


@pytest.mark.parametrize(
    ("history", "question", "asked"),
    [
        (["can i drive after a spinal injection"], "is slouching that bad for you", "is slouching that bad for you"),
        (["is an mri safe"], "no no a ct scan i mean", "is a ct scan safe"),
        (["is pilates good"], "i ment yoga sry", "is yoga good"),
        (["how long do i hold a stretch"], "im 74 does that change it", "Stretch: im 74 does that change it"),
    ],
)
def test_corrections_at_the_end_and_words_that_point_to_nothing(history: list[str], question: str, asked: str):
    assert stand_alone(question, history) == asked


def test_a_message_that_names_nothing_known_is_about_what_went_before():
    titles = frozenset(split_words("core strengthening planks back pain"))
    asked = stand_alone("10 secs is too hard on my toes, easier version?", ["how do i do a plank"], titles)
    assert "plank" in asked.lower()
    assert "easier version" in asked


def test_a_message_that_names_something_known_or_elsewhere_stays_alone():
    titles = frozenset(split_words("core strengthening planks mattress back pain"))
    for question in ("which mattress is best?", "what stops a migraine?"):
        assert stand_alone(question, ["how do i do a plank"], titles) == question


def test_a_switch_that_is_announced_takes_nothing_along_even_when_it_names_nothing_known():
    titles = frozenset(split_words("core strengthening planks back pain"))
    question = "different question, who won the cup final?"
    assert "plank" not in stand_alone(question, ["how do i do a plank"], titles).lower()
