"""backbot beside LangChain, LlamaIndex, Haystack and txtai: articles, model and questions the same, in one run.

evals/bench/peers/make.sh                       once: the peers' environments
python evals/bench/peers/run.py --rounds 5      rows.jsonl and report.html in reports/peers, figures on the screen
python evals/bench/peers/run.py --again         the report once more from the rows that are there
"""

import argparse
import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from backbot.bench.comparison import compare, stage_times
from backbot.bench.peers import PEERS, compare_peers, interpreters, read_questions
from backbot.bench.peers_report import TITLES, About, render_peers
from backbot.errors import BackbotError
from backbot.resources import resource

HERE = Path(__file__).parent
CACHE = Path(os.environ.get("BACKBOT_PEERS") or Path.home() / ".cache" / "backbot-peers")


def main() -> None:
    """Run, or read the rows of an earlier run, and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--ingests", type=int, default=0, help="rounds that begin with an ingest; 0: all")
    parser.add_argument("--out", type=Path, default=Path("reports/peers"))
    parser.add_argument("--questions", type=int, default=0, help="only the first so many; 0: all")
    parser.add_argument("--again", action="store_true")
    given = parser.parse_args()
    questions = read_questions(HERE.parents[1] / "answers-tune.yaml")[: given.questions or None]
    given.out.mkdir(parents=True, exist_ok=True)
    kept = given.out / "rows.jsonl"
    if not given.again:
        pythons = interpreters(CACHE)
        with kept.open("w", encoding="utf-8") as file:
            ingests = given.ingests or given.rounds
            rows = compare_peers(HERE, pythons, [str(resource("corpus"))], questions, given.rounds, ingests, advance)
            for row in rows:
                file.write(json.dumps(row) + "\n")
                file.flush()
    rows = [json.loads(line) for line in kept.read_text(encoding="utf-8").splitlines()]
    figures, stages = compare(rows, questions), stage_times(rows)
    ingested = [row for row in rows if row["step"] == "ingested"]
    loads = [row["load"] for row in rows if "load" in row]
    about = About(
        when=datetime.fromtimestamp(kept.stat().st_mtime, UTC).strftime("%Y-%m-%d %H:%M UTC"),
        cores=os.cpu_count() or 1,
        loads=(min(loads), max(loads)),
        rounds=1 + max(row["round"] for row in rows),
        articles=ingested[0]["articles"],
        questions=len(questions),
        passages={row["peer"]: row["passages"] for row in ingested},
        missing=tuple(TITLES[name] for name in PEERS if name not in {row["peer"] for row in rows}),
    )
    (given.out / "report.html").write_text(render_peers(about, figures, stages), encoding="utf-8")
    for figure in figures:
        print(f"{figure.name}{', ' + figure.unit if figure.unit else ''}")
        for side, spread in figure.sides.items():
            ratio = figure.ratios.get(side)
            better = f"   {ratio.median:.2f}x ({ratio.low:.2f}-{ratio.high:.2f})" if ratio else ""
            print(f"    {TITLES[side]:<42}{spread.median:>10.3f} ({spread.low:.3f}-{spread.high:.3f}){better}")
    print("Stages, ms: " + ", ".join(f"{stage} {milliseconds:.2f}" for stage, milliseconds in stages.items()))
    print(f"Ratios: how many times better backbot is. Report: {given.out / 'report.html'}")


def advance(what: str, done: int, total: int) -> None:
    """Say on standard error how far the run is."""
    print(f"{what}: {done} of {total}, load average {os.getloadavg()[0]:.1f}", file=sys.stderr)


if __name__ == "__main__":
    try:
        main()
    except BackbotError as error:
        sys.exit(str(error))
