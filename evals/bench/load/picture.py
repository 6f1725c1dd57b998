"""The figures of a load run as one picture."""

from pathlib import Path
from typing import Any

BLUE, LIGHT, RED, GREY = "#1f5f99", "#7fb2dd", "#b3402a", "#666666"


def draw(found: dict[str, Any], file: Path) -> None:
    """Write latency and the share of refusals against readers, and memory over time, as SVG."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    steps = [step for step in found["steps"] if step["step"].endswith(" readers") and step["step"][0].isdigit()]
    counts = [int(step["step"].split()[0]) for step in steps]
    figure, (waits, shares, memory) = pyplot.subplots(3, 1, figsize=(7, 8), height_ratios=(3, 1.3, 1.6))
    for name, style, colour in (("p99", ":", BLUE), ("p95", "--", BLUE), ("p50", "-", BLUE)):
        values = [step[name] if step[name] is not None else float("nan") for step in steps]
        waits.plot(counts, values, style, color=colour, marker="o", label=f"answered, {label_of(name)}")
    refused = [step["refused_p50"] if step["refused_p50"] is not None else float("nan") for step in steps]
    waits.plot(counts, refused, "-", color=RED, marker="s", label="refused, median")
    waits.set(ylabel="milliseconds", title="How long a reader waits")
    waits.legend(frameon=False)
    shares.bar(range(len(counts)), [100 * step["share_503"] for step in steps], color=RED)
    shares.set(ylabel="refused, %", xlabel="readers at the same time")
    shares.set_xticks(range(len(counts)), [str(count) for count in counts])
    for at, step in enumerate(steps):
        above = (at, 100 * step["share_503"] + 4)
        shares.annotate(f"{step['answered_a_second']:.0f} answers/s", above, ha="center", color=GREY, fontsize=8)
    shares.set_ylim(0, 120)
    if counts:
        waits.set_yscale("log")
        waits.set_xscale("log", base=2)
    waits.set_xticks(counts, [str(count) for count in counts])
    if found["memory"]:
        begun = found["memory"][0][0]
        memory.plot(
            [(at - begun) / 60 for at, _ in found["memory"]], [size / 2**20 for _, size in found["memory"]], color=BLUE
        )
    if found["soak"]:
        memory.axvspan(*((found["soak"][i][0] - begun) / 60 for i in (0, -1)), color=LIGHT, alpha=0.3, label="soak")
        memory.legend(frameon=False)
    memory.set(xlabel="minutes", ylabel="MB resident", ylim=(0, None))
    for axes in (waits, shares, memory):
        axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(file)
    pyplot.close(figure)


def label_of(name: str) -> str:
    """A percentile in words."""
    return "median" if name == "p50" else f"{name[1:]}th percentile"
