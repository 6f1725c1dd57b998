"""Progress bars for long work, on standard error, with rate and time left."""

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from backbot.index.reading import Progress as Advance


@contextlib.contextmanager
def show_progress() -> Iterator["Advance"]:
    """A function to be told (stage, done, total); a total of 0 means that it is not known."""
    columns = (SpinnerColumn(), TextColumn("{task.description:<10}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TextColumn("{task.fields[rate]}"), TimeRemainingColumn(), console=Console(stderr=True)) as bar:
        tasks = {}

        def advance(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(stage, total=total or None, rate="")
            task = tasks[stage]
            speed = bar.tasks[task].finished_speed or bar.tasks[task].speed
            bar.update(task, completed=done, total=total or None, rate=f"{speed:,.0f}/s" if speed else "")

        yield advance
