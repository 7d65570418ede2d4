"""What is said to every server, and what Dealdesk was heard to answer: the others send the same."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from cards import actions
from tests.bench.driver import Driver, Kind
from tests.bench.outside import deal_id
from tests.bench.servers import Server

HELP = Kind("help", text="help")
CARD = Kind("card", text="language")
"""A card of 3.4 kB."""
NOTED = Kind("noted", text="cancel")
"""Is taken in once: the delivery is kept."""
PRESS = Kind("press", verb="help", data=actions.pack(actions.Help())["data"])
NOTED_PRESS = Kind("noted press", verb="drafts", data=actions.pack(actions.Drafts())["data"])
"""A press that is taken in once: the delivery and its answer are kept."""
DURABLE = Kind("durable", text=f"update {deal_id(1)} value 45000 USD")
"""Reads the person's token and the deal, keeps a proposal and shows it."""
LIST = Kind("list", text="list all")
STEADY = 3
"""So often a turn is taken before it is looked at: what is asked once is asked by then."""


async def learnt(driver: Driver, server: Server, kinds: Sequence[Kind]) -> dict[str, Any]:
    """For each kind what Dealdesk asks Partner Center, sends and answers."""
    answers = {}
    for kind in kinds:
        await driver.run(server, kind, turns=STEADY, concurrency=1, conversations=1)
        world = driver.world
        world.sent.clear()
        world.asked.clear()
        await driver.run(server, kind, turns=1, concurrency=1, conversations=1)
        answers[kind.key] = {
            "gets": [f"{world.http}{asked}" for asked in world.asked],
            "sends": [(sent.method, json.loads(sent.body)) for sent in world.sent],
            "answer": json.loads(driver.last_answer) if driver.last_answer else None,
        }
    return answers


def as_activities(answers: Mapping[str, Any]) -> dict[str, object]:
    """What the minimal bots are told: the one message that answers a text."""
    kept = ("type", "text", "textFormat", "attachments", "summary")
    return {
        said: {name: value for name, value in answer["sends"][0][1].items() if name in kept}
        for said, answer in answers.items()
    }
