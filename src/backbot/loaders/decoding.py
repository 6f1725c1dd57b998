"""Bytes -> text: size limits, byte order marks, binary files, and characters that no reader sees."""

import codecs
import gzip
import re
import unicodedata
import zlib
from pathlib import Path

from backbot.loaders.faults import ArticleFault

MAX_ARTICLE_BYTES = 10_000_000
"""The largest page, or line of JSON Lines; saved pages hold pictures as text."""

MAX_TEXT_BYTES = 2_000_000
"""The largest Markdown or text file: some 300,000 words."""

_MARKS: tuple[tuple[bytes, str], ...] = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_ASCII_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f]")
_LINE_ENDS = re.compile("\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")
# Control characters, half surrogates, direction overrides, zero-width and tag characters: text can be hidden in them, and
# none of them is part of a word. The joiners U+200C and U+200D are: Hindi and Persian need them.
_UNSEEN = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\xad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb"
                     "\ud800-\udfff\U000e0000-\U000e007f]")  # fmt: skip


def read_bytes(path: Path, limit: int = MAX_ARTICLE_BYTES) -> bytes:
    """The file's bytes, unpacked where its name ends in .gz; raises ArticleFault where they are more than `limit`."""
    try:
        if not path.is_file():
            raise ArticleFault("is not a regular file; leave it out of the folder")
        if path.suffix.lower() == ".gz":
            with gzip.open(path) as packed:
                data = packed.read(limit + 1)
        else:
            with path.open("rb") as file:
                data = file.read(limit + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise ArticleFault(f"cannot be read ({error}); check its permissions and that it is whole") from None
    if len(data) > limit:
        raise ArticleFault(f"is larger than {limit / 1e6:.0f} MB, too large for one article; split it or leave it out")
    return data


def decode(data: bytes, encoding: str = "") -> str:
    """The text of `data`, cleaned; `encoding` is what the source declares, used where no byte order mark says otherwise."""
    if not data.strip():
        raise ArticleFault("is empty; write the article or delete the file")
    for mark, name in _MARKS:
        if data.startswith(mark):
            return clean(_decode(data[len(mark) :], name))
    if b"\0" in data[:4096]:
        half = data[: min(len(data), 4096) // 2 * 2]
        for name, zeros in (("utf-16-le", half[1::2]), ("utf-16-be", half[::2])):
            if zeros.count(0) > 0.7 * len(zeros):
                return clean(_decode(data, name))
        raise ArticleFault("is not text but a binary file, whatever its name says; leave it out of the folder")
    return clean(_decode(data, encoding or "utf-8"))


def _decode(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ArticleFault(f"is not valid {encoding.upper()} text; save the file as UTF-8", line) from None
    except LookupError:
        raise ArticleFault(f"declares the unknown encoding {encoding[:40]!r}; save the file as UTF-8") from None


def clean(text: str) -> str:
    """The text with plain line ends, composed characters (NFC), and without characters that no reader sees."""
    if text.isascii() and not _ASCII_CONTROLS.search(text):
        return text
    return unicodedata.normalize("NFC", _UNSEEN.sub("", _LINE_ENDS.sub("\n", text)))
