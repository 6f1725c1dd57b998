"""From a question and its passages to sentences with citations, or to none: then backbot declines."""
