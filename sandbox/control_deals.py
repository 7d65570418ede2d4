"""Control routes for Partner Center: what was written and asked, switches, and others' edits."""

from __future__ import annotations

from typing import cast

from aiohttp import web

from sandbox.body import BadCall, Body, answer
from sandbox.house import House
from sandbox.people import PEOPLE
from sandbox.wire import Json
from sandbox.world import PORTAL


def routes(house: House) -> list[web.RouteDef]:
    """All of them, below `/_sandbox`."""
    control = DealsControl(house)
    return [
        web.get("/_sandbox/ledger", control.ledger),
        web.get("/_sandbox/requests", control.requests),
        web.get("/_sandbox/switches", control.switches),
        web.post("/_sandbox/switches", control.switch),
        web.post("/_sandbox/edit", control.edit),
        web.post("/_sandbox/registration", control.registration),
        web.get("/_sandbox/referral/{id}", control.referral),
    ]


class DealsControl:
    """The handlers."""

    def __init__(self, house: House) -> None:
        self.world = house.world

    async def ledger(self, request: web.Request) -> web.Response:
        """Writes that were applied, oldest first."""
        return answer(self.world.ledger.writes)

    async def requests(self, request: web.Request) -> web.Response:
        """Requests that came, oldest first; no tokens."""
        return answer(self.world.ledger.requests)

    async def switches(self, request: web.Request) -> web.Response:
        """All switches as they stand."""
        return answer(self.world.switches.values())

    async def switch(self, request: web.Request) -> web.Response:
        """`{name: value, ...}`: set switches, all or none."""
        body = await Body.of(request)
        self.world.switches.apply(body.members)
        return answer(self.world.switches.values())

    async def edit(self, request: web.Request) -> web.Response:
        """`{"referral", "operations", "as"}`: somebody's change in the portal, under no rule."""
        body = await Body.of(request)
        by = _editor(body)
        operations = cast("Json", body.members.get("operations"))
        return answer(self.world.edit(body.text("referral"), operations, by))

    async def registration(self, request: web.Request) -> web.Response:
        """`{"referral", "state", "reason", "as"}`: Microsoft's review moves a registration on."""
        body = await Body.of(request)
        try:
            changed = self.world.set_registration_state(
                body.text("referral"), body.text("state"), body.optional("reason"), _editor(body)
            )
        except ValueError as error:
            raise BadCall(str(error)) from error
        return answer(changed)

    async def referral(self, request: web.Request) -> web.Response:
        """A referral as it is stored, whoever owns it."""
        return answer(self.world.referral(request.match_info["id"]))


def _editor(body: Body) -> str:
    by = body.text("as", PORTAL)
    if by != PORTAL and by not in PEOPLE:
        raise BadCall(f"there is no {by!r}")
    return by
