"""What may come in: method, type, size, JSON and shape; slow and silent clients (A13, A14)."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from bot.conversation import Said
from tests.door.stage import APP_ID, Stage, stage
from tests.stopwatch import stopwatch

SIZE = 1_100_000


async def _still_works(at_door: Stage, within: float = 1) -> None:
    async with stopwatch() as watch:
        assert (await at_door.post(at_door.activity())).status == 200
        assert watch.seconds < within


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
async def test_a13_other_methods_are_405(at_door: Stage, method: str) -> None:
    reply = await at_door.post(at_door.activity(), method=method)
    assert (reply.status, reply.body, reply.headers["Allow"]) == (405, b"", "POST")


TYPES: tuple[str | None, ...] = (
    None,
    "text/plain",
    "application/x-www-form-urlencoded",
    "application/json; charset=utf-16",
    "application/jsonx",
    "multipart/form-data; boundary=x",
)


@pytest.mark.parametrize("kind", TYPES)
async def test_a13_other_content_types_are_415(at_door: Stage, kind: str | None) -> None:
    reply = await at_door.post(at_door.activity(), headers={"Content-Type": kind})
    assert (reply.status, reply.body, at_door.listener.heard) == (415, b"", [])


async def test_a13_compressed_bodies_are_415(at_door: Stage) -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    reply = await at_door.post(raw=bomb, headers={"Content-Encoding": "gzip"})
    assert (reply.status, reply.body) == (415, b"")
    await _still_works(at_door)


async def test_a13_large_bodies_are_413(at_door: Stage) -> None:
    headers = {"Authorization": f"Bearer {at_door.token()}", "Content-Type": "application/json"}
    body = io.BytesIO(json.dumps(at_door.activity(text="x" * SIZE)).encode())
    async with at_door.http.post(
        f"{at_door.base}/api/messages", data=body, headers=headers
    ) as answer:
        assert (answer.status, await answer.read()) == (413, b"")
    assert at_door.listener.heard == []


async def test_a13_large_bodies_without_length_are_413(at_door: Stage) -> None:
    async def parts() -> AsyncIterator[bytes]:
        yield b'{"text": "'
        for _ in range(SIZE // 1_000):
            yield b"x" * 1_000

    headers = {"Authorization": f"Bearer {at_door.token()}", "Content-Type": "application/json"}
    async with at_door.http.post(
        f"{at_door.base}/api/messages", data=parts(), headers=headers
    ) as answer:
        assert (answer.status, await answer.read()) == (413, b"")
    await _still_works(at_door)


BODIES: Mapping[str, bytes] = {
    "cut": b"{",
    "empty": b"",
    "list": b"[]",
    "string": b'"x"',
    "null": b"null",
    "number": b"1",
    "nested_100k_open": b"[" * 100_000,
    "utf16": '{"text":"x"}'.encode("utf-16"),
    "unclosed_quotes": b'{"' + b'\\"' * 100_000,
    "trailing": b"{} {}",
}


@pytest.mark.parametrize("raw", BODIES.values(), ids=BODIES.keys())
async def test_a13_what_is_not_strict_json_is_400(at_door: Stage, raw: bytes) -> None:
    async with stopwatch() as watch:
        reply = await at_door.post(raw=raw)
        assert watch.seconds < 1
    assert (reply.status, reply.body, at_door.listener.heard) == (400, b"", [])
    await _still_works(at_door)


VALUES: Mapping[str, bytes] = {
    "nested_100k": b"[" * 100_000 + b"]" * 100_000,
    "nested_32": b"[" * 32 + b"]" * 32,
    "nested_objects": b'{"a":' * 40 + b"1" + b"}" * 40,
    "long_integer": b"9" * 41,
    "very_long_integer": b"9" * 5_000,
    "long_fraction": b"0." + b"9" * 40,
    "infinite": b"1e400",
    "nan": b"NaN",
    "minus_infinity": b"-Infinity",
    "bad_utf8": b'"\xff\xfe"',
    "raw_newline": b'"a\nb"',
    "duplicate_inside": b'{"id":"a","id":"b"}',
    "duplicate_outside": b'1,"text":"approve"',
}


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES.keys())
async def test_a13_an_activity_with_one_bad_value_is_400(at_door: Stage, value: bytes) -> None:
    raw = json.dumps(at_door.activity(value="HERE")).encode().replace(b'"HERE"', value)
    reply = await at_door.post(raw=raw)
    assert (reply.status, reply.body, at_door.listener.heard) == (400, b"", [])
    await _still_works(at_door)


GOOD_VALUES = (b"[" * 31 + b"]" * 31, b"9" * 40, b"1e300", b"-0.5", b"{}")


@pytest.mark.parametrize("value", GOOD_VALUES)
async def test_a13_an_activity_at_the_limits_is_let_in(at_door: Stage, value: bytes) -> None:
    raw = json.dumps(at_door.activity(value="HERE")).encode().replace(b'"HERE"', value)
    assert (await at_door.post(raw=raw)).status == 200


SHAPES: Mapping[str, Mapping[str, object]] = {
    "no_type": {"type": None},
    "type_is_a_number": {"type": 5},
    "no_id": {"id": None},
    "id_is_a_list": {"id": []},
    "id_is_long": {"id": "1" * 2_000},
    "no_conversation": {"conversation": None},
    "conversation_is_a_text": {"conversation": "a:1"},
    "conversation_without_id": {"conversation": {"conversationType": "personal"}},
    "conversation_of_no_kind": {"conversation": {"id": "a:1"}},
    "from_is_a_list": {"from": []},
    "text_is_an_object": {"text": {}},
    "text_is_a_number": {"text": 1},
    "channel_data_is_a_text": {"channelData": "x"},
    "entities_is_an_object": {"entities": {}},
    "bad_timestamp": {"timestamp": "yesterday"},
    "timestamp_is_a_number": {"timestamp": 5},
    "service_url_is_a_list": {"serviceUrl": []},
    "members_is_a_text": {"membersAdded": "x"},
}


@pytest.mark.parametrize("changes", SHAPES.values(), ids=SHAPES.keys())
async def test_a13_what_is_not_an_activity_is_400(
    at_door: Stage, changes: Mapping[str, object]
) -> None:
    reply = await at_door.post(at_door.activity(**changes))
    assert (reply.status, reply.body, at_door.listener.heard) == (400, b"", [])


async def test_a13_32_levels_and_brackets_in_texts_are_fine(at_door: Stage) -> None:
    value = json.loads("[" * 30 + "]" * 30)
    body = at_door.activity(text="[" * 100 + "\\" + "{" * 100, value={"deep": value})
    assert (await at_door.post(body)).status == 200
    said = at_door.listener.heard[0]
    assert isinstance(said, Said)
    assert said.text == "[" * 100 + "\\" + "{" * 100


async def test_a13_unknown_fields_and_entities_are_let_through(at_door: Stage) -> None:
    entities = [{"type": "https://schema.org/Message", "@id": ""}, 5, {"type": "x", "y": [1]}]
    body = at_door.activity(entities=entities, somethingNew={"a": [1, None]}, attachments="?")
    assert (await at_door.post(body)).status == 200


async def test_c3_lone_surrogates_and_nul_become_replacement_marks(at_door: Stage) -> None:
    raw = json.dumps(at_door.activity(text="XX")).encode().replace(b"XX", b"a\\ud83d b\\u0000c")
    assert (await at_door.post(raw=raw)).status == 200
    said = at_door.listener.heard[0]
    assert isinstance(said, Said)
    assert said.text == "a\ufffd b\ufffdc"


@pytest.mark.parametrize(("method", "path"), [("GET", "/"), ("GET", "/api"), ("POST", "/healthz")])
async def test_a13_other_addresses_are_refused_empty(
    at_door: Stage, method: str, path: str
) -> None:
    async with at_door.http.request(method, at_door.base + path) as answer:
        assert answer.status in (404, 405)
        assert await answer.read() == b""


async def test_every_answer_carries_the_security_headers(at_door: Stage) -> None:
    for reply in (await at_door.get("/healthz"), await at_door.get("/nowhere")):
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
        assert reply.headers["Cache-Control"] == "no-store"
        assert "frame-ancestors 'none'" in reply.headers["Content-Security-Policy"]
        assert "Server" not in reply.headers


def _head(at_door: Stage, *, token: str | None, length: int) -> bytes:
    host = at_door.base.removeprefix("http://")
    lines = [
        "POST /api/messages HTTP/1.1",
        f"Host: {host}",
        "Content-Type: application/json",
        f"Content-Length: {length}",
    ]
    if token:
        lines.append(f"Authorization: Bearer {token}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


async def _open(at_door: Stage) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, _, port = at_door.base.removeprefix("http://").partition(":")
    return await asyncio.open_connection(host, int(port))


async def test_a14_half_sent_bodies_are_closed(tmp_path: Path) -> None:
    async with stage(tmp_path, read_seconds=0.5) as at_door:
        opened = [await _open(at_door) for _ in range(200)]
        for index, (_, writer) in enumerate(opened):
            token = at_door.token() if index % 2 else None
            writer.write(_head(at_door, token=token, length=100) + b'{"type":')
        await _still_works(at_door, within=10)
        async with asyncio.timeout(60):
            ends = [await reader.read() for reader, _ in opened]
        assert {end.split(b" ")[1] for end in ends if end} <= {b"400", b"401"}
        for _, writer in opened:
            writer.close()
        assert len(at_door.listener.heard) == 1


async def test_a14_silent_connections_are_closed(tmp_path: Path) -> None:
    async with stage(tmp_path, silence=1.0) as at_door:
        opened = [await _open(at_door) for _ in range(500)]
        opened[0][1].write(b"POST /api/messages HTTP/1.1\r\nHost:")
        await _still_works(at_door)
        async with asyncio.timeout(60):
            for reader, writer in opened:
                assert await reader.read() == b""
                writer.close()
        await _still_works(at_door)


async def test_a14_connections_beyond_the_cap_are_turned_away(tmp_path: Path) -> None:
    async with stage(tmp_path, most=3) as at_door:
        opened = [await _open(at_door) for _ in range(4)]
        async with asyncio.timeout(60):
            assert (await opened[3][0].read()).startswith(b"HTTP/1.1 503 ")
        for _, writer in opened:
            writer.close()


async def test_a14_a_flood_without_tokens_leaves_room_for_the_others(at_door: Stage) -> None:
    garbage = {"Authorization": "Bearer a.b.c", "Content-Type": "application/json"}

    async def flood() -> set[int]:
        statuses = set()
        for _ in range(100):
            async with at_door.http.post(
                f"{at_door.base}/api/messages", json={"appId": APP_ID}, headers=garbage
            ) as answer:
                statuses.add(answer.status)
        return statuses

    floods = [asyncio.create_task(flood()) for _ in range(10)]
    slowest = 0.0
    async with stopwatch() as watch:
        while not all(flood.done() for flood in floods):
            began = watch.seconds
            assert (await at_door.post(at_door.activity())).status == 200
            slowest = max(slowest, watch.seconds - began)
    assert set.union(*[flood.result() for flood in floods]) == {401}
    assert slowest < 2
