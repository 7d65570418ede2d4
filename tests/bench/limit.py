"""The limit: the least a bot can do for a turn. Bare aiohttp: verify, parse, answer by one client.

`python -m tests.bench.limit PORT METADATA_URL REPLY_FILE` answers every message with what the file
holds, so that both servers send the same.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import aiohttp
import jwt
from aiohttp import web

from tests.bench.outside import APP_ID, ISSUER

_TOKEN = "for-the-bench"


def make_app(metadata_url: str, reply: dict[str, object]) -> web.Application:
    """The server: keys are fetched once, the outgoing session is opened once."""
    session: aiohttp.ClientSession
    keys: dict[str, jwt.PyJWK] = {}

    async def prepare(_app: web.Application) -> AsyncIterator[None]:
        nonlocal session
        async with aiohttp.ClientSession() as session:
            async with session.get(metadata_url) as answer:
                jwks_uri = (await answer.json())["jwks_uri"]
            async with session.get(jwks_uri) as answer:
                for key in jwt.PyJWKSet.from_dict(await answer.json()).keys:
                    keys[str(key.key_id)] = key
            yield

    async def messages(request: web.Request) -> web.Response:
        token = request.headers["Authorization"].removeprefix("Bearer ")
        key = keys[jwt.get_unverified_header(token)["kid"]]
        jwt.decode(token, key.key, algorithms=["RS256"], audience=APP_ID, issuer=ISSUER)
        activity = json.loads(await request.read())
        conversation = quote(activity["conversation"]["id"], safe="")
        url = f"{activity['serviceUrl']}v3/conversations/{conversation}/activities"
        body = json.dumps(reply | {"replyToId": activity["id"]}).encode()
        headers = {"Authorization": f"Bearer {_TOKEN}", "Content-Type": "application/json"}
        async with session.post(url, data=body, headers=headers) as answer:
            await answer.json()
        return web.Response(status=200)

    async def alive(_request: web.Request) -> web.Response:
        return web.Response()

    app = web.Application()
    app.add_routes([web.post("/api/messages", messages), web.get("/healthz", alive)])
    app.cleanup_ctx.append(prepare)
    return app


async def serve(port: int, metadata_url: str, reply: dict[str, object]) -> None:
    """Serve until the process is ended."""
    runner = web.AppRunner(make_app(metadata_url, reply), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), sys.argv[2], json.loads(Path(sys.argv[3]).read_bytes())))
