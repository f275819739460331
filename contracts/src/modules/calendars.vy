# pragma version 0.4.3
"""
@title Calendars: the working days of each year, as regulators post them from the State Council's notice
@license Apache-2.0
@notice A correction is a new version and may not touch a day that has passed; any member may object, which is recorded
        and changes nothing. A year without a calendar has no working days to count: callers get -1, never a guess.
"""

from modules import roster
from modules import standing as rights
from modules import workdays

uses: roster


event CalendarPosted:
    year: indexed(uint16)
    version: uint32
    member: indexed(uint16)
    key: address
    low: uint256
    high: uint256
    notice: bytes32


event CalendarObjected:
    year: indexed(uint16)
    version: uint32
    member: indexed(uint16)
    commitment: bytes32


struct Posting:
    year: uint16
    low: uint256
    high: uint256
    notice: bytes32


struct Objection:
    year: uint16
    version: uint32
    commitment: bytes32


struct Calendar:
    low: uint256
    high: uint256
    version: uint256


OPERATION_POST_CALENDARS: constant(uint256) = 11
OPERATION_OBJECT_CALENDARS: constant(uint256) = 12

DIGEST_MISSING: constant(uint256) = 27
NO_CALENDAR: constant(uint256) = 28
PAST_DAY: constant(uint256) = 29

# A notice covers one year; eight in one transaction serve a network that starts with past years or corrects several.
MAX_CALENDARS: constant(uint256) = 8
# The first year whose notice this network may need, and the last that its arithmetic is tested for.
FIRST_YEAR: constant(uint256) = 2020
LAST_YEAR: constant(uint256) = 2100
# The longest span counted at once: three years; a limit of the law is counted in days.
MAX_SPAN: constant(uint256) = 1096

calendars: HashMap[uint256, Calendar]
objections: HashMap[uint256, HashMap[uint256, HashMap[uint256, bool]]]


@external
def post_calendars(postings: DynArray[Posting, MAX_CALENDARS]):
    """
    @notice Post the working days of years, or correct them; a regulator's key.
    """
    sender: uint256 = roster._standing(msg.sender)
    authority: uint256 = rights._authority(sender, rights.REGULATE)
    index: uint256 = 0
    for posting: Posting in postings:
        year: uint256 = convert(posting.year, uint256)
        reason: uint256 = authority
        if reason == 0:
            reason = self._check_posting(posting)
        if reason != 0:
            rights._refuse(
                rights._member(sender), OPERATION_POST_CALENDARS, index, convert(year, bytes32), reason
            )
        else:
            version: uint256 = self.calendars[year].version + 1
            self.calendars[year] = Calendar(low=posting.low, high=posting.high, version=version)
            log CalendarPosted(
                year=posting.year,
                version=convert(version, uint32),
                member=convert(rights._member(sender), uint16),
                key=msg.sender,
                low=posting.low,
                high=posting.high,
                notice=posting.notice,
            )
        index += 1


@external
def object_calendars(protests: DynArray[Objection, MAX_CALENDARS]):
    """
    @notice Object to the present version of calendars, once a member; an operate or administrator key.
    """
    sender: uint256 = roster._standing(msg.sender)
    member: uint256 = rights._member(sender)
    authority: uint256 = rights._authority(sender, rights.OPERATE | rights.ADMINISTER)
    index: uint256 = 0
    for protest: Objection in protests:
        year: uint256 = convert(protest.year, uint256)
        version: uint256 = convert(protest.version, uint256)
        reason: uint256 = authority
        if reason == 0:
            if version == 0 or version != self.calendars[year].version:
                reason = NO_CALENDAR
            elif self.objections[year][version][member]:
                reason = rights.ALREADY_DONE
        if reason != 0:
            rights._refuse(member, OPERATION_OBJECT_CALENDARS, index, convert(year, bytes32), reason)
        else:
            self.objections[year][version][member] = True
            log CalendarObjected(
                year=protest.year,
                version=protest.version,
                member=convert(member, uint16),
                commitment=protest.commitment,
            )
        index += 1


@external
@view
def working_days(first_day: uint256, last_day: uint256) -> int256:
    """
    @notice How many working days lie after `first_day`, up to and with `last_day`; -1 where a needed year has no
            calendar or the span is over three years.
    """
    if last_day <= first_day:
        return 0
    if last_day - first_day > MAX_SPAN or last_day > 100000:
        return -1
    day: uint256 = first_day + 1
    year: uint256 = workdays._year_of(day)
    start: uint256 = workdays._year_start(year)
    total: uint256 = 0
    # A span of three years touches at most five: one more than it counts, and the one it began in.
    for _: uint256 in range(5):
        end: uint256 = workdays._year_start(year + 1)
        if self.calendars[year].version == 0:
            return -1
        total += workdays._count(
            self.calendars[year].low, self.calendars[year].high, day - start, min(last_day + 1, end) - start
        )
        if last_day < end:
            break
        day = end
        start = end
        year += 1
    return convert(total, int256)


@external
@view
def calendar(year: uint256) -> Calendar:
    """
    @notice The calendar of a year in force; version 0: none.
    """
    return self.calendars[year]


@internal
@view
def _check_posting(posting: Posting) -> uint256:
    """
    @notice The reason not to take a calendar: year, bits beyond the year's end, no notice, a day that has passed.
    """
    year: uint256 = convert(posting.year, uint256)
    if year < FIRST_YEAR or year > LAST_YEAR:
        return rights.OUT_OF_RANGE
    start: uint256 = workdays._year_start(year)
    length: uint256 = workdays._year_start(year + 1) - start
    if posting.high >> (length - 256) != 0 or (posting.low | posting.high) == 0:
        return rights.OUT_OF_RANGE
    if posting.notice == empty(bytes32):
        return DIGEST_MISSING
    if self.calendars[year].version == 0:
        return 0
    low: uint256 = self.calendars[year].low ^ posting.low
    high: uint256 = self.calendars[year].high ^ posting.high
    if low | high == 0:
        return rights.ALREADY_DONE
    today: uint256 = rights._day(block.timestamp)
    if today > start:
        passed: uint256 = today - start
        above: uint256 = 0
        if passed > 256:
            above = passed - 256
        if (low & workdays._below(passed)) | (high & workdays._below(above)) != 0:
            return PAST_DAY
    return 0
