"""The limit: the least a bot can do for a turn. Bare aiohttp: verify, parse, answer by one client.

`python -m tests.bench.limit PORT FILE`: the file says what to answer to each text or verb, so that
both servers send the same, what to ask Partner Center for first, and which database to use.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import ssl
import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import asyncpg
import jwt
from aiohttp import web

from tests.bench.outside import APP_ID, ISSUER

_TOKEN = "for-the-bench"
_TABLES = (
    "CREATE TABLE tokens (person TEXT PRIMARY KEY, blob TEXT)",
    "CREATE TABLE notes (id TEXT PRIMARY KEY, note TEXT)",
)
Durable = Callable[[str, str], Awaitable[None]]
"""Reads what is kept of a person and keeps a note: one statement each, one of them durable."""


class Limit:
    """The server; keys are fetched once, the outgoing session is opened once."""

    def __init__(self, told: dict[str, Any]) -> None:
        self._told = told
        self._keys: dict[str, jwt.PyJWK] = {}

    def application(self) -> web.Application:
        """Its addresses."""
        app = web.Application()
        app.add_routes([web.post("/api/messages", self._messages), web.get("/healthz", _alive)])
        app.cleanup_ctx.append(self._prepare)
        return app

    async def _prepare(self, _app: web.Application) -> AsyncIterator[None]:
        trust = ssl.create_default_context(cafile=self._told["ca_file"])
        connector = aiohttp.TCPConnector(ssl=trust)
        self._durable = await durable(self._told.get("database"))
        async with aiohttp.ClientSession(connector=connector) as self._session:
            async with self._session.get(self._told["metadata_url"]) as answer:
                jwks_uri = (await answer.json())["jwks_uri"]
            async with self._session.get(jwks_uri) as answer:
                for key in jwt.PyJWKSet.from_dict(await answer.json()).keys:
                    self._keys[str(key.key_id)] = key
            yield

    async def _messages(self, request: web.Request) -> web.Response:
        token = request.headers["Authorization"].removeprefix("Bearer ")
        key = self._keys[jwt.get_unverified_header(token)["kid"]]
        jwt.decode(token, key.key, algorithms=["RS256"], audience=APP_ID, issuer=ISSUER)
        activity = json.loads(await request.read())
        said = activity.get("text") or f"press {activity['value']['action']['verb']}"
        wanted = self._told["answers"][said]
        for url in wanted["gets"]:
            async with self._session.get(url, headers={"Authorization": _TOKEN}) as answer:
                json.loads(await answer.read())
        if wanted["gets"]:
            await self._durable(activity["from"]["aadObjectId"], json.dumps(wanted["sends"]))
        for method, body in wanted["sends"]:
            await self._send(activity, method, body)
        if wanted["answer"] is None:
            return web.Response(status=200)
        return web.json_response(wanted["answer"])

    async def _send(self, activity: Any, method: str, body: dict[str, object]) -> None:  # noqa: ANN401
        conversation = quote(activity["conversation"]["id"], safe="")
        url = f"{activity['serviceUrl']}v3/conversations/{conversation}/activities"
        if method == "PUT":
            url += "/" + quote(activity["replyToId"], safe="")
        sent = json.dumps(body | {"conversation": activity["conversation"]}).encode()
        headers = {"Authorization": f"Bearer {_TOKEN}", "Content-Type": "application/json"}
        async with self._session.request(method, url, data=sent, headers=headers) as answer:
            await answer.json()


async def durable(address: str | None) -> Durable:
    """The two statements on a database of its own: a SQLite file, or PostgreSQL."""
    if address is not None and address.startswith("postgresql"):
        return await _on_postgresql(address)
    opened = sqlite3.connect(address or ":memory:", isolation_level=None)
    opened.execute("PRAGMA journal_mode=WAL")
    opened.execute("PRAGMA synchronous=FULL")
    for table in _TABLES:
        opened.execute(table)

    async def run(person: str, note: str) -> None:
        opened.execute("SELECT blob FROM tokens WHERE person = ?", (person,)).fetchone()
        opened.execute("INSERT INTO notes VALUES (?, ?)", (uuid.uuid4().hex, note))

    return run


async def _on_postgresql(address: str) -> Durable:
    pool = await asyncpg.create_pool(address, min_size=1, max_size=10)
    async with pool.acquire() as connection:
        for table in _TABLES:
            await connection.execute(table)

    async def run(person: str, note: str) -> None:
        async with pool.acquire() as connection:
            await connection.fetchrow("SELECT blob FROM tokens WHERE person = $1", person)
            await connection.execute("INSERT INTO notes VALUES ($1, $2)", uuid.uuid4().hex, note)

    return run


async def _alive(_request: web.Request) -> web.Response:
    return web.Response()


async def serve(port: int, told: dict[str, Any]) -> None:
    """Serve until the process is ended."""
    runner = web.AppRunner(Limit(told).application(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), json.loads(Path(sys.argv[2]).read_bytes())))
