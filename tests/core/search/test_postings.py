from hypothesis import given
from hypothesis import strategies as st

from chalicelib.core.search.postings import pack, unpack


@given(st.lists(st.integers(0, 10**7), unique=True).map(sorted))
def test_unpacking_gives_the_packed_numbers(positions):
    assert unpack(pack(positions)) == positions


def test_near_places_take_a_byte_each():
    assert len(pack(range(100, 1000, 3))) == 300
