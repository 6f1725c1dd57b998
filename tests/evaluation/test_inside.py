import pytest

from backbot.bot import Bot
from backbot.errors import QuestionInvalid
from backbot.evaluation.inside import look_inside


@pytest.mark.parametrize(
    "question", ["How long should a cold pack stay on?", "how far shoud i walk", "what is the capital of France"]
)
def test_what_is_shown_inside_is_what_led_to_the_reply(small_bot: Bot, question: str):
    seen = look_inside(small_bot, question)
    assert seen.reply == small_bot.reply(question)
    assert list(seen.hits) == small_bot.search(seen.reply.question)
    assert seen.margin is not None
    assert seen.holds == (seen.margin >= 0) == (seen.reply.outcome == "answered")
    shown = {sentence.text for sentence in seen.sentences if sentence.is_shown}
    assert shown == {sentence.text for sentence in seen.reply.sentences}
    assert [s.score for s in seen.sentences] == sorted((s.score for s in seen.sentences), reverse=True)


def test_a_follow_up_is_seen_as_it_was_searched(small_bot: Bot):
    seen = look_inside(small_bot, "and how long should I leave it on?", ["Is a cold pack good for my back?"])
    assert "cold pack" in seen.reply.question.lower()
    assert seen.hits[0].passage.article == "cold-packs"


def test_after_an_emergency_nothing_is_searched(small_bot: Bot):
    seen = look_inside(small_bot, "numb between my legs and I can't pee")
    assert (seen.reply.outcome, seen.hits, seen.sentences) == ("referred", (), ())


def test_an_empty_question_is_refused(small_bot: Bot):
    with pytest.raises(QuestionInvalid):
        look_inside(small_bot, "?!")
