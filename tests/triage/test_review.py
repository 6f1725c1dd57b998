"""The record of a clinician's review, and what readers are told of it."""

from pathlib import Path

import pytest

from backbot.errors import RulesInvalid
from backbot.triage.review import describe_review, reviewed_by
from backbot.triage.rules import rules_version


def test_readers_are_told_who_reviewed_the_rules_in_use(tmp_path: Path) -> None:
    record = tmp_path / "triage-review.yaml"
    record.write_text(f'name: Dr B\nrole: GP\ndate: 2026-11-01\nrules_version: "{rules_version()}"\n', "utf-8")
    assert describe_review(reviewed_by(record)) == "Its warning-sign rules were reviewed by Dr B, GP, on 2026-11-01."


def test_an_old_review_is_not_current_and_none_is_none(tmp_path: Path) -> None:
    assert reviewed_by(tmp_path / "none.yaml") is None
    assert "have not been reviewed by a clinician" in describe_review(None)
    record = tmp_path / "triage-review.yaml"
    record.write_text('name: Dr B\nrole: GP\ndate: 2026-11-01\nrules_version: "000000000000"\n', "utf-8")
    review = reviewed_by(record)
    assert review is not None
    assert not review.is_current
    assert "have changed since" in describe_review(review)


@pytest.mark.parametrize(
    "text", ["name: x", "- a", "name: [", 'name: ""\nrole: GP\ndate: 2026-11-01\nrules_version: "0"', ""]
)
def test_a_faulty_review_record_is_refused(tmp_path: Path, text: str) -> None:
    record = tmp_path / "triage-review.yaml"
    record.write_text(text, "utf-8")
    with pytest.raises(RulesInvalid, match=r"triage-review\.yaml"):
        reviewed_by(record)
