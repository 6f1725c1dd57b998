"""`backbot corpus`: for editors, what is wrong with their articles and what a loader sees of them."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backbot.commands.options import JsonOption, SourcesArgument, default_corpus, settings_for
from backbot.errors import ModelUnavailable, QuestionInvalid
from backbot.settings import Settings

if TYPE_CHECKING:
    from backbot.loaders import Found

corpus = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    help="For editors: check the articles, or show them as backbot reads them.",
)


@corpus.command()
def check(
    sources: SourcesArgument = None,
    as_json: JsonOption = False,
    html: Annotated[Path | None, typer.Option(help="Write the report as one HTML file that can be mailed.")] = None,
    show_all: Annotated[bool, typer.Option("--all", help="Show every warning, not the first few of each kind.")] = False,
) -> None:
    """Look for faults in the articles: dates, links, sources, contradictions, hard words, missing help.

    Faults make the exit code 1. Warnings do not: an editor should look at them.
    """
    # The loaders cost a third of a second, and `backbot ask` comes by here.
    from backbot.corpus_check import check_corpus, render_table, to_json, write_html
    from backbot.loaders import BadArticle
    from backbot.records import Article
    from backbot.terminal import console

    settings = settings_for()
    articles: list[Article] = []
    bad: list[BadArticle] = []
    places: dict[str, str] = {}
    for place, found in _read_all(sources or [default_corpus()], settings):
        if isinstance(found, BadArticle):
            bad.append(found)
        elif found.id in places:
            bad.append(BadArticle(place, f"has the id {found.id!r}, which {places[found.id]} has already", found.id))
        else:
            articles.append(found)
            places[found.id] = place
    embed, fault = None, ""
    try:
        from backbot.embeddings import load_embedder

        embed = load_embedder(settings).embed
    except ModelUnavailable as error:
        fault = str(error)
    report = check_corpus(articles, bad, embed, places=places)
    if html:
        write_html(report, html)
    if as_json:
        typer.echo(to_json(report))
    else:
        render_table(report, console(), show_all)
    if fault:
        typer.echo(f"backbot: {fault}", err=True)
    if report.faults:
        raise typer.Exit(1)


@corpus.command()
def read(
    source: Annotated[str, typer.Argument(help="A file, a folder, an export or a site.")],
    as_json: JsonOption = False,
) -> None:
    """Show the articles as the loader sees them: what was kept of each page.

    With --json a line for each article: {"id": "...", "path" or "url": "...", "title": "...", "body": "..."}. What cannot
    be read is named on stderr and makes the exit code 1.
    """
    from backbot.loaders import BadArticle

    failed = False
    for place, found in _read_all([source], settings_for()):
        if isinstance(found, BadArticle):
            failed = True
            typer.echo(str(found), err=True)
        elif as_json:
            where = {"url": found.url} if found.url else {"path": place}
            row = {"id": found.id, **where, "title": found.title, "body": found.body}
            typer.echo(json.dumps(row, ensure_ascii=False))
        else:
            typer.echo(f"{found.id}  ({place})\n\n# {found.title}\n\n{found.body.strip()}\n")
    if failed:
        raise typer.Exit(1)


def _read_all(sources: Sequence[str], settings: Settings) -> Iterator["Found"]:
    """Everything that the sources hold, with its place. Pages of sites are not kept: the index need not exist yet."""
    from backbot.loaders import read_source

    if not all(sources):
        raise QuestionInvalid("A source is empty. Name a file, a folder or the address of a site.")
    for source in sources:
        yield from read_source(source, allow_private=settings.allow_private_sources)
