"""What the command line prints: replies, hits and summaries for people's eyes, by rich."""

import sys
from statistics import median
from typing import TYPE_CHECKING

from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from backbot.index.generations import Manifest
from backbot.index.ingest import IngestSummary
from backbot.records import Hit, Reply, Triage
from backbot.tracing import Trace

if TYPE_CHECKING:
    from backbot.bench.run import Figure
    from backbot.evaluation.answer_changes import AnswerChange

_LEVEL_STYLES = {"emergency": "bold white on red", "urgent": "bold red", "soon": "yellow", "none": "green"}
_LEVEL_TITLES = {
    "emergency": "Get emergency help now",
    "urgent": "Get medical help today",
    "soon": "See a clinician soon",
    "none": "No warning sign noticed",
}

_BAR = 40


def console() -> Console:
    """Where results go: standard output."""
    return Console(file=sys.stdout, highlight=False)


def error_console() -> Console:
    """Where remarks beside a result go: standard error."""
    return Console(file=sys.stderr, highlight=False)


def print_traces(first: Trace, again: Trace, out: Console) -> None:
    """Milliseconds by stage: of a first question, which also opens what is opened at first use, and of the same again."""
    table = Table("Stage", "first time, ms", "again, ms", "share of the second")
    for stage, milliseconds in again.milliseconds.items():
        bar = "█" * round(_BAR * milliseconds / again.whole)
        table.add_row(stage, f"{first.milliseconds[stage]:,.1f}", f"{milliseconds:,.1f}", bar)
    table.add_row("all, triage and retrieval side by side", f"{first.whole:,.1f}", f"{again.whole:,.1f}", style="bold")
    out.print(table)


def print_triage(triage: Triage, out: Console) -> None:
    """The referral as a box, with the words that raised it and who to call."""
    style = _LEVEL_STYLES[triage.level]
    text = Text(triage.advice or "Nothing in the words given is a warning sign that backbot knows.")
    for contact in triage.contacts:
        text.append(f"\n{contact.name}: {contact.number}", style="bold").append(f"  {contact.url}", style="dim")
    for flag in triage.flags:
        text.append(f"\nNoticed: {flag.label}, in your words: “{flag.quote}”", style="dim")
    out.print(Panel(text, title=_LEVEL_TITLES[triage.level], title_align="left", border_style=style))


def print_reply(reply: Reply, out: Console) -> None:
    """A reply: the referral first, then the sentences with their citations, then the sources."""
    if reply.triage.level != "none":
        print_triage(reply.triage, out)
    if reply.message:
        out.print(reply.message)
    for sentence in reply.sentences:
        out.print(Text(sentence.text).append(" " + "".join(f"[{n}]" for n in sentence.citations), style="cyan"))
    if reply.citations:
        out.print("\n[bold]Sources[/bold]")
    for citation in reply.citations:
        read = f"last checked {citation.reviewed}" if citation.reviewed else "not yet checked"
        overdue = ", [yellow]review overdue[/yellow]" if citation.is_overdue else ""
        out.print(f"[cyan]\\[{citation.n}][/cyan] {citation.title} › {citation.heading} [dim]({read}{overdue})[/dim]")
        out.print(Text(f"    {citation.link}", style="dim"), soft_wrap=True)
    if reply.suggestions:
        out.print("\n[bold]You could also ask[/bold]")
    for suggestion in reply.suggestions:
        out.print(Text(f"  {suggestion}"))
    out.print(Text(f"\n{reply.disclaimer}", style="dim"))


def print_hits(hits: list[Hit], out: Console) -> None:
    """The passages found, the best first, with their scores."""
    table = Table("Rank", "Score", "Cosine", "BM25", "Article", "Heading", "Passage", show_lines=False)
    for rank, hit in enumerate(hits, 1):
        passage = hit.passage
        start = passage.text[:90].replace("\n", " ")
        scores = (f"{hit.score:.3f}", f"{hit.dense:.3f}", f"{hit.lexical:.2f}")
        table.add_row(str(rank), *scores, passage.article, Text(passage.heading), Text(start + "…"))
    out.print(table)


