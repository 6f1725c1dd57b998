import pytest

from backbot.bot import Bot
from backbot.tracing import ended, tracing

RETRIEVAL = ["conversation", "vocabulary", "embedding", "search"]
STAGES = ["triage", *RETRIEVAL, "waiting for retrieval", "ranking", "declining", "answering", "citations"]


@pytest.mark.parametrize(
    ("question", "history"),
    [
        ("Should I put ice or heat on my back?", ()),
        ("and how long for?", ("Should I put ice or heat on my back?",)),
        ("Who won the football last night?", ()),
    ],
)
def test_every_stage_of_a_reply_is_timed(bot: Bot, question: str, history: tuple[str, ...]):
    with tracing() as trace:
        bot.reply(question, history)
    assert list(trace.milliseconds) == STAGES
    assert all(0 <= milliseconds <= trace.whole for milliseconds in trace.milliseconds.values())
    assert sum(trace.milliseconds[stage] for stage in STAGES if stage not in RETRIEVAL) <= trace.whole


def test_an_emergency_has_one_stage(bot: Bot):
    with tracing() as trace:
        bot.reply("I cannot feel my saddle area and have lost control of my bladder since my back pain began")
    assert list(trace.milliseconds) == ["triage"]


def test_what_happens_outside_the_block_is_not_counted():
    ended("before")
    with tracing() as trace:
        ended("first")
        ended("second")
        ended("first")
    ended("after")
    assert list(trace.milliseconds) == ["first", "second"]
