"""The page for the clinician who signs off: every flag with what it rests on and how well it is found, in one HTML file."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from backbot.templates import open_templates
from backbot.triage.measure import Case, Outcome, Share, by_flag, by_group, headline, judge
from backbot.triage.review import Review
from backbot.triage.rules import FlagRow, load_rules, rules_version

_MOST_EXAMPLES = 6


@dataclass(frozen=True, slots=True)
class FlagReport:
    """A flag's row, how well it is found, and examples."""

    row: FlagRow
    reached: Share
    named: Share
    alarms: Share
    caught: tuple[Outcome, ...]
    missed: tuple[Outcome, ...]
    false_alarms: tuple[Outcome, ...]


def write_report(path: Path, cases: Sequence[Case], review: Review | None = None) -> None:
    """Writes the page; `cases` are messages whose right answer is known. Needs no network to be read."""
    from backbot.triage import triage

    rules = load_rules()
    outcomes = judge(cases, triage)
    shares = {level.name: (level, named, alarms) for level, named, alarms in by_flag(outcomes)}
    page = open_templates(Path(__file__).parent).get_template("report.html.jinja")
    path.write_text(
        page.render(
            version=rules_version(),
            review=review,
            today=date.today().isoformat(),
            count=len(outcomes),
            headline=headline(outcomes),
            flags=[_flag_report(row, outcomes, shares) for row in rules.flags],
            voices=by_group(outcomes, lambda case: case.voice),
            kinds=by_group(outcomes, lambda case: case.kind),
            texts=rules.texts,
            countries=sorted({country.code: country for country in rules.countries.values()}.values(), key=lambda c: c.code),
        ),
        "utf-8",
    )


def _flag_report(row: FlagRow, outcomes: Sequence[Outcome], shares: dict[str, tuple[Share, Share, Share]]) -> FlagReport:
    def has(outcome: Outcome) -> bool:
        return any(flag.id == row.id for flag in outcome.triage.flags)

    nothing = Share(row.id, 0, 0)
    reached, named, alarms = shares.get(row.id, (nothing, nothing, nothing))
    wanted = [outcome for outcome in outcomes if row.id in outcome.case.flags]
    return FlagReport(
        row=row,
        reached=reached,
        named=named,
        alarms=alarms,
        caught=tuple(o for o in wanted if has(o))[:_MOST_EXAMPLES],
        missed=tuple(o for o in wanted if not has(o))[:_MOST_EXAMPLES],
        false_alarms=tuple(o for o in outcomes if not o.case.flags and has(o))[:_MOST_EXAMPLES],
    )
