"""The publisher's record of a clinician's review of the triage rules: who signed off which version."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import yaml

from backbot.errors import RulesInvalid
from backbot.triage.rules import rules_version

REVIEW_FILE = "triage-review.yaml"
_KEYS = ("name", "role", "date", "rules_version")


@dataclass(frozen=True, slots=True)
class Review:
    """Who signed off which version of the rules. `is_current` when it is the version in use."""

    name: str
    role: str
    date: str
    rules_version: str

    @property
    def is_current(self) -> bool:
        """Whether the rules are still those that were reviewed."""
        return self.rules_version == rules_version()


def reviewed_by(path: Path = Path(REVIEW_FILE)) -> Review | None:
    """The publisher's record of a clinician's review; None when there is no such file. Raises RulesInvalid."""
    if not path.is_file():
        return None
    try:
        row = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise RulesInvalid(f"The review record {path} cannot be read: {error}. Mend or remove it.") from None
    if not isinstance(row, dict) or set(row) != set(_KEYS):
        raise RulesInvalid(f"The review record {path} must hold exactly {', '.join(_KEYS)}.")
    if not all(isinstance(row[key], str | date) and str(row[key]).strip() for key in _KEYS):
        raise RulesInvalid(
            f"In the review record {path} each of {', '.join(_KEYS)} must be text; put the version in quotes."
        )
    return Review(*(str(row[key]).strip() for key in _KEYS))


def describe_review(review: Review | None) -> str:
    """A sentence for readers about who has reviewed the warning-sign rules that are in use."""
    if review is None:
        return "Its warning-sign rules have not been reviewed by a clinician."
    if not review.is_current:
        return "Its warning-sign rules have changed since a clinician last reviewed them."
    return f"Its warning-sign rules were reviewed by {review.name}, {review.role}, on {review.date}."
