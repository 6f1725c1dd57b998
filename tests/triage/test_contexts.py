import pytest

from backbot.triage.detector import standing_signs
from backbot.triage.rules import load_rules


def signs(*turns: str) -> set[str]:
    return {found.sign for found in standing_signs(turns, load_rules())}


@pytest.mark.parametrize(
    ("text", "there", "gone"),
    [
        ("No fever, but I can't pee", {"bladder-blocked"}, {"fever"}),
        ("I can't pee but no fever", {"bladder-blocked"}, {"fever"}),
        ("no fever cant pee", {"bladder-blocked"}, {"fever"}),
        ("My bum isn't numb", set(), {"saddle-numb"}),
        ("no numbness, tingling or weakness down there", set(), {"saddle-numb"}),
        ("it's not only sore, my bum is numb", {"saddle-numb"}, set()),
        ("no relief and my bum is numb", {"saddle-numb"}, set()),
        ("no feeling when I wipe", {"saddle-numb"}, set()),
        ("I had a numb bum in 2015", set(), {"saddle-numb"}),
        ("I had a numb bum in 2015 and since yesterday it is numb again", {"saddle-numb"}, set()),
        ("My bum was numb last week. The MRI was clear.", set(), {"saddle-numb"}),
        ("The MRI was clear last month. Now my bum is numb.", {"saddle-numb"}, set()),
        ("worried I might get a numb bum", set(), {"saddle-numb"}),
        ("What is saddle numbness in the genital area?", set(), {"saddle-numb"}),
        ("Call your doctor if you have numbness in your genital area", set(), {"saddle-numb"}),
        ("my bum went numb from sitting on a hard chair", set(), {"saddle-numb"}),
    ],
)
def test_a_context_takes_back_its_own_sign_and_no_other(text: str, there: set[str], gone: set[str]) -> None:
    found = signs(text)
    assert there <= found
    assert not gone & found


def test_a_later_all_clear_takes_back_what_was_said_before() -> None:
    assert "saddle-numb" in signs("my bum is numb")
    assert "saddle-numb" not in signs("my bum is numb", "the hospital checked it, everything was fine")


def test_a_bare_yes_makes_a_question_of_theory_personal() -> None:
    assert "saddle-numb" not in signs("What is saddle numbness in the genital area?")
    assert "saddle-numb" in signs("What is saddle numbness in the genital area?", "yes I do")


def test_signs_of_two_people_are_told_apart() -> None:
    found = standing_signs(["My mum had breast cancer. I have back pain."], load_rules())
    assert {f.is_other_person for f in found if f.sign == "cancer-past"} == {True}
    assert {f.is_other_person for f in found if f.sign == "back-pain"} == {False}
