"""`backbot ingest`: read articles and publish an index of them, or show what that would change."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backbot.commands.options import IndexOption, SourcesArgument, default_corpus, settings_for
from backbot.errors import QuestionInvalid

if TYPE_CHECKING:
    from backbot.index.search import Generation


def ingest(
    sources: SourcesArgument = None,
    index: IndexOption = None,
    max_bad: Annotated[
        float, typer.Option(min=0, max=1, help="Publish nothing when more than this share cannot be read.")
    ] = 0.05,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change, and publish nothing.")] = False,
    diff: Annotated[
        Path | None, typer.Option(help="Show which questions of this suite get another answer, old beside new.")
    ] = None,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Build anew, embedding everything.")] = False,
    rollback: Annotated[bool, typer.Option("--rollback", help="Make the former generation live again.")] = False,
) -> None:
    """Read articles and publish an index of them.

    Only changed passages are embedded. Nothing is published when nothing changed. Readers keep being answered from the
    former generation until the new one is whole. Exit code 1: some articles were left out.

    With --dry-run --diff SUITE, the new index is built, asked and thrown away: see the answers before readers do.
    """
    if (rebuild or rollback) and (dry_run or diff):
        raise QuestionInvalid("--dry-run and --diff go with a plain ingest, not with --rebuild or --rollback.")
    settings = settings_for(index)
    if rollback:
        if settings.chroma_url:
            from backbot.index.sharing import open_shared

            name = open_shared(settings).roll_back()
        else:
            from backbot.index.generations import roll_back

            name = roll_back(settings.index)
        typer.echo(f"Generation {name} is live again.")
        return
    from backbot.index.ingest import ingest as run_ingest
    from backbot.index.ingest import preview
    from backbot.progress import show_progress
    from backbot.terminal import console, print_answer_changes, print_preview, print_summary

    places = sources or [default_corpus()]
    out = console()
    if dry_run and not diff:
        with show_progress() as progress:
            summary = preview(places, settings, progress, max_bad)
        print_preview(summary, out)
        raise typer.Exit(1 if summary.left_out else 0)

    from backbot.embeddings import load_embedder

    embedder = load_embedder(settings)
    if diff:
        from backbot.evaluation.answer_changes import AnswerChange, find_answer_changes
        from backbot.evaluation.suite import load_suite

        suite = load_suite(diff)
    changes: list[AnswerChange] = []
    with show_progress() as progress:

        def compare(old: "Generation", new: "Generation") -> None:
            changes.extend(find_answer_changes(suite, old, new, embedder, settings, progress))

        summary = run_ingest(places, settings, embedder, progress, max_bad, rebuild, compare if diff else None, dry_run)
    if diff:
        print_answer_changes(changes, out)
    if dry_run:
        print_preview(summary, out)
    else:
        print_summary(summary, out)
    if summary.left_out:
        raise typer.Exit(1)
