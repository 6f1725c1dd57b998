import asyncio

from backbot.bot import Bot
from backbot.langchain import BackbotRetriever, as_runnable
from backbot.records import Reply


def test_the_retriever_yields_documents_with_their_article(bot: Bot):
    documents = BackbotRetriever(bot=bot, k=3).invoke("ice or heat")
    assert len(documents) == 3
    assert documents[0].metadata["article"] == "heat-vs-cold"
    assert documents[0].page_content


def test_the_flow_is_a_runnable_in_all_its_forms(bot: Bot):
    flow = as_runnable(bot)
    question = "Should I put ice or heat on my back?"
    expected = bot.reply(question)
    assert flow.invoke(question) == expected
    assert flow.batch([question, question]) == [expected, expected]
    assert list(flow.stream(question)) == [expected]
    assert asyncio.run(flow.ainvoke(question)) == expected


def test_the_runnable_takes_a_conversation(bot: Bot):
    reply = as_runnable(bot).invoke(
        {"turns": ["Is a cold pack good?", "and how long should I leave it on?"], "country": "IN"}
    )
    assert isinstance(reply, Reply)
    assert "cold pack" in reply.question


def test_the_flow_composes_with_other_runnables(bot: Bot):
    chain = as_runnable(bot) | (lambda reply: reply.outcome)
    assert chain.invoke("what is the capital of France") == "declined"
