"""Faults under load: what readers are told while the server is killed, the index damaged, the disk full, the clock set.

    python evals/bench/faults.py --rounds 100

Each round brings one fault of the list in FAULTS, drawn anew in its details, to a `backbot serve` that a supervisor starts
again whenever it ends, while readers ask. Every answer must be the healthy bot's, with the same quotes of the same articles,
or a refusal: a 4xx or 5xx with an error and a message as JSON, or no connection while the server is down. After each round
the server must be ready again. Exit code 1 when anything was different. Counts on the screen and in reports/faults.json.

The index lies on a file system of its own that can be filled (tmpfs) where this user may mount one; elsewhere the size of
the ingest's files is limited (RLIMIT_FSIZE). Clocks are set by libfaketime where it is installed (Debian: faketime).
"""

import contextlib
import os
import random
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from readers import Readers, prepare
from rounds import Plan, free_port, main, play
from supervised import FAKETIME, BackbotServer, clock_from

from backbot.errors import BackbotError
from backbot.index.generations import check_files, generation_folder, live_name, read_manifest

DISK = 128 * 2**20


@dataclass
class Bench:
    """The server, the index on a disk of its own, and two versions of the articles."""

    server: BackbotServer
    clock: Path
    disk: Path
    is_small: bool
    versions: tuple[Path, Path]
    ingest_seconds: float
    chance: random.Random

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
    bench.clock.write_text(jump)
    time.sleep(1.5)
    what = bench.chance.choice(("", "a start", "an ingest"))
    fault = ""
    if what == "a start":
        bench.server.kill()
        bench.server.wait_until(bool)
    elif what == "an ingest":
        fault = bench.ingest(bench.other_version(), **clock_from(bench.clock)) or damage_of(bench.server.index)
    time.sleep(1.5)
    bench.clock.write_text("+0")
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


def run(plan: Plan, folder: Path) -> dict[str, Any]:
    """Play the rounds and count."""
    versions, healthy = prepare(folder)
    with small_disk(folder / "disk") as is_small:
        clock = folder / "clock"
        clock.write_text("+0")
        server = BackbotServer(folder / "disk" / "index", free_port(), folder / "server.log", clock)
        bench = Bench(server, clock, folder / "disk", is_small, versions, 0.0, random.Random(plan.seed))  # noqa: S311
        begun = time.monotonic()
        for version in versions:
            if fault := bench.ingest(version):
                sys.exit(fault)
        bench.ingest_seconds = (time.monotonic() - begun) / 2
        with server.watched():
            if not server.wait_until(bool):
                sys.exit(f"The server did not start: {server.log.read_text()[-1000:]}")
            faults = {kind: partial(fault, bench) for kind, fault in FAULTS.items()}
            return play(plan, faults, bench.chance, partial(amiss, server), Readers([server.port], healthy, plan.seed)) | {
                "disk": "a tmpfs that was filled" if is_small else "RLIMIT_FSIZE",
                "clock": "libfaketime" if FAKETIME else "not set: libfaketime is not installed",
                "starts": server.starts,
                "tracebacks": server.log.read_text().count("Traceback"),
            }


def amiss(server: BackbotServer) -> str:
    """Why the server is not ready again; empty when it is."""
    is_ready = server.wait_until(lambda ready: ready.get("status") == "ready")
    return "" if is_ready else f"not ready again: {server.log.read_text()[-500:]}"


if __name__ == "__main__":
    main(__doc__, run, [kind for kind in FAULTS if FAKETIME or kind != "the clock set"], Path("reports/faults.json"))
