"""Log lines: structured, one line each, without secrets and without control characters."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterable, MutableMapping, Sequence
from contextlib import nullcontext
from functools import lru_cache, partial
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

REMOVED = "[removed]"
_QUIET = (
    "urllib3",
    "msrest",
    "requests",
    "msal",
    "httpx",
    "aiohttp.access",
    "alembic",
)
_SECRET_NAMES = re.compile(
    r"(?i)^(.*(token|secret|password|assertion|authorization|cookie|verifier|nonce)"
    r"|code|state|client_info|encryption_keys?)$"
)
_SECRET_TEXTS = (
    re.compile(r"(?i)\bbearer\s+[^\s\"',;]+"),
    re.compile(r"\beyJ[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_.-]*"),
    re.compile(
        r"(?i)\b(?:code|state|client_secret|client_assertion|refresh_token|access_token|id_token"
        r"|assertion|code_verifier|magicCode)=[^&\s\"']+"
    ),
    re.compile(
        r"(?i)[\"'](?:client_secret|client_assertion|refresh_token|access_token|id_token|assertion"
        r"|code_verifier|token|password|authorization)[\"']\s*:\s*[\"'][^\"']*[\"']"
    ),
)
_MAY_BE_SECRET = re.compile(r"[\s=\"']|eyJ")
"""One of these is in whatever the patterns above find."""
_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)
_MAX_TEXT = 8_000
_MAX_DEPTH = 6
_TRACE = ("exception", "stack")


class Redact:
    """Takes secrets out of an event: by the name of a field, by shape, and those it is told."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets = tuple(secret for secret in secrets if len(secret) >= 6)

    def __call__(
        self, _logger: WrappedLogger, _method: str, event: EventDict
    ) -> MutableMapping[str, object]:
        """The event without secrets."""
        return {key: self._field(key, value, 0) for key, value in event.items()}

    def _field(self, key: str, value: object, depth: int) -> object:
        if _names_secret(key) and value is not None and not isinstance(value, bool):
            return REMOVED
        return self._value(value, depth)

    def _value(self, value: object, depth: int) -> object:
        match value:
            case str():
                return self.text(str(value))
            case None | bool() | int() | float():
                return value
            case dict() if depth < _MAX_DEPTH:
                return {str(k): self._field(str(k), item, depth + 1) for k, item in value.items()}
            case list() | tuple() | set() | frozenset() if depth < _MAX_DEPTH:
                return [self._value(item, depth + 1) for item in value]
            case _:
                return self.text(str(value))

    def text(self, text: str) -> str:
        """A text without secrets, shortened."""
        for secret in self._secrets:
            text = text.replace(secret, REMOVED)
        if _MAY_BE_SECRET.search(text):
            for pattern in _SECRET_TEXTS:
                text = pattern.sub(REMOVED, text)
        return text if len(text) <= _MAX_TEXT else f"{text[:_MAX_TEXT]}... (shortened)"


@lru_cache(maxsize=1024)
def _names_secret(key: str) -> bool:
    return _SECRET_NAMES.match(key) is not None


def escape(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Shows control and invisible characters as escapes, so that nothing can forge a line."""
    return {
        _shown(key): value if key in _TRACE else _escaped(value) for key, value in event.items()
    }


def _escaped(value: object) -> object:
    match value:
        case str():
            return _shown(value)
        case dict():
            return {_shown(str(key)): _escaped(item) for key, item in value.items()}
        case list():
            return [_escaped(item) for item in value]
        case _:
            return value


def _shown(text: str) -> str:
    if text.isprintable():
        return text
    return _UNSEEN.sub(lambda match: f"\\u{ord(match.group()):04x}", text)


def _indent_trace(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Keeps a trace readable: its lines are marked, so that none passes for a log line."""
    for key in _TRACE:
        trace = event.get(key)
        if isinstance(trace, str):
            event[key] = "\n".join(f"    | {_shown(line)}" for line in trace.split("\n"))
    return event


class _Stream(logging.StreamHandler[TextIO]):
    """Where every line ends up. One that cannot be written harms nobody: logging says so."""

    def put(self, event: EventDict, steps: Sequence[Processor]) -> None:
        """Writes an event of ours, past the standard library's records: a third of the time."""
        try:
            said: object = event
            for step in steps:
                said = step(None, "", said)  # type: ignore[arg-type]
            with self.lock or nullcontext():
                self.stream.write(f"{said}{self.terminator}")
                self.flush()
        except RecursionError:
            raise
        except Exception:
            self.handleError(logging.makeLogRecord({"msg": REMOVED}))


class _Ours:
    """What structlog hands the events of one of our loggers to."""

    def __init__(self, stream: _Stream, steps: Sequence[Processor], name: str = "") -> None:
        self.name = name
        self._stream = stream
        self._steps = steps

    def write(self, event: EventDict) -> None:
        """Takes an event in; its level is in it."""
        self._stream.put(event, self._steps)

    debug = info = warning = error = critical = write


def configure(
    *,
    json: bool,
    level: str = "INFO",
    secrets: Iterable[str] = (),
    stream: TextIO | None = None,
) -> None:
    """Sets up structlog and the standard library's logging alike, on one stream (stderr).

    `secrets` are values that must never appear. Libraries that log requests are held at WARNING
    whatever the level (botbuilder and MSAL log codes and tokens at DEBUG).
    """
    first: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last = _last_steps(json, Redact(secrets))
    handler = _Stream(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=first,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    structlog.configure(
        processors=[*first, _as_it_is],
        logger_factory=partial(_Ours, handler, last),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def _as_it_is(
    _logger: WrappedLogger, _method: str, event: EventDict
) -> tuple[tuple[EventDict], dict[str, object]]:
    """Hands the event on whole."""
    return (event,), {}


def _last_steps(json: bool, redact: Redact) -> list[Processor]:
    steps: list[Processor] = [structlog.processors.format_exc_info, redact, escape]
    if json:
        return [*steps, structlog.processors.JSONRenderer(ensure_ascii=True)]
    console = structlog.dev.ConsoleRenderer(colors=False, sort_keys=False)
    return [*steps, _indent_trace, console]
