"""Sends turns as Teams sends them and measures what each cost."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import quantiles

import aiohttp

from tests.bench.outside import APP_ID, TENANT, Outside
from tests.bench.servers import Server

CONVERSATIONS = 128


@dataclass(frozen=True, slots=True)
class Run:
    """One run of one server. CPU is the server's own; latencies are of the whole turn."""

    server: str
    concurrency: int
    turns: int
    lost: int
    cpu_ms_per_turn: float
    turns_per_second: float
    p50_ms: float
    p99_ms: float
    new_connections: int
    token_calls: int


class Driver:
    """A closed loop: every conversation waits for its answer before it speaks again."""

    def __init__(self, world: Outside, http: aiohttp.ClientSession) -> None:
        self._world = world
        self._http = http
        self._headers = {
            "Authorization": f"Bearer {world.channel_token()}",
            "Content-Type": "application/json",
        }
        self._said = 0

    async def run(self, server: Server, text: str, *, turns: int, concurrency: int) -> Run:
        """Say `text` so many times. A turn that got no 200 or no reply counts as lost.

        Raises RuntimeError when next to nothing was answered, as there is nothing to measure.
        """
        waiting = iter([self._activity(text) for _ in range(turns)])
        took: list[float] = []
        before, cpu, began = self._world.counts(), server.cpu_seconds(), time.perf_counter()
        await asyncio.gather(
            *(self._speak(server.messages_url, waiting, took) for _ in range(concurrency))
        )
        wall, cpu = time.perf_counter() - began, server.cpu_seconds() - cpu
        arrived = self._world.counts().since(before)
        if len(took) < 2:
            raise RuntimeError(f"{server.name} answered {len(took)} of {turns} turns")
        cuts = quantiles(took, n=100, method="inclusive")
        return Run(
            server=server.name,
            concurrency=concurrency,
            turns=turns,
            lost=turns - min(len(took), arrived.replies),
            cpu_ms_per_turn=cpu / turns * 1000,
            turns_per_second=turns / wall,
            p50_ms=cuts[49] * 1000,
            p99_ms=cuts[98] * 1000,
            new_connections=arrived.connections,
            token_calls=arrived.token_calls,
        )

    async def _speak(self, url: str, waiting: Iterator[bytes], took: list[float]) -> None:
        for body in waiting:
            began = time.perf_counter()
            async with self._http.post(url, data=body, headers=self._headers) as answer:
                await answer.read()
                if answer.status == 200:
                    took.append(time.perf_counter() - began)

    def _activity(self, text: str) -> bytes:
        """A message of a personal chat with the parts Teams adds; a new id every time."""
        self._said += 1
        person = self._said % CONVERSATIONS
        moment = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())
        return json.dumps(
            {
                "type": "message",
                "id": f"{time.time_ns()}{self._said:06}",
                "timestamp": moment,
                "localTimestamp": moment,
                "localTimezone": "Europe/Berlin",
                "serviceUrl": self._world.service_url,
                "channelId": "msteams",
                "text": text,
                "textFormat": "plain",
                "locale": "en-US",
                "from": {
                    "id": f"29:1bench-{person:03}",
                    "name": f"Seller {person}",
                    "aadObjectId": str(uuid.UUID(int=0xBE7C_0000_0000_4000_8000 << 48 | person)),
                },
                "conversation": {
                    "conversationType": "personal",
                    "tenantId": TENANT,
                    "id": f"a:1bench-{person:03}",
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
                "attachments": [{"contentType": "text/html", "content": f"<p>{text}</p>"}],
                "channelData": {"tenant": {"id": TENANT}},
            }
        ).encode()
