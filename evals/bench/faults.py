"""Faults under load: what readers are told while the server is killed, the index damaged, the disk full, the clock set.

    python evals/bench/faults.py --rounds 100

Each round brings one fault of the list in FAULTS, drawn anew in its details, to a `backbot serve` that a supervisor starts
again whenever it ends, while readers ask. Every answer must be the healthy bot's, with the same quotes of the same articles,
or a refusal: a 4xx or 5xx with an error and a message as JSON, or no connection while the server is down. After each round
the server must be ready again. Exit code 1 when anything was different. Counts on the screen and in reports/faults.json.

The index lies on a file system of its own that can be filled (tmpfs) where this user may mount one; elsewhere the size of
the ingest's files is limited (RLIMIT_FSIZE). Clocks are set by libfaketime where it is installed (Debian: faketime).
"""

import argparse
import contextlib
import json
import os
import random
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from supervised import FAKETIME, Supervised, clock_from

from backbot.bot import Bot
from backbot.embeddings import load_embedder
from backbot.errors import BackbotError
from backbot.index.generations import check_files, generation_folder, live_name, read_manifest
from backbot.index.ingest import ingest
from backbot.index.search import Index
from backbot.records import Reply
from backbot.resources import resource as shipped
from backbot.settings import Settings

QUESTIONS = (
    "Should I put ice or heat on my back?",
    "Do I need an MRI scan?",
    "How should I set up my chair?",
    "Is walking good for a bad back?",
    "Can acupuncture help my back?",
    "What is a bulging disc?",
    "What is the capital of France?",
    "I am numb between my legs and I cannot pee",
)
READERS, PAUSE = 2, 0.15
"""So many readers, each of whom asks again after so many seconds: a light load."""

DISK = 128 * 2**20
LINE = "\n\nThis line was added to the article.\n"

Said = tuple[str, tuple[tuple[str, str], ...]]
"""An answer's outcome and its citations: article and quote."""


def what_was_said(reply: dict[str, Any]) -> Said:
    """Of a reply as JSON; raises KeyError or TypeError for anything else."""
    return reply["outcome"], tuple((citation["article"], citation["quote"]) for citation in reply["citations"])


def judge(status: int, body: str, healthy: set[Said]) -> str:
    """`right`, `refused` or `wrong`: whether the body is one of the healthy answers, or a refusal that says why."""
    try:
        found = json.loads(body)
        if status == 200:
            return "right" if what_was_said(found) in healthy else "wrong"
        return "refused" if 400 <= status < 600 and found["error"] and found["message"] else "wrong"
    except (ValueError, KeyError, TypeError):
        return "wrong"


@dataclass
class Bench:
    """The server, the index on a disk of its own, two versions of the articles, and what readers were told."""

    server: Supervised
    disk: Path
    is_small: bool
    versions: tuple[Path, Path]
    healthy: dict[str, set[Said]]
    ingest_seconds: float
    chance: random.Random
    told: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    is_over: bool = False

    def read(self) -> None:
        """Ask until all is over, and judge each answer."""
        chance = random.Random(self.chance.random())  # noqa: S311
        address = f"http://127.0.0.1:{self.server.port}"
        with httpx.Client(base_url=address, headers={"Origin": address, "Accept": "application/json"}, trust_env=False) as c:
            while not self.is_over:
                question = chance.choice(QUESTIONS)
                try:
                    answer = c.post("/api/chat", json={"turns": [question]}, timeout=60)
                    verdict = judge(answer.status_code, answer.text, self.healthy[question])
                    if verdict == "wrong":
                        self.wrong.append(f"{question}: {answer.status_code} {answer.text[:300]}")
                except httpx.TimeoutException:
                    verdict = "wrong"
                    self.wrong.append(f"{question}: no answer")
                except httpx.TransportError:
                    verdict = "no connection"
                self.told[verdict] += 1
                time.sleep(PAUSE)

    def start_ingest(self, version: Path, environment: dict[str, str], most: int = 0) -> subprocess.Popen[str]:
        """`backbot ingest` of a version; with `most`, no file may grow beyond so many bytes."""
        process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "backbot", "ingest", str(version), "--index", str(self.server.index)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, **environment},
        )
        if most:
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (most, most))
        return process

    def ingest(self, version: Path, **environment: str) -> str:
        """Ingest a version to the end; what went wrong, empty if nothing did."""
        said, _ = (process := self.start_ingest(version, environment)).communicate()
        return "" if process.returncode == 0 else f"ingest exited with {process.returncode}: {said.strip()[-300:]}"

    def live_version(self) -> Path:
        """The version that the live generation holds; the first one if that cannot be read."""
        try:
            sources = read_manifest(self.server.index, live_name(self.server.index)).sources
        except BackbotError:
            return self.versions[0]
        return next((version for version in self.versions if str(version) in sources), self.versions[0])

    def other_version(self) -> Path:
        """The version that is not live."""
        return next(version for version in self.versions if version != self.live_version())


