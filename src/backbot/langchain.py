"""backbot in LangChain's terms: a retriever that yields `Document`s, and the whole flow as a `Runnable`.

The embedder is an `Embeddings` already (`backbot.embeddings.Embedder`).
"""

from typing import Any

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import Runnable, RunnableLambda
from pydantic import ConfigDict

from backbot.bot import Bot
from backbot.records import Reply


class BackbotRetriever(BaseRetriever):
    """The k best passages for a query as Documents; their metadata name article, title, heading, URL and score."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    bot: Bot
    k: int = 10

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
        return [
            Document(
                hit.passage.text,
                id=hit.passage.id,
                metadata={
                    "article": hit.passage.article,
                    "title": hit.passage.title,
                    "heading": hit.passage.heading,
                    "url": hit.passage.url or f"/articles/{hit.passage.article}",
                    "score": hit.score,
                },
            )
            for hit in self.bot.search(query, self.k)
        ]


def as_runnable(bot: Bot) -> Runnable[str | dict[str, Any], Reply]:
    """The flow as a Runnable: a question, or {"turns": [...], "country": "GB"}, in; a Reply out."""

    def reply(asked: str | dict[str, Any]) -> Reply:
        if isinstance(asked, str):
            return bot.reply(asked)
        *history, question = asked["turns"]
        return bot.reply(question, history, asked.get("country", ""))

    return RunnableLambda(reply, name="backbot")
