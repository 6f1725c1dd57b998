"""The report's pictures, drawn by matplotlib as inline SVG: the same bytes for the same figures, text kept as text.

What is black in them takes the page's ink, and the ground is the page's, so that they can be read on a dark screen too.
"""

import io
import re
from collections.abc import Sequence
from textwrap import fill
from typing import TYPE_CHECKING

from backbot.evaluation.coverage import DeclineBin
from backbot.evaluation.run import GateLine

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Okabe and Ito's colours, told apart by readers with any kind of colour blindness.
BLUE, ORANGE, GREEN, RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"
_COLOURS = {"PASS": GREEN, "FAIL": RED, "NOT ENOUGH CASES": ORANGE}
WIDTH = 4.4
"""Inches. As wide as a phone: there the letters keep their size, and on a desk the picture need not be wider."""

_MARKS = {"PASS": "o", "FAIL": "X", "NOT ENOUGH CASES": "D"}


def draw_gate(lines: Sequence[GateLine]) -> str:
    """Each share of the gate with its interval, and a bar where its limit is; nothing when the gate has no share."""
    shares = [line for line in lines if line.figure.kind == "share" and line.figure.total][::-1]
    if not shares:
        return ""
    figure, axes = _new(0.7 + 0.42 * len(shares))
    for row, line in enumerate(shares):
        colour = _COLOURS[line.judged.verdict]
        axes.plot([line.figure.low, line.figure.high], [row, row], color=colour, linewidth=3, solid_capstyle="butt")
        axes.plot([line.figure.value], [row], _MARKS[line.judged.verdict], color=colour, markersize=9, clip_on=False)
        axes.plot([line.limit.value] * 2, [row - 0.35, row + 0.35], color="black", linewidth=1.5)
    axes.set_yticks(range(len(shares)), [fill(line.figure.title, 18) for line in shares])
    axes.set_ylim(-0.6, len(shares) - 0.4)
    axes.set_xlim(-0.02, 1.02)
    axes.set_xlabel("share of cases, its 95 % interval;\nupright bar: the gate")
    return _svg(figure, "gate", "The gate: each share with its interval and limit. The table below says the same.")


def draw_declines(bins: Sequence[DeclineBin]) -> str:
    """Answered and declined, rightly and wrongly, by the cosine of the best passage."""
    if not bins:
        return ""
    figure, axes = _new(2.9)
    places = range(len(bins))
    below = [0] * len(bins)
    for name, title, colour, hatch in (
        ("right_answered", "answered, rightly", BLUE, ""),
        ("right_declined", "declined, rightly", GREEN, "/"),
        ("wrong_answered", "answered, should be declined", RED, "x"),
        ("wrong_declined", "declined, should be answered", ORANGE, "."),
    ):
        counts = [getattr(row, name) for row in bins]
        axes.bar(places, counts, bottom=below, color=colour, hatch=hatch, edgecolor="white", label=title, width=0.85)
        below = [a + b for a, b in zip(below, counts, strict=True)]
    axes.set_xticks(places, [f"{row.low:.1f}" for row in bins])
    axes.set_xlabel("cosine of the best passage, from")
    axes.set_ylabel("answers")
    figure.legend(frameon=False, loc="outside upper left", fontsize="small", ncols=2, columnspacing=0.8, handletextpad=0.4)
    return _svg(figure, "declines", "Answered and declined by how near the best passage is. The table below says the same.")


def draw_times(milliseconds: Sequence[float]) -> str:
    """A histogram of how long replies took."""
    if not milliseconds:
        return ""
    figure, axes = _new(1.8)
    axes.hist(milliseconds, bins=30, color=BLUE)
    axes.set_xlabel("milliseconds a reply")
    axes.set_ylabel("replies")
    return _svg(figure, "times", "How long replies took. The table below names the slowest.")


def _new(height: float):  # type: ignore[no-untyped-def]
    # A second of import that only a report pays for; without pyplot, so that threads may draw.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    axes = figure.subplots()
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    return figure, axes


def _svg(figure: "Figure", name: str, label: str) -> str:
    import matplotlib

    out = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": name, "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 9}):
        figure.savefig(out, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = out.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.S)
    svg = svg.replace("#000000", "currentColor")
    # Several pictures stand in one page: their ids must differ, and the width must follow the page's.
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r"url\(#", f"url(#{name}-", svg)
    svg = re.sub(r'href="#', f'href="#{name}-', svg)
    return re.sub(r'<svg [^>]*?(viewBox="[^"]*")[^>]*>', _opening(label), svg, count=1)


def _opening(label: str) -> str:
    space = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    return rf'<svg {space} \1 role="img" aria-label="{label}">'
