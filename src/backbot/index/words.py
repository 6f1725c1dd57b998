"""The words of a generation's passages: what a reader's misspelt words are read as."""

import json
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from backbot.vocabulary import CorpusWords

_WORD = re.compile(r"[^\W\d_]+")


def write_words(file: Path, texts: Iterable[str]) -> None:
    """Write how many texts hold each word, in small letters and unstemmed."""
    counts = Counter(word for text in texts for word in set(_WORD.findall(text.lower())))
    file.write_text(json.dumps(counts, ensure_ascii=False), "utf-8")


def read_words(file: Path) -> CorpusWords:
    """What `write_words` wrote."""
    return CorpusWords(json.loads(file.read_text("utf-8")))
