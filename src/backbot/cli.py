"""The command line: parse, call, print."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from backbot.commands.corpus import corpus
from backbot.commands.doctor import doctor
from backbot.commands.ingest import ingest
from backbot.commands.options import IndexOption, JsonOption, default_corpus, settings_for
from backbot.errors import BackbotError, QuestionInvalid, SourceUnreadable
from backbot.settings import Settings
from backbot.tracing import tracing

if TYPE_CHECKING:
    from backbot.bot import Bot

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Answer readers' questions about back pain from your own articles, each sentence with its citation.\n\n"
    'Begin with: backbot ingest, then: backbot ask "Should I put ice or heat on my back?"',
)

CountryOption = Annotated[str, typer.Option("--country", help="The reader's country, two letters, for emergency numbers.")]
BatchOption = Annotated[
    Path | None, typer.Option("--batch", help="Read questions from a JSON Lines file; - is standard input.")
]


def main() -> None:
    """Run the command line; an error that an operator can mend is a line on stderr and an exit code."""
    try:
        app()
    except BackbotError as error:
        sys.stderr.write(f"backbot: {error}\n")
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # The reader of our output went away (`backbot ask ... | head`): not our error.
        sys.stderr.close()
        sys.exit(0)


app.command()(ingest)
app.command()(doctor)
app.add_typer(corpus, name="corpus")


@app.command()
def ask(
    question: Annotated[str | None, typer.Argument(help="The question, in quotes.")] = None,
    as_json: JsonOption = False,
    batch: BatchOption = None,
    country: CountryOption = "",
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON schema of a reply and stop.")] = False,
    trace: Annotated[bool, typer.Option("--trace", help="Ask twice, and say on stderr where the time goes.")] = False,
    index: IndexOption = None,
) -> None:
    """Answer one question from the articles, with citations.

    With --batch FILE, each line {"id": "...", "turns": ["...", "..."]} gives a line {"id": "...", ...the reply}.
    """
    if schema:
        from pydantic import TypeAdapter

        from backbot.records import Reply

        typer.echo(json.dumps(TypeAdapter(Reply).json_schema(), indent=1))
        return
    if (question is None) == (batch is None):
        raise QuestionInvalid('Give one question in quotes, or --batch FILE. Such as: backbot ask "Is walking good for me?"')
    bot = _open_bot(settings_for(index))
    if batch is not None:
        _answer_batch(batch, lambda turns: bot.reply(turns[-1], turns[:-1], country).to_dict())
        return
    assert question is not None
    with tracing() as first:
        reply = bot.reply(question, country=country)
    if trace:
        from backbot.terminal import error_console, print_traces

        with tracing() as again:
            bot.reply(question, country=country)
        print_traces(first, again, error_console())
    if as_json:
        typer.echo(json.dumps(reply.to_dict(), ensure_ascii=False, indent=1))
    else:
        from backbot.terminal import console, print_reply

        print_reply(reply, console())


@app.command()
def search(
    query: Annotated[str | None, typer.Argument(help="What to look for.")] = None,
    k: Annotated[int, typer.Option("-k", min=1, max=1000, help="How many passages (articles with --trec).")] = 10,
    as_json: JsonOption = False,
    batch: BatchOption = None,
    trec: Annotated[Path | None, typer.Option("--trec", help="Write a TREC run of articles to this file.")] = None,
    index: IndexOption = None,
) -> None:
    """Show the passages that are nearest to a query.

    With --batch FILE --trec RUN, each line {"id": "...", "query": "..."} gives the lines of a TREC run, ranked by article.
    """
    if (query is None) == (batch is None) or (batch is None) != (trec is None):
        raise QuestionInvalid('Give one query in quotes, or --batch FILE --trec RUN. Such as: backbot search "heat or cold"')
    bot = _open_bot(settings_for(index))
    if batch is not None and trec is not None:
        lines = (
            f"{row['id']} Q0 {article} {rank} {score:.6f} backbot\n"
            for row in _read_lines(batch, {"id": str, "query": str})
            for rank, (article, score) in enumerate(bot.rank_articles(row["query"], k), 1)
        )
        with _open_for_writing(trec) as run:
            run.writelines(lines)
        return
    assert query is not None
    hits = bot.search(query, k)
    if as_json:
        from dataclasses import asdict

        typer.echo(json.dumps([asdict(hit) for hit in hits], ensure_ascii=False, indent=1, default=str))
    else:
        from backbot.terminal import console, print_hits

        print_hits(hits, console())


@app.command()
def chat(country: CountryOption = "", index: IndexOption = None) -> None:
    """Ask and be answered in the terminal. An empty line or Ctrl-D ends the chat; nothing is kept."""
    from backbot.terminal import console, print_reply

    bot = _open_bot(settings_for(index))
    out = console()
    out.print("Ask about your back. An empty line ends the chat.")
    turns: list[str] = []
    while question := _read_question():
        try:
            print_reply(bot.reply(question, turns, country), out)
            turns.append(question)
        except QuestionInvalid as error:
            out.print(str(error))


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port to listen on.")] = 7860,
    workers: Annotated[
        int, typer.Option(min=1, max=256, help="How many processes; several serve all but the chat page.")
    ] = 1,
    page: Annotated[bool, typer.Option("--page/--no-page", help="Serve the chat page at /, or all but it.")] = True,
    index: IndexOption = None,
) -> None:
    """Serve the chat page at /, and the articles that have no public page at /articles/<id>."""
    from backbot.web.serving import serve as run_server

    run_server(settings_for(index), host, port, workers, page=page)


@app.command()
def triage(
    text: Annotated[str | None, typer.Argument(help="What a reader says.")] = None,
    as_json: JsonOption = False,
    batch: BatchOption = None,
    country: CountryOption = "",
    report: Annotated[Path | None, typer.Option(help="Write the page for the clinician who signs off to this file.")] = None,
) -> None:
    """Run only the red-flag triage: its level, and the words that raised each flag.

    With --batch FILE, each line {"id": "...", "turns": ["...", "..."]} gives a line {"id": "...", ...the triage}.
    With --report FILE.html --batch CASES, the cases say their right level and flags, as in evals/triage/train-a.jsonl.
    """
    from dataclasses import asdict

    from backbot.triage import triage as run_triage

    if report is not None:
        from backbot.triage.measure import read_cases
        from backbot.triage.report import write_report
        from backbot.triage.review import reviewed_by

        write_report(report, read_cases(batch) if batch else [], reviewed_by())
        typer.echo(f"The page is in {report}.")
        return
    if (text is None) == (batch is None):
        raise QuestionInvalid('Give one text in quotes, or --batch FILE. Such as: backbot triage "my leg is numb"')
    country = country or settings_for().country
    if batch is not None:
        _answer_batch(batch, lambda turns: asdict(run_triage(turns, country)))
    elif text is not None and as_json:
        typer.echo(json.dumps(asdict(run_triage([text], country)), ensure_ascii=False, indent=1))
    elif text is not None:
        from backbot.terminal import console, print_triage

        print_triage(run_triage([text], country), console())


@app.command("eval")
def evaluate(
    suite: Annotated[list[str], typer.Argument(help="A suite; or: export SUITE FILE; or: import FILE SUITE.")],
    baseline: Annotated[Path | None, typer.Option(help="An earlier run (--save) to compare with, case by case.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write the report, one page that can be mailed.")] = None,
    junit: Annotated[Path | None, typer.Option(help="Write JUnit XML for a CI server.")] = None,
    save: Annotated[Path | None, typer.Option(help="Write the run, for a later --baseline.")] = None,
    case: Annotated[str | None, typer.Option(help="Run this case alone and show everything about it.")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Ask everything again, whatever the cache holds.")] = False,
    as_json: JsonOption = False,
    index: IndexOption = None,
) -> None:
    """Ask a suite of questions and say whether its gate held. Exit code 1: it did not.

    Such as: backbot eval evals/smoke.yaml --html report.html. The guide for editors is evals/README.md.

    A suite can be edited as a table: backbot eval export SUITE FILE.csv (or .xlsx), backbot eval import FILE SUITE.
    """
    from backbot.evaluation.command import convert, run_eval

    if suite[0] in ("export", "import"):
        convert(suite[0], [Path(name) for name in suite[1:]])
        return
    if len(suite) > 1:
        raise QuestionInvalid("Give one suite. Such as: backbot eval evals/smoke.yaml")
    options: dict[str, Any] = {"baseline": baseline, "html": html, "junit": junit, "save": save, "case": case}
    raise typer.Exit(run_eval(Path(suite[0]), settings_for(index), **options, as_json=as_json, fresh=fresh))


@app.command()
def status(
    as_json: JsonOption = False,
    index: IndexOption = None,
) -> None:
    """Show which generation of the index is live, what it holds and what it was built from; reads every byte of it."""
    from backbot.index.generations import check_files, list_generations, live_name, read_manifest

    settings = settings_for(index)
    folder = settings.index
    manifest = read_manifest(folder, live_name(folder))
    check_files(folder, manifest, every_byte=True)
    kept = list_generations(folder)
    server = ""
    if settings.chroma_url:
        from backbot.index.following import find_follower

        follower = find_follower(settings)
        server = follower.find_fault() or f"{follower.shared.server} has the live generation, and answers."
    if as_json:
        from dataclasses import asdict

        typer.echo(json.dumps({**asdict(manifest), "kept": kept, "chroma_server": server}, ensure_ascii=False, indent=1))
    else:
        from backbot.terminal import console, print_status

        print_status(str(folder), manifest, kept, server, console())


@app.command()
def bench(
    what: Annotated[
        str, typer.Argument(help="ask: cold start, memory, time a question; ingest: passages a second.")
    ] = "ask",
    sources: Annotated[list[str] | None, typer.Argument(help="The articles; default: corpus/.")] = None,
    rounds: Annotated[int, typer.Option(min=1, max=100, help="How many times each side takes its turn.")] = 5,
    most: Annotated[int, typer.Option(min=1, help="ingest: at most so many articles.")] = 500,
) -> None:
    """Measure speed and memory beside the stock LangChain pipeline: same articles, same model, one run.

    Needs what is compared: pip install 'backbot[bench]'.
    """
    from backbot.bench.run import bench_asking, bench_ingesting
    from backbot.progress import show_progress
    from backbot.terminal import console, print_figures

    if what not in ("ask", "ingest"):
        raise QuestionInvalid("There are two benchmarks: backbot bench ask, and backbot bench ingest.")
    with show_progress() as progress:
        places = sources or [default_corpus()]
        figures = (
            bench_asking(places, rounds, progress) if what == "ask" else bench_ingesting(places, rounds, most, progress)
        )
    print_figures(figures, console())


def _open_bot(settings: Settings) -> "Bot":
    # A fifth of a second: only commands that search pay for it.
    from backbot.bot import open_bot

    return open_bot(settings)


def _answer_batch(batch: Path, answer: Callable[[list[str]], dict[str, Any]]) -> None:
    """Print a line of JSON for each line of `batch`; a question that cannot be answered gives its error, and exit code 1."""
    failed = False
    for row in _read_lines(batch, {"id": str, "turns": list}):
        try:
            if not row["turns"] or not all(isinstance(turn, str) for turn in row["turns"]):
                raise QuestionInvalid("turns must hold at least one message, each a text.")
            result = answer(row["turns"])
        except QuestionInvalid as error:
            failed, result = True, {"error": str(error)}
        typer.echo(json.dumps({"id": row["id"], **result}, ensure_ascii=False))
    if failed:
        raise typer.Exit(1)


def _read_lines(file: Path, fields: dict[str, type]) -> Iterator[dict[str, Any]]:
    """The objects of a JSON Lines file that has these fields; raises SourceUnreadable naming the line."""
    try:
        lines = sys.stdin.readlines() if str(file) == "-" else file.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SourceUnreadable(f"{file} cannot be read: {getattr(error, 'strerror', None) or error}.") from None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            wrong = [name for name, kind in fields.items() if not isinstance(row.get(name), kind)]
        except (ValueError, AttributeError):
            wrong = list(fields)
        if wrong:
            raise SourceUnreadable(f"{file}:{number}: not a JSON object with {' and '.join(fields)}. Mend that line.")
        yield row


def _open_for_writing(file: Path):  # type: ignore[no-untyped-def]
    try:
        return file.open("w", encoding="utf-8")
    except OSError as error:
        raise SourceUnreadable(f"{file} cannot be written: {error.strerror}. Name another file.") from None


def _read_question() -> str:
    try:
        return input("\nYou: ").strip()
    except (EOFError, KeyboardInterrupt):
        return ""
