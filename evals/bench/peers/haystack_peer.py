"""Haystack's first tutorial: splitter, embedder, writer; then embedder and retriever; its in-memory store, saved to disk."""

from pathlib import Path

from haystack import Document, Pipeline
from haystack.components.preprocessors import DocumentSplitter
from haystack.components.retrievers.in_memory import InMemoryEmbeddingRetriever
from haystack.components.writers import DocumentWriter
from haystack.document_stores.in_memory import InMemoryDocumentStore
from haystack_integrations.components.embedders.sentence_transformers import (
    SentenceTransformersDocumentEmbedder,
    SentenceTransformersTextEmbedder,
)
from protocol import PASSAGES, speak


def ingest(articles, store, model):
    """What embeds and stores the articles; the model is loaded before."""
    documents = InMemoryDocumentStore(embedding_similarity_function="cosine")
    pipeline = Pipeline()
    pipeline.add_component("splitter", DocumentSplitter(split_by="word", split_length=150, split_overlap=30))
    embedder = SentenceTransformersDocumentEmbedder(model=model, meta_fields_to_embed=["title"], progress_bar=False)
    pipeline.add_component("embedder", embedder)
    pipeline.add_component("writer", DocumentWriter(documents))
    pipeline.connect("splitter", "embedder")
    pipeline.connect("embedder", "writer")
    pipeline.warm_up()

    def work():
        rows = [Document(content=row["body"], meta={"title": row["title"], "article": row["id"]}) for row in articles]
        pipeline.run({"splitter": {"documents": rows}})
        store.mkdir(parents=True, exist_ok=True)
        documents.save_to_disk(str(Path(store, "documents.json")))
        return documents.count_documents()

    return work


def open_store(store, model):
    """What searches the store."""
    documents = InMemoryDocumentStore.load_from_disk(str(Path(store, "documents.json")))
    pipeline = Pipeline()
    pipeline.add_component("embedder", SentenceTransformersTextEmbedder(model=model, progress_bar=False))
    pipeline.add_component("retriever", InMemoryEmbeddingRetriever(documents, top_k=PASSAGES))
    pipeline.connect("embedder.embedding", "retriever.query_embedding")
    pipeline.warm_up()

    def search(question):
        found = pipeline.run({"embedder": {"text": question}})["retriever"]["documents"]
        return [document.meta["article"] for document in found]

    return search


if __name__ == "__main__":
    speak(ingest, open_store, {})