def kill_server(bench: Bench) -> str:
    """The server is killed at some instant, now and then once more while it starts."""
    bench.server.kill()
    if bench.chance.random() < 0.3:
        time.sleep(bench.chance.uniform(0, 2))
        bench.server.kill()
    return "started again"


def kill_ingest(bench: Bench) -> str:
    """An ingest of changed articles is killed at some instant; half of the time one follows that is not."""
    version = bench.other_version()
    process = bench.start_ingest(version, {})
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.communicate(timeout=bench.chance.uniform(0, 1.2 * bench.ingest_seconds))
    was_killed = process.poll() is None
    process.kill()
    process.wait()
    if fault := damage_of(bench.server.index):
        return f"WRONG: {fault}"
    if bench.chance.random() < 0.5 and (fault := bench.ingest(version)):
        return f"WRONG: {fault}"
    return "killed" if was_killed else "ended before"


def damage(bench: Bench) -> str:
    """A file of the live generation is changed, cut or lost while the server is down; an ingest of the same follows."""
    index, version = bench.server.index, bench.live_version()
    name = live_name(index)
    files = sorted(path for path in generation_folder(index, name).rglob("*") if path.is_file() and path.stat().st_size)
    file, way = bench.chance.choice(files), bench.chance.choice(("changed", "cut", "lost"))
    with bench.server.down():
        content = bytearray(file.read_bytes())
        if way == "changed":
            content[bench.chance.randrange(len(content))] ^= bench.chance.randrange(1, 256)
        if way == "lost":
            file.unlink()
        else:
            file.write_bytes(content[: bench.chance.randrange(len(content))] if way == "cut" else content)
        is_noticed = bool(damage_of(index))
    starts = bench.server.starts
    bench.server.wait_until(lambda ready: bool(ready) or bench.server.starts > starts + 1, 60)
    ready = bench.server.ready()
    if fault := bench.ingest(version):
        return f"WRONG: {fault}"
    if not bench.server.wait_until(lambda ready: ready.get("status") == "ready" and ready["generation"] == live_name(index)):
        return f"WRONG: {file.name} {way}: not mended by the next ingest"
    if not is_noticed:
        return "bears no information"
    if ready.get("status") == "degraded" and ready["generation"] < name:
        return "the one before it served, then mended"
    return "refused to start, then mended" if not ready else f"WRONG: {file.name} {way}: {ready}"


def fill_disk(bench: Bench) -> str:
    """An ingest of changed articles finds the disk full sooner or later; half of the time the server is killed then, too."""
    version, most = bench.other_version(), bench.chance.randrange(1, 4 * 2**20)
    with bench.disk.joinpath("balloon").open("wb") as balloon:
        if bench.is_small:
            free = shutil.disk_usage(bench.disk).free
            os.posix_fallocate(balloon.fileno(), 0, max(1, free - most))
        process = bench.start_ingest(version, {}, 0 if bench.is_small else most)
        said, _ = process.communicate()
        if bench.chance.random() < 0.5:
            bench.server.kill()
            bench.server.wait_until(bool)
    is_back = bool(bench.server.ready())
    bench.disk.joinpath("balloon").unlink()
    if fault := damage_of(bench.server.index) or bench.ingest(version):
        return f"WRONG: {fault}"
    if process.returncode and "cannot be written" not in said:
        return f"WRONG: ingest said {said.strip()[-300:]}"
    state = "there was room enough" if process.returncode == 0 else "said so, the live index untouched"
    return state if is_back else f"{state}; no start before there was room again"


def set_clock(bench: Bench) -> str:
    """The server's clock jumps by a day to ten years; now and then it is started, or articles are ingested, at that time."""
    jump = f"{bench.chance.choice('+-')}{bench.chance.choice(('1d', '30d', '3650d'))}"
    bench.server.clock.write_text(jump)
    time.sleep(1.5)
    what = bench.chance.choice(("", "a start", "an ingest"))
    fault = ""
    if what == "a start":
        bench.server.kill()
        bench.server.wait_until(bool)
    elif what == "an ingest":
        fault = bench.ingest(bench.other_version(), **clock_from(bench.server.clock)) or damage_of(bench.server.index)
    time.sleep(1.5)
    bench.server.clock.write_text("+0")
    if fault:
        return f"WRONG: {jump}: {fault}"
    return f"{'back' if jump[0] == '-' else 'forth'}{f', then {what}' if what else ''}"


FAULTS: dict[str, Callable[[Bench], str]] = {
    "the server killed": kill_server,
    "an ingest killed": kill_ingest,
    "the index damaged": damage,
    "the disk full": fill_disk,
    "the clock set": set_clock,
}


def damage_of(index: Path) -> str:
    """What is wrong with the live generation, every byte of it; empty if it is whole."""
    try:
        check_files(index, read_manifest(index, live_name(index)), every_byte=True)
        return ""
    except BackbotError as error:
        return str(error)


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[bool]:
    """Make the folder a file system of DISK bytes, if this user may."""
    folder.mkdir()
    mounted = subprocess.run(  # noqa: S603
        ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(folder)],  # noqa: S607
        check=False,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield mounted.returncode == 0
    finally:
        if mounted.returncode == 0:
            subprocess.run(["umount", "--lazy", str(folder)], check=False)  # noqa: S603, S607


