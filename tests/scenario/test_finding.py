"""Lists, names and numbers: everybody finds the deal they mean, or is asked."""

from sandbox.deals import FABRIKAM, SOUTHRIDGE
from tests.scenario.conftest import signed_in
from tests.world import World


async def test_handles_are_the_same_for_everybody(ben: World) -> None:
    await signed_in(ben, "cleo")
    await ben.says("ben", "show fabrikam analytics")
    handle = (await ben.hears("ben", until="#")).words.split("#")[1][:4]
    await ben.says("cleo", f"show #{handle}")
    await ben.hears("cleo", until="Fabrikam analytics rollout")


async def test_typos_are_forgiven(ben: World) -> None:
    await ben.says("ben", "show fabrikan analitics")
    await ben.hears("ben", until="Fabrikam analytics rollout")


async def test_several_hits_ask_which_and_go_on(ben: World) -> None:
    await signed_in(ben, "ada")
    await ben.says("ada", "update analytics value 31k")
    asked = await ben.hears("ada", until="Which do you mean?")
    assert asked.words.count("#") >= 2
    assert await ben.ledger() == []


async def test_a_number_nobody_saw_is_said_to_be_unknown(ben: World) -> None:
    await ben.says("ben", "show #9999")
    await ben.hears("ben", until="cannot find")


async def test_lists_by_state_and_pages(ben: World) -> None:
    await signed_in(ben, "ada")
    await ben.says("ada", "list all")
    first = (await ben.hears("ada", until="Deals you may see")).words
    await ben.clicks("ada", "Next page")
    second = (await ben.hears("ada", until="Deals you may see")).words
    assert first != second
    await ben.says("ada", "list won")
    won = (await ben.hears("ada", until="Won deals")).words
    assert "Active" not in won.replace("[Active]", "").split("Select a deal")[0]


async def test_F10_one_page_is_enough_for_the_first_card(ben: World) -> None:
    await signed_in(ben, "ada")
    before = len(await ben.requests())
    await ben.says("ada", "list all")
    await ben.hears("ada", until="Deals you may see")
    assert len(await ben.requests()) == before + 1


async def test_E9_everybody_sees_only_their_own_deals(ben: World) -> None:
    await signed_in(ben, "dana")
    await ben.says("dana", "list all southridge")
    assert "Southridge" in (await ben.hears("dana")).words
    await ben.says("ben", "list all southridge")
    assert "Southridge" not in (await ben.hears("ben")).words.replace("“southridge”", "")
    await ben.says("ben", f"show {SOUTHRIDGE}")
    await ben.hears("ben", until="cannot find")


async def test_a_pasted_link_opens_the_deal(ben: World) -> None:
    await ben.says("ben", f"https://partner.microsoft.com/dashboard/v2/referrals/{FABRIKAM}")
    await ben.hears("ben", until="Fabrikam analytics rollout")


async def test_F10_a_search_that_ends_early_says_so_and_what_to_type(ben: World) -> None:
    """More pages than a search reads: nothing found is not the same as nothing there."""
    await signed_in(ben, "ada")
    await ben.switch(page_size=1)
    for said in ("show zyxwvut", "list zyxwvut"):
        await ben.says("ada", said)
        heard = await ben.hears("ada", until="did not find that deal")
        assert "the first 10 deals only" in heard.words
        assert "paste its link" in heard.words
    await ben.switch(page_size=100)
    await ben.says("ada", "show zyxwvut")
    assert "first" not in (await ben.hears("ada", until="cannot find")).words


async def test_the_pipeline_adds_up_ones_own_deals_in_one_read(ben: World) -> None:
    before = len(await ben.requests())
    await ben.says("ben", "pipeline")
    mine = (await ben.hears("ben", until="My pipeline")).words
    assert "Made of" in mine
    assert "open deals, worth" in mine
    assert len(await ben.requests()) == before + 1
    await ben.clicks("ben", "All I may see")
    await ben.hears("ben", until="Pipeline of the deals")
    await ben.clicks("ben", "Active deals")
    await ben.hears("ben", until="Active deals")
    assert await ben.ledger() == []


async def test_the_pipeline_in_a_group_is_of_whoever_asked(ben: World) -> None:
    await ben.says("ben", "my pipeline", where="group")
    said = (await ben.hears("ben", where="group", until="Pipeline of")).words
    assert "Ben Okafor" in said
