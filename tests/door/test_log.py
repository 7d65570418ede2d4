"""Log lines: one each, nothing forged, no secret, quiet libraries (C7, E7)."""

from __future__ import annotations

import ast
import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

import bot
import partner_center
from bot.log import REMOVED, Redact, configure

JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJlLWNhbmFyeQ"


@pytest.fixture(params=[True, False], ids=["json", "console"])
def lines(request: pytest.FixtureRequest) -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    stream = io.StringIO()
    configure(json=request.param, level="DEBUG", secrets=["client-secret-canary"], stream=stream)
    yield stream
    structlog.reset_defaults()
    root.handlers, root.level = handlers, level


FORGED = (
    "Fabrikam\r\n2026-03-02 [info     ] approved by=CFO",
    "\x1b[2J\x1b[31mFabrikam",
    "a\u2028b\u2029c\u0085d",
    "\u202eevil\u2066",
    '{"event": "approved"}\n',
    "\ud83d lone",
    "\x00\x07\x7f",
)


@pytest.mark.parametrize("name", FORGED)
def test_c7_a_name_stays_on_its_line(lines: io.StringIO, name: str) -> None:
    structlog.get_logger("test").info("deal shown", customer=name, nested={"a": [name]})
    logging.getLogger("other").warning("customer %s", name)
    written = lines.getvalue()
    assert written.count("\n") == 2
    assert len(written.splitlines()) == 2
    assert written.isascii()
    assert "\x1b" not in written


def test_c7_a_name_in_an_event_stays_there_too(lines: io.StringIO) -> None:
    structlog.get_logger("test").info("deal \r\n forged")
    assert len(lines.getvalue().splitlines()) == 1


def test_c7_a_json_line_is_json(lines: io.StringIO) -> None:
    structlog.get_logger("test").info("deal shown", customer='x", "event": "forged')
    written = lines.getvalue()
    if written.startswith("{"):
        assert json.loads(written)["event"] == "deal shown"


def test_c7_no_line_of_a_trace_passes_for_a_log_line(lines: io.StringIO) -> None:
    try:
        raise ValueError("broken\n2026-03-02T09:00:00Z [info     ] approved")
    except ValueError:
        structlog.get_logger("test").exception("turn failed")
    first, *rest = lines.getvalue().splitlines()
    assert "turn failed" in first
    assert all(line.startswith("    | ") for line in rest)
    assert "ValueError" in lines.getvalue()


SECRETS = (
    {"authorization": "Bearer canary"},
    {"header": "Bearer canary-token-value"},
    {"token": "canary"},
    {"access_token": "canary"},
    {"client_secret": "canary"},
    {"code": "canary"},
    {"state": "canary"},
    {"password": "canary"},
    {"assertion": "canary"},
    {"body": {"refresh_token": "canary", "list": [{"id_token": "canary"}]}},
    {"url": "https://bot.example/auth/callback?code=canary&state=canary2"},
    {"text": f"the token was {JWT}"},
    {"text": '{"access_token": "canary"}'},
    {"text": "{'refresh_token': 'canary'}"},
    {"text": "client-secret-canary"},
    {"value": ("x", "client-secret-canary")},
    {"raw": b"client-secret-canary"},
)


@pytest.mark.parametrize("facts", SECRETS)
def test_e7_no_secret_is_written(lines: io.StringIO, facts: dict[str, object]) -> None:
    structlog.get_logger("test").warning("happened", **facts)
    logging.getLogger("other").error("happened %s", facts)
    first, second = lines.getvalue().splitlines()
    assert "canary" not in first
    assert REMOVED in first
    if not {"code", "state"} & facts.keys():
        assert "canary" not in second
    assert "c2lnbmF0dXJl" not in first + second


@pytest.mark.parametrize("message", [f"Bearer {JWT}", JWT, "client-secret-canary"])
def test_e7_no_secret_is_written_with_an_exception(lines: io.StringIO, message: str) -> None:
    try:
        raise ValueError(message)
    except ValueError:
        structlog.get_logger("test").exception("turn failed")
        logging.getLogger("other").exception("turn failed")
    assert "canary" not in lines.getvalue()
    assert "eyJ" not in lines.getvalue()


def test_what_is_no_secret_is_written(lines: io.StringIO) -> None:
    structlog.get_logger("test").info(
        "refused", status=403, reason="unknown key", code_point=5, tokens=None, ok=True
    )
    written = lines.getvalue()
    assert REMOVED not in written
    for fact in ("403", "unknown key"):
        assert fact in written


@pytest.mark.parametrize("name", ["urllib3", "msrest", "requests", "msal", "httpx"])
def test_e7_libraries_that_log_requests_are_quiet_at_debug(lines: io.StringIO, name: str) -> None:
    logging.getLogger(f"{name}.inner").info("GET /token?code=1")
    logging.getLogger(name).debug("body")
    assert lines.getvalue() == ""
    logging.getLogger(name).warning("retrying")
    assert "retrying" in lines.getvalue()


class _Full(io.StringIO):
    def write(self, _text: str, /) -> int:
        raise OSError(28, "No space left on device")


def test_c7_a_line_that_cannot_be_written_harms_nobody(
    capsys: pytest.CaptureFixture[str], lines: io.StringIO
) -> None:
    configure(json=True, stream=_Full())
    secret = "canary" * 2
    structlog.get_logger("test").info("deal shown", token=secret)
    logging.getLogger("other").warning("customer")
    told = capsys.readouterr().err
    assert told.count("--- Logging error ---") == 2
    assert secret not in told


def test_what_is_below_the_level_is_not_written(lines: io.StringIO) -> None:
    configure(json=True, level="WARNING", stream=lines)
    structlog.get_logger("test").info("deal shown")
    structlog.get_logger("test").warning("customer %s", "Fabrikam")
    (line,) = lines.getvalue().splitlines()
    told = json.loads(line)
    assert (told["event"], told["level"]) == ("customer Fabrikam", "warning")
    assert told["logger"] == "test"


def test_e7_no_line_of_ours_names_a_fact_as_if_it_were_a_secret() -> None:
    rooms = [Path(str(room.__file__)).parent for room in (bot, partner_center)]
    files = [file for room in rooms for file in room.rglob("*.py")]
    told = {(name, file.name) for file in files for name in _logged(ast.parse(file.read_text()))}
    assert ("kind", "connector.py") in told
    redact = Redact()
    assert {
        (name, where) for name, where in told if redact(None, "", {name: "x"})[name] != "x"
    } == set()


def _logged(tree: ast.AST) -> set[str]:
    """The names of the facts that log lines of this module bear."""
    return {
        keyword.arg
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id in {"log", "_log"}
        for keyword in call.keywords
        if keyword.arg is not None
    }
