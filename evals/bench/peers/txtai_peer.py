"""txtai's embeddings database: hybrid (dense and BM25), content kept, one row a paragraph."""

from threading import Lock

from protocol import PASSAGES, speak
from txtai import Embeddings


def ingest(articles, store, model):
    """What embeds and stores the articles; the model is loaded before."""
    embeddings = Embeddings(path=model, hybrid=True, content=True, gpu=False)

    def work():
        rows = [
            (f"{row['id']}#{n}", f"{row['title']}. {paragraph}")
            for row in articles
            for n, paragraph in enumerate(row["body"].split("\n\n"))
            if paragraph.strip()
        ]
        embeddings.index(rows)
        embeddings.save(str(store))
        return len(rows)

    return work


def open_store(store, model):
    """What searches the store."""
    embeddings = Embeddings(gpu=False)
    embeddings.load(str(store))
    # Its SQLite cursor is one for all threads: "Recursive use of cursors not allowed" where two ask at once.
    one_at_a_time = Lock()

    def search(question):
        with one_at_a_time:
            return [found["id"].partition("#")[0] for found in embeddings.search(question, PASSAGES)]

    return search


if __name__ == "__main__":
    speak(ingest, open_store, {})
