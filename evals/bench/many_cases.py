"""How long a suite of many cases takes, and whether two runs of it say the same: the figures of evals/README.md.

Run it in the project's folder, after `backbot ingest`: python evals/bench/many_cases.py [CASES]
The questions are the articles' headings that ask, worded in several ways, and questions about other things.
"""

import re
import sys
import time
from collections.abc import Iterator
from itertools import cycle, islice

from backbot.bot import Bot, open_bot
from backbot.evaluation.command import evaluate
from backbot.evaluation.report import render_report
from backbot.evaluation.run import run_to_json
from backbot.evaluation.suite import Case, Limit, Suite
from backbot.settings import load_settings

WORDINGS = ("{}", "hi, {}", "{} please help", "my back is sore. {}", "can you tell me: {}")
ELSEWHERE = ("how do I bake bread number {}", "who won match {} last night", "what is the capital of country {}")


def questions(bot: Bot) -> Iterator[Case]:
    """Cases without end: four that the articles answer, then one that they do not."""
    headings = [
        (passage.article, passage.heading)
        for passage in bot.index.live().content.all_passages()
        if passage.part == 0 and passage.heading.endswith("?")
    ]
    for n, (article, heading) in enumerate(cycle(headings)):
        wording = WORDINGS[n // len(headings) % len(WORDINGS)]
        if n % 5 == 4:
            yield Case(f"elsewhere-{n}", ((ELSEWHERE[n % len(ELSEWHERE)].format(n),),), "decline", topic="elsewhere")
        else:
            yield Case(f"{article}-{n}", ((wording.format(heading),),), "answer", topic=article, any_of=(article,))


def main() -> None:
    """Run the suite twice and print what was found."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    settings = load_settings()
    bot = open_bot(settings)
    suite = Suite("Many cases", tuple(islice(questions(bot), count)), gate=(Limit("passed", 0.5), Limit("quotes", 1.0)))
    runs, pages = [], []
    for _ in range(2):
        began = time.perf_counter()
        runs.append(evaluate(suite, settings, fresh=True, bot=bot))
        asked = time.perf_counter() - began
        pages.append(render_report(runs[-1]))
        whole = time.perf_counter() - began
        print(f"{count} cases: asked and judged in {asked:.1f} s, with the report {whole:.1f} s, {runs[-1].verdict}")
    same = [re.sub(r"<!-- times -->.*?<!-- /times -->", "", page, flags=re.S) for page in pages]
    texts = [run_to_json(run).partition('"times"')[0] for run in runs]
    print(
        f"The report has {len(pages[0].encode()):,} bytes. Apart from times the reports are the same: {same[0] == same[1]},"
    )
    print(f"and so are the runs: {texts[0] == texts[1]}.")


if __name__ == "__main__":
    main()
