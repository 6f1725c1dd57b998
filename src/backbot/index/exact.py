"""The dense side without a graph: every vector is compared. Of few that is faster, and none is missed."""

import numpy as np
from numpy.typing import NDArray

from backbot.embeddings import Vectors

BLOCK = 4096


class Exact:
    """Vectors of length 1, shape (rows, dimension), of any precision; threads may share it."""

    def __init__(self, vectors: NDArray[np.floating]):
        self._vectors = vectors

    def search(self, vector: Vectors, k: int) -> tuple[NDArray[np.int64], Vectors]:
        """Rows of the k nearest vectors and their cosines, the nearest first."""
        blocks = (self._vectors[start : start + BLOCK] for start in range(0, len(self._vectors), BLOCK))
        parts = [block.astype(np.float32, copy=False) @ vector for block in blocks]
        cosines = np.concatenate(parts) if parts else np.zeros(0, np.float32)
        near = np.argsort(-cosines, kind="stable")[:k]
        return near, cosines[near]

    def close(self) -> None:
        """Nothing is held open."""
