"""The line above a message of an exported chat: when, who, and perhaps what."""

import re
from datetime import datetime, timedelta
from typing import NamedTuple

LONGEST_HEADER = 200
"""Characters; the layouts with the words in the same line have no limit."""

_DATE = (
    r"(?:(?P<year>\d{4})\s?[-/.年]\s?(?P<month>\d{1,2})\s?[-/.月]\s?(?P<day>\d{1,2})日?"
    r"|(?P<month_first>\d{1,2})/(?P<day_second>\d{1,2})/(?P<year_last>\d{4}))"
)
_WEEKDAY = r"(?:\s{1,2}(?:星期|周)[一二三四五六日天])?"
_TIME = (
    r"(?P<half>(?:上午|下午|凌晨|早上|中午|晚上)\s?)?"
    r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.\d{1,6})?)?(?:\s(?P<noon>[AP]M))?"
)
_MOMENT = rf"{_DATE}{_WEEKDAY}[,，T]?\s{{0,3}}{_TIME}"
_NAME = r"(?P<name>\S.{0,60}?)"
_NUMBER = r"(?:[(（](?P<id>\d{4,12})[)）]|<(?P<mail>[^<>\s]{3,60})>)"

_HEADERS = (
    # [2024-01-02 12:34:56] 昵称: 文本
    re.compile(
        rf"\[{_MOMENT}\]\s{{0,2}}(?P<name>[^:：]{{1,60}}?)\s?(?:[:：]\s?(?P<words>.*))?", re.A
    ),
    # 2024-01-02 12:34:56 昵称(123456), or without a name
    re.compile(rf"{_MOMENT}\s{{1,4}}(?P<name>.{{0,60}}?){_NUMBER}\s{{0,4}}", re.A),
    # 2024-01-02 12:34 - 昵称: 文本
    re.compile(
        rf"{_MOMENT}\s{{1,4}}(?:-\s)?(?P<name>[^:：]{{1,60}}?)\s?[:：]\s?(?P<words>.*)", re.A
    ),
    # 2024-01-02 12:34:56 昵称
    re.compile(rf"{_MOMENT}\s{{1,4}}{_NAME}\s{{0,4}}", re.A),
    # 昵称 2024-01-02 12:34:56
    re.compile(rf"{_NAME}{_NUMBER}?\s{{1,4}}[(（]?{_MOMENT}[)）]?\s{{0,4}}", re.A),
)
# 昵称  12:34, below a line with the date; 昵称 9:59:54 PM
_TIME_ONLY = re.compile(rf"{_NAME}(?P<gap>\s{{1,8}}){_TIME}\s{{0,4}}", re.A)
_DATE_HEAD = re.compile(
    rf"(?:日期[:：])?[—─=\-\s]{{0,80}}{_DATE}{_WEEKDAY}(?:\s{{1,3}}{_TIME})?[—─=\-\s]{{0,80}}", re.A
)


class Header(NamedTuple):
    """Who said something, and when; `words` where they stand in the same line."""

    moment: datetime
    name: str
    number: str | None = None
    words: str | None = None


class Clock:
    """Reads headers, some of which have only a time, with the date some lines above."""

    def __init__(self) -> None:
        self._day: datetime | None = None

    def header(self, line: str) -> Header | None:
        """Return the header that `line` is, or None."""
        if ":" not in line:
            return None
        for pattern in _HEADERS:
            found = pattern.fullmatch(line)
            if found and (moment := _moment(found, _day(found))):
                return _header(found, moment)
        return self._timed(line)

    def is_date(self, line: str) -> bool:
        """Tell whether `line` is nothing but a date, and keep it for the times below."""
        found = _DATE_HEAD.fullmatch(line) if len(line) <= LONGEST_HEADER else None
        day = _day(found) if found else None
        self._day = day or self._day
        return day is not None

    def _timed(self, line: str) -> Header | None:
        found = _TIME_ONLY.fullmatch(line)
        if not found or not (found["noon"] or (self._day and len(found["gap"]) > 1)):
            return None
        moment = _moment(found, self._day or datetime(1, 1, 1))
        return _header(found, moment) if moment else None


def _header(found: re.Match[str], moment: datetime) -> Header:
    groups = found.groupdict()
    number = groups.get("id") or groups.get("mail")
    return Header(moment, groups["name"].strip(), number, groups.get("words"))


def _day(found: re.Match[str]) -> datetime | None:
    year, month, day = found.group("year", "month", "day")
    if year is None:
        year, month, day = found.group("year_last", "month_first", "day_second")
    try:
        return datetime(int(year), int(month), int(day))
    except ValueError:
        return None


def _moment(found: re.Match[str], day: datetime | None) -> datetime | None:
    hour, minute, second = (int(part or 0) for part in found.group("hour", "minute", "second"))
    half = (found["half"] or found["noon"] or "").strip()
    if half in {"下午", "晚上", "PM"} and hour < 12:
        hour += 12
    elif half in {"上午", "凌晨", "AM"} and hour == 12:
        hour = 0
    if day is None or hour > 23 or minute > 59 or second > 59:
        return None
    return day + timedelta(hours=hour, minutes=minute, seconds=second)
