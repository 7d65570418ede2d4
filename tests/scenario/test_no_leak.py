"""A whole run with everything logged: no code, token or secret turns up anywhere, and no person
or customer in the log."""

import asyncio
import json
import re
from pathlib import Path

from sandbox.deals import FABRIKAM
from tests.scenario.conftest import signed_in
from tests.scenario.test_register import begins, walks_to_the_end
from tests.world import World

PERSONAL = ("Okafor", "Marchetti", "@contoso", "Fabrikam", "45,000", "45000", "Pilot", "+1 425")
"""Names, addresses and contents, of which a log needs none: ids are enough."""
JWT = re.compile(rb"eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.")


async def test_E7_I11_no_token_code_or_secret_in_logs_files_cards_or_calls(world: World) -> None:
    bot = await world.bot_process({"DEALDESK_LOG_LEVEL": "DEBUG"})
    await signed_in(world, "ben")
    await world.teams(sso={"cleo": True})
    await world.says("cleo", "list")
    await world.hears("cleo", until="My deals")
    await world.says("ben", "update fabrikam analytics value 45k")
    await world.hears("ben", until="Save this change?")
    await world.fault("status", method="PATCH", status=500)
    await world.clicks("ben", "Save")
    await world.hears("ben", until="do not know yet")
    await world.says(
        "ben", "team add fabrikam analytics jo@contoso.example Jo Pilot +1 425 555 0100"
    )
    await world.revoke("cleo")
    await world.says("cleo", f"show {FABRIKAM}")
    await world.account("ben", mfa=False)
    await begins(world)
    await walks_to_the_end(world)
    await world.says("ben", "sign out")
    await world.hears("ben", until="You are signed out")
    issued = [str(secret) for secret in await world.get("entra/issued")]
    assert len(issued) > 6
    seen = json.dumps([await world.connector(), await world.requests(), await world.ledger()])
    said = json.dumps([[m.raw for m in await world.messages(who)] for who in ("ben", "cleo")])
    await bot.stop()

    secrets = [*issued, world.sandbox.settings["DEALDESK_APP_SECRET"]]
    secrets += world.environment(0)["DEALDESK_ENCRYPTION_KEYS"].split(",")
    files = {path: path.read_bytes() for path in await asyncio.to_thread(_files, world)}
    assert any(path.name == "dealdesk.db" for path in files)
    log = next(content for path, content in files.items() if path == bot.log)
    assert log.count(b"partner_center_call") > 5
    for words in PERSONAL:
        assert words.encode() not in log, f"I11: {words} is in the log"
    places = [*files.items(), (Path("calls"), seen.encode()), (Path("messages"), said.encode())]
    for place, content in places:
        assert JWT.search(content) is None, place
        for secret in secrets:
            assert secret.encode() not in content, place


def _files(world: World) -> list[Path]:
    return [path for path in world.folder.rglob("*") if path.is_file()]
