"""Articles that tests write."""

from pathlib import Path

CORPUS = Path(__file__).parents[1] / "corpus"


def write_article(folder: Path, name: str, body: str, title: str = "", **fields: object) -> Path:
    """A Markdown article with front matter in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [f"title: {title or name.replace('-', ' ')}", *(f"{key}: {value}" for key, value in fields.items())]
    file = folder / f"{name}.md"
    file.write_text("---\n" + "\n".join(lines) + f"\n---\n\n{body}\n", encoding="utf-8")
    return file