def print_summary(summary: IngestSummary, out: Console) -> None:
    """What an ingest did, and what it left out."""
    for bad in summary.left_out:
        out.print(Text(f"Left out: {bad.place}: {bad.reason}", style="yellow"))
    for name in summary.stale:
        out.print(Text(f"Stale: {name} keeps serving its last good version", style="yellow"))
    verb = "Published" if summary.published else "Nothing changed; still serving"
    counts = f"{len(summary.added)} added, {len(summary.changed)} changed, {len(summary.removed)} removed"
    out.print(
        f"{verb} generation [bold]{summary.generation}[/bold]: {summary.articles} articles, {summary.passages} passages "
        f"({counts}, {len(summary.left_out)} left out; {summary.embedded} texts embedded) in {summary.seconds:.1f} s"
    )


def print_preview(summary: IngestSummary, out: Console) -> None:
    """What an ingest would change, article by article."""
    rows = {
        "Added": summary.added,
        "Changed": summary.changed,
        "Removed": summary.removed,
        "Stale": summary.stale,
        "Left out": tuple(f"{bad.place}: {bad.reason}" for bad in summary.left_out),
    }
    for name, values in rows.items():
        for value in values:
            out.print(Text(f"{name}: {value}", style="yellow" if name in ("Removed", "Stale", "Left out") else ""))
    counts = ", ".join(f"{len(values)} {name.lower()}" for name, values in rows.items())
    out.print(f"An ingest would leave {summary.articles} articles ({counts}). Nothing was published.")


def print_answer_changes(changes: "list[AnswerChange]", out: Console) -> None:
    """Each question that gets another answer, the old one beside the new one."""
    for change in changes:
        table = Table("Old answer", "New answer", title=Text(f"{change.case}: {change.turns[-1]}"), title_justify="left")
        table.add_row(*(Text(_said(reply)) for reply in (change.old, change.new)))
        out.print(table)
        if change.articles:
            out.print(Text("Because of: " + ", ".join(change.articles), style="dim"))
    verb = "question gets" if len(changes) == 1 else "questions get"
    out.print(f"{len(changes)} {verb} another answer.")


def _said(reply: Reply) -> str:
    """The sentences with the article of each; what is said instead where there are none."""
    articles = {citation.n: citation.article for citation in reply.citations}
    lines = (f"{s.text} [{', '.join(articles[n] for n in s.citations)}]" for s in reply.sentences)
    return "\n".join(lines) or f"({reply.outcome}) {reply.message}"


def print_status(index: str, manifest: Manifest, kept: list[str], server: str, out: Console) -> None:
    """Which generation is live, what it holds and what it was built from; how its Chroma server is, where it has one."""
    model = manifest.model
    size = sum(size for size, _ in manifest.files.values()) / 2**20
    rows = {
        "Index": index,
        "Live generation": f"{manifest.name} (built {manifest.created}, {size:.1f} MB)",
        "Kept generations": ", ".join(kept),
        **({"Chroma server": server} if server else {}),
        "Built from": ", ".join(manifest.sources),
        "Articles": str(len(manifest.articles)),
        "Stale articles": ", ".join(manifest.stale) or "none",
        "Passages": f"{manifest.passages} ({manifest.sentences} sentences)",
        "Embedding model": f"{model.name}, {model.engine} {model.precision}, weights SHA-256 {model.weights_sha256[:16]}…",
    }
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for name, value in rows.items():
        table.add_row(f"[bold]{name}[/bold]", Text(value))
    out.print(table)


def print_figures(figures: "list[Figure]", out: Console) -> None:
    """A benchmark's figures: medians with their spread, and how many times more the stock pipeline takes."""
    table = Table("What", "backbot", "stock pipeline", "ratio")
    for figure in figures:
        cells = (
            f"{median(runs):,.1f} {figure.unit} ({min(runs):,.1f}-{max(runs):,.1f})" if runs else ""
            for runs in (figure.backbot, figure.stock)
        )
        table.add_row(figure.name, *cells, f"{figure.ratio:.1f}x" if figure.stock else "")
    out.print(table)
    out.print("Medians (smallest-largest) of runs that took turns. Ratio: the stock pipeline's median over backbot's.")
