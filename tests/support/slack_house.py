"""A runtime that a whole Slack talks to: the emulator on one side, real Postgres and Redis on the other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from clocks import MovableClock
from databases import DatabaseUrls
from house import House, open_house

from bot.emulators.slack.person import Person
from bot.emulators.slack.records import Channel, Message
from bot.emulators.slack.server import SlackEmulator
from bot.slack.access import SlackAccess
from bot.slack.connecting import GivenTokens
from storage.records import Channel as OurChannel

FLOWS = """
import asyncio

from flows import Chat, Flow
from flows.validators import file

talk = Flow("talk", default=True)
colour = Flow("colour", phrases=["colour"])
photo = Flow("photo", phrases=["photo"])
pin = Flow("pin", phrases=["pin"])
story = Flow("story", phrases=["story"])


@talk
async def say_it_again(chat: Chat) -> None:
    await chat.say(f"You said {chat.opening}")


@colour
async def ask_for_a_colour(chat: Chat) -> None:
    chosen = await chat.ask("colour", "Which colour?", choices=["Red", "Blue"])
    await chat.say(f"You like {chosen}.")


@photo
async def ask_for_a_photo(chat: Chat) -> None:
    sent = await chat.ask("photo", "Send a photo.", file())
    await chat.say(f"Got {sent.name}, {sent.size} bytes.")


async def pieces():
    for _ in range(600):
        yield "and so on "
        await asyncio.sleep(0.05)


@story
async def tell_for_ever(chat: Chat) -> None:
    await chat.say(stream=pieces())


@pin
async def ask_for_a_pin(chat: Chat) -> None:
    await chat.ask("pin", "Your PIN?", sensitive=True)
    word = await chat.ask("word", "And a word?")
    await chat.say(f"Thanks for {word}.")
"""


@dataclass(frozen=True)
class SlackHouse:
    """The tenant `acme` with the emulator's first workspace as its channel. `owner` sees all rows."""

    house: House
    slack: SlackEmulator
    channel: OurChannel
    clock: MovableClock
    owner: asyncpg.Connection

    @property
    def runtime(self):
        return self.house.runtime

    @property
    def ada(self) -> Person:
        return self.slack.person("Ada")

    @property
    def ben(self) -> Person:
        return self.slack.person("Ben")

    async def settled(self) -> None:
        """Wait until everything has arrived, is answered and has been delivered."""
        for _ in range(3):
            await self.slack.idle()
            await self.runtime.turns.settle()
            await self.runtime.deliveries.settle()
            await self.runtime.slack_inbound.errands.settle()

    def said(self, channel: Channel | str | None = None) -> list[str]:
        """What the bot says, in order."""
        return [message.text for message in self.slack.said(channel)]

    def last(self) -> Message:
        return self.slack.said()[-1]

    @asynccontextmanager
    async def lane_held(self) -> AsyncIterator[None]:
        """Until the block ends no turn begins here."""
        turns = self.runtime.turns
        places = 0
        while turns.reserve():
            places += 1
        try:
            yield
        finally:
            for _ in range(places):
                turns.take(None)

    async def all_of(self, statement: str, *arguments: object) -> list[tuple]:
        return [tuple(row) for row in await self.owner.fetch(statement, *arguments)]

    async def transcript(self) -> list[tuple[str, str]]:
        """What was said, by whom."""
        return await self.all_of(
            "select sender_type, content from messages where seq is not null order by seq"
        )


@asynccontextmanager
async def slack_house(
    urls: DatabaseUrls,
    redis_url: str,
    folder: Path,
    clock: MovableClock,
    *,
    own_app: bool = False,
    app_token: bool = False,
    ack_within: float = 3.0,
) -> AsyncIterator[SlackHouse]:
    """`own_app`: the app is the tenant's; `app_token`: SLACK_APP_TOKEN is set."""
    flows = folder / "acme" / "flows"
    flows.mkdir(parents=True)
    (flows / "flows.py").write_text(FLOWS)
    (folder / "acme" / "bot.toml").write_text(
        'name = "Acme"\ngreeting = "Hello."\nsuggestions = ["colour", "photo"]\n'
    )
    seconds = lambda: clock().timestamp()  # noqa: E731
    emulator = SlackEmulator(clock=seconds, ack_within=ack_within, retry_after=(0.0, 0.01, 0.02))
    owner = await asyncpg.connect(urls.owner_url)
    try:
        async with emulator as slack:
            app = slack.app
            access = SlackAccess(
                "https://bot.example",
                slack.api_url,
                signing_secrets=() if own_app else (app.signing_secret,),
                app_token=app.app_token if app_token else None,
            )
            files = folder / "objects"
            async with open_house(
                urls, redis_url, folder, {}, clock, slack=access, object_store=files
            ) as house:
                at = f"{house.url}/slack/events"
                slack.configure(events_url=at, interactivity_url=at, commands_url=at)
                tenant = await house.runtime.tenants.create("acme")
                given = GivenTokens(
                    slack.bot_token,
                    app.signing_secret if own_app else None,
                    app.app_token if own_app else None,
                )
                await house.runtime.slack.connector.connect(tenant.id, given)
                channel = await house.runtime.channels.find("slack", f"{app.id}/{slack.workspace.id}")
                assert channel is not None
                yield SlackHouse(house, slack, channel, clock, owner)
    finally:
        await owner.close()
