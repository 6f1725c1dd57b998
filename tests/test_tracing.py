import pytest

from backbot.bot import Bot
from backbot.tracing import ended, tracing

RETRIEVAL = ["conversation", "vocabulary", "embedding", "search"]
OTHERS = ["triage", "waiting for retrieval", "ranking", "declining", "answering", "citations"]


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
    assert [stage for stage in trace.milliseconds if stage in RETRIEVAL] == RETRIEVAL
    assert [stage for stage in trace.milliseconds if stage not in RETRIEVAL] == OTHERS
    assert all(0 <= milliseconds <= trace.whole for milliseconds in trace.milliseconds.values())
    assert sum(trace.milliseconds[stage] for stage in OTHERS) <= trace.whole


def test_nothing_is_answered_in_an_emergency(bot: Bot):
    with tracing() as trace:
        bot.reply("I cannot feel my saddle area and have lost control of my bladder since my back pain began")
    assert [stage for stage in trace.milliseconds if stage not in RETRIEVAL] == ["triage"]


def test_what_happens_outside_the_block_is_not_counted():
    ended("before")
    with tracing() as trace:
        ended("first")
        ended("second")
        ended("first")
    ended("after")
    assert list(trace.milliseconds) == ["first", "second"]
