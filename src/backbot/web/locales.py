"""The widget's own words in several languages, as rows of locales.yaml; each reader's page carries one of them."""

import functools
from collections.abc import Mapping
from pathlib import Path

import yaml

from backbot.errors import RulesInvalid

ROWS = Path(__file__).with_name("locales.yaml")
FALLBACK = "en"

Words = Mapping[str, str]


def known_locale(tag: str) -> str:
    """The row for a language tag such as de or de-AT; English for any other."""
    language = tag.strip().replace("_", "-").partition("-")[0].lower()
    return language if language in load_locales() else FALLBACK


@functools.cache
def load_locales(file: Path = ROWS) -> Mapping[str, Words]:
    """All rows by language, read once; raises RulesInvalid for one whose words are not those of English."""
    rows = yaml.safe_load(file.read_text("utf-8"))
    if not isinstance(rows, dict) or FALLBACK not in rows:
        raise RulesInvalid(f"{file.name} has no row {FALLBACK}, which the others are held to.")
    english = rows[FALLBACK]
    for language, words in rows.items():
        if not isinstance(words, dict) or words.keys() != english.keys():
            odd = sorted(map(str, words.keys() ^ english.keys())) if isinstance(words, dict) else ["no words"]
            raise RulesInvalid(f"{file.name}, {language}: {', '.join(odd)} stands there or in {FALLBACK} only.")
        for name, text in words.items():
            if not isinstance(text, str) or text.count("{}") != english[name].count("{}"):
                raise RulesInvalid(f"{file.name}, {language}: {name} must be a text with as many {{}} as {FALLBACK}'s.")
    return {str(language): words for language, words in rows.items()}
