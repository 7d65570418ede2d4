"""List queries: no value leaves its literal, and no next link leaves the service."""

from urllib.parse import parse_qs, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partner_center.errors import UnexpectedAnswer
from partner_center.query import Query, engagement, everything, following, mine, quoted, status

BASE = "https://api.partner.microsoft.com/v1.0/engagements/referrals"


def test_the_documented_filters() -> None:
    assert mine("user@contoso.com").filter == "team/any(t:t/email eq 'user@contoso.com')"
    assert status("New").filter == "status eq 'New'"
    assert status("Closed", "Won").filter == "status eq 'Closed' and substatus eq 'Won'"
    guid = "65edc0b5-3485-41b7-a17e-dfa9ef4706e2"
    assert engagement(guid).filter == f"engagementId eq '{guid}'"


def test_encoding() -> None:
    query = mine("a'b@x.example", top=10)
    assert query.encode() == (
        "$filter=team%2Fany%28t%3At%2Femail%20eq%20%27a%27%27b%40x.example%27%29"
        "&$orderby=updatedDateTime%20desc&$top=10"
    )
    assert Query(None, None).encode() == ""
    assert everything().encode() == "$orderby=updatedDateTime%20desc"


def test_both_filters() -> None:
    both = mine("a@x.example", top=5).also(status("Active"))
    assert both.filter == "(team/any(t:t/email eq 'a@x.example')) and (status eq 'Active')"
    assert both.top == 5
    assert everything().also(status("New")).filter == "status eq 'New'"
    assert everything().also(everything()).filter is None


@pytest.mark.parametrize("value", ["a\nb", "a\x00", "x" * 321, "\u202e", "\ud800"])
def test_no_odd_values(value: str) -> None:
    with pytest.raises(ValueError, match="filter"):
        quoted(value)


@pytest.mark.parametrize("value", ["", "x", "65edc0b5", "65edc0b5-3485-41b7-a17e-dfa9ef4706e2' or"])
def test_an_engagement_is_a_guid(value: str) -> None:
    with pytest.raises(ValueError, match="engagement"):
        engagement(value)


@given(st.text(max_size=60).filter(str.isprintable))
def test_a_value_never_leaves_its_literal(value: str) -> None:
    literal = quoted(value)
    assert literal.startswith("'")
    assert literal.endswith("'")
    assert literal[1:-1].replace("''", "").count("'") == 0
    assert parse_qs(mine(value).encode())["$filter"] == [f"team/any(t:t/email eq {literal})"]


@pytest.mark.parametrize(
    ("link", "url"),
    [
        (f"{BASE}?$skiptoken=abc", f"{BASE}?$skiptoken=abc"),
        (f"{BASE}/?$skiptoken=abc", f"{BASE}?$skiptoken=abc"),
        (
            "http://api.partner.microsoft.com/v1.0/referrals?$skiptoken=k181p%2Bx",
            f"{BASE}?$skiptoken=k181p%2Bx",
        ),
        (
            "http://api.partner.microsoft.com/v1.0/engagements/referrals?$top=5&$skiptoken=x",
            f"{BASE}?$top=5&$skiptoken=x",
        ),
        (
            f"{BASE}?$filter=status eq 'New'&$skiptoken=x",
            f"{BASE}?$filter=status%20eq%20'New'&$skiptoken=x",
        ),
        ("/v1.0/engagements/referrals?$skiptoken=x", f"{BASE}?$skiptoken=x"),
        ("https://API.partner.microsoft.com:443/other?$skiptoken=x", f"{BASE}?$skiptoken=x"),
    ],
)
def test_F10_the_next_page_is_on_our_own_collection(link: str, url: str) -> None:
    assert following(link, BASE) == url


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/v1.0/engagements/referrals?$skiptoken=x",
        "https://api.partner.microsoft.com.evil.example/?$skiptoken=x",
        "https://api.partner.microsoft.com@evil.example/?$skiptoken=x",
        "https://user:pass@api.partner.microsoft.com/?$skiptoken=x",
        "https://api.partner.microsoft.com:8443/?$skiptoken=x",
        "//evil.example/?$skiptoken=x",
        "ftp://api.partner.microsoft.com/?$skiptoken=x",
        "javascript:alert(1)",
        "https://api.partner.microsoft.com/v1.0/referrals",
        "https://api.partner.microsoft.com/v1.0/referrals?$skiptoken=a&$skiptoken=b",
        "https://api.partner.microsoft.com:x/?$skiptoken=a",
        "https://[/?$skiptoken=a",
        "https://api.partner.microsoft.com/?$skiptoken=a\r\nX: y",
        "https://api.partner.microsoft.com/?$skiptoken=" + "a" * 9000,
        "",
    ],
)
def test_F10_a_link_that_leads_away_is_refused(link: str) -> None:
    with pytest.raises(UnexpectedAnswer):
        following(link, BASE)


def test_F10_the_port_counts_on_a_base_that_has_one() -> None:
    base = "http://127.0.0.1:3979/partnercenter/v1.0/engagements/referrals"
    assert following(f"{base}?$skiptoken=1", base) == f"{base}?$skiptoken=1"
    for link in ("http://127.0.0.1:3978/x?$skiptoken=1", "http://127.0.0.1/x?$skiptoken=1"):
        with pytest.raises(UnexpectedAnswer):
            following(link, base)


@given(st.text(max_size=100))
def test_F10_whatever_the_link_the_host_is_ours(link: str) -> None:
    try:
        assert unquote(following(link, BASE)).startswith(BASE + "?")
    except UnexpectedAnswer as error:
        assert "next_link" in error.reason  # noqa: PT017
