# pragma version 0.4.3
"""
@title Working days: calendars of years, and counting over them
@license Apache-2.0
@notice Stateless arithmetic. A day is numbered (POSIX time + 28,800) // 86,400; a year's calendar is two words in which
        bit n of the first, then of the second from day 256 on, says that day n of the year (from 0) is a working day.
"""

# 0x55…, 0x33… and 0x0f…: every second bit, pair and nibble; the lower half of a word; sixteen bytes of 1.
PAIRS: constant(uint256) = max_value(uint256) // 3
NIBBLES: constant(uint256) = max_value(uint256) // 5
BYTES: constant(uint256) = max_value(uint256) // 17
HALF: constant(uint256) = 2**128 - 1
SIXTEEN: constant(uint256) = (2**128 - 1) // 255


@internal
@pure
def _year_start(year: uint256) -> uint256:
    """
    @notice The number of the first of January of a year (Gregorian, 1970 to 2400).
    """
    before: uint256 = year - 1
    return 365 * (year - 1970) + before // 4 - before // 100 + before // 400 - 477


@internal
@pure
def _year_of(day: uint256) -> uint256:
    """
    @notice The year in which a day lies: an estimate that is right or one too high, then corrected.
    """
    year: uint256 = 1970 + (day * 400 + 600) // 146097
    if self._year_start(year) > day:
        year -= 1
    return year


@internal
@pure
def _below(count: uint256) -> uint256:
    """
    @notice A word whose lowest `count` bits are set.
    """
    if count >= 256:
        return max_value(uint256)
    return (1 << count) - 1


@internal
@pure
def _ones(word: uint256) -> uint256:
    """
    @notice How many bits are set: sums in parallel over pairs, nibbles, bytes; then one multiplication adds the bytes.
    """
    x: uint256 = word
    x = x - ((x >> 1) & PAIRS)
    x = (x & NIBBLES) + ((x >> 2) & NIBBLES)
    x = (x + (x >> 4)) & BYTES
    # Bytes hold at most 8; sums of sixteen bytes stay under 256, so the two halves are added one after the other.
    low: uint256 = unsafe_mul(x & HALF, SIXTEEN) >> 120
    high: uint256 = unsafe_mul(x >> 128, SIXTEEN) >> 120
    return (low & 255) + (high & 255)


@internal
@pure
def _count(low: uint256, high: uint256, first: uint256, last: uint256) -> uint256:
    """
    @notice Working days of one calendar with index from `first` up to, not with, `last`.
    """
    above: uint256 = 0
    under: uint256 = 0
    if first > 256:
        above = first - 256
    if last > 256:
        under = last - 256
    total: uint256 = 0
    if first < 256:
        total = self._ones(low & (self._below(last) ^ self._below(first)))
    if under > 0:
        total += self._ones(high & (self._below(under) ^ self._below(above)))
    return total
