"""What editors may learn from readers, if the operator turns it on: questions that were declined, answers that failed.

Off by default. No message is kept as it was typed: `redacting` lets through only words that any reader could have used,
`store` forgets after some days, and `gaps` shows only what several readers share.
"""

from backbot.insights.gaps import LEAST, Complaint, Gap, complaints, content_gaps
from backbot.insights.store import Insights, open_insights

__all__ = ["LEAST", "Complaint", "Gap", "Insights", "complaints", "content_gaps", "open_insights"]
