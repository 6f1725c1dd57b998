"""The floor: what no reply can do without, the bare embedding of the question and the bare search in Chroma."""

from protocol import PASSAGES, speak

from backbot.embeddings import load_embedder
from backbot.index.dense import FOLDER, Dense
from backbot.index.generations import generation_folder, live_name
from backbot.settings import Settings


def ingest(articles, store, model):
    """Never asked for: the floor searches what backbot's ingest made."""
    raise NotImplementedError


def open_store(store, model):
    """What searches the store. It names no articles: what it finds are rows."""
    embedder = load_embedder(Settings(index=store))
    dense = Dense(generation_folder(store, live_name(store)) / FOLDER)

    def find(question):
        dense.search(embedder.embed([question])[0], PASSAGES)
        return []

    return find


if __name__ == "__main__":
    speak(ingest, open_store, {})
