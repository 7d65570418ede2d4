"""Subscriptions: who is told what of deals, once, and how that is changed by buttons."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sandbox.deals import (
    ALPINE,
    FABRIKAM,
    GRAPHIC,
    MARGIE,
    NORTHWIND,
    PROSEWARE,
    REGISTERED_ACTION,
    RELECLOUD,
    WOODGROVE,
)
from sandbox.people import PEOPLE, TENANT_ID
from tests.scenario.conftest import signed_in
from tests.scenario.test_approvals import asks_to_change, open_house
from tests.scenario.test_register import begins, walks_to_the_end
from tests.seen import Heard
from tests.world import NothingHeard, World

GUEST = {
    "members": [
        {
            "id": "29:guest",
            "aadObjectId": "00000000-0000-4000-8000-0000000000aa",
            "name": "Gia Guest",
            "userRole": "guest",
            "tenantId": TENANT_ID,
        }
    ]
}


async def subscribes(world: World, person: str, what: str, where: str = "wins") -> Heard:
    """Say `subscribe ...` and wait for its card."""
    await world.says(person, f"subscribe {what}", where)
    return await world.hears(person, where, until="Subscri")


async def wins(world: World, person: str = "ben", deal: str = FABRIKAM) -> None:
    """Mark a deal as won in personal chat."""
    await world.says(person, f"won {deal}")
    await world.hears(person, until="Mark this deal as won?")
    await world.clicks(person, "Mark as won")
    await world.hears(person, until="Saved")


async def wins_in_portal(world: World, deal: str = FABRIKAM, seconds: float = 0) -> None:
    """A colleague closes a deal as won where the bot does not see it."""
    closed = datetime.now(UTC) + world.clock.offset + timedelta(seconds=seconds)
    operations = [
        {"op": "replace", "path": "/status", "value": "Closed"},
        {"op": "replace", "path": "/substatus", "value": "Won"},
        {"op": "add", "path": "/closedDateTime", "value": f"{closed:%Y-%m-%dT%H:%M:%SZ}"},
    ]
    await world.edit(deal, operations)


async def looks(
    world: World, person: str, words: str = "Deal won", where: str = "personal"
) -> list[Heard]:
    """Let time pass, a look at a time, until this person sees it; gives what they see.

    A look that was under way while the clock was moved counts for the time after.
    """
    for last in (False, False, True):
        await world.advance(400)
        try:
            return await world.sees(
                person, lambda seen: bool(notices(seen, words)), where, within=20 if last else 5
            )
        except NothingHeard:
            if last:
                raise
    return []


def notices(messages: list[Heard], words: str = "Deal won") -> list[Heard]:
    """The messages that tell it."""
    return [each for each in messages if words in each]


async def test_a_win_reaches_the_channel_that_asked_once(ben: World) -> None:
    card = await subscribes(ben, "ben", "won")
    assert "Deals are looked at every few minutes" in card
    await wins(ben)
    messages = await ben.sees("dana", lambda seen: bool(notices(seen)), "wins")
    (notice,) = notices(messages)
    for said in ("Fabrikam Inc", "Fabrikam analytics rollout", "USD 30,000", "Ben Okafor"):
        assert said in notice
    assert "register it within 60 days of signature" in notice
    assert "through Dealdesk" in notice
    assert "Accepted to won" in notice
    assert "say “subscriptions”" in notice


async def test_a_win_elsewhere_is_found_by_looking_and_told_once(ben: World) -> None:
    await subscribes(ben, "ben", "won")
    await wins_in_portal(ben)
    (notice,) = notices(await looks(ben, "dana", where="wins"))
    assert "Fabrikam Inc" in notice
    assert "through Dealdesk" not in notice
    await ben.advance(400)
    await ben.advance(400)
    await wins(ben, deal=PROSEWARE)
    messages = await ben.sees("dana", lambda seen: len(notices(seen)) >= 2, "wins")
    assert len(notices(messages)) == 2


async def test_filters_keep_smaller_and_other_deals_out(ben: World) -> None:
    await subscribes(ben, "ben", "won value > 40k country US")
    await wins(ben, deal=FABRIKAM)
    await wins(ben, deal=WOODGROVE)
    messages = await ben.sees("dana", lambda seen: bool(notices(seen)), "wins")
    (notice,) = notices(messages)
    assert "Woodgrove" in notice


async def test_what_was_won_before_is_not_told(ben: World) -> None:
    await wins(ben)
    await subscribes(ben, "ben", "won")
    await ben.advance(400)
    await wins(ben, deal=WOODGROVE)
    messages = await ben.sees("dana", lambda seen: bool(notices(seen)), "wins")
    assert "Woodgrove" in notices(messages)[0]


async def test_a_person_hears_only_of_deals_they_may_see(office: World) -> None:
    for person in ("ben", "cleo", "ada"):
        await signed_in(office, person)
        await office.says(person, "notify me won")
        await office.hears(person, until="Subscribed")
    await wins(office, deal=WOODGROVE)
    await office.sees("ben", lambda seen: bool(notices(seen)))
    await looks(office, "ada")
    assert notices(await office.messages("cleo")) == []


async def test_buttons_pause_resume_edit_test_and_delete(ben: World) -> None:
    await subscribes(ben, "ben", "won")
    await ben.clicks("ben", "Send a test", where="wins")
    test = await ben.hears("dana", "wins", until="Test: ")
    assert "This is an example" in test
    await ben.clicks("ben", "Pause", where="wins")
    await ben.hears("ben", "wins", until="○ Paused")
    await wins(ben)
    await ben.clicks("ben", "Resume", where="wins")
    await ben.hears("ben", "wins", until="● On")
    await ben.clicks("ben", "Edit", where="wins")
    await ben.sees("ben", lambda seen: "Value above" in seen[-1] or "Edit: " in str(seen), "wins")
    await ben.clicks(
        "ben", "Save", where="wins", inputs={"value": "50k", "country": "US", "quiet": ""}
    )
    await ben.hears("ben", "wins", until="above 50,000")
    await wins(ben, deal=WOODGROVE)
    messages = await ben.sees("dana", lambda seen: bool(notices(seen)), "wins")
    assert all("Fabrikam" not in each for each in notices(messages))
    await ben.says("ben", "subscriptions", "wins")
    await ben.hears("ben", "wins", until="Deals won")
    await ben.clicks("ben", "Delete", where="wins")
    await ben.hears("ben", "wins", until="The subscription has ended")
    await ben.says("ben", "subscriptions", "wins")
    await ben.hears("ben", "wins", until="Nothing is told here")


async def test_a_wrong_filter_is_explained(ben: World) -> None:
    await ben.says("ben", "subscribe won country Atlantis", "wins")
    await ben.hears("ben", "wins", until="I do not know the country")
    await ben.says("ben", "subscribe won value > 100.000", "wins")
    await ben.hears("ben", "wins", until="more than one way")
    await ben.clicks("ben", "100000", where="wins")
    await ben.hears("ben", "wins", until="above 100,000")


async def test_a_deal_opens_in_personal_chat(ben: World) -> None:
    await subscribes(ben, "ben", "won")
    await wins(ben)
    await ben.sees("ben", lambda seen: bool(notices(seen)), "wins")
    await ben.clicks("ben", "Open in personal chat", where="wins")
    await ben.hears("ben", until="Fabrikam analytics rollout")


async def test_no_role_no_subscription(office: World) -> None:
    await signed_in(office, "eve")
    await office.says("eve", "subscribe won", "wins")
    heard = await office.hears("eve", "wins")
    assert "role" in heard


async def test_who_has_no_role_changes_nothing_that_others_subscribed(ben: World) -> None:
    for person in ("eve", "cleo"):
        await signed_in(ben, person)
    refusal = "Partner Center does not let you see deals"
    for button in ("Delete", "Pause", "Edit", "Send a test"):
        await subscribes(ben, "ben", "won")
        pressed = await ben.clicks("eve", button, where="wins")
        assert refusal in str(pressed.answer)
    await ben.says("eve", "unsubscribe", "wins")
    await ben.hears("eve", "wins", until=refusal)
    assert notices(await ben.messages("dana", "wins"), "Test: ") == []
    await ben.says("cleo", "subscriptions", "wins")
    await ben.hears("cleo", "wins", until="● On")
    await ben.clicks("cleo", "Pause", where="wins")
    await ben.hears("cleo", "wins", until="○ Paused")


async def test_quiet_hours_hold_and_fold_what_happens_in_them(ben: World) -> None:
    now = ben.clock()
    start, end = (now - timedelta(hours=1)).hour, (now + timedelta(hours=3)).hour
    await ben.says("ben", f"subscribe won quiet {start}-{end}", "wins", timezone="UTC")
    await ben.hears("ben", "wins", until="Subscri")
    for deal in (FABRIKAM, WOODGROVE, PROSEWARE):
        await wins(ben, deal=deal)
    assert notices(await ben.messages("dana", "wins")) == []
    await ben.advance(4 * 3600)
    messages = await ben.sees("dana", lambda seen: bool(notices(seen, "3 changes")), "wins")
    (folded,) = notices(messages, "3 changes")
    for name in ("Fabrikam", "Woodgrove", "Proseware"):
        assert name in folded
    assert notices(messages) == []


async def test_what_quiet_hours_hold_outlives_a_pause_and_another_wish(ben: World) -> None:
    now = ben.clock()
    start, end = (now - timedelta(hours=1)).hour, (now + timedelta(hours=3)).hour
    await ben.says("ben", f"subscribe won quiet {start}-{end}", "wins", timezone="UTC")
    await ben.hears("ben", "wins", until="Subscri")
    await wins(ben, deal=FABRIKAM)
    await ben.clicks("ben", "Pause", where="wins")
    await ben.hears("ben", "wins", until="○ Paused")
    await wins(ben, deal=WOODGROVE)
    await ben.advance(4 * 3600)
    await ben.clicks("ben", "Resume", where="wins")
    messages = await ben.sees("dana", lambda seen: bool(notices(seen)), "wins")
    assert ["Fabrikam" in each for each in notices(messages)] == [True]
    assert not any("Woodgrove" in each for each in notices(messages))


async def test_a_new_wish_in_quiet_hours_tells_what_the_former_held(ben: World) -> None:
    now = ben.clock()
    start, end = (now - timedelta(hours=1)).hour, (now + timedelta(hours=3)).hour
    await ben.says("ben", f"subscribe won quiet {start}-{end}", "wins", timezone="UTC")
    await ben.hears("ben", "wins", until="Subscri")
    for deal in (FABRIKAM, WOODGROVE):
        await wins(ben, deal=deal)
    await ben.says("ben", f"subscribe won value > 1k quiet {start}-{end}", "wins", timezone="UTC")
    await ben.hears("ben", "wins", until="Subscription changed")
    await wins(ben, deal=PROSEWARE)
    assert notices(await ben.messages("dana", "wins"), "2 changes") == []
    await ben.says("ben", "subscribe won", "wins", timezone="UTC")
    messages = await ben.sees("dana", lambda seen: bool(notices(seen, "3 changes")), "wins")
    (folded,) = notices(messages, "3 changes")
    for name in ("Fabrikam", "Woodgrove", "Proseware"):
        assert name in folded


async def test_a_burst_is_folded_after_the_first_five(office: World) -> None:
    """While the bot is away, as a look in the midst of it would find the burst in two parts."""
    await signed_in(office, "ben")
    await subscribes(office, "ben", "won")
    await office.stop()
    many = (FABRIKAM, NORTHWIND, WOODGROVE, RELECLOUD, PROSEWARE, ALPINE, MARGIE, GRAPHIC)
    for deal in many:
        await wins_in_portal(office, deal)
    await office.advance(700)
    await office.bot()
    await office.sees("dana", lambda seen: len(notices(seen)) == 5, "wins")
    await office.advance(700)
    messages = await office.sees("dana", lambda seen: bool(notices(seen, "3 changes")), "wins")
    assert len(notices(messages)) == 5


async def test_a_new_deal_reminds_its_owner_then_the_team_and_the_channel(office: World) -> None:
    for person in ("ada", "ben"):
        await signed_in(office, person)
    await subscribes(office, "ada", "expiring")
    reminder = await office.sees("ben", lambda seen: bool(notices(seen, "A new deal expires")))
    (first,) = [each for each in notices(reminder, "A new deal expires") if "Tailspin" in each]
    assert "in 3 days" in first
    assert "unsubscribe expiring" in first
    channel = await office.sees(
        "dana", lambda seen: any("Tailspin" in each for each in seen), "wins"
    )
    assert len([each for each in channel if "Tailspin" in each]) == 1
    await office.advance(2 * 86_400 + 3600)
    await office.sees("ben", lambda seen: len([e for e in seen if "Tailspin" in e]) == 2)
    await office.clicks("ben", "Snooze", message=first.id)
    await office.hears("ben", until="I remind you again after")


async def test_expiring_deals_wait_for_no_quiet_hours_and_the_last_reminder_for_no_snooze(
    office: World,
) -> None:
    for person in ("ada", "ben"):
        await signed_in(office, person)
    now = office.clock()
    start, end = (now - timedelta(hours=1)).hour, (now - timedelta(hours=2)).hour
    await office.says("ada", f"subscribe expiring quiet {start}-{end}", "wins", timezone="UTC")
    await office.hears("ada", "wins", until="Quiet")

    def told(count: int) -> Callable[[list[Heard]], bool]:
        return lambda seen: len([each for each in seen if "Tailspin" in each]) == count

    await office.sees("dana", told(1), "wins")
    (reminder,) = [each for each in await office.sees("ben", told(1)) if "Tailspin" in each]
    await office.advance(2 * 86_400 + 3600)
    await office.sees("dana", told(2), "wins")
    await office.sees("ben", told(2))
    await office.clicks("ben", "Snooze", message=reminder.id)
    await office.hears("ben", until="I remind you again after")
    await office.advance(20 * 3600)
    await office.sees("dana", told(3), "wins")
    seen = await office.sees("ben", told(2))
    _earlier, last = [each for each in seen if "Tailspin" in each]
    assert "unsubscribe expiring" in last


async def test_a_deal_is_declined_from_the_reminder_that_asks_for_an_answer(office: World) -> None:
    await signed_in(office, "ada")
    await office.says("ada", "hello")
    await office.hears("ada")
    await subscribes(office, "ada", "expiring", "wins")
    await office.advance(7 * 86_400)
    seen = await office.sees("ada", lambda seen: any("School of Fine Art" in each for each in seen))
    reminder = next(each for each in seen if "School of Fine Art" in each)
    await office.clicks("ada", "Decline", message=reminder.id)
    preview = await office.hears("ada", until="Decline this deal?")
    assert "This is final" in preview
    await office.clicks("ada", "Decline", message=preview.id)
    await office.hears("ada", until="Saved")


async def test_hand_over_tells_a_colleague_and_reminds_them_instead(office: World) -> None:
    for person in ("ada", "ben"):
        await signed_in(office, person)
    await office.says("ada", "hello")
    await office.hears("ada")
    await subscribes(office, "ada", "expiring", "wins")
    await office.advance(7 * 86_400)
    seen = await office.sees("ada", lambda seen: any("School of Fine Art" in each for each in seen))
    reminder = next(each for each in seen if "School of Fine Art" in each)
    await office.clicks("ada", "Hand over", message=reminder.id)
    form = await office.hears("ada", until="Hand this deal over?")
    await office.clicks("ada", "Hand over", message=form.id, inputs={"to": PEOPLE["ben"].oid})
    await office.hears("ada", until="was told")
    await office.sees(
        "ben", lambda seen: any("Ada Lindqvist hands this deal to you" in e for e in seen)
    )


async def test_unsubscribe_expiring_ends_reminders_nobody_asked_for(office: World) -> None:
    for person in ("ada", "ben"):
        await signed_in(office, person)
    await office.says("ben", "unsubscribe expiring")
    await office.hears("ben", until="The subscription has ended")
    await subscribes(office, "ada", "expiring")
    await office.sees("dana", lambda seen: any("Tailspin" in each for each in seen), "wins")
    assert not any("Tailspin" in each for each in await office.messages("ben"))


async def test_what_microsoft_says_of_a_registration_reaches_the_person_with_the_reason(
    ben: World,
) -> None:
    await signed_in(ben, "ada")
    await subscribes(ben, "ada", "registered")
    await ben.post(
        "registration",
        referral=REGISTERED_ACTION,
        state="Failed",
        reason="The contract names another solution.",
    )
    told = await looks(ben, "ben", "Your registration")
    (mine,) = notices(told, "Your registration")
    assert "The contract names another solution." in mine
    assert "Review failed" in mine
    channel = await ben.sees("dana", lambda seen: bool(notices(seen, "Registration: ")), "wins")
    assert "The contract names another solution." in notices(channel, "Registration: ")[0]


async def test_guests_in_the_channel_see_no_names_and_no_amounts(ben: World) -> None:
    await ben.fault("status", api="connector", path=".*pagedmembers.*", status=200, body=GUEST)
    card = await subscribes(ben, "ben", "won")
    assert "names and amounts are left out" in card
    await wins(ben)
    messages = await ben.sees("dana", lambda seen: bool(notices(seen)), "wins")
    (notice,) = notices(messages)
    for hidden in ("Fabrikam", "30,000", "Okafor"):
        assert hidden not in str(notice.raw)
    assert "guests can read this channel" in notice


async def test_names_are_shown_to_guests_when_that_was_said(ben: World) -> None:
    await ben.fault("status", api="connector", path=".*pagedmembers.*", status=200, body=GUEST)
    await subscribes(ben, "ben", "won names")
    await wins(ben)
    messages = await ben.sees("dana", lambda seen: bool(notices(seen)), "wins")
    assert "Fabrikam Inc" in notices(messages)[0]


async def test_who_may_subscribe_a_channel_is_a_setting(world: World) -> None:
    await world.bot(subscribers="approvers", approvers=PEOPLE["dana"].email)
    for person in ("ben", "dana"):
        await signed_in(world, person)
    await world.says("ben", "subscribe won", "wins")
    refused = await world.hears("ben", "wins", until="You may not change what is told here")
    assert "approvers" in refused
    await subscribes(world, "dana", "won")
    await world.clicks("ben", "Delete", where="wins")
    await world.says("ben", "unsubscribe", "wins")
    await world.hears("ben", "wins", until="You may not change what is told here")
    await world.says("ben", "notify me won", "wins")
    await world.hears("ben", "wins", until="in our personal chat")
    await world.says("dana", "subscriptions", "wins")
    await world.hears("dana", "wins", until="● On")


async def test_a_feed_in_a_thread_stays_in_it(ben: World) -> None:
    said = await ben.says("ben", "subscribe won thread", "wins")
    await ben.hears("ben", "wins", until="All in one thread")
    await wins(ben)
    messages = await ben.sees("dana", lambda seen: bool(notices(seen)), "wins")
    assert notices(messages)[0].raw["thread"] == said.id


async def test_approvals_are_told_when_they_wait_and_when_they_are_done(world: World) -> None:
    await open_house(world)
    await subscribes(world, "ben", "approvals")
    await asks_to_change(world)
    waits = await world.sees(
        "cleo", lambda seen: bool(notices(seen, "waits for a decision")), "wins"
    )
    assert "Asked by" in notices(waits, "waits for a decision")[0].words.replace("\u00a0", " ")
    await world.clicks("dana", "Approve")
    done = "Approval: ✔ Approved and done"
    told = await world.sees("cleo", lambda seen: bool(notices(seen, done)), "wins")
    assert len(notices(told, done)) == 1
    assert len(notices(told, "waits for a decision")) == 1


async def test_a_registration_of_ours_is_told_and_its_review_reaches_the_requester_once(
    ben: World,
) -> None:
    await subscribes(ben, "ben", "registered")
    await begins(ben)
    await walks_to_the_end(ben)
    await ben.clicks("ben", "Submit")
    await ben.sees("dana", lambda seen: bool(notices(seen, "Registration: ")), "wins")
    assert notices(await ben.messages("ben"), "Your registration") == []
    await ben.advance(3600)
    await ben.post(
        "registration", referral=FABRIKAM, state="ActionRequired", reason="Attach the contract."
    )
    told = await looks(ben, "ben", "Your registration")
    assert "Attach the contract." in notices(told, "Your registration")[0]
    await ben.advance(400)
    await ben.advance(400)
    assert len(notices(await ben.messages("ben"), "Your registration")) == 1


async def test_looking_for_news_is_polite_and_stops_where_it_was(ben: World) -> None:
    await subscribes(ben, "ben", "won")
    await wins_in_portal(ben)
    await looks(ben, "dana", where="wins")
    before = len(await ben.requests())
    await wins_in_portal(ben, WOODGROVE)
    await looks(ben, "dana", "Woodgrove", "wins")
    rows = (await ben.requests())[before:]
    lists = [row for row in rows if row["path"].endswith("/referrals")]
    assert all("updatedDateTime desc" in str(row["query"]) for row in lists)
    assert 1 <= len(lists) <= 6
    assert [row["path"].rsplit("/", 1)[1] for row in rows if row not in lists] == [WOODGROVE]


async def test_f4_looking_for_news_backs_off_while_partner_center_fails(ben: World) -> None:
    await subscribes(ben, "ben", "won")
    await wins_in_portal(ben)
    await ben.account("ben", role="")
    await ben.advance(400)
    await ben.advance(400)
    await ben.account("ben", role="Referral User")
    await ben.advance(7 * 3600)
    assert len(notices(await looks(ben, "dana", where="wins"))) == 1


async def test_e2_a_subscriber_whose_sign_in_ended_is_told_once(ben: World) -> None:
    await subscribes(ben, "ben", "won")
    await ben.revoke("ben")
    for _ in range(3):
        await ben.advance(3600)
    asked = await ben.sees(
        "ben", lambda seen: bool(notices(seen, "I cannot look for news for you"))
    )
    await ben.advance(3600)
    assert len(notices(asked, "I cannot look for news for you")) == 1
