"""A person who uses this Slack: everything that they do reaches the app as Slack would tell it."""

from __future__ import annotations

import mimetypes
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import uuid4

from bot.emulators.slack.agent_view import AgentView
from bot.emulators.slack.interactions import Interactions
from bot.emulators.slack.markup import typed, typed_command
from bot.emulators.slack.notices import Answer
from bot.emulators.slack.platform import Platform
from bot.emulators.slack.records import Channel, Edit, File, Message, User, View
from bot.emulators.slack.refusals import Refused
from bot.emulators.slack.standing import Standing


class Person(Standing):
    """Acts for a user. Channels are given as a Channel or an id, None is the direct message with the app;
    threads and messages by the message or its ts. What cannot be done raises Refused.

    What only makes events is done at once; what the app answers is waited for.
    """

    def __init__(self, platform: Platform, interactions: Interactions, user: User) -> None:
        super().__init__(platform, user)
        self.agent = AgentView(platform, user)
        self._interactions = interactions

    def writes(
        self,
        text: str,
        channel: Channel | str | None = None,
        *,
        thread: Message | str | None = None,
        broadcast: bool = False,
        files: tuple[str, ...] = (),
        markup: bool = False,
    ) -> Message:
        """Write a message. `@name` mentions somebody; with `markup` the text is Slack's own (`<@U…>`) already."""
        room = self.room(channel)
        if room.archived:
            raise Refused("is_archived")
        thread_ts = self.thread_of(room, thread)
        subtype = "thread_broadcast" if broadcast and thread_ts else "file_share" if files else None
        return self._platform.post(
            Message(
                room.id,
                self._platform.ids.ts(),
                self.id,
                text if markup else self._typed(text),
                self.user.team_id,
                thread_ts=thread_ts,
                subtype=subtype,
                client_msg_id=str(uuid4()),
                files=files,
                broadcast=broadcast,
            )
        )

    def mentions(self, text: str, channel: Channel | str, *, thread: Message | str | None = None) -> Message:
        """Write to the app by its name."""
        room = self.room(channel)
        bots = [each.bot_user_id for each in self._platform.directory.watching(room)]
        said = f"<@{bots[0] if bots else self.app.bot_user_id}> {self._typed(text)}"
        return self.writes(said, room, thread=thread, markup=True)

    def shares(
        self,
        name: str,
        content: bytes,
        text: str = "",
        channel: Channel | str | None = None,
        *,
        thread: Message | str | None = None,
    ) -> Message:
        """Share a file."""
        platform = self._platform
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        now = int(platform.clock())
        id_ = platform.ids.passing("F")
        platform.files[id_] = File(
            id_, self.user.team_id, self.id, name, name, kind, len(content), now, content
        )
        return self.writes(text, channel, thread=thread, files=(id_,))

    def edits(self, message: Message, text: str) -> Message:
        old = self.mine(message, "cant_update_message")
        edit = Edit(self.id, self._platform.ids.ts())
        return self._platform.edit(replace(old, text=self._typed(text), edited=edit), old)

    def deletes(self, message: Message) -> None:
        self._platform.delete(self.mine(message, "cant_delete_message"))

    def reacts(self, message: Message, name: str) -> Message:
        return self._platform.react(self.now(message), name, self.id, added=True)

    def unreacts(self, message: Message, name: str) -> Message:
        return self._platform.react(self.now(message), name, self.id, added=False)

    async def presses(
        self, message: Message, named: str, *, chosen: Mapping[str, Any] | None = None
    ) -> Answer:
        """Press the button with this `action_id` or label."""
        return await self._interactions.act(self.user, self.seen(message), named, None, chosen or {})

    async def chooses(
        self, message: Message, named: str, choice: Any, *, chosen: Mapping[str, Any] | None = None
    ) -> Answer:
        """Choose in a menu: an option by text or value, several as a list, else the value itself."""
        return await self._interactions.act(self.user, self.seen(message), named, choice, chosen or {})

    async def rates(self, message: Message, *, good: bool) -> Answer:
        """Press a feedback button."""
        message = self.seen(message)
        for block in message.blocks:
            for element in block.get("elements") or ():
                if isinstance(element, Mapping) and element.get("type") == "feedback_buttons":
                    return await self._interactions.act(self.user, message, element["action_id"], good, {})
        raise Refused("no_such_element", "the message has no feedback buttons")

    @property
    def view(self) -> View | None:
        """The modal in front."""
        return self._platform.modals.of(self.id)

    async def submits(self, values: Mapping[str, Any] | None = None) -> Answer:
        """Submit the modal in front, with values by `action_id` or `block_id`."""
        return await self._interactions.submit(self.user, self._front(), values or {})

    async def closes(self) -> Answer:
        """Close the modal in front."""
        return await self._interactions.close(self.user, self._front())

    async def presses_in_view(self, named: str, choice: Any = None, *, home: bool = False) -> Answer:
        """Press or choose in the modal in front, or in the app's Home tab."""
        view = self._platform.modals.home_of(self.id, self.app.app_id) if home else self._front()
        if view is None:
            raise Refused("not_found")
        return await self._interactions.act_in_view(self.user, view, named, choice)

    async def commands(
        self, text: str = "", channel: Channel | str | None = None, *, command: str | None = None
    ) -> Answer:
        """Use the app's slash command, which only members of its own workspace can."""
        installation = self.app
        named = command or self._platform.app_of(installation).command
        if named != self._platform.app_of(installation).command:
            raise Refused("invalid_command", f"{named} is not a valid command")
        if self._platform.app_of(installation).escapes_commands:
            channels = self._platform.directory.channels.values()
            text = typed_command(text, self._users(), {each.name: each.id for each in channels if each.name})
        return await self._interactions.command(self.user, installation, self.room(channel), named, text)

    def opens_home(self, tab: str = "home") -> None:
        """Open the app's Home tab, or its messages."""
        self.agent.opens(tab=tab)

    def uninstalls(self) -> None:
        """Remove the app from the workspace, or from the organisation."""
        self._platform.uninstall(self.app)

    def _front(self) -> View:
        view = self.view
        if view is None:
            raise Refused("not_found", "no modal is open")
        return view

    def _typed(self, text: str) -> str:
        return typed(text, self._users())

    def _users(self) -> dict[str, str]:
        """Ids by name."""
        return {user.name: user.id for user in self._platform.directory.users.values()}
