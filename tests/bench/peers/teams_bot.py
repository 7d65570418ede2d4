"""The Teams SDK for Python: an App on its FastAPI adapter, served by uvicorn as it does itself."""

import asyncio
from typing import Any

import uvicorn
from fastapi import FastAPI
from microsoft_teams.api import MessageActivity, MessageActivityInput
from microsoft_teams.apps import ActivityContext, App, FastAPIAdapter

from tests.bench.peers.roads import ANSWERS, APP_ID, PORT, SECRET, TENANT, take_the_roads


async def answer(context: ActivityContext[MessageActivity]) -> None:
    """One message for one message."""
    told = ANSWERS[context.activity.text]
    await context.send(MessageActivityInput.model_validate(told))


async def alive() -> dict[str, str]:
    """For whoever waits until the bot serves."""
    return {}


async def serve() -> None:
    """Serve until the process is ended."""
    routes: Any = FastAPI()
    routes.get("/healthz")(alive)
    app: Any = App(
        client_id=APP_ID,
        client_secret=SECRET,
        tenant_id=TENANT,
        http_server_adapter=FastAPIAdapter(routes),
    )
    app.on_message(answer)
    await app.initialize()
    config = uvicorn.Config(
        routes, host="127.0.0.1", port=PORT, access_log=False, log_level="warning"
    )
    await uvicorn.Server(config).serve()


if __name__ == "__main__":
    take_the_roads()
    asyncio.run(serve())
