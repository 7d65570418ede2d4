"""What was done to a deal from chat, and taking the last change back."""

from sandbox.deals import FABRIKAM, NORTHWIND
from tests.scenario.conftest import patches, signed_in
from tests.world import World

SAVE = "Save this change?"


async def saved(world: World, line: str) -> None:
    """Say a change and press its button."""
    await world.says("ben", line)
    await world.hears("ben", until=SAVE)
    await world.clicks("ben", "Save")
    await world.hears("ben", until="Saved in Partner Center")


async def test_history_tells_who_what_and_what_it_was(ben: World) -> None:
    await ben.says("ben", "history fabrikam analytics")
    assert "Nothing yet" in (await ben.hears("ben", until="What was done")).words
    await saved(ben, 'update fabrikam analytics value 45k notes "Agreed"')
    await ben.says("ben", "history fabrikam analytics")
    told = (await ben.hears("ben", until="USD 45,000")).words
    assert "Deal value: USD 30,000 → USD 45,000" in told
    assert "Agreed" in told
    assert "Ben Okafor · " in told
    assert "Say “undo”" in told


async def test_history_is_for_who_may_see_the_deal(ben: World) -> None:
    await saved(ben, "update fabrikam analytics value 45k")
    await signed_in(ben, "eve")
    await ben.says("eve", f"history {FABRIKAM}")
    heard = await ben.hears("eve")
    assert "45,000" not in heard.words
    assert "Ben Okafor" not in heard.words


async def test_undo_shows_the_inverse_first_and_is_itself_undone(ben: World) -> None:
    before = (await ben.referral(FABRIKAM))["details"]
    await saved(ben, 'update fabrikam analytics value 45k close 2027-03-31 notes "Agreed"')
    await ben.says("ben", "undo")
    shown = await ben.hears("ben", until=SAVE)
    assert "USD 45,000 → USD 30,000" in shown.words.replace("\n", " ")
    assert len(await ben.ledger()) == 1
    etag = (await ben.referral(FABRIKAM))["eTag"]
    await ben.clicks("ben", "Save")
    await ben.hears("ben", until="Saved in Partner Center")
    assert (await patches(ben))[-1]["headers"]["If-Match"] == etag
    held = (await ben.referral(FABRIKAM))["details"]
    for name in ("dealValue", "notes", "closingDateTime"):
        assert held[name] == before[name]
    await ben.says("ben", "undo")
    assert "Agreed" in (await ben.hears("ben", until=SAVE)).words


async def test_undo_overwrites_nothing_that_changed_since(ben: World) -> None:
    await saved(ben, "update fabrikam analytics value 45k")
    await ben.edit(FABRIKAM, [{"op": "replace", "path": "/details/dealValue", "value": 40000}])
    await ben.says("ben", "undo")
    assert "Nothing was changed" in (await ben.hears("ben", until="changed again since")).words
    assert len(await patches(ben)) == 1


async def test_undo_is_for_ones_own_last_change_here(ben: World) -> None:
    await ben.says("ben", "undo")
    await ben.hears("ben", until="nothing to undo")
    await saved(ben, "update fabrikam analytics value 45k")
    await signed_in(ben, "cleo")
    await ben.says("cleo", "undo")
    await ben.hears("cleo", until="nothing to undo")
    await ben.says("ben", "undo", "general")
    await ben.hears("ben", "general", until="nothing to undo")


async def test_a_state_is_not_undone(ben: World) -> None:
    await ben.says("ben", "lost northwind")
    await ben.hears("ben", until="Mark this deal as lost?")
    await ben.clicks("ben", "Mark as lost")
    await ben.hears("ben", until="Saved in Partner Center")
    await ben.says("ben", "undo")
    assert "which is final" in (await ben.hears("ben", until="cannot be undone")).words
    assert (await ben.referral(NORTHWIND))["substatus"] == "Lost"


async def test_a_text_that_was_empty_is_empty_again(ben: World) -> None:
    await saved(ben, 'update fabrikam analytics campaign "C-1"')
    await ben.says("ben", "undo")
    shown = await ben.hears("ben", until=SAVE)
    assert "not set" in shown.words
    await ben.clicks("ben", "Save")
    await ben.hears("ben", until="Saved in Partner Center")
    assert not (await ben.referral(FABRIKAM))["details"].get("campaignId")
