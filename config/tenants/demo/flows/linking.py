"""Joins the chats of one person, so that what is begun in one goes on in the other; and parts them again."""

from flows import Chat, Flow

link = Flow(
    "link",
    description="Joins this chat with another of yours, on this or another platform",
    phrases=["link my chats", "join my chats"],
    command="/link",
)
unlink = Flow(
    "unlink",
    description="Parts chats that were joined",
    phrases=["unlink my chats", "part my chats"],
    command="/unlink",
)


@link
async def link_chats(chat: Chat) -> None:
    linked = await chat.link()
    if linked is None:
        await chat.end("All right, nothing was joined.", resolved=False)
    await chat.end(
        f"Done: you are the same person here and on {linked.platform} ({linked.name}). What you begin in one chat "
        'you may go on with in the other: say "continue" there.',
        resolved=True,
    )


@unlink
async def unlink_chats(chat: Chat) -> None:
    if await chat.unlink():
        await chat.end("Done. Each chat is by itself again.", resolved=True)
    await chat.say("Nothing was changed.")
