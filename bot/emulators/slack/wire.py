"""Slack's objects as its API and its events show them.

https://docs.slack.dev/reference/objects
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bot.emulators.slack.directory import Directory
from bot.emulators.slack.markup import rich_text
from bot.emulators.slack.records import Channel, File, Json, Message, User, View, Workspace

_PRETTY = {"png": "PNG", "jpg": "JPEG", "pdf": "PDF", "txt": "Plain Text", "csv": "CSV"}


def user_json(user: User, *, locale: bool = False, stranger: bool = False) -> Json:
    """A user object; the locale is only there when asked for."""
    shown: Json = {
        "id": user.id,
        "team_id": user.team_id,
        "name": user.name,
        "deleted": False,
        "real_name": user.real_name,
        "tz": user.tz,
        "tz_label": user.tz,
        "tz_offset": user.tz_offset,
        "profile": {
            "real_name": user.real_name,
            "display_name": user.real_name.split()[0],
            "team": user.team_id,
            "first_name": user.real_name.split()[0],
            "last_name": " ".join(user.real_name.split()[1:]),
        },
        "is_bot": user.bot_id is not None,
        "is_app_user": False,
        "updated": 0,
    }
    if user.bot_id is not None:
        shown["profile"] |= {"bot_id": user.bot_id, "api_app_id": user.app_id}
    if stranger:
        # https://docs.slack.dev/apis/slack-connect: somebody of another workspace shows less.
        shown["is_stranger"] = True
    if locale:
        shown["locale"] = user.locale
    return shown


def profile_json(user: User) -> Json:
    """The profile that comes with a message of somebody of another workspace."""
    first = user.real_name.split()[0]
    return {
        "avatar_hash": "",
        "name": user.name,
        "real_name": user.real_name,
        "first_name": first,
        "display_name": first,
        "team": user.team_id,
        "is_restricted": False,
        "is_ultra_restricted": False,
    }


def channel_json(channel: Channel, viewer: str) -> Json:
    """A conversation object as `viewer`, a user id, sees it."""
    shown: Json = {
        "id": channel.id,
        "created": channel.created,
        "is_archived": channel.archived,
        "is_im": channel.kind == "im",
        "is_mpim": channel.kind == "mpim",
        "is_org_shared": False,
        "context_team_id": channel.team_id,
    }
    if channel.kind == "im":
        other = next((member for member in channel.members if member != viewer), viewer)
        return {**shown, "user": other, "is_user_deleted": False, "is_open": True}
    return {
        **shown,
        "name": channel.name,
        "name_normalized": channel.name,
        "is_channel": channel.kind == "channel",
        "is_group": channel.kind == "private",
        "is_private": channel.kind != "channel",
        "is_member": viewer in channel.members,
        "is_general": channel.name == "general",
        "is_shared": bool(channel.shared_with),
        "is_ext_shared": bool(channel.shared_with),
        "topic": {"value": "", "creator": "", "last_set": 0},
        "purpose": {"value": "", "creator": "", "last_set": 0},
        "num_members": len(channel.members),
    }


def workspace_json(workspace: Workspace, enterprise_name: str = "") -> Json:
    shown: Json = {
        "id": workspace.id,
        "name": workspace.name,
        "domain": workspace.domain,
        "url": f"https://{workspace.domain}.slack.com/",
        "email_domain": "",
        "icon": {"image_default": True},
    }
    if workspace.enterprise_id is not None:
        shown |= {"enterprise_id": workspace.enterprise_id, "enterprise_name": enterprise_name}
    return shown


def file_json(file: File, base_url: str) -> Json:
    """A file object. Its addresses are of the emulator, where Slack's are of files.slack.com."""
    kind = file.name.rpartition(".")[2].lower() if "." in file.name else "binary"
    private = f"{base_url}/files-pri/{file.team_id}-{file.id}"
    shares: dict[str, dict[str, list[Json]]] = {}
    for channel, ts in file.shares:
        room = "private" if channel[0] in "DG" else "public"
        shares.setdefault(room, {}).setdefault(channel, []).append({"ts": ts})
    return {
        "id": file.id,
        "created": file.created,
        "timestamp": file.created,
        "name": file.name,
        "title": file.title,
        "mimetype": file.mimetype,
        "filetype": kind,
        "pretty_type": _PRETTY.get(kind, kind.title()),
        "user": file.user,
        "user_team": file.team_id,
        "editable": False,
        "size": file.size,
        "mode": "hosted",
        "is_external": False,
        "is_public": "public" in shares,
        "url_private": f"{private}/{file.name}",
        "url_private_download": f"{private}/download/{file.name}",
        "permalink": f"{base_url}/files/{file.user}/{file.id}/{file.name}",
        "has_rich_preview": False,
        "file_access": "visible",
        "shares": shares,
    }


