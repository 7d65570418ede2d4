"""The stock way: botbuilder's CloudAdapter and an ActivityHandler, as its samples show it."""

from aiohttp import web
from botbuilder.core import ActivityHandler, TurnContext
from botbuilder.integration.aiohttp import CloudAdapter, ConfigurationBotFrameworkAuthentication
from botbuilder.schema import Activity

from tests.bench.peers.roads import ANSWERS, APP_ID, PORT, SECRET, TENANT, take_the_roads


class Config:
    """What the samples keep in `config.py`."""

    APP_ID = APP_ID
    APP_PASSWORD = SECRET
    APP_TYPE = "SingleTenant"
    APP_TENANTID = TENANT


class Bot(ActivityHandler):  # type: ignore[misc]
    """Answers what it was told to answer."""

    async def on_message_activity(self, turn_context: TurnContext) -> None:
        """One message for one message."""
        answer = ANSWERS[turn_context.activity.text]
        await turn_context.send_activity(Activity().deserialize(answer))


def make_app() -> web.Application:
    """The sample's server."""
    adapter, bot = CloudAdapter(ConfigurationBotFrameworkAuthentication(Config())), Bot()

    async def messages(request: web.Request) -> web.Response:
        answer: web.Response | None = await adapter.process(request, bot)
        return answer or web.Response(status=201)

    async def alive(_request: web.Request) -> web.Response:
        return web.Response()

    app = web.Application()
    app.add_routes([web.post("/api/messages", messages), web.get("/healthz", alive)])
    return app


if __name__ == "__main__":
    take_the_roads()
    web.run_app(make_app(), host="127.0.0.1", port=PORT, access_log=None)
