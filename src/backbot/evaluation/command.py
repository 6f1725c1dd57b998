"""`backbot eval`: ask a suite, judge it, show it, and say by the exit code whether its gate held."""

import sys
import time
from dataclasses import replace
from datetime import UTC, date, datetime
from difflib import get_close_matches
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from backbot.errors import SuiteInvalid
from backbot.evaluation.articles import Articles
from backbot.evaluation.asking import Answer, Ask, Progress, ask_all, ask_bot, ask_triage
from backbot.evaluation.run import METRIC_NAMES, Run, Times, as_baseline, make_run, read_run, run_to_json
from backbot.evaluation.suite import Case, Suite, load_suite
from backbot.settings import Settings

if TYPE_CHECKING:
    from backbot.bot import Bot

WARM_UP = ("is walkng good for my back?",)
"""Asked first and not counted, so that what is loaded once, for a misspelt word too, is not taken for a slow reply."""


def run_eval(
    suite: Path,
    settings: Settings,
    *,
    baseline: Path | None = None,
    html: Path | None = None,
    junit: Path | None = None,
    save: Path | None = None,
    case: str | None = None,
    as_json: bool = False,
    fresh: bool = False,
) -> int:
    """Run the suite and print what it showed; the exit code is 1 when a line of its gate failed, else 0.

    `baseline` is a run to compare with, `html`, `junit` and `save` are files to write, `case` is the one case to run and
    show whole, `fresh` leaves the cache aside. Raises SuiteInvalid for a suite or a run with a fault, IndexUnusable or
    ModelUnavailable when there is nothing to ask.
    """
    from backbot.evaluation.comparing import compare
    from backbot.evaluation.terminal import print_case, print_comparison, print_run
    from backbot.progress import show_progress

    for file in filter(None, (html, junit, save)):
        _check_target(file, suite)
    loaded = load_suite(suite, METRIC_NAMES)
    earlier = read_run(baseline) if baseline else None
    if case is not None:
        loaded = replace(loaded, cases=(_find(loaded, case),), gate=())
    with show_progress() as progress:
        run = evaluate(loaded, settings, progress, fresh=fresh)
    comparison = compare(run, earlier) if earlier else None
    if save:
        _write(save, run_to_json(as_baseline(run)))
    if html:
        from backbot.evaluation.report import render_report

        _write(html, render_report(run, comparison))
    if junit:
        from backbot.evaluation.junit import render_junit

        _write(junit, render_junit(run))
    out = Console(file=sys.stdout, highlight=False)
    if as_json:
        sys.stdout.write(run_to_json(run) + "\n")
    elif case is not None:
        print_case(run.cases[0], out)
    else:
        if comparison:
            print_comparison(comparison, out)
        print_run(run, out)
    if case is not None:
        return 0 if run.cases[0].is_right else 1
    return 1 if run.verdict == "FAIL" else 0


def evaluate(
    suite: Suite, settings: Settings, advance: Progress | None = None, *, fresh: bool = False, bot: "Bot | None" = None
) -> Run:
    """Ask the whole suite of `bot`, of the index that the settings name where none is given, or of triage alone.

    Answers that the cache holds are not asked for again, unless `fresh`.
    """
    asked = {"backbot": version("backbot")}
    if suite.triage_only:
        ask = ask_triage(settings.country)
        ask(WARM_UP)
        return ask_and_judge(suite, ask, Articles({}), asked, advance)
    # Only a suite that asks for answers pays for what an index needs.
    from backbot.bot import open_bot
    from backbot.evaluation.cache import AnswerCache, cache_key
    from backbot.evaluation.opinions import give_opinions, load_judges

    judges = load_judges(settings)
    bot = bot or open_bot(settings)
    generation = bot.index.live()
    manifest = generation.manifest
    asked |= {"index": manifest.name, "model": f"{manifest.model.name} {manifest.model.precision}"}
    key = cache_key(settings, repr(manifest), date.today().isoformat())
    cache = AnswerCache(_cache_folder(settings), key)
    ask = ask_bot(bot)
    ask(WARM_UP)
    articles = Articles(manifest.articles, generation)
    run = ask_and_judge(suite, ask if fresh else cache.asking(ask), articles, asked, advance)
    cache.save()
    run = replace(run, opinions=give_opinions(run.cases, articles, judges, advance))
    return replace(run, times=replace(run.times, kept=cache.used))


def ask_and_judge(suite: Suite, ask: Ask, articles: Articles, asked: dict[str, str], advance: Progress | None = None) -> Run:
    """Put every wording of every case to `ask` and judge what comes back."""
    started, began = datetime.now(UTC), time.perf_counter()
    wordings = [(case.id, turns) for case in suite.cases for turns in case.asks]
    by_case: dict[str, list[Answer]] = {case.id: [] for case in suite.cases}
    for (name, _), answer in zip(wordings, ask_all([turns for _, turns in wordings], ask, advance), strict=True):
        by_case[name].append(answer)
    return make_run(suite, by_case, articles, asked, Times(f"{started:%Y-%m-%d %H:%M} UTC", time.perf_counter() - began))


def convert(direction: str, files: list[Path]) -> None:
    """`export SUITE FILE` writes a suite as a table (.csv or .xlsx), `import FILE SUITE` reads one back."""
    from backbot.evaluation.spreadsheet import export_suite, import_suite

    if len(files) != 2:
        raise SuiteInvalid("Give two files: backbot eval export SUITE FILE.csv, or backbot eval import FILE.csv SUITE.")
    _check_target(files[1], files[0])
    if direction == "export":
        export_suite(load_suite(files[0], METRIC_NAMES), files[1])
    elif files[1].suffix not in (".yaml", ".yml"):
        raise SuiteInvalid(f"{files[1]} is no name for a suite. End it in .yaml.")
    else:
        _write(files[1], import_suite(files[0], METRIC_NAMES))


def _cache_folder(settings: Settings) -> Path:
    return settings.model_cache.expanduser() / "evals"


def _check_target(target: Path, given: Path) -> None:
    """Before anything is asked: what is written must not take the place of what is read."""
    if target.resolve() == given.resolve():
        raise SuiteInvalid(f"{target} is what is read; it would be lost. Name another file to write.")
    if target.is_dir():
        raise SuiteInvalid(f"{target} is a folder. Name a file in it to write.")


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise SuiteInvalid(f"{path} cannot be written: {error.strerror}. Name another file.") from None


def _find(suite: Suite, name: str) -> Case:
    for case in suite.cases:
        if case.id == name:
            return case
    near = get_close_matches(name, [case.id for case in suite.cases], n=3, cutoff=0.4)
    hint = f"Did you mean {' or '.join(near)}?" if near else "Its ids are in the file, behind `id:`."
    raise SuiteInvalid(f"{suite.file} has no case {name!r}. {hint}")
