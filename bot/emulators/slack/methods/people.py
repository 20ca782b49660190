"""auth.*, users.info, bots.info, team.info and apps.uninstall: who is who."""

from __future__ import annotations

from bot.emulators.slack.methods.caller import Caller, Method
from bot.emulators.slack.records import Json
from bot.emulators.slack.refusals import Refused
from bot.emulators.slack.wire import user_json, workspace_json


def auth_test(caller: Caller) -> Json:
    directory = caller.platform.directory
    installation = caller.installation
    if installation.team_id is not None:
        at: Json = {"team": directory.workspaces[installation.team_id].name, "team_id": installation.team_id}
        domain = directory.workspaces[installation.team_id].domain
    else:
        enterprise = directory.enterprises[installation.tenant]
        at = {"team": enterprise.name, "team_id": enterprise.id}
        domain = f"{enterprise.domain}.enterprise"
    if installation.enterprise_id is not None:
        at["enterprise_id"] = installation.enterprise_id
    bot = directory.users[caller.bot]
    return {
        "ok": True,
        "url": f"https://{domain}.slack.com/",
        **at,
        "user": bot.name,
        "user_id": bot.id,
        "bot_id": bot.bot_id,
        "is_enterprise_install": installation.team_id is None,
    }


def auth_revoke(caller: Caller) -> Json:
    if caller.arguments.flag("test"):
        return {"ok": True, "revoked": False}
    caller.platform.grants.revoke(caller.token)
    inner = {"type": "tokens_revoked", "tokens": {"oauth": [], "bot": [caller.bot]}}
    caller.platform.announcer.event(caller.installation, inner, "tokens_revoked")
    return {"ok": True, "revoked": True}


def users_info(caller: Caller) -> Json:
    directory = caller.platform.directory
    user = directory.users.get(caller.arguments.needed("user"))
    if user is None or not _known(caller, user.id):
        raise Refused("user_not_found")
    stranger = user.bot_id is None and not directory.in_reach(caller.installation, user.team_id)
    locale = caller.arguments.flag("include_locale")
    return {"ok": True, "user": user_json(user, locale=locale, stranger=stranger)}


def bots_info(caller: Caller) -> Json:
    directory = caller.platform.directory
    given = caller.arguments.text("bot")
    bot = next((user for user in directory.users.values() if user.bot_id and user.bot_id == given), None)
    if bot is None or not _known(caller, bot.id):
        raise Refused("bot_not_found")
    shown = {"id": bot.bot_id, "app_id": bot.app_id, "user_id": bot.id, "name": bot.real_name}
    return {"ok": True, "bot": {**shown, "deleted": False, "updated": 0, "icons": {}}}


def team_info(caller: Caller) -> Json:
    directory = caller.platform.directory
    team_id = caller.arguments.text("team") or caller.installation.team_id
    workspace = directory.workspaces.get(team_id or "")
    if workspace is None or not directory.in_reach(caller.installation, workspace.id):
        raise Refused("team_not_found")
    enterprise = directory.enterprises.get(workspace.enterprise_id or "")
    return {"ok": True, "team": workspace_json(workspace, enterprise.name if enterprise else "")}


def uninstall(caller: Caller) -> Json:
    if caller.arguments.needed("client_id") != caller.app.client_id:
        raise Refused("client_id_token_mismatch")
    if caller.arguments.needed("client_secret") != caller.app.client_secret:
        raise Refused("bad_client_secret")
    caller.platform.uninstall(caller.installation)
    return {"ok": True}


def _known(caller: Caller, user_id: str) -> bool:
    """Whether the app may know of a user: a member of its workspace, or of a channel that it is in."""
    directory = caller.platform.directory
    user = directory.users[user_id]
    if user_id == caller.bot or directory.in_reach(caller.installation, user.team_id):
        return True
    return any(
        user_id in channel.members and caller.bot in channel.members
        for channel in directory.channels.values()
    )


METHODS = {
    "auth.test": Method(auth_test, None),
    "auth.revoke": Method(auth_revoke, 3),
    "bots.info": Method(bots_info, 3, "users:read"),
    "users.info": Method(users_info, 4, "users:read"),
    "team.info": Method(team_info, 3, "team:read"),
    "apps.uninstall": Method(uninstall, 1),
}
