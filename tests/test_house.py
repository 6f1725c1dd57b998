"""The house rules that code can check: which way imports point, and which library has which home."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "backbot"

FLOORS = [
    {"records", "errors", "resources", "settings", "templates", "tracing", "plain_yaml", "__init__"},
    {"loaders", "chunking", "embeddings", "triage", "prompts", "vocabulary"},
    {"index"},
    {"conversation", "answering", "corpus_check", "insights"},
    {"bot"},
    {"langchain", "web", "evaluation", "terminal", "progress", "bench", "operation"},
    {"commands"},
    {"cli"},
    {"__main__"},
]
"""Each floor may import the floors before it, and rooms on its own floor only where ALLOWED says so."""

ALLOWED_ON_THE_SAME_FLOOR = {("web", "evaluation")}

HOMES = {
    "chromadb": {"index/dense.py"},
    "bm25s": {"index/lexical.py"},
    "httpx": {"index/chroma_server.py", "loaders/", "answering/chat_models.py"},
    "Stemmer": {"index/lexical.py", "triage/reading.py", "answering/wording.py"},
    "onnxruntime": {"embeddings.py", "triage/classifier.py", "triage/network.py"},
    "sentence_transformers": {"embeddings.py", "answering/entailment.py"},
    "torch": {"embeddings.py", "triage/network.py"},
    "gradio": {"web/"},
    "jinja2": {"templates.py"},
    "fastapi": {"web/"},
    "uvicorn": {"web/"},
    "prometheus_client": {"operation/metrics.py"},
    "rapidfuzz": {"vocabulary/spelling.py", "triage/"},
    "wordfreq": {"vocabulary/spelling.py"},
    "spylls": {"insights/redacting.py"},
    "typer": {"cli.py", "commands/"},
    "rich": {"terminal.py", "progress.py", "corpus_check/", "triage/", "evaluation/", "bench/"},
    "langchain": {"answering/chat_models.py"},
    "sklearn": {"triage/train.py", "answering/declining_training.py"},
    "trafilatura": {"loaders/"},
    "markdown_it": {"chunking.py", "web/", "loaders/", "corpus_check/"},
}


def modules() -> list[tuple[str, ast.Module]]:
    return [(str(f.relative_to(SOURCE)), ast.parse(f.read_text())) for f in sorted(SOURCE.rglob("*.py"))]


def imports(tree: ast.Module) -> list[str]:
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.append(node.module)
    return names


def room(path_or_module: str) -> str:
    return path_or_module.removeprefix("backbot.").replace("/", ".").split(".")[0]


def floor(name: str) -> int:
    return next(i for i, rooms in enumerate(FLOORS) if name in rooms)


@pytest.mark.parametrize(("path", "tree"), modules(), ids=[path for path, _ in modules()])
def test_imports_point_down(path: str, tree: ast.Module):
    here = room(path)
    for name in imports(tree):
        if name.startswith("backbot.") and room(name) != here:
            there = room(name)
            same_floor_allowed = (here, there) in ALLOWED_ON_THE_SAME_FLOOR or floor(here) in (0, 5)
            assert floor(there) < floor(here) or (floor(there) == floor(here) and same_floor_allowed), (
                f"{path} imports {name}"
            )


@pytest.mark.parametrize(("path", "tree"), modules(), ids=[path for path, _ in modules()])
def test_each_library_is_known_in_its_home_only(path: str, tree: ast.Module):
    for name in imports(tree):
        homes = HOMES.get(name.split(".")[0])
        assert homes is None or any(path.startswith(home) for home in homes), f"{path} imports {name}"