def message_json(
    message: Message,
    directory: Directory,
    files: Sequence[Json],
    *,
    replies: Sequence[Message] = (),
    parent: Message | None = None,
    metadata: bool = False,
) -> Json:
    """A message object; `replies` are those of its thread, `parent` the message that it replies to."""
    shown: Json = {"type": "message", "user": message.user, "text": message.text, "ts": message.ts}
    if message.client_msg_id:
        shown["client_msg_id"] = message.client_msg_id
    if message.subtype:
        shown["subtype"] = message.subtype
    if message.bot_id:
        bot = directory.users[message.user]
        shown |= {
            "bot_id": message.bot_id,
            "app_id": message.app_id,
            "bot_profile": {
                "id": message.bot_id,
                "app_id": message.app_id,
                "name": bot.real_name,
                "team_id": message.team_id,
                "deleted": False,
            },
        }
    shown["team"] = message.team_id
    if message.thread_ts is not None:
        shown["thread_ts"] = message.thread_ts
    elif replies:
        shown["thread_ts"] = message.ts
    if message.is_reply and parent is not None:
        shown["parent_user_id"] = parent.user
    if replies:
        who = list(dict.fromkeys(reply.user for reply in replies))
        shown |= {
            "reply_count": len(replies),
            "reply_users_count": len(who),
            "reply_users": who,
            "latest_reply": replies[-1].ts,
            "is_locked": False,
            "subscribed": False,
        }
    if message.blocks:
        shown["blocks"] = [dict(block) for block in message.blocks]
    elif message.client_msg_id and message.text:
        shown["blocks"] = [rich_text(message.text, message.ts)]
    if message.attachments:
        shown["attachments"] = [dict(attachment) for attachment in message.attachments]
    if files:
        shown |= {"files": list(files), "upload": False}
    if message.reactions:
        shown["reactions"] = [
            {"name": each.name, "users": list(each.users), "count": len(each.users)}
            for each in message.reactions
        ]
    if message.edited is not None:
        shown["edited"] = {"user": message.edited.user, "ts": message.edited.ts}
    if message.streaming_state is not None:
        shown["streaming_state"] = message.streaming_state
    if metadata and message.metadata:
        shown["metadata"] = dict(message.metadata)
    return shown


def view_json(view: View) -> Json:
    """A view object, with what was entered in it."""
    body = view.body
    shown: Json = {
        "id": view.id,
        "team_id": view.team_id,
        "type": view.kind,
        "blocks": list(body.get("blocks", [])),
        "private_metadata": body.get("private_metadata", ""),
        "callback_id": body.get("callback_id", ""),
        "external_id": body.get("external_id", ""),
        "state": {"values": dict(view.values)},
        "hash": view.hash,
        "clear_on_close": bool(body.get("clear_on_close", False)),
        "notify_on_close": bool(body.get("notify_on_close", False)),
        "root_view_id": view.root_id,
        "previous_view_id": view.previous_id,
        "app_id": view.installation.app_id,
        "app_installed_team_id": view.installation.tenant,
        "bot_id": view.installation.bot_id,
    }
    if view.kind == "modal":
        shown |= {name: body.get(name) for name in ("title", "submit", "close")}
    return shown


def plain(value: Mapping[str, Any] | str | None) -> str:
    """The text of a text object."""
    return str(value.get("text", "")) if isinstance(value, Mapping) else str(value or "")
