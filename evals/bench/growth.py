"""How backbot grows: 36 articles, all of an article file, and a million passages made of that file's sentences.

python evals/bench/growth.py --articles FILE.jsonl.gz --passages 1000000 --out reports/growth
    [--ingested INDEX]     an index that holds FILE already, only read; otherwise FILE is ingested
    [--questions FILE]     a suite (.yaml), or JSON lines with a "question" (.jsonl, .jsonl.gz); may be given several times
    [--curve]              recall and time of the graph's parameters too: every number of links is built anew

Prints a table and writes growth.json and growth.svg into --out. An index that is there from an earlier run is used again.
It needs Linux (memory is read from /proc), and for a million passages 12 GB of disk and half an hour of two free cores.
"""

import argparse
import gzip
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from backbot.bench.growth import find_nearest, measure_search, measure_worker, trace_curve
from backbot.bench.peers import read_questions
from backbot.bench.run import measure_process
from backbot.embeddings import load_embedder
from backbot.errors import BackbotError
from backbot.index.content import Content
from backbot.index.dense import FOLDER, Dense
from backbot.index.generations import generation_folder, live_name, read_manifest
from backbot.resources import resource
from backbot.settings import load_settings

SUITE = Path(__file__).parents[1] / "answers-tune.yaml"
NEIGHBOURS = (16, 32)
EFFORTS = (32, 64, 128, 192, 256, 512)
SEED = 1


