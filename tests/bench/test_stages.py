import pytest

from backbot.bench.stages import STAGES, time_stages
from backbot.bot import open_bot


@pytest.fixture(scope="module")
def bot(corpus_settings):
    return open_bot(corpus_settings)


@pytest.mark.parametrize(
    ("question", "history"),
    [
        ("Should I put ice or heat on my back?", ()),
        ("and how long for?", ("Should I put ice or heat on my back?",)),
        ("Who won the football last night?", ()),
    ],
)
def test_the_stages_are_those_of_the_reply(bot, question, history):
    timed = time_stages(bot, question, history)
    assert timed.quotes == tuple(citation.quote for citation in bot.reply(question, history).citations)
    assert tuple(timed.milliseconds) == STAGES
    assert all(milliseconds >= 0 for milliseconds in timed.milliseconds.values())


def test_an_emergency_has_one_stage(bot):
    timed = time_stages(bot, "I cannot feel my saddle area and have lost control of my bladder since my back pain began")
    assert (tuple(timed.milliseconds), timed.quotes) == (("triage",), ())
