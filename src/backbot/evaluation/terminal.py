"""What `backbot eval` prints: the verdict, the gate, what is wrong, and everything about one case."""

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from backbot.evaluation.asking import Answer, answer_version
from backbot.evaluation.checks import says, shown_text
from backbot.evaluation.comparing import Comparison
from backbot.evaluation.figures import Figure
from backbot.evaluation.judging import CaseResult
from backbot.evaluation.opinions import summarise
from backbot.evaluation.run import Run, times_note
from backbot.evaluation.statistics import p_text, percentile

STYLES = {"PASS": "bold green", "FAIL": "bold red", "NOT ENOUGH CASES": "bold yellow"}
MOST_SHOWN = 40


def print_run(run: Run, out: Console) -> None:
    """The verdict, the gate, the other figures and the cases that are wrong."""
    wordings = sum(len(result.answers) for result in run.cases)
    asked = ", ".join(f"{name} {value}" for name, value in run.asked.items())
    out.print(Text(run.verdict, style=STYLES[run.verdict]).append(f"  {run.suite}", style="default"))
    size = f"{_counted(len(run.cases), 'case')} in {_counted(wordings, 'wording')}"
    out.print(f"{size}, {run.times.seconds:.1f} s; {asked}", style="dim")
    if run.is_overdue:
        out.print(f"[yellow]The suite should have been looked at again by {run.review_by}.[/yellow]")
    if not run.gate:
        out.print("The suite has no gate, so nothing can pass. Name what it must reach, such as gate: {answered: 0.97}")
    if run.gate:
        table = Table("Gate", "Wanted", "Found", "95 % interval", "Verdict", "", title="The gate", title_justify="left")
        for line in run.gate:
            verdict = Text(line.judged.verdict, style=STYLES[line.judged.verdict])
            table.add_row(line.figure.title, str(line.limit), *_columns(line.figure), verdict, line.judged.reason)
        out.print(table)
    gated = {line.limit.metric for line in run.gate}
    table = Table("Figure", "Found", "95 % interval", title="Not in the gate", title_justify="left")
    for figure in run.figures:
        if figure.name not in gated:
            table.add_row(figure.title, *_columns(figure))
    out.print(table)
    times = [1000 * second for seconds in run.times.by_case.values() for second in seconds]
    median, slow = percentile(times, 0.5), percentile(times, 0.95)
    out.print(f"a reply: median {median:.1f} ms, 95th percentile {slow:.1f} ms, asked side by side", style="dim")
    if note := times_note(run.times.kept, len(times)):
        out.print(note, style="dim")
    _print_opinions(run, out)
    _print_wrong(run, out)
    for problem in run.problems[:MOST_SHOWN]:
        out.print(f"[yellow]Look at this:[/yellow] {escape(problem)}")
    stale = [result for result in run.cases if result.stale]
    for result in stale[:MOST_SHOWN]:
        out.print(f"[yellow]Check again:[/yellow] {escape(result.case.id)}: {escape(result.stale)}")


def _print_opinions(run: Run, out: Console) -> None:
    for summary in summarise(run.opinions):
        marks = summary.agreement
        kappa = "-" if marks.kappa is None else f"{marks.kappa:.2f}"
        found = f"{summary.good.hits}/{summary.good.total} good, {summary.unscored} not judged"
        trust = f"kappa {kappa} with editors' marks, n = {marks.total}"
        out.print(Text(f"Advice only, {summary.judge}: {found}; {trust}", style="dim"))


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _columns(figure: Figure) -> tuple[str, str]:
    """What was found, and its interval."""
    match figure.kind:
        case "share":
            found = f"{figure.hits}/{figure.total} = {figure.value:.3f}" if figure.total else "0/0"
        case "mean":
            found = f"{figure.value:.3g} over {figure.total}"
            return found, f"{figure.low:.3g} to {figure.high:.3g}"
        case "time":
            return f"{figure.value:.1f} ms over {figure.total}", ""
    return found, f"{figure.low:.3f} to {figure.high:.3f}"


def _print_wrong(run: Run, out: Console) -> None:
    wrong = [result for result in run.cases if not result.is_right]
    # Messages of a held-out file stay unseen: only their numbers are printed.
    if run.triage_only or not wrong:
        return
    out.print(f"\n[bold]{_counted(len(wrong), 'case')} with a fault[/bold] (backbot eval SUITE --case ID shows one)")
    for result in wrong[:MOST_SHOWN]:
        out.print(Text(f"  {result.case.id}", style="bold").append(": " + result.reasons[:300], style="default"))
    if len(wrong) > MOST_SHOWN:
        out.print(f"  and {len(wrong) - MOST_SHOWN} more")


