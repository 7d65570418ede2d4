"""Control routes (`/_sandbox`): what tests and the chat page do to the sandbox itself."""

from __future__ import annotations

from datetime import datetime

from aiohttp import web
from aiohttp.typedefs import Handler

from sandbox import control_deals, control_entra, control_teams, control_webhooks
from sandbox.body import BadCall, Body, answer
from sandbox.buttons import InputRefused, NoSuchButton
from sandbox.chats import NoSuchChat
from sandbox.fault_plan import BadFault
from sandbox.house import House
from sandbox.json_patch import PatchProblem
from sandbox.switches import UnknownSwitch
from sandbox.teams import NotThere
from sandbox.visitor import LostVisitor
from sandbox.world import NoSuchReferral

LONGEST_WAIT = 30.0
STATUSES: dict[type[Exception], int] = {
    BadCall: 400,
    BadFault: 400,
    LostVisitor: 400,
    PatchProblem: 400,
    UnknownSwitch: 400,
    NoSuchReferral: 404,
    NoSuchChat: 404,
    NotThere: 404,
    NoSuchButton: 422,
    InputRefused: 422,
}
"""How a refused control call is answered; the body says why."""


def routes(house: House) -> list[web.RouteDef]:
    """All control routes."""
    control = Control(house)
    return [
        web.get("/_sandbox/connector", control.connector),
        web.get("/_sandbox/events", control.events),
        web.get("/_sandbox/clock", control.time),
        web.post("/_sandbox/clock", control.set_time),
        web.get("/_sandbox/faults", control.open_faults),
        web.post("/_sandbox/faults", control.add_fault),
        web.delete("/_sandbox/faults", control.clear_faults),
        web.post("/_sandbox/faults/release", control.release),
        web.get("/_sandbox/bot", control.bot),
        web.post("/_sandbox/bot", control.set_bot),
        web.post("/_sandbox/reset", control.reset),
        *control_deals.routes(house),
        *control_teams.routes(house),
        *control_entra.routes(house),
        *control_webhooks.routes(house),
    ]


@web.middleware
async def say_why(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Middleware: a refused control call is answered with its reason."""
    try:
        return await handler(request)
    except tuple(STATUSES) as error:
        status = next(code for kind, code in STATUSES.items() if isinstance(error, kind))
        return answer({"error": str(error), "kind": type(error).__name__}, status=status)


class Control:
    """The handlers."""

    def __init__(self, house: House) -> None:
        self.house = house

    async def connector(self, request: web.Request) -> web.Response:
        """Every call of the connector."""
        return answer(self.house.connector.calls)

    async def events(self, request: web.Request) -> web.Response:
        """`?after=N&wait=SECONDS&person=key`: events after number N that they can see.

        Waits for the first of them; `last` is the N to ask with next. There are `last` - N of
        them, unless a person was named, the sandbox was started anew or has forgotten some.
        """
        query, log = request.query, self.house.events
        try:
            after = int(query.get("after", log.last))
            wait = float(query.get("wait", 25))
        except ValueError as error:
            raise BadCall("after and wait are numbers") from error
        if not wait >= 0:
            raise BadCall("wait is no time to wait")
        start = after if after <= log.last else 0
        found = await log.wait(start, min(wait, LONGEST_WAIT), query.get("person"))
        return answer({"events": found, "last": log.last})

    async def time(self, request: web.Request) -> web.Response:
        """The sandbox's present."""
        return answer({"now": self.house.world.clock.now()})

    async def set_time(self, request: web.Request) -> web.Response:
        """`{"advance": seconds}` or `{"now": iso}`: move the sandbox's clock."""
        body = await Body.of(request)
        moment = body.optional("now")
        advance = body.members.get("advance")
        try:
            if moment is not None:
                self.house.world.clock.set(datetime.fromisoformat(moment))
            else:
                self.house.world.clock.advance(float(str(advance)))
        except ValueError as error:
            raise BadCall(str(error)) from error
        return answer({"now": self.house.world.clock.now()})

    async def open_faults(self, request: web.Request) -> web.Response:
        """Faults that can still hit a call."""
        shown = [
            {"id": fault.id, "api": fault.api, "kind": fault.kind.value, "times": fault.times}
            for fault in self.house.world.faults.open
        ]
        return answer(shown)

    async def add_fault(self, request: web.Request) -> web.Response:
        """`{"api": "partner_center"|"connector"|"entra"|"keys", "kind", "method", "path",
        "times", "after", ...}`: make the next matching calls go wrong."""
        body = await Body.of(request)
        return answer({"id": self.house.world.faults.add(body.members)})

    async def clear_faults(self, request: web.Request) -> web.Response:
        """Take all faults away."""
        self.house.world.faults.clear()
        return answer({})

    async def release(self, request: web.Request) -> web.Response:
        """Deliver the requests that `late` faults hold back."""
        return answer({"released": await self.house.world.faults.release()})

    async def bot(self, request: web.Request) -> web.Response:
        """Where the bot is looked for."""
        return answer({"url": self.house.bot_url})

    async def set_bot(self, request: web.Request) -> web.Response:
        """`{"url"}`: look for the bot there, on this machine."""
        url = (await Body.of(request)).here("url")
        if url is None:
            raise BadCall("url is missing")
        self.house.bot_url = url
        return answer({"url": self.house.bot_url})

    async def reset(self, request: web.Request) -> web.Response:
        """Everything back to the start, except keys and the bot's address."""
        self.house.reset()
        return answer({"last": self.house.events.last})
