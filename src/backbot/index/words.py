"""The words of a generation: what a reader's misspelt words are read as, and what its titles and headings name."""

import json
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from backbot.index.lexical import split_words
from backbot.records import Passage
from backbot.vocabulary import CorpusWords

_WORD = re.compile(r"[^\W\d_]+")


def write_words(file: Path, passages: Iterable[Passage]) -> None:
    """Write how many passages hold each word, in small letters and unstemmed, and the stems of titles and headings."""
    counts: Counter[str] = Counter()
    titles: set[str] = set()
    for passage in passages:
        counts.update(set(_WORD.findall(passage.embedded_text.lower())))
        titles.update(split_words(passage.heading_path))
    file.write_text(json.dumps({"passages": counts, "titles": sorted(titles)}, ensure_ascii=False), "utf-8")


def read_words(file: Path) -> tuple[CorpusWords, frozenset[str]]:
    """What `write_words` wrote: the words of the passages, and the stems of titles and headings."""
    found = json.loads(file.read_text("utf-8"))
    return CorpusWords(found["passages"]), frozenset(found["titles"])
