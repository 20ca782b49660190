"""Which reply belongs to which expectation, where some are missing and others too many."""

from __future__ import annotations

from collections.abc import Sequence

from flows.rehearsal.conversation import Said
from flows.rehearsal.script import Texted

Pair = tuple[int | None, int | None]


def align(expected: Sequence[Texted], replies: Sequence[Said]) -> list[Pair]:
    """Pairs of positions in order, with as many fitting pairs as there can be; None where one has no other.

    Expectations and replies that are left over between two fitting pairs are paired as they stand.
    """
    fits = [[each.fits(reply.text) for reply in replies] for each in expected]
    most = [[0] * (len(replies) + 1) for _ in range(len(expected) + 1)]
    for i in range(len(expected) - 1, -1, -1):
        for j in range(len(replies) - 1, -1, -1):
            skipped = max(most[i + 1][j], most[i][j + 1])
            most[i][j] = max(skipped, most[i + 1][j + 1] + 1) if fits[i][j] else skipped
    pairs: list[Pair] = []
    i = j = 0
    from_i = from_j = 0
    while i < len(expected) and j < len(replies):
        if fits[i][j] and most[i][j] == most[i + 1][j + 1] + 1:
            pairs += _left_over(range(from_i, i), range(from_j, j))
            pairs.append((i, j))
            i, j = i + 1, j + 1
            from_i, from_j = i, j
        elif most[i + 1][j] >= most[i][j + 1]:
            i += 1
        else:
            j += 1
    return pairs + _left_over(range(from_i, len(expected)), range(from_j, len(replies)))


def _left_over(expected: Sequence[int], replies: Sequence[int]) -> list[Pair]:
    most = max(len(expected), len(replies))
    return [
        (
            expected[place] if place < len(expected) else None,
            replies[place] if place < len(replies) else None,
        )
        for place in range(most)
    ]
