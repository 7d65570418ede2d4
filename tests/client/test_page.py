"""The chat page: people talk, press, switch, and see what is theirs to see."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Page, Route, expect

from tests.client.stage import Stage, heard, keep, say, stage

pytestmark = [pytest.mark.client, pytest.mark.asyncio(loop_scope="module")]

ROOM = "19:deal-room@thread.v2"
GENERAL = "19:general@thread.tacv2"
WINS = "19:wins@thread.tacv2"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    async with stage(tmp_path_factory.mktemp("sandbox")) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def on(house: Stage) -> AsyncIterator[Stage]:
    """The stage, empty; afterwards no script failed and nothing was asked of the outside."""
    await house.reset()
    yield house
    assert house.troubles == []


async def test_a_person_types_and_the_bot_answers(on: Stage) -> None:
    page = await on.open("ben")
    await say(page, "hello <b>there</b> *friend*")
    await expect(page.locator("article.own")).to_contain_text("hello <b>there</b> *friend*")
    await expect(heard(page, "You said").locator("em")).to_have_count(1)
    await expect(page.locator("#compose-text")).to_have_value("")
    assert await page.locator("article b").count() == 0


async def test_everybody_has_a_view_of_their_own(on: Stage) -> None:
    page = await on.open("ben")
    await say(page, "a secret of Ben")
    await expect(heard(page, "secret")).to_be_visible()
    await page.get_by_label("You are").select_option("cleo")
    await expect(page.locator("article")).to_have_count(0)
    await page.wait_for_url("**/?person=cleo&conversation=a%3Apersonal-cleo*")
    await page.get_by_label("You are").select_option("eve")
    await expect(page.locator("nav a")).to_have_count(3)
    await page.go_back()
    await page.go_back()
    await expect(page.locator("#person")).to_have_value("ben")
    await expect(heard(page, "secret")).to_be_visible()


async def test_each_person_has_a_language_of_their_own(on: Stage) -> None:
    page = await on.open("ben")
    language = page.get_by_label("Language of their Teams")
    await expect(language).to_have_value("en-US")
    async with page.expect_response("**/teams/switches"):
        await language.select_option("日本語")
    await say(page, "hello")
    await expect(heard(page, "You said hello")).to_be_visible()
    assert [one["locale"] for one in on.bot.activities] == ["ja-JP"]
    await page.get_by_label("You are").select_option("cleo")
    await expect(language).to_have_value("en-US")
    await page.get_by_label("You are").select_option("ben")
    await expect(language).to_have_value("ja-JP")


async def test_only_a_mention_reaches_the_bot_in_a_group(on: Stage) -> None:
    page = await on.open("ben", ROOM)
    mention = page.get_by_label("Mention @Dealdesk")
    await expect(mention).to_be_checked()
    await mention.uncheck()
    await say(page, "between us")
    await expect(page.locator("article.own")).to_have_count(1)
    await mention.check()
    await say(page, "list")
    await expect(heard(page, "You said list")).to_be_visible()
    assert [one["text"] for one in on.bot.activities] == ["<at>Dealdesk</at> list\n"]


async def test_a_channel_keeps_its_threads_apart(on: Stage) -> None:
    page = await on.open("ben", GENERAL)
    await say(page, "first")
    await expect(heard(page, "You said first")).to_be_visible()
    await say(page, "second")
    await expect(heard(page, "You said second")).to_be_visible()
    first = page.locator(".thread").first
    await first.locator("summary").click()
    await first.get_by_label("Reply in this thread").fill("and another thing")
    await first.get_by_role("button", name="Send").click()
    await expect(first.locator("article")).to_have_count(4)
    await expect(page.locator(".thread").nth(1).locator("article")).to_have_count(2)
    await keep(page, "page-channel-light")


async def test_execute_sends_the_inputs_and_changes_only_that_persons_card(on: Stage) -> None:
    ben, cleo = await on.open("ben", ROOM), await on.open("cleo", ROOM)
    await say(ben, "deal")
    await ben.get_by_label("Note").fill("")
    await ben.get_by_role("button", name="Save").click()
    await expect(heard(ben, "Saved.")).to_be_visible()
    await expect(heard(ben, "Saved.")).to_be_focused()
    await expect(cleo.get_by_role("button", name="Save")).to_be_visible()
    (sent,) = on.bot.invokes("save")
    assert sent["action"] == {
        "type": "Action.Execute",
        "title": "Save",
        "verb": "save",
        "data": {"deal": "1042"},
    }
    assert sent["trigger"] == "manual"


async def test_submit_sends_a_message_and_the_bot_edits_the_card_for_all(on: Stage) -> None:
    ben, cleo = await on.open("ben", ROOM), await on.open("cleo", ROOM)
    await say(ben, "deal")
    await cleo.get_by_label("Note").fill("from Cleo")
    await cleo.get_by_role("button", name="Send in").click()
    for page in (ben, cleo):
        await expect(heard(page, "Sent in.")).to_contain_text("Edited")
    assert on.bot.submits() == [{"verb": "send", "deal": "1042", "note": "from Cleo"}]


async def test_words_and_failures_are_shown_under_the_card(on: Stage) -> None:
    page = await on.open("ben")
    await say(page, "deal")
    await page.get_by_role("button", name="Ask why").click()
    await expect(page.locator(".outcome")).to_have_text("Because the value grew.")
    await page.get_by_role("button", name="Break").click()
    await expect(page.locator(".outcome.failed")).to_contain_text("Something went wrong.")
    await expect(page.get_by_role("button", name="Save")).to_be_enabled()
    await keep(page, "page-failed-light")


async def test_a_slow_answer_shows_that_it_is_awaited(on: Stage) -> None:
    page = await on.open("ben")
    await say(page, "deal")
    await page.get_by_role("button", name="Save").wait_for()
    on.bot.hold.clear()
    await page.locator(".ac-pushButton", has_text="Save").click()
    await expect(page.locator(".card[aria-busy=true] .pressed")).to_have_text("Save")
    await keep(page, "page-waiting-light")
    on.bot.hold.set()
    await expect(heard(page, "Saved.")).to_be_visible()
    await expect(page.locator("[aria-busy=true]")).to_have_count(0)


async def test_the_bot_is_seen_typing_until_it_answers(on: Stage) -> None:
    page = await on.open("ben")
    on.bot.hold.clear()
    await say(page, "hello")
    await expect(page.get_by_text("Dealdesk is typing…")).to_be_visible()
    on.bot.hold.set()
    await expect(heard(page, "You said")).to_be_visible()
    await expect(page.get_by_text("Dealdesk is typing…")).to_have_count(0)


async def test_edits_and_deletions_are_marked(on: Stage) -> None:
    page = await on.open("ben")
    await say(page, "hello")
    await expect(heard(page, "You said")).to_be_visible()
    place = on.bot.activities[0]
    message = await on.bot.post(place, text="one")
    await expect(heard(page, "one")).to_be_visible()
    await on.bot.edit(place, message, text="two")
    await expect(heard(page, "two")).to_contain_text("Edited")
    await on.bot.delete(place, message)
    await expect(heard(page, "This message has been deleted.")).to_be_visible()
    await expect(heard(page, "two")).to_have_count(0)


async def test_a_card_refreshes_for_the_people_it_names(on: Stage) -> None:
    ben, cleo = await on.open("ben", ROOM), await on.open("cleo", ROOM)
    await say(ben, "mine")
    await expect(heard(ben, "Only yours to decide.")).to_contain_text("Your own view")
    await expect(heard(cleo, "Somebody has to decide.")).to_be_visible()
    (sent,) = on.bot.invokes("look")
    assert sent["trigger"] == "automatic"


async def test_what_was_typed_survives_other_messages(on: Stage) -> None:
    page = await on.open("ben", ROOM)
    await say(page, "deal")
    await page.get_by_label("Note").fill("half a sent")
    await page.locator("#compose-text").fill("half a mess")
    await on.say("cleo", ROOM, "hello")
    await expect(heard(page, "You said hello")).to_be_visible()
    await expect(page.get_by_label("Note")).to_have_value("half a sent")
    await expect(page.locator("#compose-text")).to_have_value("half a mess")


async def test_a_sign_in_card_opens_its_link_in_a_new_tab(on: Stage) -> None:
    page = await on.open("ben")
    await say(page, "sign in")
    link = page.get_by_role("link", name="Sign in")
    async with page.expect_popup() as opening:
        await link.click()
    tab = await opening.value
    await expect(tab.get_by_text("Signing in.")).to_be_visible()
    assert tab.url == f"{on.bot.url}/auth/start?state=made-up"


async def test_unread_messages_are_counted(on: Stage) -> None:
    page = await on.open("ben")
    await on.say("cleo", ROOM, "hello")
    entry = page.locator("nav a", has_text="Deal room")
    await expect(entry).to_contain_text("2 unread")
    await entry.click()
    await expect(entry).not_to_contain_text("unread")
    await expect(page.locator("#compose-text")).to_be_focused()
    await page.reload()
    await expect(heard(page, "You said hello")).to_be_visible()
    await expect(page.locator("nav")).not_to_contain_text("unread")


async def test_what_the_page_was_not_told_is_read_anew(on: Stage) -> None:
    page = await on.open("ben")

    async def forgetful(route: Route) -> None:
        answer = await route.fetch()
        told = await answer.json()
        told["events"] = [each for each in told["events"] if each["conversation"] != ROOM]
        await route.fulfill(response=answer, json=told)

    await page.route("**/_sandbox/events*", forgetful)
    await say(page, "what was asked before is answered with this")
    await expect(heard(page, "You said what was asked before")).to_be_visible()
    await on.say("cleo", ROOM, "hello")
    await expect(page.locator("nav a", has_text="Deal room")).to_contain_text("2 unread")
    await page.unroute_all(behavior="ignoreErrors")


async def test_only_the_latest_messages_are_shown(on: Stage) -> None:
    await on.say("ben", "a:personal-ben", "the first")
    for number in range(99):
        await on.say("ben", "a:personal-ben", f"number {number}")
    page = await on.open("ben")
    await expect(page.locator("article")).to_have_count(200)
    await expect(heard(page, "You said the first")).to_be_visible()
    await say(page, "the last")
    await expect(heard(page, "You said the last")).to_be_visible()
    await expect(page.locator("article")).to_have_count(200)
    await expect(heard(page, "You said the first")).to_have_count(0)
    await expect(page.get_by_text("Earlier messages are not shown.")).to_be_visible()


async def test_a_bot_that_is_away_is_told(on: Stage) -> None:
    page = await on.open("ben")
    body = {"url": "http://127.0.0.1:9"}
    async with on.http.post(f"{on.address}_sandbox/bot", json=body) as answer:
        answer.raise_for_status()
    await say(page, "hello")
    await expect(page.get_by_role("alert")).to_contain_text("did not take the message")
    async with on.http.post(f"{on.address}_sandbox/bot", json={"url": on.bot.url}) as answer:
        answer.raise_for_status()


async def test_the_page_works_from_the_keyboard(on: Stage) -> None:
    page = await on.open("ben")
    await page.keyboard.press("Tab")
    await expect(page.locator(".skip")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("#compose-text")).to_be_focused()
    await page.keyboard.type("deal")
    await page.keyboard.press("Enter")
    save = page.get_by_role("button", name="Save")
    await save.wait_for()
    await save.focus()
    assert await save.evaluate("(it) => it.matches(':focus-visible')")
    assert await save.evaluate("(it) => getComputedStyle(it).outlineStyle") == "solid"
    await page.keyboard.press("Enter")
    await expect(heard(page, "Saved.")).to_be_focused()


async def test_escape_closes_the_chats_and_gives_the_focus_back(on: Stage) -> None:
    page = await on.open("ben", width=320, height=640)
    menu = page.get_by_role("button", name="Chats")
    await menu.click()
    room = page.locator("nav a", has_text="Deal room")
    await room.focus()
    await page.keyboard.press("Escape")
    await expect(room).to_be_hidden()
    await expect(menu).to_be_focused()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(1280, 900), (320, 640)])
async def test_the_page_is_readable(on: Stage, theme: str, width: int, height: int) -> None:
    for text in ("hello", "deal", "sign in"):
        await on.say("ben", "a:personal-ben", text)
    await on.say("cleo", GENERAL, "deal")
    page = await on.open("ben", theme=theme, width=width, height=height)
    await expect(page.get_by_role("link", name="Sign in")).to_be_visible()
    await _is_readable(page)
    await keep(page, f"page-personal-{width}-{theme}")
    if width == 320:
        await page.get_by_role("button", name="Chats").click()
        await _is_readable(page)
        await keep(page, f"page-chats-{width}-{theme}")
    await page.locator("nav a", has_text="General").click()
    await expect(page.locator(".thread").get_by_role("button", name="Save")).to_be_visible()
    await _is_readable(page)
    await keep(page, f"page-channel-{width}-{theme}")


async def test_the_theme_can_be_switched(on: Stage) -> None:
    page = await on.open("ben")
    await on.say("ben", "a:personal-ben", "deal")
    card = page.locator(".card")
    before = await card.evaluate("(it) => getComputedStyle(it).backgroundColor")
    await page.locator("#compose-text").fill("half a message")
    switch = page.get_by_role("button", name="Dark theme")
    await switch.click()
    await expect(switch).to_have_attribute("aria-pressed", "true")
    await expect(card).not_to_have_css("background-color", before)
    await expect(page.locator("#compose-text")).to_have_value("half a message")
    assert "theme=dark" in page.url


async def _is_readable(page: Page) -> None:
    """Says it is a sandbox, does not scroll sideways, has names and contrast everywhere."""
    await expect(page.get_by_text("Sandbox.", exact=True)).to_be_visible()
    assert "Dealdesk sandbox" in await page.title()
    sideways = await page.evaluate(
        "[document.documentElement, ...document.querySelectorAll('#messages, nav, header')]"
        ".filter((it) => it.scrollWidth > it.clientWidth).map((it) => it.tagName)"
    )
    assert sideways == []
    measured = await page.evaluate(
        "import('./gallery/rules.js')"
        ".then((it) => [...it.unnamed(document.body), ...it.faint(document.body)])"
    )
    assert measured == []
