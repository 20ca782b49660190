"""files.*: https://docs.slack.dev/messaging/working-with-files"""

from __future__ import annotations

import mimetypes
from dataclasses import replace

from bot.emulators.slack.methods.caller import Caller, Method
from bot.emulators.slack.methods.chat import thread_of
from bot.emulators.slack.records import File, Json, Message
from bot.emulators.slack.refusals import Refused
from bot.emulators.slack.wire import file_json

MAX_FILES = 10


def get_upload_url(caller: Caller) -> Json:
    name = caller.arguments.needed("filename")
    size = caller.arguments.number("length", 0)
    if size <= 0:
        raise Refused("invalid_arguments", "must be greater than 0 [json-pointer:/length]")
    platform = caller.platform
    file = File(
        platform.ids.passing("F"),
        caller.installation.tenant,
        caller.bot,
        name,
        name,
        mimetypes.guess_type(name)[0] or "application/octet-stream",
        size,
        int(platform.clock()),
    )
    platform.files[file.id] = file
    return {"ok": True, "upload_url": f"{platform.base_url}/upload/v1/{file.id}", "file_id": file.id}


def complete_upload(caller: Caller) -> Json:
    given = caller.arguments.listed("files")
    if not given or len(given) > MAX_FILES:
        raise Refused("invalid_arguments", f"must be 1 to {MAX_FILES} files [json-pointer:/files]")
    platform = caller.platform
    done = []
    for each in given:
        file = platform.files.get(str(each.get("id"))) if isinstance(each, dict) else None
        if file is None or file.user != caller.bot or file.content is None:
            raise Refused("file_not_found")
        done.append(replace(file, title=str(each.get("title") or file.name)))
    where = caller.arguments.text("channel_id") or (caller.arguments.text("channels") or "").split(",")[0]
    if where:
        caller.arguments.given["channel_id"] = where
        channel = caller.writable("channel_id")
        thread_ts = thread_of(caller, channel)
    platform.files |= {file.id: file for file in done}
    if where:
        platform.post(
            Message(
                channel.id,
                platform.ids.ts(),
                caller.bot,
                caller.arguments.text("initial_comment") or "",
                caller.installation.team_id or channel.team_id,
                thread_ts=thread_ts,
                subtype="file_share",
                bot_id=caller.installation.bot_id,
                app_id=caller.app.id,
                files=tuple(file.id for file in done),
            )
        )
    return {
        "ok": True,
        "files": [file_json(platform.files[file.id], platform.base_url) for file in done],
    }


def info(caller: Caller) -> Json:
    file = caller.platform.files.get(caller.arguments.needed("file"))
    if file is None or not may_see(caller, file):
        raise Refused("file_not_found")
    if file.deleted:
        raise Refused("file_deleted")
    return {"ok": True, "file": file_json(file, caller.platform.base_url), "comments": []}


def may_see(caller: Caller, file: File) -> bool:
    """Whether an app may read a file: its own, or shared where its bot is."""
    if file.user == caller.bot:
        return True
    channels = caller.platform.directory.channels
    return any(caller.bot in channels[channel].members for channel, _ in file.shares)


METHODS = {
    "files.getUploadURLExternal": Method(get_upload_url, 4, "files:write"),
    "files.completeUploadExternal": Method(complete_upload, 4, "files:write"),
    "files.info": Method(info, 4, "files:read"),
}
