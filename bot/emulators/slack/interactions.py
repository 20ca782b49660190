"""What people do with buttons, menus, modals and commands: told to the app, and its answer followed.

https://docs.slack.dev/reference/interaction-payloads
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.emulators.slack.directory import SLACKBOT
from bot.emulators.slack.notices import Answer, Notice, NoticeKind
from bot.emulators.slack.picking import Element, find, picked, state_of
from bot.emulators.slack.platform import Platform
from bot.emulators.slack.records import Channel, Installation, Json, Message, User, View
from bot.emulators.slack.refusals import Refused
from bot.emulators.slack.response_urls import ResponseUrls
from bot.emulators.slack.wire import view_json


class Interactions:
    """Sends interactions and does what the app answers."""

    def __init__(self, platform: Platform, urls: ResponseUrls) -> None:
        self._platform = platform
        self._urls = urls

    async def act(
        self, user: User, message: Message, named: str, choice: Any, chosen: Mapping[str, Any]
    ) -> Answer:
        """Press or choose in a message. `chosen` is what else the user has chosen in it. Raises Refused."""
        installation = self._author(message)
        channel = self._platform.directory.channels[message.channel]
        element = find(message.blocks, named)
        fields = picked(element, choice)
        payload = self._head("block_actions", installation, user)
        container: Json = {
            "type": "message",
            "message_ts": message.ts,
            "channel_id": channel.id,
            "is_ephemeral": message.ephemeral_to is not None,
        }
        if message.thread_ts:
            container["thread_ts"] = message.thread_ts
        now = dict(chosen) | ({element.action_id: choice} if choice is not None else {})
        payload |= {
            "container": container,
            "channel": {"id": channel.id, "name": _named(channel)},
            "message": self._platform.show(message),
            "state": {"values": state_of(message.blocks, now)},
            "response_url": self._urls.new("actions", installation, channel, user.id, message.ts),
            "actions": [self._action(element, fields)],
        }
        return await self._send(installation, "interactive", "block_actions", payload)

    async def act_in_view(self, user: User, view: View, named: str, choice: Any) -> Answer:
        """Press or choose in a modal or a Home tab. Raises Refused."""
        element = find(view.body["blocks"], named)
        fields = picked(element, choice)
        if choice is not None:
            values = state_of(view.body["blocks"], {element.action_id: choice})
            mine = values[element.block_id][element.action_id]
            old = dict(view.values.get(element.block_id, {}))
            entered = {element.block_id: {**old, element.action_id: mine}}
            view = self._platform.modals.enter(view, entered)
        payload = self._head("block_actions", view.installation, user) | {
            "container": {"type": "view", "view_id": view.id},
            "view": view_json(view),
            "actions": [self._action(element, fields)],
        }
        return await self._send(view.installation, "interactive", "block_actions", payload)

    async def submit(self, user: User, view: View, chosen: Mapping[str, Any]) -> Answer:
        """Submit a modal and do what the app answers: close it, show faults, or show another. Raises Refused."""
        modals = self._platform.modals
        view = modals.enter(view, state_of(view.body["blocks"], chosen))
        payload = self._view_head("view_submission", view, user) | {"response_urls": []}
        answer = await self._send(view.installation, "interactive", "view_submission", payload)
        if not answer.is_ok:
            return answer
        said = answer.body if isinstance(answer.body, dict) else {}
        match said.get("response_action"):
            case None:
                modals.close(view)
            case "clear":
                modals.close(view, all_of_them=True)
            case "update" if isinstance(said.get("view"), dict):
                modals.update(view, said["view"])
            case "push" if isinstance(said.get("view"), dict):
                modals.push(user.id, view.team_id, view.installation, said["view"])
            case "errors" if isinstance(said.get("errors"), dict) and said["errors"]:
                pass
            case other:
                raise Refused("invalid_response_action", str(other))
        self._platform.changed()
        return answer

    async def close(self, user: User, view: View) -> Answer:
        """Close a modal without submitting it; the app hears of it if it wants to."""
        self._platform.modals.close(view)
        self._platform.changed()
        if not view.body.get("notify_on_close"):
            return Answer()
        payload = self._view_head("view_closed", view, user) | {"is_cleared": False}
        return await self._send(view.installation, "interactive", "view_closed", payload)

    async def command(
        self, user: User, installation: Installation, channel: Channel, command: str, text: str
    ) -> Answer:
        """Use a slash command; what the app answers is said, as is that it did not. Raises Refused."""
        directory = self._platform.directory
        workspace = directory.workspaces[user.team_id]
        payload: Json = {
            "token": self._platform.app_of(installation).verification_token,
            "team_id": workspace.id,
            "team_domain": workspace.domain,
            "channel_id": channel.id,
            "channel_name": _named(channel),
            "user_id": user.id,
            "user_name": user.name,
            "command": command,
            "text": text,
            "api_app_id": installation.app_id,
            "is_enterprise_install": "true" if installation.team_id is None else "false",
            "response_url": self._urls.new("commands", installation, channel, user.id, None),
            "trigger_id": self._platform.modals.trigger(user.id),
        }
        if workspace.enterprise_id is not None:
            enterprise = directory.enterprises[workspace.enterprise_id]
            payload |= {"enterprise_id": enterprise.id, "enterprise_name": enterprise.name}
        answer = await self._send(installation, "slash_commands", command, payload)
        if not answer.is_ok:
            why = "operation_timeout" if "timeout" in (answer.failure or "") else "dispatch_failed"
            self._whisper(user, channel, f'{command} failed with the error "{why}"')
        elif answer.body:
            said = answer.body if isinstance(answer.body, dict) else {"text": str(answer.body)}
            self._urls.direct(installation, channel, user.id, said)
        return answer

    def _action(self, element: Element, fields: Json) -> Json:
        return {
            "type": element.kind,
            "action_id": element.action_id,
            "block_id": element.block_id,
            **fields,
            "action_ts": self._platform.ids.ts(),
        }

    def _head(self, kind: str, installation: Installation, user: User) -> Json:
        """What all interactions begin with. `team` is the app's workspace, whoever pressed:
        https://github.com/slackapi/java-slack-sdk/issues/1041
        """
        return {
            "type": kind,
            "user": {"id": user.id, "username": user.name, "name": user.name, "team_id": user.team_id},
            "api_app_id": installation.app_id,
            "token": self._platform.app_of(installation).verification_token,
            "trigger_id": self._platform.modals.trigger(user.id),
            "team": self._team(installation.team_id or user.team_id),
            "enterprise": self._enterprise(installation),
            "is_enterprise_install": installation.team_id is None,
        }

    def _view_head(self, kind: str, view: View, user: User) -> Json:
        """A view's interactions name the user's own workspace, and none in an organisation:
        https://github.com/slackapi/bolt-js/issues/1614
        """
        team = None if view.installation.team_id is None else self._team(user.team_id)
        return self._head(kind, view.installation, user) | {"team": team, "view": view_json(view)}

    def _team(self, team_id: str) -> Json:
        directory = self._platform.directory
        workspace = directory.workspaces[team_id]
        shown: Json = {"id": workspace.id, "domain": workspace.domain}
        if workspace.enterprise_id is not None:
            enterprise = directory.enterprises[workspace.enterprise_id]
            shown |= {"enterprise_id": enterprise.id, "enterprise_name": enterprise.name}
        return shown

    def _enterprise(self, installation: Installation) -> Json | None:
        if installation.enterprise_id is None:
            return None
        enterprise = self._platform.directory.enterprises[installation.enterprise_id]
        return {"id": enterprise.id, "name": enterprise.name}

    def _author(self, message: Message) -> Installation:
        for installation in self._platform.directory.installations:
            if installation.bot_user_id == message.user:
                return installation
        raise Refused("app_missing", "the app that posted this is not installed any more")

    def _whisper(self, user: User, channel: Channel, text: str) -> None:
        platform = self._platform
        ts = platform.ids.ts()
        message = Message(channel.id, ts, SLACKBOT, text, user.team_id, ephemeral_to=user.id)
        platform.transcript.put(message)
        platform.changed()

    async def _send(self, installation: Installation, kind: NoticeKind, name: str, payload: Json) -> Answer:
        return await self._platform.send(Notice(installation.app_id, kind, name, payload))


def _named(channel: Channel) -> str:
    """A channel's name in an interaction: https://docs.slack.dev/interactivity/implementing-slash-commands"""
    match channel.kind:
        case "im":
            return "directmessage"
        case "private" | "mpim":
            return "privategroup"
        case _:
            return channel.name