def main() -> None:
    """Build what is missing, measure each size, and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", required=True)
    parser.add_argument("--passages", type=int, default=1_000_000)
    parser.add_argument("--out", type=Path, default=Path("reports/growth"))
    parser.add_argument("--ingested", type=Path)
    parser.add_argument("--questions", type=Path, action="append", default=[])
    parser.add_argument("--most", type=int, default=200, help="so many questions, spread evenly over all")
    parser.add_argument("--curve", action="store_true")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    questions = read_texts([SUITE, *given.questions], given.most)
    indexes = {"corpus": given.out / "corpus", "articles": given.ingested or given.out / "articles"}
    indexes["recombined"] = given.out / "recombined"
    commands = {
        "corpus": ("-m", "backbot", "ingest", str(resource("corpus")), "--index", str(indexes["corpus"])),
        "articles": ("-m", "backbot", "ingest", given.articles, "--index", str(indexes["articles"])),
        "recombined": (
            *("-m", "backbot.bench.recombined", str(indexes["articles"])),
            *(str(given.passages), str(SEED), str(indexes["recombined"])),
        ),
    }
    vectors = load_embedder(load_settings()).embed(questions)
    sizes, curve = [], []
    for name, index in indexes.items():
        cost = build(index, commands[name], given.out / f"{name}.json")
        say(f"measuring {name} ...")
        manifest = read_manifest(index, live_name(index))
        folder = generation_folder(index, manifest.name)
        content = Content(folder, manifest.dimension)
        nearest = find_nearest(content.vectors, vectors)
        dense = Dense(folder / FOLDER)
        recall, times = measure_search(dense, vectors, nearest)
        dense.close()
        sizes.append(
            {
                "size": name,
                "articles": len(manifest.articles),
                "passages": manifest.passages,
                "build": cost,
                "disk": sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 2**20,
                "recall": recall,
                "dense": asdict(times),
                **asdict(measure_worker(index, questions)),
                "load": os.getloadavg()[0],
            }
        )
        if given.curve and name != "corpus":
            for point in trace_curve(content.vectors, vectors, nearest, NEIGHBOURS, EFFORTS, given.out / "curve"):
                curve.append({"passages": manifest.passages, **asdict(point)})
                say(describe(curve[-1]))
    found = {"questions": len(questions), "cores": os.cpu_count(), "sizes": sizes, "curve": curve}
    (given.out / "growth.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    draw(sizes, curve, given.out / "growth.svg")
    print("\n".join(table(sizes)))


def read_texts(files: list[Path], most: int) -> list[str]:
    """The questions of suites and JSON lines, each once; at most `most`, spread evenly."""
    texts = list(dict.fromkeys(text for file in files for text in _questions_in(file)))
    return [texts[len(texts) * n // most] for n in range(most)] if len(texts) > most else texts


def _questions_in(file: Path) -> Iterator[str]:
    if file.suffix in (".yaml", ".yml"):
        yield from (question.text for question in read_questions(file))
        return
    with gzip.open(file, "rt", encoding="utf-8") if file.suffix == ".gz" else file.open(encoding="utf-8") as lines:
        yield from (json.loads(line)["question"] for line in lines)


def build(index: Path, command: tuple[str, ...], kept: Path) -> dict[str, float] | None:
    """What building the index took, now or in the earlier run that made it; None when another made it."""
    if not (index / "live").is_file():
        say(f"building {index.name} ...")
        kept.write_text(json.dumps(asdict(measure_process(*command))) + "\n", encoding="utf-8")
    return json.loads(kept.read_text(encoding="utf-8")) if kept.is_file() else None


def table(sizes: list[dict[str, Any]]) -> Iterator[str]:
    """The figures as lines of a Markdown table, a column for each size."""
    rows = {
        "articles": lambda size: f"{size['articles']:,}",
        "passages": lambda size: f"{size['passages']:,}",
        "building, minutes": lambda size: f"{size['build']['seconds'] / 60:.1f}" if size["build"] else "",
        "its processor time, minutes": lambda size: f"{size['build']['processor'] / 60:.1f}" if size["build"] else "",
        "its peak memory, MB": lambda size: f"{size['build']['megabytes']:,.0f}" if size["build"] else "",
        "index on disk, MB": lambda size: f"{size['disk']:,.0f}",
        "opening, s": lambda size: f"{size['opening_seconds']:.2f}",
        "a worker's memory, MB": lambda size: f"{size['resident']:,.0f}",
        "of it its own, not pages of files": lambda size: f"{size['own']:,.0f}",
        "recall@10 of the approximate search": lambda size: f"{size['recall']:.3f}",
        "vector search, ms (median, p95, p99; p95 of processor time)": lambda size: _figures(size["dense"]),
        "whole search, ms (the same four)": lambda size: _figures(size["search"]),
        "whole reply, ms (the same four)": lambda size: _figures(size["reply"]),
        "load of the machine meanwhile": lambda size: f"{size['load']:.1f}",
    }
    yield "| " + " | ".join(["", *(size["size"] for size in sizes)]) + " |"
    yield "|---" * (len(sizes) + 1) + "|"
    for title, read in rows.items():
        yield "| " + " | ".join([title, *(read(size) for size in sizes)]) + " |"


def describe(point: dict[str, Any]) -> str:
    """A point of the curve as a line."""
    return (
        f"{point['passages']:,} passages, {point['neighbours']} links, {point['effort']} candidates: "
        f"recall@10 {point['recall']:.3f}, {_figures(point['search'])} ms"
    )


def draw(sizes: list[dict[str, Any]], curve: list[dict[str, Any]], file: Path) -> None:
    """One picture: times, memory and recall by size; recall by time for the graph's parameters."""
    import matplotlib as mpl

    mpl.use("svg")
    # The same figures give the same file, and its text can be searched.
    mpl.rcParams.update({"svg.hashsalt": "growth", "svg.fonttype": "none", "font.size": 9})
    from matplotlib import pyplot as plt

    passages = [size["passages"] for size in sizes]
    figure, panels = plt.subplots(1, 4 if curve else 3, figsize=(14 if curve else 10.5, 3.4), layout="constrained")
    for kind, title in (("reply", "whole reply"), ("search", "search alone")):
        line = panels[0].plot(passages, [size[kind]["p95"] for size in sizes], "o-", label=f"{title}, 95th percentile")[0]
        medians = [size[kind]["median"] for size in sizes]
        panels[0].plot(passages, medians, "o:", color=line.get_color(), label=f"{title}, median")
    for name, title in (("resident", "all of it"), ("own", "not pages of files")):
        panels[1].plot(passages, [size[name] for size in sizes], "o-", label=title)
    panels[2].plot(passages, [size["recall"] for size in sizes], "o-")
    panels[2].set_ylim(min(0.9, *(size["recall"] for size in sizes)), 1.002)
    for panel, title in zip(panels, ("Milliseconds a question", "A worker's memory, MB", "Recall@10"), strict=False):
        panel.set(title=title, xscale="log", xlabel="passages")
    panels[0].set_ylim(bottom=0)
    panels[1].set_ylim(bottom=0)
    for count in sorted({point["passages"] for point in curve}):
        for links in NEIGHBOURS:
            points = [point for point in curve if (point["passages"], point["neighbours"]) == (count, links)]
            times = [point["search"]["median"] for point in points]
            panels[3].plot(times, [point["recall"] for point in points], "o-", label=f"{count:,}, {links} links")
    if curve:
        panels[3].set(title="Recall@10 by candidates (ef_search)", xlabel="milliseconds a vector search, median")
    for panel in panels:
        panel.grid(alpha=0.3)
        if panel.get_legend_handles_labels()[0]:
            panel.legend(fontsize=7)
    figure.savefig(file, metadata={"Date": None})


def _figures(times: dict[str, float]) -> str:
    return f"{times['median']:.1f}, {times['p95']:.1f}, {times['p99']:.1f}; {times['processor']:.1f}"


def say(text: str) -> None:
    """Say on standard error how far it is."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        main()
    except BackbotError as error:
        sys.exit(f"error: {error}")
