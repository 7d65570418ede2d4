"""Sends turns as Teams sends them and measures what each cost."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from statistics import quantiles

import aiohttp

from tests.bench.outside import APP_ID, TENANT, Outside
from tests.bench.servers import Server

CONVERSATIONS = 128
SETTLED_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Kind:
    """What is said, or pressed when it has a verb."""

    name: str
    text: str = ""
    verb: str = ""
    data: Mapping[str, object] = field(default_factory=dict)
    sends: int = 1
    """Messages the bot sends for it."""

    @property
    def key(self) -> str:
        """What the limit and the peers know it by."""
        return f"press {self.verb}" if self.verb else self.text


@dataclass(frozen=True, slots=True)
class Run:
    """One run of one server. CPU is the server's own; latencies are of the whole turn."""

    server: str
    kind: str
    concurrency: int
    turns: int
    lost: int
    cpu_ms_per_turn: float
    harness_busy: float
    """CPU seconds that the harness itself took in a second: near 1, it is what was measured."""
    turns_per_second: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    new_connections: int
    token_calls: int
    upstream: int


class Driver:
    """A closed loop: every conversation waits for its answer before it speaks again."""

    def __init__(self, world: Outside, http: aiohttp.ClientSession) -> None:
        self.world = world
        self._http = http
        self._headers = {
            "Authorization": f"Bearer {world.channel_token()}",
            "Content-Type": "application/json",
        }
        self._said = 0
        self.last_answer = b""

    async def run(
        self,
        server: Server,
        kind: Kind,
        *,
        turns: int,
        concurrency: int,
        conversations: int = CONVERSATIONS,
        first: int = 0,
        waits: bool = True,
    ) -> Run:
        """Say it so many times, in so many conversations from the first on. A turn that got no 2xx
        or no reply counts as lost. Replies are waited for unless others run at the same time.

        Raises RuntimeError when next to nothing was answered, as there is nothing to measure.
        """
        waiting = iter([self._activity(kind, conversations, first) for _ in range(turns)])
        took: list[float] = []
        before, cpu = self.world.counts(), server.cpu_seconds()
        began, own = time.perf_counter(), time.process_time()
        await asyncio.gather(
            *(self._speak(server.messages_url, waiting, took) for _ in range(concurrency))
        )
        wall, own = time.perf_counter() - began, time.process_time() - own
        if waits:
            await self._arrived(before.replies + turns * kind.sends)
        cpu = server.cpu_seconds() - cpu
        arrived = self.world.counts().since(before)
        if len(took) < turns / 2 or not took:
            told = f"{server.name} answered {len(took)} of {turns} turns:{server.told()}"
            raise RuntimeError(told)
        took = took if len(took) > 1 else took * 2
        cuts = quantiles(took, n=100, method="inclusive")
        return Run(
            server=server.name,
            kind=kind.name,
            concurrency=concurrency,
            turns=turns,
            lost=turns - min(len(took), arrived.replies // max(kind.sends, 1)),
            cpu_ms_per_turn=cpu / turns * 1000,
            harness_busy=own / wall,
            turns_per_second=turns / wall,
            p50_ms=cuts[49] * 1000,
            p95_ms=cuts[94] * 1000,
            p99_ms=cuts[98] * 1000,
            new_connections=arrived.connections,
            token_calls=arrived.token_calls,
            upstream=arrived.upstream,
        )

    async def _arrived(self, replies: int) -> None:
        """What is sent after the answer belongs to the turn as well."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SETTLED_SECONDS):
                await self.world.heard(replies)

    async def _speak(self, url: str, waiting: Iterator[bytes], took: list[float]) -> None:
        for body in waiting:
            began = time.perf_counter()
            async with self._http.post(url, data=body, headers=self._headers) as answer:
                self.last_answer = await answer.read()
                if answer.status < 300:
                    took.append(time.perf_counter() - began)

    def _activity(self, kind: Kind, conversations: int, first: int) -> bytes:
        """An activity of a personal chat with the parts Teams adds; a new id every time."""
        self._said += 1
        person = first + self._said % conversations
        moment = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())
        activity = {
            "type": "message",
            "id": f"{time.time_ns()}{self._said:06}",
            "timestamp": moment,
            "localTimestamp": moment,
            "localTimezone": "Europe/Berlin",
            "serviceUrl": self.world.service_url,
            "channelId": "msteams",
            "locale": "en-US",
            "from": {
                "id": f"29:1bench-{person:05}",
                "name": f"Seller {person}",
                "aadObjectId": person_id(person),
            },
            "conversation": {
                "conversationType": "personal",
                "tenantId": TENANT,
                "id": f"a:1bench-{person:05}",
            },
            "recipient": {"id": f"28:{APP_ID}", "name": "Dealdesk"},
            "entities": [
                {
                    "type": "clientInfo",
                    "locale": "en-US",
                    "country": "US",
                    "platform": "Windows",
                    "timezone": "Europe/Berlin",
                }
            ],
            "channelData": {"tenant": {"id": TENANT}},
        }
        return json.dumps(activity | _content(kind)).encode()


def person_id(number: int) -> str:
    """The Entra object id of who speaks in the conversation with this number."""
    return str(uuid.UUID(int=0xBE7C_0000_0000_4000_8000 << 48 | number))


def _content(kind: Kind) -> dict[str, object]:
    if not kind.verb:
        shown = [{"contentType": "text/html", "content": f"<p>{kind.text}</p>"}]
        return {"text": kind.text, "textFormat": "plain", "attachments": shown}
    action = {"type": "Action.Execute", "verb": kind.verb, "data": dict(kind.data)}
    return {
        "type": "invoke",
        "name": "adaptiveCard/action",
        "replyToId": "1:1",
        "value": {"action": action, "trigger": "manual"},
    }
