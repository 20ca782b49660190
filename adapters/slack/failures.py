"""What Slack's errors mean for a delivery: for good or for now, and in words for an operator.

https://docs.slack.dev/reference/methods/chat.postMessage#errors
"""

from __future__ import annotations

from adapters.errors import DeliveryFailed, PlatformFailed

_MEANING = {
    "channel_not_found": "the conversation is gone, or the bot cannot see it",
    "not_in_channel": "the bot is not in the channel any more: invite it again",
    "is_archived": "the channel is archived",
    "thread_not_found": "the thread is gone",
    "cannot_reply_to_message": "the message cannot be replied to",
    "user_not_found": "there is no such user in the workspace",
    "user_disabled": "the user's account is deactivated",
    "user_not_visible": "the user cannot be seen by the bot",
    "cannot_dm_bot": "bots cannot be written to",
    "messages_tab_disabled": "the app takes no direct messages: enable its messages tab (App Home)",
    "account_inactive": "the app was uninstalled: install it again",
    "token_revoked": "the app was uninstalled: install it again",
    "token_expired": "the bot's token has ended and cannot be renewed: install the app again",
    "invalid_auth": "the bot's token is not valid: connect the workspace again",
    "not_authed": "the bot's token is not valid: connect the workspace again",
    "missing_scope": "the app lacks a permission: install it again with the scopes of `parley slack manifest`",
    "no_permission": "the bot may not do this: install it again with the scopes of `parley slack manifest`",
    "ekm_access_denied": "the organisation's administrators have suspended posting",
    "team_access_not_granted": "the app has no access to this workspace of the organisation",
    "org_login_required": "the workspace is being moved into an organisation",
    "restricted_action": "the workspace does not let the bot post there",
    "as_user_not_supported": "the bot may not post there",
}


def meaning(failed: PlatformFailed) -> str:
    """The error's code, and what it means where that is known."""
    known = _MEANING.get(failed.code)
    if known is None and failed.code.startswith("restricted_action"):
        known = _MEANING["restricted_action"]
    return f"{failed.code}: {known}" if known else str(failed)


def delivery_failed(failed: PlatformFailed, part: int, of: int, *, begun: bool) -> DeliveryFailed:
    """Why a part of a reply was not taken; `begun`: an earlier part is there, so the platform has some of it."""
    where = f" (part {part} of {of})" if of > 1 else ""
    return DeliveryFailed(
        f"{meaning(failed)}{where}",
        permanent=failed.permanent,
        retry_after=failed.retry_after,
        unsure=begun or failed.unsure,
    )
