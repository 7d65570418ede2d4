"""The deals the sandbox starts with: the named ones of `deals`, and many ordinary ones."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from sandbox import deal_shapes as shape
from sandbox import deals, wire
from sandbox.catalogue import MICROSOFT
from sandbox.deal_shapes import Deal
from sandbox.referrals import Referrals
from sandbox.registrations import sample
from sandbox.wire import Document

DEFAULT_COUNT = 160
"""How many own referrals there are unless told otherwise; the page size is 100."""


def named() -> tuple[Deal, ...]:
    """The deals with fixed ids: the sandbox checklist of the API reference, section 16."""
    return (*_OPEN, *_ANSWERS, *_VALUES_AND_CUSTOMERS, *_REGISTERED, *_CLOSED, *_ODD)


def start(referrals: Referrals, now: datetime, count: int = DEFAULT_COUNT) -> None:
    """Fill an empty store as of `now`, with `count` own referrals (never fewer than the named)."""
    fixed = named()
    for deal in (*fixed, *_ordinary(count - len(fixed))):
        own, *others = shape.referrals_of(deal, now)
        if deal.registration:
            own["registrations"] = [sample(own, deal.registration, now)]
            own["registrationStatus"] = deal.registration
        if deal.id == deals.UNUSUAL:
            _make_unusual(own)
        for referral in (own, *others):
            referrals.put(referral, now)


def _make_unusual(own: Document) -> None:
    wire.object_at(own, "customerProfile")["ids"] = {}
    wire.object_at(own, "details")["notes"] = None
    for absent in ("registrations", "tags", "favorite", "isSpam", "acceptedDateTime"):
        own.pop(absent, None)


_OPEN = (
    Deal(
        id=deals.FABRIKAM,
        engagement=deals.FABRIKAM_ENGAGEMENT,
        name="Fabrikam analytics rollout",
        customer="Fabrikam Inc",
        value=Decimal(30000),
        team=("ben", "cleo"),
        notes="First call went well.",
        crm="CRM-1042",
    ),
    Deal(
        id=deals.NORTHWIND,
        name="Northwind order portal",
        customer="Northwind Traders",
        value=Decimal(20000),
        managed=False,
        team=("ben",),
    ),
    Deal(
        id=deals.WOODGROVE,
        name="Woodgrove data platform",
        customer="Woodgrove Bank",
        value=Decimal("52500.50"),
        type="Independent",
        shared=False,
        microsoft=None,
        team=("ben",),
    ),
    Deal(
        id=deals.LITWARE,
        name="Litware modern workplace",
        customer="Litware Inc",
        value=Decimal(61000),
        type="Independent",
        microsoft=None,
        team=("cleo",),
    ),
    Deal(
        id=deals.SOUTHRIDGE,
        name="Southridge video archive",
        customer="Southridge Video",
        value=Decimal(88000),
        team=("dana",),
    ),
    Deal(
        id=deals.RELECLOUD,
        name="Relecloud media encoding",
        customer="Relecloud",
        value=Decimal(45000),
        made=10 / 24,
        team=("ben",),
    ),
    Deal(
        id=deals.BELLOWS,
        name="Bellows College campus cloud",
        customer="Bellows College",
        value=Decimal(70000),
        partner=True,
        team=("cleo",),
    ),
    Deal(
        id=deals.WIDE_WORLD,
        name="Wide World Importers supply chain",
        customer="Wide World Importers",
        value=Decimal(1800000),
    ),
)


_ANSWERS = (
    Deal(
        id=deals.TAILSPIN,
        name="Tailspin toy tracking",
        customer="Tailspin Toys",
        value=Decimal(35000),
        standing=shape.NEW,
        direction="Incoming",
        invited_by=MICROSOFT,
        made=11,
        expires=3,
        team=("ben",),
    ),
    Deal(
        id=deals.ADVENTURE,
        name="Adventure Works bike telemetry",
        customer="Adventure Works",
        value=Decimal(41000),
        standing=shape.RECEIVED,
        direction="Incoming",
        invited_by=MICROSOFT,
        made=13.75,
        expires=0.25,
        team=("cleo",),
    ),
    Deal(
        id=deals.QUALIFIED_LEAD,
        name="School of Fine Art enquiry",
        customer="School of Fine Art",
        value=Decimal(0),
        type="Independent",
        standing=shape.NEW,
        direction="Incoming",
        invited_by=MICROSOFT,
        microsoft=None,
        made=4,
        expires=10,
        team=("ada", "ben"),
    ),
    Deal(
        id=deals.MARKETPLACE_LEAD,
        name="Marketplace visitor",
        customer="Best For You Organics",
        value=Decimal(0),
        type="Independent",
        qualification="Direct",
        standing=shape.NEW,
        direction="Incoming",
        invited_by=MICROSOFT,
        microsoft=None,
        made=1,
        expires=13,
        more={"referralSource": "AzureMarketplace", "callToAction": "ContactMe"},
    ),
    Deal(
        id=deals.PROSEWARE,
        name="Proseware contract search",
        customer="Proseware Inc",
        made=5,
        microsoft=shape.NEW,
        team=("ben",),
    ),
    Deal(
        id=deals.FOURTH_COFFEE,
        name="Fourth Coffee loyalty app",
        customer="Fourth Coffee",
        microsoft=shape.DECLINED,
        team=("cleo",),
    ),
    Deal(
        id=deals.WINGTIP,
        name="Wingtip Toys configurator",
        customer="Wingtip Toys",
        microsoft=shape.EXPIRED,
        team=("cleo",),
    ),
    Deal(
        id=deals.BLUE_YONDER,
        name="Blue Yonder flight desk",
        customer="Blue Yonder Airlines",
        microsoft=shape.WON,
        team=("cleo",),
    ),
)


_VALUES_AND_CUSTOMERS = (
    Deal(
        id=deals.ALPINE,
        name="Alpine Ski House bookings",
        customer="Alpine Ski House",
        value=Decimal(25000),
        team=("ben",),
    ),
    Deal(
        id=deals.MARGIE,
        name="Margie's Travel itineraries",
        customer="Margie's Travel",
        value=Decimal("25000.01"),
        team=("ben",),
    ),
    Deal(
        id=deals.COHO,
        name="Coho Vineyard harvest planning",
        customer="Coho Vineyard",
        managed=False,
        team=("cleo",),
    ),
    Deal(
        id=deals.GRAPHIC,
        name="Graphic Design Institute portal",
        customer="Graphic Design Institute",
        matched=False,
        team=("ben",),
    ),
    Deal(
        id=deals.LUCERNE,
        name="Lucerne Publishing back office",
        customer="Lucerne Publishing",
        solution="SOL-55201-KLM",
        team=("cleo",),
    ),
    Deal(
        id=deals.MUNSON,
        name="Munson's Pickles farm sensors",
        customer="Munson's Pickles and Preserves",
        value=Decimal(24000),
        currency="EUR",
        country="DE",
        team=("cleo",),
    ),
    Deal(
        id=deals.TREY,
        name="Trey Research lab notebook",
        customer="Trey Research",
        value=Decimal(3600000),
        currency="JPY",
        country="JP",
    ),
)


def _won(
    deal_id: str, name: str, customer: str, who: str, registration: str = "", days: float = 5
) -> Deal:
    return Deal(
        id=deal_id,
        name=name,
        customer=customer,
        standing=shape.WON,
        microsoft=shape.ACCEPTED,
        made=days + 25,
        closed=days,
        closing=-int(days),
        team=(who,),
        registration=registration,
    )


_REGISTERED = (
    _won(deals.VANARSDEL, "VanArsdel store analytics", "VanArsdel Ltd", "ben"),
    _won(
        deals.REGISTERED_APPROVED,
        "City Power meter readings",
        "City Power & Light",
        "ben",
        "Approved",
    ),
    _won(
        deals.REGISTERED_REVIEW,
        "Consolidated route planning",
        "Consolidated Messenger",
        "cleo",
        "ReviewPending",
    ),
    _won(
        deals.REGISTERED_ACTION,
        "Humongous claims intake",
        "Humongous Insurance",
        "ben",
        "ActionRequired",
    ),
    _won(
        deals.REGISTERED_PASSED, "Liberty Delightful menus", "Liberty's Bakery", "ada", "Passed", 50
    ),
    _won(deals.REGISTERED_FAILED, "Lamna patient portal", "Lamna Healthcare", "ada", "Failed", 45),
    _won(
        deals.REGISTERED_CLOSED,
        "First Up job matching",
        "First Up Consultants",
        "ada",
        "Closed",
        55,
    ),
)


_CLOSED = (
    Deal(
        id=deals.LOST,
        name="Wide Harbor berth scheduling",
        customer="Wide Harbor",
        standing=shape.LOST,
        closed=9,
        reason="Customer chose another vendor",
        team=("ben",),
    ),
    Deal(
        id=deals.DECLINED,
        name="Datum data warehouse",
        customer="Datum Corporation",
        standing=shape.DECLINED,
        direction="Incoming",
        invited_by=MICROSOFT,
        closed=20,
        reason="Not a customer",
    ),
    Deal(
        id=deals.EXPIRED,
        name="Southworks intranet",
        customer="Southworks",
        standing=shape.EXPIRED,
        direction="Incoming",
        invited_by=MICROSOFT,
        closed=26,
    ),
    Deal(
        id=deals.ERROR,
        name="Fabrikam analytics rollout (copy)",
        customer="Fabrikam Inc",
        standing=shape.ERROR,
        closed=12,
        reason="Duplicate (created in Partner Center)",
    ),
)


_ODD = (
    Deal(
        id=deals.HOSTILE,
        name="[Approve here](https://example.com/x) **urgent** <at>Dana</at>",
        customer="O'Hara & Sons \u202egnp.exe <script>alert(1)</script>",
        notes="# Heading\n- ${name} {{DATE(2026-01-01T00:00:00Z)}}\n\u2705 Approved by CFO\u200b",
        team=("ada", "ben"),
    ),
    Deal(
        id=deals.UNUSUAL,
        name="Contoso Suites guest app",
        customer="Contoso Suites &amp; Spa",
        more={
            "createdDateTime": "2025-11-03T08:15:30Z",
            "acceptedDateTime": "2025-11-03T08:15:30.123Z",
            "updatedDateTime": "2025-11-04T08:15:30.123456Z",
            "salesStage": "100",
            "pulseScore": {"band": "high", "points": 7},
        },
    ),
)


_PLACES = [
    "Baldwin",
    "Ledford",
    "Marlow",
    "Pinecrest",
    "Redfern",
    "Silverton",
    "Thornbury",
    "Upland",
    "Vance",
    "Westbrook",
    "Ashgrove",
    "Briarwood",
    "Calder",
    "Dunmore",
    "Eastvale",
    "Fenwick",
    "Glenmore",
    "Hollis",
]
_TRADES = [
    "Foods",
    "Motors",
    "Textiles",
    "Clinics",
    "Energy",
    "Logistics",
    "Robotics",
    "Insurance",
    "Retail",
]
_WORK = (
    "data lake",
    "contact centre",
    "machine monitoring",
    "web shop",
    "payroll move",
    "fraud detection",
    "document archive",
)


def _ordinary(count: int) -> Iterator[Deal]:
    chance = random.Random(20260211)  # noqa: S311 - sample data, the same in every run
    people = ("ada", "dana")
    for place in range(count):
        customer = f"{chance.choice(_PLACES)} {chance.choice(_TRADES)}"
        standing = (shape.ACCEPTED, shape.ACCEPTED, shape.WON, shape.LOST)[place % 4]
        made = 20 + chance.random() * 300
        yield Deal(
            id=str(uuid.uuid5(uuid.NAMESPACE_URL, f"https://contoso.example/deals/{place}")),
            name=f"{customer} {chance.choice(_WORK)} {place + 1}",
            customer=customer,
            value=Decimal(chance.randrange(8_000, 400_000, 250)),
            team=("ben",) if place == 0 else (people[place % 2],),
            standing=standing,
            made=made,
            closed=made / 3 if standing is not shape.ACCEPTED else None,
            closing=chance.randrange(-20, 120),
            managed=place % 3 != 0,
            microsoft=shape.ACCEPTED if place % 5 == 0 else None,
            type="Shared" if place % 5 == 0 else "Independent",
            solution=chance.choice(("SOL-34104-EBB", "SOL-55201-KLM", "SOL-77310-QRS")),
        )
