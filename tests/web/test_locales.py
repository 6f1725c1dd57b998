"""The widget's own words: every language has them all, and a page carries one."""

from pathlib import Path

import httpx
import pytest

from backbot.errors import RulesInvalid
from backbot.web.locales import known_locale, load_locales


@pytest.mark.parametrize(
    ("tag", "language"),
    [
        ("de", "de"),
        ("de-AT", "de"),
        ("HI", "hi"),
        ("es_MX", "es"),
        ("", "en"),
        ("xx", "en"),
        ("__proto__", "en"),
        ("d", "en"),
    ],
)
def test_a_tag_gives_its_language_or_english(tag: str, language: str):
    assert known_locale(tag) == language


def test_every_language_has_words_of_its_own():
    rows = load_locales()
    assert {"en", "id", "es", "de", "fr", "hi"} <= rows.keys()
    for language, words in rows.items():
        assert [name for name, text in words.items() if not text and language != "en"] == []
        same = [name for name, text in words.items() if text == rows["en"][name]]
        assert language == "en" or len(same) <= 4, (language, same)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("de: {a: x}", "no row en"),
        ("en: {a: x}\nde: {b: y}", "a, b"),
        ("en: {a: x}\nde: 7", "de"),
        ("en: {a: 'x {}'}\nde: {a: y}", "a must be"),
        ("en: {a: x}\nno: {a: yes}", "a must be"),
    ],
)
def test_a_row_with_other_words_is_told(tmp_path: Path, text: str, names: str):
    file = tmp_path / "locales.yaml"
    file.write_text(text)
    with pytest.raises(RulesInvalid, match=names):
        load_locales(file)


@pytest.mark.parametrize("language", ["en", "id", "es", "de", "fr", "hi"])
def test_the_widgets_page_carries_one_language(site: str, language: str):
    page = httpx.get(f"{site}/embed", params={"locale": language}).text
    rows = load_locales()
    assert f'<html lang="{language}">' in page
    assert f'placeholder="{rows[language]["box"]}"' in page
    assert [other for other in rows if rows[other]["title"] in page] == [language]
