import pytest

from backbot.triage.rules import load_rules


def words(text: str) -> list[str]:
    return [word.text for word in load_rules().reader.read(text)]


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("I can't pee", ["i", "cannot", "pee"]),
        ("i cant pee", ["i", "cannot", "pee"]),
        ("I can’t pee", ["i", "cannot", "pee"]),
        ("I CAAAAAN'T PEEEEE", ["i", "cannot", "pee"]),
        ("I c a n t pee", ["i", "cannot", "pee"]),
        ("I сan't рee", ["i", "cannot", "pee"]),
        ("I can\u200b't p\u200de\u00ade", ["i", "cannot", "pee"]),
        ("mum's bak, didnt sleep", ["mum", "bak", "did", "not", "sleep"]),
        ("ｎｕｍｂ", ["numb"]),
    ],
)
def test_however_it_is_typed_the_same_words_are_read(typed: str, read: list[str]) -> None:
    assert words(typed) == read


@pytest.mark.parametrize(
    "typed", ["I can’t feel, e.g., my ﬁngers", "ＮＵＭＢ bum 🍑 now", "сan't\u200b pee", "naïve  café\nnumb"]
)
def test_every_word_knows_where_it_stands_in_the_message_as_typed(typed: str) -> None:
    found = load_rules().reader.read(typed)
    assert found
    for word in found:
        assert 0 <= word.start < word.end <= len(typed)
    assert [word.start for word in found] == sorted(word.start for word in found)


@pytest.mark.parametrize(
    ("word", "symbol"),
    [
        ("urinateing", "urin"),
        ("blader", "bladder"),
        ("paracetemol", "paracetamol"),
        ("82", "#over70"),
        ("seventy", "#over70"),
        ("38.9", "#fever."),
    ],
)
def test_a_word_has_a_symbol_for_what_it_means(word: str, symbol: str) -> None:
    reader = load_rules().reader
    assert symbol in reader.symbols(word)


@pytest.mark.parametrize("word", ["painting", "forty", "shirt", "bus", "week", "batter"])
def test_a_word_that_is_spelt_right_is_not_taken_for_another(word: str) -> None:
    reader = load_rules().reader
    meant = set(reader.symbols(word)) - {f"={word}", reader.lemma(word)}
    assert not {symbol for symbol in meant if not symbol.startswith("#")}


@pytest.mark.parametrize("text", ["", "   ", "\x00\x01", "🙂" * 50, "？！", "\u200b" * 99, "'" * 999])
def test_a_message_without_words_has_none(text: str) -> None:
    assert words(text) == []
