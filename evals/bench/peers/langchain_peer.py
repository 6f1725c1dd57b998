"""LangChain's stock pipeline: HuggingFaceEmbeddings, Chroma, BM25Retriever, EnsembleRetriever with equal weights."""

import pickle
from pathlib import Path

from langchain_chroma import Chroma
from langchain_classic.retrievers import EnsembleRetriever
from langchain_community.retrievers import BM25Retriever
from langchain_core.documents import Document
from langchain_huggingface import HuggingFaceEmbeddings
from langchain_text_splitters import RecursiveCharacterTextSplitter
from protocol import PASSAGES, speak


def ingest(articles, store, model):
    """What embeds and stores the articles; the model is loaded before."""
    embeddings = HuggingFaceEmbeddings(model_name=model, model_kwargs={"device": "cpu"})

    def work():
        documents = [Document(f"{row['title']}\n\n{row['body']}", metadata={"article": row["id"]}) for row in articles]
        passages = RecursiveCharacterTextSplitter(chunk_size=1000, chunk_overlap=200).split_documents(documents)
        Chroma.from_documents(passages, embeddings, persist_directory=str(store))
        # BM25Retriever keeps nothing on disk by itself.
        Path(store, "passages.pickle").write_bytes(pickle.dumps(passages))
        return len(passages)

    return work


def open_store(store, model):
    """What searches the store."""
    embeddings = HuggingFaceEmbeddings(model_name=model, model_kwargs={"device": "cpu"})
    dense = Chroma(persist_directory=str(store), embedding_function=embeddings)
    passages = pickle.loads(Path(store, "passages.pickle").read_bytes())  # noqa: S301  # written by ingest above
    lexical = BM25Retriever.from_documents(passages, k=PASSAGES)
    retriever = EnsembleRetriever(
        retrievers=[dense.as_retriever(search_kwargs={"k": PASSAGES}), lexical], weights=[0.5, 0.5]
    )
    return lambda question: [found.metadata["article"] for found in retriever.invoke(question)[:PASSAGES]]


if __name__ == "__main__":
    speak(ingest, open_store, {})
