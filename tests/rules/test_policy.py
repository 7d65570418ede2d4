"""The approval policy: what a line of settings asks for, and every way to get it wrong."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from bot.policy import (
    Create,
    Lost,
    PolicyError,
    Register,
    TeamRole,
    ValueAbove,
    ValueChange,
    Valuing,
    Won,
    parse_policy,
)
from partner_center.money import Money

TENANT = "0e34108c-f6af-4453-a3a7-cd0c0f4ad8af"
CHANNEL = "19:wins@thread.tacv2"
DANA = "Dana.Whitfield@contoso.example"


def test_the_whole_grammar() -> None:
    policy = parse_policy(
        "register, won, lost, create, value>100000 USD, value>20%, quorum=2, expires=36h",
        [DANA, "1DA6AFFC-57C5-4fe8-8ff3-a2878ea41521"],
    )
    assert policy.rules == (
        Register(),
        Won(),
        Lost(),
        Create(),
        ValueAbove(Money(Decimal(100000), "USD")),
        ValueChange(Decimal(20)),
    )
    assert (policy.quorum, policy.expires) == (2, timedelta(hours=36))
    assert policy.is_approver("1da6affc-57c5-4fe8-8ff3-a2878ea41521", None)
    assert policy.is_approver("somebody", DANA.upper())
    assert not policy.is_approver("somebody", None)


def test_nothing_asks_for_nothing() -> None:
    policy = parse_policy("", [])
    assert policy.rules == ()
    assert not policy.asks(Register())
    assert not policy.asks(Valuing(None, None, Decimal(10**9), "USD"))
    assert not policy.is_approver("", "")


def usd(before: int | None, after: int) -> Valuing:
    return Valuing(None if before is None else Decimal(before), "USD", Decimal(after), "USD")


@pytest.mark.parametrize(
    ("rule", "wish", "asked"),
    [
        ("register", Register(), True),
        ("register", Won(), False),
        ("won", Won(), True),
        ("won", Lost(), False),
        ("lost", Lost(), True),
        ("create", Create(), True),
        ("value>100000 USD", usd(1, 100000), False),
        ("value>100000 USD", usd(1, 100001), True),
        ("value>100000 USD", usd(200000, 90000), False),
        ("value>100000 USD", Valuing(None, None, Decimal(5), "EUR"), True),
        ("value>100000 USD, value>90000 EUR", Valuing(None, None, Decimal(5), "EUR"), False),
        ("value>20%", usd(100, 120), False),
        ("value>20%", usd(100, 121), True),
        ("value>20%", usd(100, 79), True),
        ("value>20%", usd(None, 1), True),
        ("value>20%", usd(0, 1), True),
        ("value>20%", Valuing(Decimal(1), "USD", Decimal(1), "EUR"), True),
        ("register", usd(1, 10**9), False),
    ],
)
def test_what_is_asked(rule: str, wish: Valuing | Register, asked: bool) -> None:
    assert parse_policy(rule, [DANA]).asks(wish) is asked


def test_a_channel_goes_before_its_tenant_and_that_before_all() -> None:
    policy = parse_policy(
        f"register, quorum=1; [tenant {TENANT.upper()}] won, expires=2d;"
        f" [channel {CHANNEL}] none; [channel 19:other@thread.v2] lost, by=ada@contoso.example",
        [DANA],
    )
    assert policy.at("another", "a:personal").asks(Register())
    there = policy.at(TENANT, "a:personal")
    assert (there.asks(Won()), there.asks(Register())) == (True, False)
    assert there.expires == timedelta(days=2)
    assert policy.at(TENANT, CHANNEL).rules == ()
    other = policy.at(TENANT, "19:other@thread.v2")
    assert other.approvers == {"ada@contoso.example"}
    assert other.expires == policy.expires


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("registr", "registr"),
        ("value>", "no amount"),
        ("value>100000", "currency"),
        ("value>50.000 USD", "no amount"),
        ("value>ten%", "no percentage"),
        ("value>-5%", "no percentage"),
        ("value>NaN%", "no percentage"),
        ("register, quorum=0", "quorum"),
        ("register, quorum=2", "only 1"),
        ("register, quorum=two", "quorum"),
        ("register, expires=1m", "expires"),
        ("register, expires=31d", "expires"),
        ("register, expires=soon", "expires"),
        ("register; won", "begin with"),
        ("register; [team x] won", "team"),
        ("register; [tenant contoso] won", "no GUID"),
        ("register, by=admins", "approver 'admins'"),
        ("register, by=owner", "owners or members"),
        ("register, by=guests", "owners or members"),
        (f"register; [channel {CHANNEL}] won; [channel {CHANNEL}] lost", "two sections"),
    ],
)
def test_a_wrong_policy_is_refused_in_one_sentence(text: str, says: str) -> None:
    with pytest.raises(PolicyError, match=says) as refused:
        parse_policy(text, [DANA])
    assert str(refused.value).endswith(".")


@pytest.mark.parametrize("text", ["register", f"none; [tenant {TENANT}] won"])
def test_a_policy_without_approvers_is_refused(text: str) -> None:
    with pytest.raises(PolicyError, match="nobody"):
        parse_policy(text, [" "])


def test_roles_of_the_team_stand_beside_people_and_sections_name_their_own() -> None:
    policy = parse_policy(
        f"register, quorum=3; [channel {CHANNEL}] won, by=members",
        [DANA, " Owners "],
    )
    assert policy.approvers == {DANA.lower()}
    assert policy.roles == {TeamRole.OWNERS}
    there = policy.at(TENANT, CHANNEL)
    assert there.approvers == frozenset()
    assert there.roles == {TeamRole.MEMBERS}
    assert there.quorum == 3
    assert policy.is_anywhere_approver("somebody", None)


def test_a_quorum_of_people_alone_is_still_counted() -> None:
    parse_policy("register, quorum=2", ["owners"])
    with pytest.raises(PolicyError, match="only 1"):
        parse_policy(f"register, quorum=2, by={DANA}", ["owners"])


@pytest.mark.parametrize("name", ["dana", "role:lead", "owners of the team", "@contoso.example"])
def test_an_approver_who_is_neither_is_refused_in_one_sentence(name: str) -> None:
    with pytest.raises(PolicyError, match="sign-in name, owners or members") as refused:
        parse_policy("", [name])
    assert str(refused.value).endswith(".")
