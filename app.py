"""Dealdesk: `python app.py` reads the settings, wires the house and serves."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import sys
from asyncio.sslproto import SSLProtocol
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from aiohttp import web

from bot import crash, log, maintenance, webhook_registration
from bot.house import Clock, House, utc_now
from bot.keys_file import sandbox_key
from bot.serving import listening, until_stopped
from bot.settings import Settings, UnsafeSettings, check, load
from bot.store.errors import StoreError

STATE = Path(".dealdesk")
"""Where the sandbox keeps the bot's encryption key and the certificates of its authorities."""
COLLECT_AFTER = 10_000
"""New objects until they are looked through for cycles, not Python's 700: those of 64 turns under
way are more, and were looked through again and again."""
CHOICES = frozenset({"approvers", "approval_policy"})
"""Settings of the embedded sandbox that yield to what was set before."""
TLS_BUFFER = 32 * 1024
"""What asyncio keeps for every TLS connection and takes for every read: room for two records. Its
own 256 kB are far more than Teams and Entra answer."""


def build(settings: Settings, *, clock: Clock = utc_now) -> web.Application:
    """The whole bot as an application. Raises UnsafeSettings for settings it must not run with."""
    check(settings)
    crash.arm(os.environ.get("DEALDESK_CRASH_AT"), sandbox=settings.in_sandbox)
    return House(settings, clock).application()


async def serve(settings: Settings, page: str | None) -> None:
    """Listen until the process is asked to end."""
    SSLProtocol.max_size = TLS_BUFFER
    async with listening(build(settings), settings.host, settings.port) as port:
        where = f"Open {page}" if page else f"Dealdesk listens on {settings.host}:{port}"
        print(where, flush=True)  # noqa: T201
        gc.freeze()  # what is there now stays: 40 to 90 ms less for a turn that meets a collection
        gc.set_threshold(COLLECT_AFTER)
        await until_stopped()


@contextmanager
def outside_world(settings: Settings) -> Iterator[tuple[Settings, str | None]]:
    """The settings to run with; in the embedded sandbox, with the world they point to started."""
    if not settings.in_sandbox or settings.sandbox == "external":
        yield settings, None
        return
    from sandbox import launch

    check(settings, sandbox_to_come=True)
    world = launch.start(settings.sandbox_port, settings.public_url, STATE.resolve(), notify=True)
    try:
        chosen = {f"DEALDESK_{name.upper()}" for name in settings.model_fields_set & CHOICES}
        os.environ.update({k: v for k, v in world.settings.items() if k not in chosen})
        if not settings.encryption_keys:
            os.environ["DEALDESK_ENCRYPTION_KEYS"] = sandbox_key(STATE)
        yield load(), world.page
    finally:
        world.stop()


async def cards(_settings: Settings, words: Sequence[str], say: Callable[[str], None]) -> int:
    """Draw the sample cards as the sandbox draws cards."""
    from cards.samples.gallery import in_every_language
    from sandbox import gallery

    return await gallery.run(in_every_language(), words, say)


Task = Callable[[Settings, Sequence[str], Callable[[str], None]], Coroutine[None, None, int]]
TASKS: Mapping[str, Task] = {
    "cards": cards,
    "db": maintenance.run,
    "webhook": webhook_registration.run,
}
"""What `python app.py WORD ...` does instead of serving."""
USAGE = f"""Say: python app.py [{"|".join(TASKS)}]
  alone      serves; the settings are environment variables, DEALDESK_...
  cards      draws the cards: [NAME] ... [--width N] [--theme NAME] [--language CODE]
  db         {maintenance.USAGE.removeprefix("python app.py db ")}
  webhook    {webhook_registration.USAGE.removeprefix("python app.py webhook ")}"""


def main() -> int:
    """Serve, or do the task that is named. 2 when the settings, the database or the words forbid
    it, with one sentence saying why."""
    try:
        if words := sys.argv[1:]:
            return do(words)
        with outside_world(load()) as (settings, page):
            secrets = [settings.app_secret, *settings.encryption_keys]
            log.configure(
                json=settings.logs_json,
                level=settings.log_level,
                secrets=[secret.get_secret_value() for secret in secrets if secret is not None],
            )
            with contextlib.suppress(KeyboardInterrupt):
                asyncio.run(serve(settings, page))
    except (UnsafeSettings, StoreError, OSError) as error:
        print(f"Dealdesk cannot start: {error}", file=sys.stderr)  # noqa: T201
        return 2
    return 0


def do(words: Sequence[str]) -> int:
    """The task named by the first word. Raises UnsafeSettings."""
    task = TASKS.get(words[0])
    if task is None:
        asked = words[0] in {"--help", "-h", "help"}
        print(USAGE, file=sys.stdout if asked else sys.stderr)
        return 0 if asked else 2
    return asyncio.run(task(load(), words[1:], print))


if __name__ == "__main__":
    raise SystemExit(main())
