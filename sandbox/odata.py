"""The OData of the referrals list: $filter, $orderby, $select, $top, $skip and $count."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from sandbox import wire
from sandbox.wire import Document, Json

Test = Callable[[Json], bool]

ORDERABLE = ("createdDateTime", "updatedDateTime")
# fmt: off
PROPERTIES = frozenset((
    "id", "engagementId", "name", "organizationId", "organizationName", "externalReferenceId",
    "campaignId", "createdDateTime", "updatedDateTime", "expirationDateTime", "acceptedDateTime",
    "closedDateTime", "status", "substatus", "statusReason", "qualification", "type", "direction",
    "referralSource", "callToAction", "quality", "isSpam", "favorite", "salesStage", "tags",
    "mpnId", "referralProgram", "dealSensitivity", "createdVia", "lastModifiedVia", "lastRunId",
    "registrationStatus", "registrations", "exception", "eTag", "target", "customerProfile",
    "consent", "details", "team", "inviteContext", "links", "trackingInfo",
))
# fmt: on
"""Top-level members a query may name (API reference 4.1)."""
LONGEST = 4_000
DEEPEST = 40


class BadQuery(ValueError):
    """A query option that is not supported or not well formed; `option` names it."""

    def __init__(self, option: str, message: str) -> None:
        super().__init__(message)
        self.option = option


@dataclass(frozen=True, slots=True)
class Query:
    """A list query, read."""

    matches: Test
    names: frozenset[str]
    """Top-level members that the filter looks at."""
    order: tuple[tuple[str, bool], ...] = ()
    """Member and whether it is descending."""
    select: tuple[str, ...] = ()
    top: int | None = None
    skip: int = 0


def parse(options: Mapping[str, str]) -> Query:
    """Read the options of a list request; those without `$` are not for us. Raises BadQuery."""
    known = {"$filter", "$orderby", "$select", "$top", "$skip", "$count", "$skiptoken"}
    for option in options:
        if option.startswith("$") and option not in known:
            raise BadQuery(option, "this option is not supported")
    if options.get("$count", "true") not in ("true", "false"):
        raise BadQuery("$count", "true or false")
    matches, names = _filter(options.get("$filter", ""))
    return Query(
        matches,
        names,
        _order(options.get("$orderby", "")),
        _select(options.get("$select", "")),
        _number("$top", options["$top"]) if "$top" in options else None,
        _number("$skip", options.get("$skip", "0")),
    )


def in_order(documents: Sequence[Document], query: Query) -> list[Document]:
    """The documents sorted as asked; without an order they stay as they are."""
    ordered = list(documents)
    for member, descending in reversed(query.order):
        ordered.sort(key=lambda one: wire.ticks(one.get(member)) or 0, reverse=descending)
    return ordered


def _number(option: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 8):
        raise BadQuery(option, "a whole number that is not negative")
    return int(text)


def _order(text: str) -> tuple[tuple[str, bool], ...]:
    order = []
    for part in text.split(",") if text.strip() else ():
        member, _, direction = part.strip().partition(" ")
        if member not in ORDERABLE or direction.strip() not in ("", "asc", "desc"):
            raise BadQuery("$orderby", f"only {' and '.join(ORDERABLE)} can be ordered by")
        order.append((member, direction.strip() == "desc"))
    return tuple(order)


def _select(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",")) if text.strip() else ()
    for name in names:
        if name not in PROPERTIES:
            raise BadQuery("$select", f"there is no property {name!r}")
    return names


_TOKEN = re.compile(
    r"""\s*(?:
    (?P<string>'(?:[^']|'')*')
  | (?P<guid>[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}(?![\w-]))
  | (?P<moment>\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,7})?)?(?:Z|[+-]\d\d:\d\d))
  | (?P<number>-?\d+(?:\.\d+)?(?![\w-]))
  | (?P<word>[A-Za-z_@][A-Za-z0-9_.]*)
  | (?P<mark>[()/:,])
    )""",
    re.VERBOSE,
)
_GUID = re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}")


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    place, text = 0, text.rstrip()
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None or found.lastgroup is None:
            raise BadQuery("$filter", f"unreadable at {text[place : place + 20]!r}")
        yield found.lastgroup, found[found.lastgroup]
        place = found.end()


def _filter(text: str) -> tuple[Test, frozenset[str]]:
    if not text.strip():
        return (lambda document: True), frozenset()
    if len(text) > LONGEST:
        raise BadQuery("$filter", "the filter is too long")
    parser = _Parser(list(_tokens(text)))
    test = parser.whole()
    return test, frozenset(parser.names)


class _Parser:
    """Recursive descent over the tokens; `or` binds weaker than `and`."""

    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self._tokens = tokens
        self._place = 0
        self._depth = 0
        self._variable: str | None = None
        self.names: set[str] = set()

    def whole(self) -> Test:
        test = self._either()
        if self._place != len(self._tokens):
            raise self._bad()
        return test

    def _either(self) -> Test:
        tests = [self._both()]
        while self._takes("word", "or"):
            tests.append(self._both())
        return tests[0] if len(tests) == 1 else lambda one: any(test(one) for test in tests)

    def _both(self) -> Test:
        tests = [self._single()]
        while self._takes("word", "and"):
            tests.append(self._single())
        return tests[0] if len(tests) == 1 else lambda one: all(test(one) for test in tests)

    def _single(self) -> Test:
        if self._takes("mark", "("):
            self._depth += 1
            if self._depth > DEEPEST:
                raise BadQuery("$filter", "too many parentheses")
            test = self._either()
            self._needs("mark", ")")
            self._depth -= 1
            return test
        return self._comparison()

    def _comparison(self) -> Test:
        path = [self._word()]
        while self._takes("mark", "/"):
            part = self._word()
            if part == "any" and self._variable is None and self._takes("mark", "("):
                return self._any(self._own(path))
            path.append(part)
        where = self._own(path)
        operator = self._word()
        kind, literal = self._literal()
        if operator in ("eq", "ne"):
            return _equality(where, kind, literal, wanted=operator == "eq")
        if operator in _COMPARISONS and kind == "moment":
            return _order_of(where, _COMPARISONS[operator], wire.ticks(literal))
        raise BadQuery("$filter", f"{operator} is not supported here")

    def _any(self, where: str) -> Test:
        self._variable = self._word()
        self._needs("mark", ":")
        test = self._either()
        self._needs("mark", ")")
        self._variable = None

        def has(document: Json) -> bool:
            entries = wire.at(document, where)
            return isinstance(entries, list) and any(test(entry) for entry in entries)

        return has

    def _own(self, path: list[str]) -> str:
        if self._variable is not None:
            if path[0] != self._variable or len(path) < 2:
                raise BadQuery("$filter", f"{path[0]} is not the variable of this any")
            return "/".join(path[1:])
        if path[0] not in PROPERTIES:
            raise BadQuery("$filter", f"there is no property {path[0]!r}")
        self.names.add(path[0])
        return "/".join(path)

    def _literal(self) -> tuple[str, Json]:
        kind, text = self._next()
        match kind:
            case "string":
                return kind, text[1:-1].replace("''", "'")
            case "guid" | "moment":
                return kind, text
            case "number":
                return kind, Decimal(text)
            case "word" if text in _WORDS:
                return kind, _WORDS[text]
        raise self._bad()

    def _word(self) -> str:
        kind, text = self._next()
        if kind != "word":
            raise self._bad()
        return text

    def _next(self) -> tuple[str, str]:
        if self._place >= len(self._tokens):
            raise BadQuery("$filter", "the filter ends too early")
        self._place += 1
        return self._tokens[self._place - 1]

    def _takes(self, kind: str, text: str) -> bool:
        there = self._place < len(self._tokens) and self._tokens[self._place] == (kind, text)
        self._place += there
        return there

    def _needs(self, kind: str, text: str) -> None:
        if not self._takes(kind, text):
            raise BadQuery("$filter", f"{text} is missing")

    def _bad(self) -> BadQuery:
        near = "".join(text for _, text in self._tokens[max(self._place - 1, 0) :][:3])
        return BadQuery("$filter", f"not understood near {near!r}")


_WORDS: Mapping[str, Json] = {"true": True, "false": False, "null": None}
_COMPARISONS: Mapping[str, Callable[[int, int], bool]] = {
    "gt": lambda left, right: left > right,
    "ge": lambda left, right: left >= right,
    "lt": lambda left, right: left < right,
    "le": lambda left, right: left <= right,
}


def _equality(where: str, kind: str, literal: Json, *, wanted: bool) -> Test:
    comparable = _comparable(literal) if kind != "moment" else wire.ticks(literal)

    def equal(document: Json) -> bool:
        value = wire.at(document, where)
        seen = wire.ticks(value) if kind == "moment" else _comparable(value)
        return (seen == comparable and type(seen) is type(comparable)) is wanted

    return equal


def _comparable(value: Json) -> Json:
    """Ids compare in any case, numbers by value, everything else as it is."""
    if isinstance(value, str) and _GUID.fullmatch(value.lower()):
        return value.lower()
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    return value


def _order_of(where: str, compare: Callable[[int, int], bool], limit: int | None) -> Test:
    def beyond(document: Json) -> bool:
        value = wire.ticks(wire.at(document, where))
        return value is not None and limit is not None and compare(value, limit)

    return beyond
