from dataclasses import replace
from pathlib import Path

import pytest

from backbot.evaluation.asking import Answer, Turns
from backbot.evaluation.cache import AnswerCache, cache_key
from backbot.evaluation.command import evaluate
from backbot.evaluation.run import run_to_json
from backbot.evaluation.suite import Suite
from backbot.settings import Settings


class Counting:
    """Answers, and counts how often it was asked."""

    def __init__(self, error: str = "") -> None:
        self.asked = 0
        self.error = error

    def __call__(self, turns: Turns) -> Answer:
        self.asked += 1
        return Answer(turns, error=self.error)


def test_what_was_asked_before_is_not_asked_again(tmp_path: Path):
    first, second = Counting(), Counting()
    cache = AnswerCache(tmp_path, "key")
    cache.asking(first)(("a",))
    cache.save()
    again = AnswerCache(tmp_path, "key")
    assert again.asking(second)(("a",)) == Answer(("a",))
    again.asking(second)(("a", "b"))
    assert (first.asked, second.asked, again.used) == (1, 1, 1)


def test_another_key_knows_nothing(tmp_path: Path):
    cache = AnswerCache(tmp_path, "key")
    cache.asking(Counting())(("a",))
    cache.save()
    ask = Counting()
    AnswerCache(tmp_path, "other").asking(ask)(("a",))
    assert ask.asked == 1


def test_a_crash_is_not_kept(tmp_path: Path):
    cache = AnswerCache(tmp_path, "key")
    cache.asking(Counting("boom"))(("a",))
    cache.save()
    ask = Counting()
    AnswerCache(tmp_path, "key").asking(ask)(("a",))
    assert ask.asked == 1


@pytest.mark.parametrize("content", [b"", b"{", b"[{}]", b"\xff\xfe"])
def test_a_damaged_file_is_as_good_as_none(tmp_path: Path, content: bytes):
    (tmp_path / "key.json").write_bytes(content)
    ask = Counting()
    AnswerCache(tmp_path, "key").asking(ask)(("a",))
    assert ask.asked == 1


def test_a_folder_that_cannot_be_written_costs_nothing_but_time(tmp_path: Path):
    (tmp_path / "file").write_text("")
    first, second = Counting(), Counting()
    cache = AnswerCache(tmp_path / "file" / "below", "key")
    assert cache.asking(first)(("a",)) == Answer(("a",))
    cache.save()
    AnswerCache(tmp_path / "file" / "below", "key").asking(second)(("a",))
    assert (first.asked, second.asked) == (1, 1)
    assert (tmp_path / "file").read_text() == ""


def test_the_key_changes_with_the_index_the_settings_and_the_day(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    settings = Settings()
    key = cache_key(settings, "manifest", "2026-05-01")
    assert key == cache_key(settings, "manifest", "2026-05-01")
    others = {
        cache_key(settings, "another", "2026-05-01"),
        cache_key(settings, "manifest", "2026-05-02"),
        cache_key(settings.model_copy(update={"country": "GB"}), "manifest", "2026-05-01"),
        cache_key(settings.model_copy(update={"precision": "fp32"}), "manifest", "2026-05-01"),
    }
    assert len(others | {key}) == 5
    for nothing_to_answers in ({"index": tmp_path}, {"judge": "nli"}, {"evals": tmp_path}, {"reports": tmp_path}):
        assert key == cache_key(settings.model_copy(update=nothing_to_answers), "manifest", "2026-05-01")


def test_the_key_changes_with_the_code(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    from backbot.evaluation import cache

    package = tmp_path / "backbot"
    (package / "evaluation").mkdir(parents=True)
    (package / "bot.py").write_text("one")
    monkeypatch.setattr(cache, "__file__", str(package / "evaluation" / "cache.py"))
    before = cache_key(Settings(), "manifest", "2026-05-01")
    (package / "bot.py").write_text("two")
    assert cache_key(Settings(), "manifest", "2026-05-01") != before


def test_a_second_run_takes_its_answers_from_the_cache_and_says_the_same(
    tmp_path: Path, small_settings: Settings, small_suite: Suite, monkeypatch: pytest.MonkeyPatch
):
    from backbot.evaluation import command

    monkeypatch.setattr(command, "_cache_folder", lambda settings: tmp_path)
    first = evaluate(small_suite, small_settings)
    second = evaluate(small_suite, small_settings)
    wordings = sum(len(case.asks) for case in small_suite.cases)
    assert (first.times.kept, second.times.kept) == (0, wordings)
    assert evaluate(small_suite, small_settings, fresh=True).times.kept == 0
    one, two = (run_to_json(replace(run, times=first.times)) for run in (first, second))
    assert one == two
