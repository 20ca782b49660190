"""`link` and `unlink`: two chats of one person become one person's, and are parted again."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from flow_services import Conversation

from flows import Chat, Flow
from flows.bot import Bot
from flows.errors import FlowMistake
from flows.selves import LINKED, OtherSelf, Refusal
from storage.outcomes import Link

PHONE = OtherSelf(
    UUID(int=9),
    "whatsapp",
    "WhatsApp",
    "",
    "+441632960961",
    remembered=2,
    session_id=UUID(int=99),
    at="run/link#0",
)
CODE = "7KQM2XWD"


def linking() -> Bot:
    link, unlink, other = (
        Flow("link", phrases=["link"]),
        Flow("unlink", phrases=["unlink"]),
        Flow("other", phrases=["hello"]),
    )

    @link
    async def join(chat: Chat) -> None:
        linked = await chat.link()
        await chat.say("not linked" if linked is None else f"{linked.platform} {linked.name}")

    @unlink
    async def part(chat: Chat) -> None:
        await chat.say(f"parted {await chat.unlink()}")

    @other
    async def greet(chat: Chat) -> None:
        await chat.say("hi")

    return Bot([link, unlink, other])


@pytest.fixture
def talk() -> Conversation:
    talk = Conversation(linking())
    talk.services.selves.meets = {CODE: PHONE}
    return talk


async def test_the_code_is_shown_in_a_sensitive_reply_and_is_nowhere_in_the_state(talk: Conversation) -> None:
    [shown] = await talk.say("link")
    assert shown.startswith("Your code is CCDE-2222. Enter it in your other chat")
    assert talk.outcome is not None
    assert [reply.sensitive for reply in talk.outcome.replies] == [True]
    assert "2222" not in str(talk.state.data)
    assert talk.outcome.state is not None
    assert talk.outcome.state.sensitive


@pytest.mark.parametrize("typed", [CODE, "7kqm-2xwd", " 7kqm 2xwd ", "here it is: 7KQM–2XWD."])
async def test_the_other_chats_code_shows_what_is_joined_and_a_yes_links(
    talk: Conversation, typed: str
) -> None:
    await talk.say("link")
    [shown] = await talk.say(typed)
    assert "WhatsApp (…0961)" in shown
    assert "(2 there)" in shown
    assert talk.outcome is not None
    assert talk.outcome.redact_input
    assert (talk.outcome.links, talk.outcome.events) == ((), ())
    assert await talk.say("yes") == ["whatsapp …0961"]
    assert talk.outcome.links == (Link(PHONE.user_id),)
    [event] = talk.outcome.events
    assert (event.session_id, event.name) == (PHONE.session_id, LINKED)
    assert event.value == {"at": PHONE.at, "user": str(talk.session.user_id)}


async def test_what_is_under_way_there_and_since_when_is_shown(talk: Conversation) -> None:
    since = talk.services.time - timedelta(days=1)
    talk.services.selves.meets[CODE] = OtherSelf(
        UUID(int=9), "slack", "Slack", "Ada", "U1", "other", since, session_id=UUID(int=99), at="x"
    )
    await talk.say("link")
    [shown] = await talk.say(CODE)
    assert "Slack (Ada)" in shown
    assert "what is under way there: Other, since yesterday" in shown


async def test_a_no_links_nothing_and_tells_nobody(talk: Conversation) -> None:
    await talk.say("link")
    await talk.say(CODE)
    assert await talk.say("no") == ["not linked"]
    assert talk.outcome is not None
    assert (talk.outcome.links, talk.outcome.events) == ((), ())


@pytest.mark.parametrize("refusal", [Refusal.WRONG, Refusal.OWN, Refusal.LINKED, Refusal.FULL])
async def test_a_refused_code_is_explained_and_another_may_be_typed(
    talk: Conversation, refusal: Refusal
) -> None:
    talk.services.selves.meets["22222222"] = refusal
    await talk.say("link")
    assert await talk.say("2222-2222") == [getattr(talk.bot.texts, f"link_{refusal}")]
    assert "WhatsApp" in (await talk.say(CODE))[0]


async def test_after_too_many_wrong_codes_the_flow_goes_on_without_a_link(talk: Conversation) -> None:
    await talk.say("link")
    for _ in range(5):
        assert await talk.say("2222-3333") == [talk.bot.texts.link_wrong]
    assert await talk.say(CODE) == [talk.bot.texts.link_locked, "not linked"]


async def test_a_word_is_no_code_and_another_flow_may_interrupt(talk: Conversation) -> None:
    await talk.say("link")
    assert await talk.say("whatever") == [talk.bot.texts.link_repeat]
    assert await talk.say("hello") == ["hi", talk.bot.texts.link_repeat]
    assert talk.services.selves.wrong == 0
    assert len(talk.services.selves.issued) == 1


async def test_resend_shows_a_new_code(talk: Conversation) -> None:
    await talk.say("link")
    [again] = await talk.say("resend")
    assert "CCDE-2223" in again


async def test_redis_down_at_the_start_links_nothing(talk: Conversation) -> None:
    talk.services.selves.down = True
    assert await talk.say("link") == [talk.bot.texts.link_down, "not linked"]


async def test_redis_down_at_the_guess_keeps_waiting(talk: Conversation) -> None:
    await talk.say("link")
    talk.services.selves.down = True
    assert await talk.say(CODE) == [talk.bot.texts.link_down]
    talk.services.selves.down = False
    assert "WhatsApp" in (await talk.say(CODE))[0]


async def test_a_right_code_stays_right_when_the_turn_dies_after_it(talk: Conversation) -> None:
    await talk.say("link")
    talk.services.kill_at = {1}
    assert "WhatsApp" in (await talk.say(CODE))[0]
    assert talk.services.kill_at == set(), "the turn did not die"
    assert talk.outcome is not None
    assert talk.outcome.redact_input


async def test_nobody_goes_back_past_a_link(talk: Conversation) -> None:
    flow = Flow("main", phrases=["go"])

    @flow
    async def script(chat: Chat) -> None:
        await chat.link()
        await chat.ask("name", "Your name?")

    talk.bot = Bot([flow])
    await talk.say("go")
    await talk.say(CODE)
    assert await talk.say("yes") == ["Your name?"]
    [refusal, question] = await talk.say("back")
    assert (refusal, question) == (talk.bot.texts.that_is_done, "Your name?")


def at_of(talk: Conversation) -> str:
    return talk.services.selves.issued[0][0]


async def test_the_chat_whose_code_was_used_is_told_and_its_flow_goes_on(talk: Conversation) -> None:
    await talk.say("link")
    talk.services.selves.linked = [PHONE]
    value = {"at": at_of(talk), "user": str(PHONE.user_id)}
    assert await talk.happen(LINKED, value) == ["whatsapp …0961"]
    assert talk.outcome is not None
    assert talk.outcome.links == ()


async def test_news_of_a_link_that_is_not_there_goes_unheard(talk: Conversation) -> None:
    await talk.say("link")
    value = {"at": at_of(talk), "user": str(PHONE.user_id)}
    assert await talk.happen(LINKED, value) == [talk.bot.texts.link_repeat]
    assert talk.state.flow == "link"


async def test_where_no_flow_waits_for_the_news_it_is_told(talk: Conversation) -> None:
    talk.services.selves.linked = [PHONE]
    value = {"at": "an earlier run", "user": str(PHONE.user_id)}
    [told] = await talk.happen(LINKED, value)
    assert told.startswith("This chat is now joined with WhatsApp (…0961).")
    assert await talk.happen(LINKED, {"user": str(UUID(int=5))}) == []
    assert await talk.happen(LINKED, "nonsense") == []


async def test_by_address_the_code_is_sent_and_the_link_is_to_whom_the_platform_knows() -> None:
    flow = Flow("main", phrases=["go"])

    @flow
    async def script(chat: Chat) -> None:
        linked = await chat.link(to="+441632960999", via="whatsapp")
        await chat.say(str(linked and linked.name))

    talk = Conversation(Bot([flow]))
    [asked] = await talk.say("go")
    assert "…0999" in asked
    assert talk.outcome is not None
    assert talk.outcome.dispatches[0].address == "+441632960999"
    assert "whatsapp (…0999)" in (await talk.say("100001"))[0]
    assert await talk.say("yes") == ["…0999"]
    assert talk.outcome.links == (Link(UUID(int=88), "whatsapp", "+441632960999"),)


@pytest.mark.parametrize(("refusal", "text"), [(Refusal.LINKED, "link_linked"), (Refusal.OWN, "link_own")])
async def test_by_an_address_that_is_refused_nothing_is_linked(refusal: Refusal, text: str) -> None:
    flow = Flow("main", phrases=["go"])

    @flow
    async def script(chat: Chat) -> None:
        await chat.say(str(await chat.link(to="a@example.com", via="mail")))

    talk = Conversation(Bot([flow]))
    talk.services.selves.reaches = {"a@example.com": refusal}
    await talk.say("go")
    assert await talk.say("100001") == [getattr(talk.bot.texts, text), "None"]


async def test_by_an_address_that_cannot_be_reached_nothing_is_linked() -> None:
    flow = Flow("main", phrases=["go"])

    @flow
    async def script(chat: Chat) -> None:
        await chat.say(str(await chat.link(to="a@example.com", via="mail")))

    talk = Conversation(Bot([flow]))
    talk.services.refusal = "no_channel"
    assert await talk.say("go") == [talk.bot.texts.unverified, "None"]


async def test_an_address_without_its_platform_is_a_mistake() -> None:
    flow = Flow("main", phrases=["go"])

    @flow
    async def script(chat: Chat) -> None:
        await chat.link(to="+441632960999")

    talk = Conversation(Bot([flow]))
    assert await talk.say("go") == [talk.bot.texts.apology]
    assert isinstance(talk.failure, FlowMistake)


async def test_unlinking_where_nothing_is_linked_says_so(talk: Conversation) -> None:
    assert await talk.say("unlink") == [talk.bot.texts.unlink_none, "parted 0"]


async def test_the_only_linked_chat_is_parted_after_a_yes(talk: Conversation) -> None:
    talk.services.selves.linked = [PHONE]
    [sure] = await talk.say("unlink")
    assert "WhatsApp (…0961)" in sure
    assert await talk.say("yes") == ["parted 1"]
    assert talk.outcome is not None
    assert talk.outcome.parted == (PHONE.user_id,)


async def test_of_several_linked_chats_one_or_all_are_parted(talk: Conversation) -> None:
    slack = OtherSelf(UUID(int=8), "slack", "Slack", "Ada", "U1")
    talk.services.selves.linked = [PHONE, slack]
    await talk.say("unlink")
    [sure] = await talk.say("2")
    assert "Slack (Ada)" in sure
    await talk.say("yes")
    assert talk.outcome is not None
    assert talk.outcome.parted == (slack.user_id,)
    await talk.say("unlink")
    await talk.say("all of them")
    assert await talk.say("yes") == ["parted 2"]
    assert talk.outcome.parted == (talk.session.user_id,)


async def test_a_no_parts_nothing(talk: Conversation) -> None:
    talk.services.selves.linked = [PHONE]
    await talk.say("unlink")
    assert await talk.say("no") == ["parted 0"]
    assert talk.outcome is not None
    assert talk.outcome.parted == ()
