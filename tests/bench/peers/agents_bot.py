"""The Microsoft 365 Agents SDK: AgentApplication with MemoryStorage, as its quickstart shows it."""

from typing import Any

from aiohttp import web
from microsoft_agents.activity import Activity, load_configuration_from_env
from microsoft_agents.authentication.msal import MsalConnectionManager
from microsoft_agents.hosting.aiohttp import (
    CloudAdapter,
    jwt_authorization_middleware,
    start_agent_process,
)
from microsoft_agents.hosting.core import (
    AgentApplication,
    Authorization,
    MemoryStorage,
    TurnContext,
    TurnState,
)

from tests.bench.peers.roads import ANSWERS, APP_ID, PORT, SECRET, TENANT, take_the_roads

SETTINGS = "CONNECTIONS__SERVICE_CONNECTION__SETTINGS__"


async def answer(context: TurnContext, _state: TurnState) -> None:
    """One message for one message."""
    told = ANSWERS[context.activity.text]
    await context.send_activity(Activity.model_validate(told))


def make_app() -> web.Application:
    """The quickstart's server."""
    given = load_configuration_from_env(
        {f"{SETTINGS}CLIENTID": APP_ID, f"{SETTINGS}CLIENTSECRET": SECRET}
        | {f"{SETTINGS}TENANTID": TENANT}
    )
    storage, connections = MemoryStorage(), MsalConnectionManager(**given)
    adapter = CloudAdapter(connection_manager=connections)
    agent: Any = AgentApplication[TurnState](
        storage=storage,
        adapter=adapter,
        authorization=Authorization(storage, connections, **given),
        **given,
    )
    agent.activity("message")(answer)

    async def messages(request: web.Request) -> web.Response:
        found: web.Response | None = await start_agent_process(request, agent, adapter)
        return found or web.Response(status=202)

    async def alive(_request: web.Request) -> web.Response:
        return web.Response()

    below = web.Application(middlewares=[jwt_authorization_middleware])
    below["agent_configuration"] = connections.get_default_connection_configuration()
    below.add_routes([web.post("/messages", messages)])
    app = web.Application()
    app.add_subapp("/api/", below)
    app.add_routes([web.get("/healthz", alive)])
    return app


if __name__ == "__main__":
    take_the_roads()
    web.run_app(make_app(), host="127.0.0.1", port=PORT, access_log=None)
