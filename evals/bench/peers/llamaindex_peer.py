"""LlamaIndex's starter: VectorStoreIndex over documents, kept by its own storage. Passages fit the model's 256 tokens."""

from llama_index.core import Document, Settings, StorageContext, VectorStoreIndex, load_index_from_storage
from llama_index.embeddings.huggingface import HuggingFaceEmbedding
from protocol import PASSAGES, speak


def configure(model):
    """Set what LlamaIndex takes from its global settings."""
    Settings.embed_model = HuggingFaceEmbedding(model_name=model, device="cpu")
    Settings.llm = None
    # Its default of 1,024 tokens would leave three quarters of each passage unread by this model.
    Settings.chunk_size, Settings.chunk_overlap = 256, 50


def ingest(articles, store, model):
    """What embeds and stores the articles; the model is loaded before."""
    configure(model)

    def work():
        documents = [Document(text=row["body"], metadata={"title": row["title"], "article": row["id"]}) for row in articles]
        index = VectorStoreIndex.from_documents(documents)
        index.storage_context.persist(persist_dir=str(store))
        return len(index.docstore.docs)

    return work


def open_store(store, model):
    """What searches the store."""
    configure(model)
    index = load_index_from_storage(StorageContext.from_defaults(persist_dir=str(store)))
    retriever = index.as_retriever(similarity_top_k=PASSAGES)
    return lambda question: [found.node.metadata["article"] for found in retriever.retrieve(question)]


if __name__ == "__main__":
    speak(ingest, open_store, {})
