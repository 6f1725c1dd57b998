"""Eval suites that editors write: loading, running, judging, comparing and reporting them."""
