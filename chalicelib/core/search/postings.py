"""The places of a term in a transcript: increasing numbers, packed into few bytes.

Each number is written as its distance from the one before, in groups of seven bits, lowest first,
the top bit set if more groups follow: the variable-byte code of Manning, Raghavan and Schütze,
"Introduction to Information Retrieval", section 5.3, with its bits the usual way round.
"""

from collections.abc import Iterable

MORE = 0x80
BITS = 7


def pack(positions: Iterable[int]) -> bytes:
    """Pack increasing whole numbers into bytes."""
    packed = bytearray()
    previous = 0
    for position in positions:
        gap = position - previous
        previous = position
        while gap >= MORE:
            packed.append(gap % MORE | MORE)
            gap >>= BITS
        packed.append(gap)
    return bytes(packed)


def unpack(packed: bytes) -> list[int]:
    """Return the numbers that were packed."""
    positions = []
    position = gap = shift = 0
    for byte in packed:
        gap |= (byte & ~MORE) << shift
        shift += BITS
        if byte < MORE:
            position += gap
            positions.append(position)
            gap = shift = 0
    return positions
