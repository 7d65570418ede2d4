"""What changed since somebody last looked is marked for them, and for nobody else."""

from sandbox.deals import FABRIKAM
from tests.scenario.conftest import signed_in
from tests.world import World

NEW_VALUE = [{"op": "replace", "path": "/details/dealValue", "value": 40000}]


async def test_a_colleagues_change_is_marked_once_and_for_each_reader(ben: World) -> None:
    await signed_in(ben, "cleo")
    await ben.says("cleo", "show fabrikam analytics")
    await ben.hears("cleo", until="Fabrikam analytics rollout")
    await ben.says("ben", "show fabrikam analytics")
    assert "◆" not in (await ben.hears("ben", until="Fabrikam analytics rollout")).words
    await ben.edit(FABRIKAM, NEW_VALUE)
    await ben.says("ben", "show fabrikam analytics")
    marked = (await ben.hears("ben", until="Fabrikam analytics rollout")).words
    assert "Changed since you last looked" in marked
    assert "40,000 ◆ was" in marked
    await ben.says("ben", "show fabrikam analytics")
    assert "◆" not in (await ben.hears("ben", until="Fabrikam analytics rollout")).words
    await ben.says("cleo", "show fabrikam analytics")
    assert "40,000 ◆ was" in (await ben.hears("cleo", until="Fabrikam analytics rollout")).words


async def test_ones_own_change_is_no_news(ben: World) -> None:
    await ben.says("ben", "show fabrikam analytics")
    await ben.hears("ben", until="Fabrikam analytics rollout")
    await ben.says("ben", "update fabrikam analytics value 41k")
    await ben.hears("ben", until="Save this change?")
    await ben.clicks("ben", "Save")
    await ben.hears("ben", until="Saved in Partner Center")
    await ben.says("ben", "show fabrikam analytics")
    assert "◆" not in (await ben.hears("ben", until="Fabrikam analytics rollout")).words


async def test_in_a_group_nothing_is_marked_but_it_counts_as_seen(ben: World) -> None:
    await ben.says("ben", "show fabrikam analytics")
    await ben.hears("ben", until="Fabrikam analytics rollout")
    await ben.edit(FABRIKAM, NEW_VALUE)
    for where in ("group", "personal"):
        await ben.says("ben", "show fabrikam analytics", where=where)
        heard = await ben.hears("ben", where=where, until="Fabrikam analytics rollout")
        assert "◆" not in heard.words
