"""How many people local voices belong to, and to whom each: average-linkage clustering of their d-vectors."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_CLEAN_FRAMES = 60
"""A local voice heard alone this long (about a second) takes part in clustering; shorter ones are assigned."""
_MAX_CLUSTERED = 3000
_MIN_MASS = 0.04
_MAX_SPEAKERS = 6
_SAME_VOICE = 0.82
_MIN_SECONDS_TO_COUNT = 60.0


def similarities(vectors: Floats, weights: Floats, count: int) -> Floats:
    """Similarity of every d-vector to each of `count` voices; (n, 256) -> (n, at most count).

    The common part of all voices (the line, the room) is taken away first: the mean of eight fine clusters, so that
    whoever talks most does not become the origin. Clusters under 4 % of the speech are taken for noise.
    """
    from scipy.cluster.hierarchy import fcluster, linkage

    clean = np.flatnonzero(weights >= min(_CLEAN_FRAMES, float(np.median(weights))))
    clean = clean[:: max(1, -(-len(clean) // _MAX_CLUSTERED))]
    if len(clean) < 2 or count < 2:
        return np.ones((len(vectors), 1))
    fine = fcluster(linkage(vectors[clean], "ward"), 8, "maxclust")
    origin = np.mean([vectors[clean][fine == label].mean(axis=0) for label in np.unique(fine)], axis=0)
    rows = _unit(vectors - origin)
    tree = linkage(rows[clean], "average", metric="cosine")
    mass = weights[clean]
    for cut in range(count, count + 30):
        labels = fcluster(tree, cut, "maxclust")
        share = np.bincount(labels, mass) / mass.sum()
        large = np.flatnonzero(share >= _MIN_MASS)
        if len(large) >= count:
            large = large[np.argsort(-share[large], kind="stable")][:count]
            break
    else:
        labels = fcluster(tree, count, "maxclust")
        large = np.unique(labels)
    centres = _unit(np.stack([np.average(rows[clean][labels == k], 0, mass[labels == k]) for k in large]))
    for _ in range(6):
        nearest = (rows @ centres.T).argmax(axis=1)
        moved = [
            np.average(rows[nearest == k], 0, weights[nearest == k]) if (nearest == k).any() else centres[k]
            for k in range(len(centres))
        ]
        centres = _unit(np.stack(moved))
    return np.asarray(rows @ centres.T)


def count_voices(vectors: Floats, weights: Floats, step: float) -> int:
    """Number of voices: two, unless more stay clearly apart over at least a minute of speech.

    Counts estimated on real calls are mostly wrong, hence the prior: another voice is believed only when the raw
    centroids of all voices are less alike than 0.82 (cosine) and each has 5 % of the speech.
    """
    if float(weights.sum()) * 270 / 16_000 * step / 5.0 < _MIN_SECONDS_TO_COUNT:
        return 2
    best = 2
    for count in range(3, _MAX_SPEAKERS + 1):
        similarity = similarities(vectors, weights, count)
        nearest = similarity.argmax(axis=1)
        if len(np.unique(nearest)) < count:
            break
        share = np.bincount(nearest, weights) / weights.sum()
        centres = _unit(np.stack([np.average(vectors[nearest == k], 0, weights[nearest == k]) for k in range(count)]))
        alike = (centres @ centres.T)[np.triu_indices(count, 1)].max()
        if alike >= _SAME_VOICE or share.min() < 0.05:
            break
        best = count
    return best


def _unit(rows: Floats) -> Floats:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9))
