"""The checklist: each policy in words, the way on, and Register only when both checks say yes."""

from sandbox.deals import FABRIKAM, NORTHWIND, WOODGROVE
from tests.world import World, buttons


async def test_a_passing_checklist_offers_to_register(ben: World) -> None:
    await ben.says("ben", "eligible fabrikam analytics")
    shown = await ben.hears("ben", until="Ready to register")
    assert shown.words.count("passed") >= 6
    assert "Register" in buttons(ben.card("ben"))


async def test_a_failing_checklist_says_what_who_and_how(ben: World) -> None:
    await ben.says("ben", f"eligible {NORTHWIND}")
    shown = await ben.hears("ben", until="Cannot be registered yet")
    for piece in ("20,000", "25,000", "not passed"):
        assert piece in shown.words
    assert "Register" not in buttons(ben.card("ben"))


async def test_checking_again_sees_the_change(ben: World) -> None:
    await ben.says("ben", f"eligible {NORTHWIND}")
    before = await ben.hears("ben", until="Cannot be registered yet")
    await ben.edit(
        NORTHWIND, [{"op": "replace", "path": "/details/dealValue", "value": 30000}], "portal"
    )
    await ben.clicks("ben", "Check again")
    after = await ben.hears("ben", until="Cannot be registered yet")
    assert after.words.count("not passed") < before.words.count("not passed")


async def test_a_private_deal_says_what_cannot_be_done_later(ben: World) -> None:
    await ben.says("ben", f"eligible {WOODGROVE}")
    shown = await ben.hears("ben", until="Cannot be registered yet")
    assert "Deal type: not passed" in shown.words
    assert "invite Microsoft" in shown.words


async def test_the_company_itself(ben: World) -> None:
    await ben.says("ben", "am I eligible?")
    await ben.hears("ben", until="company may register")
    await ben.switch(partner_eligible=False)
    await ben.says("ben", "eligible fabrikam analytics")
    await ben.hears("ben", until="Cannot be registered yet")
    assert "Register" not in buttons(ben.card("ben"))


async def test_F11_an_absent_check_never_registers(ben: World) -> None:
    await ben.fault("status", method="POST", path=".*eligibility", status=500, times=9)
    await ben.says("ben", f"eligible {FABRIKAM}")
    heard = await ben.hears("ben", until="not answering")
    assert "Register" not in buttons(heard.card or {})
