"""A file or a folder of files -> articles, one reader for each kind of file."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from backbot.errors import SourceUnreadable
from backbot.loaders.decoding import decode, read_bytes
from backbot.loaders.faults import ArticleFault, BadArticle
from backbot.loaders.html_pages import read_html_file
from backbot.loaders.json_lines import read_jsonl_file
from backbot.loaders.markdown import has_front_matter, read_markdown_file
from backbot.loaders.plain_text import read_text_file
from backbot.loaders.schema import make_id
from backbot.loaders.wordpress_export import read_export_file
from backbot.records import Article

Found = tuple[str, Article | BadArticle]
"""Where something was found ("file:line" or a URL), and what: an article, or why there is none."""

Reader = Callable[[Path, str], Iterator[Found]]
"""Takes a file and the id to use where the file holds one article."""


def _one(read: Callable[[Path, str], Article]) -> Reader:
    def read_file(path: Path, identity: str) -> Iterator[Found]:
        try:
            yield str(path), read(path, identity)
        except ArticleFault as fault:
            yield str(path), fault.at(str(path))

    return read_file


READERS: dict[str, Reader] = {
    ".md": _one(read_markdown_file),
    ".markdown": _one(read_markdown_file),
    ".txt": _one(read_text_file),
    ".html": _one(read_html_file),
    ".htm": _one(read_html_file),
    ".xml": read_export_file,
    ".xml.gz": read_export_file,
    ".jsonl": read_jsonl_file,
    ".jsonl.gz": read_jsonl_file,
}
"""The reader of each kind of file, by how the file's name ends."""


def read_path(path: Path) -> Iterator[Found]:
    """Everything in a file or, recursively, in a folder; raises SourceUnreadable where there is nothing to read."""
    try:
        is_folder, exists = path.is_dir(), path.exists()
    except OSError as error:
        raise SourceUnreadable(
            f"{str(path)[:200]} cannot be read ({error.strerror}). Check its name and permissions."
        ) from None
    if is_folder:
        yield from _read_folder(path)
        return
    if not exists:
        raise SourceUnreadable(f"{path} does not exist. Name a file, a folder or the address of a site.")
    reader = _reader_of(path)
    if reader is None:
        raise SourceUnreadable(f"{path} is no kind of file that backbot reads. It reads {', '.join(READERS)}, and sites.")
    yield from reader(path, _identity(path))


def _reader_of(path: Path) -> Reader | None:
    name = path.name.lower()
    return next((reader for ending, reader in READERS.items() if name.endswith(ending)), None)


def _identity(path: Path, root: Path | None = None) -> str:
    """The id of the one article in a file: its name, or its folder's name where it is that folder's index."""
    name = path.name.removesuffix(".gz")
    stem = name.rsplit(".", 1)[0] if "." in name[1:] else name
    if stem.lower() == "index" and root is not None and path.parent != root:
        stem = path.parent.name
    return make_id(stem)


def _read_folder(root: Path) -> Iterator[Found]:
    inside = root.resolve()
    count = 0
    for path in _walk(root):
        reader = _reader_of(path)
        if reader is None or _is_plain_readme(path):
            continue
        count += 1
        try:
            leads_out = not path.resolve(strict=True).is_relative_to(inside)
        except (OSError, RuntimeError):
            leads_out = True
        if leads_out:
            yield str(path), BadArticle(str(path), "is a link to a file outside the folder; copy the file into the folder")
        else:
            yield from reader(path, _identity(path, root))
    if count == 0:
        raise SourceUnreadable(f"{root} holds no article. backbot reads files that end in {', '.join(READERS)}.")


def _walk(root: Path) -> Iterator[Path]:
    """The files below `root`, in order; hidden ones and the folders that browsers save beside a page are passed over."""

    def refuse(error: OSError) -> None:
        raise SourceUnreadable(f"{error.filename} cannot be read ({error.strerror}). Check its permissions.")

    for folder, folders, names in os.walk(root, onerror=refuse):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and not name.endswith("_files"))
        for name in sorted(names):
            if not name.startswith("."):
                yield Path(folder, name)


def _is_plain_readme(path: Path) -> bool:
    """Whether this is a README that speaks to people who look into the folder, not an article."""
    if path.stem.lower() != "readme":
        return False
    try:
        return not has_front_matter(decode(read_bytes(path)))
    except ArticleFault:
        return True
