"""The index: immutable generations of articles, passages and vectors.

Chroma is known to dense.py alone, bm25s to lexical.py alone.
"""