def print_case(result: CaseResult, out: Console) -> None:
    """Everything about one case: what was expected, what came back and from where, what is wrong and why."""
    case = result.case
    verdict = Text("RIGHT", style=STYLES["PASS"]) if result.is_right else Text("WRONG", style=STYLES["FAIL"])
    out.print(Text.assemble(verdict, f"  {case.id}  expects {case.expect}, got {result.found}"))
    rows = {
        "any_of": ", ".join(case.any_of),
        "all_of": ", ".join(case.all_of),
        "never": ", ".join(case.never),
        "topic": case.topic,
        "risk": case.risk,
        "red flag": ", ".join((*case.red_flag, *(f"near miss of {flag}" for flag in case.near_miss_of))),
        "article_version": result.version,
        "check again": result.stale,
    }
    for name, value in rows.items():
        if value:
            out.print(Text(f"{name}: {value}", style="dim"))
    for answer in result.answers:
        _print_answer(result, answer, out)
    table = Table("Check", "", "Why")
    for name, right in result.checks.items():
        mark = Text("right", style="green") if right else Text("wrong", style="red")
        table.add_row(name, mark, Text(result.why.get(name, "")))
    out.print(table)
    out.print(Text("  ".join(f"{name} {value:.3g}" for name, value in result.numbers.items()), style="dim"))


def _print_answer(result: CaseResult, answer: Answer, out: Console) -> None:
    out.rule(align="left")
    for turn in answer.turns:
        out.print(Text(f"Reader: {turn}"))
    if answer.error:
        out.print(Text(answer.error, style="red"))
        return
    if answer.triage:
        out.print(Text(f"triage: {answer.triage.level}", style="dim"))
        for flag in answer.triage.flags:
            out.print(Text(f"  {flag.id} ({flag.level}), message {flag.turn + 1}: “{flag.quote}”", style="dim"))
    reply = answer.reply
    if reply is None:
        return
    out.print(Text(f"outcome: {reply.outcome}, {answer.seconds * 1000:.0f} ms, searched: {reply.question}", style="dim"))
    out.print(Text(f"answer_version: {answer_version(reply)}", style="dim"))
    for sentence in reply.sentences:
        cited = ", ".join(f"{c.article} › {c.heading}" for c in reply.citations if c.n in sentence.citations)
        out.print(Text(f"  {sentence.text} ").append(f"[{cited}]", style="cyan"))
    if reply.message:
        out.print(Text(f"  {reply.message}", style="dim"))
    text = shown_text(reply, answer.triage)
    for words in result.case.must_say:
        out.print(Text(f"  must say {'✓' if says(text, words) else '✗'} {words}"))
    for words in result.case.must_not_say:
        out.print(Text(f"  must not say {'✗' if says(text, words) else '✓'} {words}"))
    table = Table("", "Score", "Cosine", "BM25", "Article", "Heading")
    for place, hit in enumerate(answer.hits, 1):
        style = "green" if hit.article in result.case.right_articles else ""
        scores = (f"{hit.score:.3f}", f"{hit.dense:.3f}", f"{hit.lexical:.2f}")
        table.add_row(str(place), *scores, Text(hit.article), Text(hit.heading), style=style)
    out.print(table)


def print_comparison(comparison: Comparison, out: Console) -> None:
    """What changed since the baseline: what got worse first."""
    out.print(f"[bold]Since the baseline[/bold] ({comparison.baseline['when']})")
    for title, style, changes in (
        ("newly failing", "bold red", comparison.newly_failing),
        ("newly passing", "green", comparison.newly_passing),
    ):
        out.print(Text(f"{len(changes)} {title}", style=style))
        for change in changes[:MOST_SHOWN]:
            changed = f" (article changed: {', '.join(change.articles)})" if change.articles else ""
            faults = (change.after if style == "bold red" else change.before).reasons
            out.print(Text(f"  {change.after.case.id}", style="bold").append(f"{changed}: {faults}"[:300], style="default"))
    changed = _counted(len(comparison.other_answers), "other answer")
    out.print(f"{changed} changed, as right or wrong as before")
    for title, names in (
        ("new", comparison.added),
        ("gone", comparison.removed),
        ("rewritten, so not compared", comparison.rewritten),
    ):
        if names:
            more = f" and {len(names) - MOST_SHOWN} more" if len(names) > MOST_SHOWN else ""
            out.print(Text(f"{len(names)} {title}: {', '.join(names[:MOST_SHOWN])}{more}"))
    table = Table("Metric", "Got worse", "Got better", "p (McNemar)")
    for shift in comparison.shifts:
        table.add_row(shift.title, str(shift.worse), str(shift.better), p_text(shift.p))
    out.print(table)
    speed = comparison.speed
    style = "bold red" if speed.is_slower else "dim"
    out.print(Text(f"median {speed.before:.1f} ms, now {speed.after:.1f} ms (p {p_text(speed.p)})", style=style))
    if speed.note:
        out.print(speed.note, style="dim")
    out.print()