def prepare(folder: Path) -> tuple[tuple[Path, Path], dict[str, set[Said]]]:
    """Two versions of the articles, and what the healthy bot says of either to each question."""
    versions = (folder / "articles", folder / "articles-changed")
    embedder = load_embedder(Settings())
    healthy: dict[str, set[Said]] = {question: set() for question in QUESTIONS}
    for version in versions:
        shutil.copytree(shipped("corpus"), version)
        if version == versions[1]:
            with (version / "osteopathic-treatment.md").open("a") as article:
                article.write(LINE)
        settings = Settings(index=folder / f"index-of-{version.name}")
        ingest([str(version)], settings, embedder)
        bot = Bot(Index(settings.index, embedder), settings)
        for question in QUESTIONS:
            healthy[question].add(said_by(bot.reply(question)))
    return versions, healthy


def said_by(reply: Reply) -> Said:
    """An answer's outcome and citations."""
    return reply.outcome, tuple((citation.article, citation.quote) for citation in reply.citations)


def run(rounds: int, minutes: float, seed: int, kinds: list[str], folder: Path) -> dict[str, Any]:
    """Play the rounds and count; what `WRONG` begins with, or readers call wrong, is a failure."""
    versions, healthy = prepare(folder)
    with small_disk(folder / "disk") as is_small, socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
        free.close()
        clock = folder / "clock"
        clock.write_text("+0")
        server = Supervised(folder / "disk" / "index", port, folder / "server.log", clock)
        bench = Bench(server, folder / "disk", is_small, versions, healthy, 0.0, random.Random(seed))  # noqa: S311
        begun = time.monotonic()
        for version in versions:
            if fault := bench.ingest(version):
                sys.exit(fault)
        bench.ingest_seconds = (time.monotonic() - begun) / 2
        server.may_run.set()
        threads = [threading.Thread(target=server.watch), *(threading.Thread(target=bench.read) for _ in range(READERS))]
        threads[0].start()
        found: dict[str, Counter[str]] = {kind: Counter() for kind in kinds}
        try:
            if not server.wait_until(bool):
                sys.exit(f"The server did not start: {server.log.read_text()[-1000:]}")
            for thread in threads[1:]:
                thread.start()
            end = time.monotonic() + 60 * minutes
            for number in range(rounds):
                if time.monotonic() > end:
                    break
                kind = kinds[number % len(kinds)]
                time.sleep(bench.chance.uniform(0, 0.5))
                what = FAULTS[kind](bench)
                if not server.wait_until(lambda ready: ready.get("status") == "ready"):
                    what = f"WRONG: not ready again: {server.log.read_text()[-500:]}"
                found[kind][what] += 1
                print(f"{number + 1:>4} {kind}: {what}", file=sys.stderr, flush=True)
        finally:
            bench.is_over = server.is_over = True
            for thread in threads[1:]:
                if thread.is_alive():
                    thread.join()
            server.may_run.clear()
            server.kill()
            threads[0].join()
    failures = [f"{kind}: {what}" for kind, counts in found.items() for what in counts if what.startswith("WRONG")]
    return {
        "rounds": sum(sum(counts.values()) for counts in found.values()),
        "seed": seed,
        "disk": "a tmpfs that was filled" if is_small else "RLIMIT_FSIZE",
        "clock": "libfaketime" if FAKETIME else "not set: libfaketime is not installed",
        "answers": dict(bench.told),
        "wrong": bench.wrong[:20],
        "starts": server.starts,
        "faults": {kind: dict(counts) for kind, counts in found.items()},
        "failures": failures,
        "tracebacks": server.log.read_text().count("Traceback"),
    }


def main() -> None:
    """Run and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--minutes", type=float, default=float("inf"), help="begin no round after so many")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=FAULTS, action="append", help="faults to bring; all of them if none is named")
    parser.add_argument("--out", type=Path, default=Path("reports/faults.json"))
    given = parser.parse_args()
    kinds = given.only or [kind for kind in FAULTS if FAKETIME or kind != "the clock set"]
    with tempfile.TemporaryDirectory() as folder:
        found = run(given.rounds, given.minutes, given.seed, kinds, Path(folder))
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(found, indent=1), encoding="utf-8")
    for kind, counts in found["faults"].items():
        print(f"{kind}: {sum(counts.values())} times")
        for what, count in sorted(counts.items()):
            print(f"    {count:>4} {what}")
    print(f"disk: {found['disk']}; clock: {found['clock']}; the server was started {found['starts']} times")
    print("readers were told: " + ", ".join(f"{count} {what}" for what, count in sorted(found["answers"].items())))
    if found["wrong"] or found["failures"]:
        sys.exit("\n".join(["WRONG:", *found["wrong"], *found["failures"]]))


if __name__ == "__main__":
    main()
