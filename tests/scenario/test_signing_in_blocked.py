"""Signing in when Teams does not let the bot into the personal chat."""

from tests.world import World


async def test_a_blocked_personal_chat_says_what_to_do(office: World) -> None:
    await office.says("ben", "hello")
    await office.hears("ben", until="What you can say")
    await office.fault(
        "status",
        api="connector",
        method="POST",
        path="a%3Apersonal|a:personal",
        status=403,
        times=9,
    )
    await office.says("ben", "list", "general")
    heard = await office.hears("ben", "general", until="sign in")
    assert "personal chat" in heard.words
    assert "Something went wrong" not in heard.words
