"""The report for people's eyes and for programs: a table in the terminal, JSON, one HTML file that can be mailed."""

import json
from collections import Counter
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from backbot.corpus_check.findings import Report
from backbot.errors import SourceUnreadable
from backbot.templates import open_templates

_SHOWN_OF_A_RULE = 5
_STYLES = {"fault": "bold red", "warning": "yellow"}


def render_table(report: Report, console: Console, show_all: bool = False) -> None:
    """Print the findings, of each rule the first few warnings unless `show_all`, then the counts."""
    if report.findings:
        table = Table(show_lines=False, pad_edge=False, box=None)
        for heading in ("", "Where", "What", "Next step"):
            table.add_column(heading, overflow="fold")
        shown: Counter[str] = Counter()
        left_out: Counter[str] = Counter()
        for finding in report.findings:
            if finding.level == "warning" and not show_all and shown[finding.rule] >= _SHOWN_OF_A_RULE:
                left_out[finding.rule] += 1
                continue
            shown[finding.rule] += 1
            what = Text(f"{finding.rule}: {finding.what}")
            for quote in finding.quotes:
                what.append(f"\n  {quote.place}: “{_cut(quote.text)}”", style="dim")
            table.add_row(
                Text(finding.level, style=_STYLES[finding.level]), Text(finding.place), what, Text(finding.next_step)
            )
        console.print(table)
        for rule, count in left_out.items():
            console.print(Text(f"... and {count} more: {rule}", style="dim"))
    hardest = max(report.levels, key=lambda level: level.grade, default=None)
    counts = f"{len(report.levels)} articles, {len(report.faults)} faults, {len(report.warnings)} warnings"
    grades = (
        f"; reading grade {report.median_grade:g} in the middle, {hardest.grade:g} at most ({hardest.article})"
        if hardest
        else ""
    )
    console.print(Text(counts + grades, style="red" if report.faults else "green"))
    for note in report.notes:
        console.print(Text(note, style="dim"))


def to_json(report: Report) -> str:
    """The report as JSON: `articles, faults, warnings, median_grade, findings[], levels[], checked_on, notes[]`."""
    return json.dumps(report.to_dict(), ensure_ascii=False, indent=2)


def write_html(report: Report, path: Path) -> None:
    """Write the report as one HTML file that needs nothing else; raises SourceUnreadable where it cannot be written."""
    rules = [
        (rule, [f for f in report.findings if f.rule == rule]) for rule in dict.fromkeys(f.rule for f in report.findings)
    ]
    html = open_templates(Path(__file__).parent).get_template("report.html").render(report=report, rules=rules)
    try:
        path.write_text(html, "utf-8")
    except OSError as error:
        raise SourceUnreadable(f"{path} cannot be written ({error.strerror}). Name another file.") from None


def _cut(text: str, most: int = 160) -> str:
    return text if len(text) <= most else text[: most - 1].rsplit(" ", 1)[0] + " …"
