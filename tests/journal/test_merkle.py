"""The tree against RFC 9162's own recursive definitions, written out a second time, and against published roots."""

import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kiosk.journal.merkle import (
    EMPTY_ROOT,
    Edge,
    Place,
    Places,
    ProofInvalid,
    complete_subtree,
    consistency_proof,
    edge_of,
    hash_leaf,
    hash_node,
    inclusion_proof,
    peak_places,
    root_from_inclusion,
    verify_consistency,
)

PUBLISHED_LEAVES = [
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
PUBLISHED_ROOTS = """
    6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d
    fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125
    aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77
    d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7
    4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4
    76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef
    ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c
    5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328
""".split()
"""Leaves and roots of the test vectors that come with the Certificate Transparency reference implementation."""


def largest_power_below(n: int) -> int:
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def mth(leaves: Sequence[bytes]) -> bytes:
    """RFC 9162, 2.1.1."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    k = largest_power_below(len(leaves))
    return hashlib.sha256(b"\x01" + mth(leaves[:k]) + mth(leaves[k:])).digest()


def path(m: int, leaves: Sequence[bytes]) -> list[bytes]:
    """RFC 9162, 2.1.3.1."""
    if len(leaves) == 1:
        return []
    k = largest_power_below(len(leaves))
    if m < k:
        return [*path(m, leaves[:k]), mth(leaves[k:])]
    return [*path(m - k, leaves[k:]), mth(leaves[:k])]


def subproof(m: int, leaves: Sequence[bytes], is_whole: bool) -> list[bytes]:
    """RFC 9162, 2.1.4.1."""
    if m == len(leaves):
        return [] if is_whole else [mth(leaves)]
    k = largest_power_below(len(leaves))
    if m <= k:
        return [*subproof(m, leaves[:k], is_whole), mth(leaves[k:])]
    return [*subproof(m - k, leaves[k:], False), mth(leaves[:k])]


def data(count: int) -> list[bytes]:
    return [f"leaf {n}".encode() for n in range(count)]


def stored(leaves: Sequence[bytes], without: frozenset[int] = frozenset()) -> Places:
    """The places as a journal stores them, `without` some nodes."""
    places: dict[int, Place] = {}
    for size, leaf in enumerate(map(hash_leaf, leaves), start=1):
        node = complete_subtree(leaf, size, places.__getitem__)
        places[size] = Place(leaf, None if size & 1 or size in without else node)
    return places.__getitem__


SIZES = st.integers(1, 70)


@pytest.mark.parametrize("size", range(1, 9))
def test_the_published_roots(size: int) -> None:
    edge = Edge()
    for leaf in PUBLISHED_LEAVES[:size]:
        edge = edge.append(hash_leaf(leaf))
    assert edge.root().hex() == PUBLISHED_ROOTS[size - 1] == mth(PUBLISHED_LEAVES[:size]).hex()


def test_the_root_of_no_leaves() -> None:
    assert Edge().root() == EMPTY_ROOT == mth([])


def test_a_tree_that_grows_leaf_by_leaf_has_the_root_of_the_definition_at_every_size() -> None:
    leaves, edge = data(130), Edge()
    for size in range(1, 131):
        edge = edge.append(hash_leaf(leaves[size - 1]))
        assert (edge.size, edge.root()) == (size, mth(leaves[:size]))
        assert len(edge.peaks) == size.bit_count() == len(peak_places(size))


def test_the_stored_places_are_enough_to_go_on_at_every_size() -> None:
    leaves = data(130)
    places = stored(leaves)
    assert edge_of(0, places) == Edge()
    for size in range(1, 131):
        # The peaks before the newest leaf are its path.
        edge = Edge(size - 1, inclusion_proof(size - 1, size, places)[::-1]).append(places(size).leaf)
        assert edge.root() == mth(leaves[:size])
        assert edge_of(size, places) == edge


@given(size=SIZES, missing=st.frozensets(st.integers(1, 70)), choice=st.data())
def test_inclusion_and_consistency_are_those_of_the_definition(
    size: int, missing: frozenset[int], choice: st.DataObject
) -> None:
    leaves = data(size)
    places = stored(leaves, without=missing)
    index = choice.draw(st.integers(0, size - 1))
    assert list(inclusion_proof(index, size, places)) == path(index, leaves)
    first = choice.draw(st.integers(1, size))
    assert list(consistency_proof(first, size, places)) == subproof(first, leaves, True)


def test_every_proof_of_every_small_tree_verifies() -> None:
    leaves = data(35)
    places = stored(leaves)
    for size in range(1, 36):
        root = mth(leaves[:size])
        for index in range(size):
            proof = inclusion_proof(index, size, places)
            assert root_from_inclusion(hash_leaf(leaves[index]), index, size, proof) == root
        for first in range(1, size + 1):
            verify_consistency(first, size, mth(leaves[:first]), root, consistency_proof(first, size, places))


def leads_elsewhere(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    try:
        return root_from_inclusion(leaf, index, size, proof) != root
    except ProofInvalid:
        return True


@given(size=st.integers(2, 70), choice=st.data())
def test_another_leaf_place_size_or_path_does_not_lead_to_the_root(size: int, choice: st.DataObject) -> None:
    leaves = data(size)
    places, root = stored(leaves), mth(leaves)
    index = choice.draw(st.integers(0, size - 1))
    leaf, proof = hash_leaf(leaves[index]), inclusion_proof(index, size, places)
    assert leads_elsewhere(hash_leaf(b"another"), index, size, proof, root)
    other = choice.draw(st.integers(-1, size + 1).filter(lambda n: n != index))
    assert leads_elsewhere(leaf, other, size, proof, root) or inclusion_proof(other, size, places) == proof
    assert leads_elsewhere(leaf, index, size, proof[:-1], root)
    assert leads_elsewhere(leaf, index, size, (*proof, root), root)
    at = choice.draw(st.integers(0, len(proof) - 1))
    assert leads_elsewhere(leaf, index, size, (*proof[:at], bytes(32), *proof[at + 1 :]), root)


@given(size=st.integers(2, 70), choice=st.data())
@example(size=8, choice=None)
def test_another_proof_of_consistency_is_rejected(size: int, choice: st.DataObject | None) -> None:
    leaves = data(size)
    places = stored(leaves)
    first = choice.draw(st.integers(1, size - 1)) if choice else 4
    small, large = mth(leaves[:first]), mth(leaves)
    proof = consistency_proof(first, size, places)
    wrong = [
        (first, size, hash_leaf(b""), large, proof),
        (first, size, small, hash_leaf(b""), proof),
        (first, size, small, large, proof[:-1]),
        (first, size, small, large, (*proof, large)),
        (first, size, small, large, (bytes(32), *proof[1:])),
        (first, size, small, large, ()),
        (0, size, small, large, proof),
        (size, first, large, small, proof),
        (first, first, small, large, ()),
        (first, first, small, small, proof),
    ]
    for case in wrong:
        with pytest.raises(ProofInvalid):
            verify_consistency(*case)


def test_what_is_not_in_the_tree_has_no_proof() -> None:
    places = stored(data(3))
    for index, size in ((3, 3), (-1, 3), (0, 0)):
        with pytest.raises(ValueError, match="no leaf"):
            inclusion_proof(index, size, places)
    for first, second in ((0, 3), (4, 3)):
        with pytest.raises(ValueError, match="does not grow"):
            consistency_proof(first, second, places)


def test_no_leaf_lies_behind_the_last() -> None:
    leaves = data(9)
    places = stored(leaves)
    for size in range(1, 10):
        path = inclusion_proof(size - 1, size, places)
        for index in (-1, size, size + 1):
            with pytest.raises(ProofInvalid, match=f"a tree of {size} leaves has no leaf {index}"):
                root_from_inclusion(hash_leaf(leaves[size - 1]), index, size, path)


def test_a_leaf_is_never_a_node() -> None:
    left, right = hash_leaf(b"a"), hash_leaf(b"b")
    assert hash_leaf(left + right) != hash_node(left, right)


def test_extending_a_tree_of_a_million_reads_a_handful_of_places() -> None:
    class Counted:
        reads = 0

        def __call__(self, place: int) -> Place:
            self.reads += 1
            return Place(bytes(32), bytes(32))

    counted = Counted()
    for size in range(1_000_001, 1_001_001):
        complete_subtree(bytes(32), size, counted)
    assert counted.reads <= 1000 + 20
    counted.reads = 0
    assert len(inclusion_proof(1_000_000, 1_000_001, counted)) == counted.reads <= 20
