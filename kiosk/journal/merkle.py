"""The Merkle tree over a journal: roots, proofs and their verification, as pure functions over hashes.

RFC 9162, section 2.1, with SHA-256. A complete subtree ends at a *place*: the n-th leaf, counted from 1. Storing at
every place the largest complete subtree that ends there is enough to extend the tree, and to prove anything about it,
by reading as many places as the tree is high.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

EMPTY_ROOT = hashlib.sha256(b"").digest()
"""The root of a tree without leaves."""


class ProofInvalid(ValueError):
    """A proof does not have the form that its tree demands, or does not lead to the root."""


@dataclass(frozen=True)
class Place:
    """What is stored at one place: the leaf's hash, and the root of the largest complete subtree that ends there.

    `node` may be None; then it is computed from the leaves.
    """

    leaf: bytes
    node: bytes | None


Places = Callable[[int], Place]
"""Reads one place of a tree, counted from 1."""


def hash_leaf(data: bytes) -> bytes:
    """The hash of a leaf."""
    return hashlib.sha256(b"\x00" + data).digest()


def hash_node(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def join(lefts: Sequence[bytes], right: bytes) -> bytes:
    """The root over subtrees that stand side by side, each larger than the next."""
    for left in reversed(lefts):
        right = hash_node(left, right)
    return right


def peak_places(size: int) -> tuple[int, ...]:
    """The places at which the largest complete subtrees of a tree end, from left to right: 8, 12, 13 for 13 leaves."""
    places: list[int] = []
    while size:
        places.append(size)
        size &= size - 1
    return tuple(reversed(places))


@dataclass(frozen=True)
class Edge:
    """The right edge of a tree, which is all that it needs to grow: the roots of its largest complete subtrees."""

    size: int = 0
    peaks: tuple[bytes, ...] = ()

    def append(self, leaf: bytes) -> "Edge":
        """The edge with one leaf more; the last of its peaks is the largest complete subtree that ends there."""
        size = self.size + 1
        kept = len(self.peaks) - _height(size)
        return Edge(size, (*self.peaks[:kept], join(self.peaks[kept:], leaf)))

    def root(self) -> bytes:
        """The root of the tree."""
        return join(self.peaks[:-1], self.peaks[-1]) if self.peaks else EMPTY_ROOT


def edge_of(size: int, places: Places) -> Edge:
    """The right edge of the first `size` leaves."""
    return Edge(size, tuple(_root(place & (place - 1), place, places) for place in peak_places(size)))


def complete_subtree(leaf: bytes, size: int, places: Places) -> bytes:
    """The root of the largest complete subtree that ends with a new leaf, the tree's leaf number `size`."""
    lefts = peak_places(size - 1)[-_height(size) :] if _height(size) else ()
    return join([_root(place & (place - 1), place, places) for place in lefts], leaf)


def inclusion_proof(index: int, size: int, places: Places) -> tuple[bytes, ...]:
    """The path from leaf `index` (from 0) to the root of the first `size` leaves (RFC 9162, 2.1.3.1)."""
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} leaves has no leaf {index}")
    path: list[bytes] = []
    begin, end = 0, size
    while end - begin > 1:
        middle = _split(begin, end)
        if index < middle:
            path.append(_root(middle, end, places))
            end = middle
        else:
            path.append(_root(begin, middle, places))
            begin = middle
    return tuple(reversed(path))


def consistency_proof(first: int, second: int, places: Places) -> tuple[bytes, ...]:
    """The proof that a tree of `second` leaves begins with the tree of its first `first` (RFC 9162, 2.1.4.1)."""
    if not 0 < first <= second:
        raise ValueError(f"a tree of {second} leaves does not grow out of one of {first}")
    proof: list[bytes] = []
    begin, end, is_known = 0, second, True
    while first != end:
        middle = _split(begin, end)
        if first <= middle:
            proof.append(_root(middle, end, places))
            end = middle
        else:
            proof.append(_root(begin, middle, places))
            begin, is_known = middle, False
    # The smaller tree's own root is not sent: who verifies has it.
    return tuple(reversed(proof if is_known else [*proof, _root(begin, end, places)]))


def root_from_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """The root to which a leaf's path leads (RFC 9162, 2.1.3.2). Raises `ProofInvalid`."""
    if not 0 <= index < size:
        raise ProofInvalid(f"a tree of {size} leaves has no leaf {index}")
    node, at, last = leaf, index, size - 1
    for sibling in path:
        if last == 0:
            raise ProofInvalid("the path is longer than the tree is high")
        if at & 1 or at == last:
            node = hash_node(sibling, node)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            node = hash_node(node, sibling)
        at, last = at >> 1, last >> 1
    if last:
        raise ProofInvalid("the path is shorter than the tree is high")
    return node


def verify_consistency(first: int, second: int, first_root: bytes, second_root: bytes, proof: Sequence[bytes]) -> None:
    """Raises `ProofInvalid` unless the tree of the second root begins with that of the first (RFC 9162, 2.1.4.2)."""
    if not 0 < first <= second:
        raise ProofInvalid(f"a tree of {second} leaves does not grow out of one of {first}")
    if first == second:
        if proof or first_root != second_root:
            raise ProofInvalid("two trees of one size differ")
        return
    path = list(proof) if first & (first - 1) else [first_root, *proof]
    if not path:
        raise ProofInvalid("the proof is empty")
    at, last = first - 1, second - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    small = large = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise ProofInvalid("the proof is longer than the tree is high")
        if at & 1 or at == last:
            small, large = hash_node(sibling, small), hash_node(sibling, large)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            large = hash_node(large, sibling)
        at, last = at >> 1, last >> 1
    if last:
        raise ProofInvalid("the proof is shorter than the tree is high")
    if (small, large) != (first_root, second_root):
        raise ProofInvalid("the proof leads to other roots")


def _height(place: int) -> int:
    """The height of the largest complete subtree that ends at a place; so many peaks does its leaf join."""
    return (place & -place).bit_length() - 1


def _split(begin: int, end: int) -> int:
    """Where RFC 9162 divides the leaves from `begin` to before `end`: after the largest power of two that is fewer."""
    return begin + (1 << ((end - begin - 1).bit_length() - 1))


def _root(begin: int, end: int, places: Places) -> bytes:
    """The root over the leaves from `begin` to before `end`, a range at which the tree divides."""
    if end - begin == 1:
        return places(end).leaf
    is_largest_there = end & -end == end - begin
    if is_largest_there and (node := places(end).node) is not None:
        return node
    middle = _split(begin, end)
    return hash_node(_root(begin, middle, places), _root(middle, end, places))
