"""Articles that tests write."""

from pathlib import Path

from backbot.embeddings import Embedder
from backbot.index.ingest import IngestSummary, ingest
from backbot.settings import Settings

CORPUS = Path(__file__).parents[1] / "corpus"


def write_article(folder: Path, name: str, body: str, title: str = "", **fields: object) -> Path:
    """A Markdown article with front matter in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [f"title: {title or name.replace('-', ' ')}", *(f"{key}: {value}" for key, value in fields.items())]
    file = folder / f"{name}.md"
    file.write_text("---\n" + "\n".join(lines) + f"\n---\n\n{body}\n", encoding="utf-8")
    return file


def publish(corpus: Path, settings: Settings, embedder: Embedder, minutes: int) -> IngestSummary:
    """A new generation, in which the article `walking` says another number of minutes."""
    write_article(corpus, "walking", f"## How far should I walk?\n\nStart with {minutes} minutes a day.", title="Walking")
    summary = ingest([str(corpus)], settings, embedder)
    assert summary.published
    return summary
