"""The people whom we talk to: asked of Slack once an hour and person, and remembered that long."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from uuid import UUID

from adapters.slack.asides import Asides
from adapters.slack.errands import Errands
from adapters.slack.inbound import external_id, sighting
from adapters.slack.places import Origin, Person
from storage.records import Channel, Sighting
from storage.shortlived import ShortLived

LIFE_S = 3_600.0
# After a question that was not answered, or while it is asked.
AGAIN_S = 60.0
CAPACITY = 20_000


class People:
    """Knows people by channel and user id. `know` writes what is known of a user who is known to us already."""

    def __init__(
        self,
        asides: Asides,
        errands: Errands,
        know: Callable[[Channel, Sighting], Awaitable[None]],
        *,
        life_s: float = LIFE_S,
    ) -> None:
        self._asides = asides
        self._errands = errands
        self._know = know
        # None for one who is being asked about, or of whom Slack says nothing.
        self._known: ShortLived[tuple[UUID, str], tuple[Person | None]] = ShortLived(
            life=life_s, capacity=CAPACITY
        )

    def of(self, channel: Channel, user: str) -> Person | None:
        """What is known of the user by now."""
        known = self._known.get((channel.id, user))
        return known[0] if known else None

    def names(self, channel: Channel) -> Mapping[str, str]:
        """The names of those who are known, by their ids."""
        return _Names(self, channel, len(self._known))

    def ask(self, channel: Channel, user: str, user_team: str | None, origin: Origin) -> None:
        """Find out about the user in the background, unless that was done within the hour."""
        if self._known.get((channel.id, user)) is None:
            self._keep(channel, user, None, AGAIN_S)
            external = external_id(user, user_team, origin, channel)
            self._errands.start("users.info", self._ask(channel, user, external))

    async def changed(self, channel: Channel, person: Person, external: str) -> None:
        """Slack says that something about the user is another."""
        self._keep(channel, person.id, person)
        await self._know(channel, sighting(external, person))

    async def _ask(self, channel: Channel, user: str, external: str) -> None:
        person = await self._asides.person(channel, user)
        if person is not None:
            await self.changed(channel, person, external)

    def _keep(self, channel: Channel, user: str, person: Person | None, life_s: float | None = None) -> None:
        self._known.keep((channel.id, user), (person,), self._known.generation, life=life_s)


class _Names(Mapping[str, str]):
    """The names of a channel's people, looked up one by one."""

    def __init__(self, people: People, channel: Channel, known: int) -> None:
        self._people = people
        self._channel = channel
        self._most = known

    def __getitem__(self, user: str) -> str:
        person = self._people.of(self._channel, user)
        if person is None or person.name is None:
            raise KeyError(user)
        return person.name

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return self._most
