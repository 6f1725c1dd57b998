"""A reader's message without anything that could tell who wrote it.

Nothing is searched for and blacked out: what is not plainly an ordinary word never gets through. Kept are words that the
English dictionary lists in small letters, or that the articles use. A word that the dictionary lists as a name as well
("rose", "grace") is kept only where the articles use it often ("may"). Everything else goes: names, numbers, dates,
addresses, e-mail, misspellings, other languages.
"""

import functools
import re
from collections.abc import Callable
from importlib.resources import files

from backbot.vocabulary import CorpusWords

READ_CHARS = 4_000
"""Of a message; what stands after them is not looked at."""

MOST_WORDS = 40
FEWEST_WORDS = 2
"""Fewer words are no question."""

LONGEST_WORD = 24
IN_ARTICLES = 2
"""Passages that must hold a word which the dictionary does not know: one may hold a name."""

OFTEN_IN_ARTICLES = 8
"""Passages that must hold a word which the dictionary knows as a name too."""

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_PRIVATE = re.compile(r"\d|@|://|\\|[^\W_]\.[^\W_]")
_SENTENCE_ENDS = (".", "!", "?", ":")


def redact(message: str, corpus_words: CorpusWords) -> str:
    """The message's ordinary words in small letters, in their order; empty when too few are left."""
    known = _dictionary()
    is_shouted = message.isupper()
    kept: list[str] = []
    begins = True
    for chunk in message[:READ_CHARS].split():
        # A name or an address is one piece: no part of it is kept for itself.
        if not _PRIVATE.search(chunk):
            for found in _WORD.findall(chunk):
                word = found.lower().replace("’", "'")
                is_name = found != word and not begins and not is_shouted and not found.isupper()
                if not is_name and len(word) <= LONGEST_WORD and known(word, corpus_words):
                    kept.append(word)
                begins = False
        begins = chunk.endswith(_SENTENCE_ENDS)
    return " ".join(kept[:MOST_WORDS]) if len(kept) >= FEWEST_WORDS else ""


@functools.cache
def _dictionary() -> Callable[[str, CorpusWords], bool]:
    """Whether a word in small letters may be kept. Reading the dictionary takes half a second, once."""
    from spylls.hunspell import Dictionary

    english = Dictionary.from_files(str(files("spylls.hunspell") / "data" / "en" / "en_US"))
    names = {entry.stem.lower() for entry in english.dic.words if entry.stem.istitle()}

    @functools.lru_cache(20_000)
    def is_ordinary(word: str) -> bool:
        # In small letters the dictionary's own names are not found.
        return bool(english.lookup(word))

    def known(word: str, corpus_words: CorpusWords) -> bool:
        used = corpus_words.passages_with(word)
        if {word, word.removesuffix("s"), word.partition("'")[0]} & names and used < OFTEN_IN_ARTICLES:
            return False
        return word.isascii() and (used >= IN_ARTICLES or is_ordinary(word))

    return known
