"""Files as answers: which are taken, what is said of the others, and how their bytes are read."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from flow_services import Conversation, bot_that

from flows import CallFailed, Chat, Choice, Flow, Rejected, UploadedFile, read_file
from flows.bot import Bot
from flows.errors import FlowMistake
from flows.overlap import joinable
from flows.texts import Texts
from flows.validators import file, integer
from flows.values import decode, encode
from storage.records import EntryKind

JPEG = UploadedFile(UUID(int=0), "passport.jpg", "image/jpeg", 12_345)
PDF = UploadedFile(UUID(int=0), "passport.pdf", "application/pdf", 2_000)
TEXT = UploadedFile(UUID(int=0), "note.txt", "text/plain", 5)
LARGE = replace(JPEG, name="huge.jpg", size=10_000_001)
TEXTS = Texts()


async def ask_for_photo(chat: Chat) -> None:
    photo = await chat.ask("photo", "Send a photo of your passport.", file(types=["image/*"]))
    await chat.say(f"{type(photo).__name__} {photo.name}: {photo.type}, {photo.size}")
    await chat.ask("sure", "Is it yours?", bool)
    await chat.say(f"Thank you for {photo.name}.")


async def started(script: Any = ask_for_photo, **settings: Any) -> Conversation:
    talk = Conversation(bot_that(script, **settings))
    await talk.say("go")
    return talk


async def test_a_file_is_the_answer_and_comes_back_from_the_record_as_what_it_was() -> None:
    talk = await started()
    assert await talk.send_files(JPEG) == ["UploadedFile passport.jpg: image/jpeg, 12345", "Is it yours?"]
    assert await talk.say("yes") == ["Thank you for passport.jpg."]


async def test_of_several_files_the_first_that_fits_is_the_answer() -> None:
    talk = await started()
    assert await talk.send_files(TEXT, LARGE, JPEG, replace(JPEG, name="other.jpg")) == [
        "UploadedFile passport.jpg: image/jpeg, 12345",
        "Is it yours?",
    ]


async def test_what_is_written_beside_a_file_does_not_matter_where_a_file_is_asked_for() -> None:
    talk = await started()
    assert (await talk.send_files(JPEG, text="no, I meant this one"))[1] == "Is it yours?"


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (TEXT, "I cannot take a file of that type here. Please send a picture."),
        (PDF, "I cannot take a file of that type here. Please send a picture."),
        (LARGE, "That file is too large. Please send one of at most 10 MB."),
    ],
)
async def test_a_file_that_does_not_fit_is_asked_for_again_with_what_is_taken(
    sent: UploadedFile, reason: str
) -> None:
    talk = await started()
    assert await talk.send_files(sent) == [f"{reason}\nSend a photo of your passport."]
    assert (await talk.send_files(JPEG))[1] == "Is it yours?"


async def test_a_text_in_place_of_a_file_brings_the_question_again_and_in_the_end_gives_up() -> None:
    talk = await started()
    assert await talk.say("I have none") == ["Please send a picture.\nSend a photo of your passport."]
    await talk.say("really")
    await talk.say("no")
    assert await talk.say("no!") == [TEXTS.gave_up]


async def test_help_explains_the_question_and_back_leads_to_the_file_again() -> None:
    talk = await started()
    assert (await talk.say("help"))[0].startswith(TEXTS.help)
    await talk.send_files(JPEG)
    assert await talk.say("back") == ["Send a photo of your passport."]
    assert (await talk.send_files(replace(JPEG, name="better.jpg")))[0].startswith("UploadedFile better.jpg")


@pytest.mark.parametrize(
    ("kind", "choices"), [(str, ()), (int, ()), (bool, ()), (None, ("A", "B")), (integer(), ("1", "2"))]
)
async def test_a_file_where_words_are_asked_for_is_declined_and_the_question_comes_again(
    kind: Any, choices: tuple[str, ...]
) -> None:
    async def script(chat: Chat) -> None:
        await chat.ask("what", "What?", kind, choices=choices)

    talk = await started(script)
    [reply] = await talk.send_files(JPEG)
    assert reply.startswith(TEXTS.no_file)
    assert talk.state.state_name == "what#0"


async def test_words_that_come_with_a_file_answer_where_words_are_asked_for() -> None:
    async def script(chat: Chat) -> None:
        await chat.say(f"So it is {await chat.ask('what', 'What?')}.")

    talk = await started(script)
    assert await talk.send_files(JPEG, text="a lamp") == ["So it is a lamp."]


async def test_a_choice_beside_a_file_is_an_answer_by_button_and_by_word() -> None:
    async def script(chat: Chat) -> None:
        choices = ["Skip", Choice("Later", value="later")]
        photo = await chat.ask("photo", "A photo?", file(), choices=choices)
        await chat.say(f"Got {photo if isinstance(photo, str) else photo.name}.")

    for words, said in (("skip", "Got Skip."), ("Later", "Got later.")):
        assert await (await started(script)).say(words) == [said]
    talk = Conversation(bot_that(script))
    [question] = await talk.show("go")
    assert await talk.press(question.payloads[0]) == ["Got Skip."]
    assert await (await started(script)).send_files(PDF) == ["Got passport.pdf."]


async def test_the_type_itself_asks_for_a_picture_or_a_pdf() -> None:
    async def script(chat: Chat) -> None:
        answer = await chat.ask("photo", "A photo?", UploadedFile)
        await chat.say(answer.name)

    talk = await started(script)
    assert (await talk.say("x"))[0].startswith("Please send a picture or a PDF.")
    assert await talk.send_files(PDF) == ["passport.pdf"]


async def test_a_file_that_nothing_waits_for_is_told_so_and_starts_no_flow() -> None:
    async def script(chat: Chat) -> None:
        await chat.say("started")

    everything = Flow("everything", patterns=[".*"])
    everything(script)
    fallback = Flow("fallback", default=True)
    fallback(script)
    talk = Conversation(Bot([everything, fallback]))
    assert await talk.send_files(JPEG) == [TEXTS.unasked_file]
    assert await talk.send_files(JPEG, text="hello") == ["started"]


async def test_a_file_while_a_flow_waits_for_an_event_is_told_that_it_goes_on_by_itself() -> None:
    async def script(chat: Chat) -> None:
        await chat.wait(event="paid")

    talk = await started(script)
    assert await talk.send_files(JPEG) == [TEXTS.waiting]


async def test_a_file_is_no_one_time_code() -> None:
    async def script(chat: Chat) -> None:
        await chat.verify_otp()

    talk = await started(script)
    assert await talk.send_files(JPEG) == [TEXTS.otp_repeat]


async def test_a_called_function_reads_the_bytes_once_and_they_are_not_on_record() -> None:
    read: list[bytes] = []

    async def pass_on(photo: UploadedFile) -> int:
        read.append(await read_file(photo))
        return len(read[-1])

    async def script(chat: Chat) -> None:
        photo = await chat.ask("photo", "A photo?", file())
        size = await chat.call(pass_on, photo)
        await chat.ask("sure", f"{size} bytes?")

    talk = await started(script)
    kept = talk.services.keep_file(JPEG, b"the very bytes")
    entry = replace(talk.entry(""), attachments=(kept,))
    assert [said.text for said in await talk.send(entry)] == ["14 bytes?"]
    await talk.say("yes")
    assert read == [b"the very bytes"]
    assert b"the very bytes".decode() not in str(talk.state.data)


async def test_branches_of_a_gather_read_files_too() -> None:
    async def pass_on(photo: UploadedFile) -> int:
        return len(await read_file(photo))

    async def script(chat: Chat) -> None:
        photo = await chat.ask("photo", "A photo?", file())
        sizes = await chat.gather(chat.call(pass_on, photo), chat.call(pass_on, photo))
        await chat.say(str(sizes))

    talk = await started(script)
    assert await talk.send_files(JPEG) == ["[12345, 12345]"]


async def test_a_file_that_is_gone_fails_the_call_without_a_further_try() -> None:
    tries: list[str] = []

    async def pass_on(photo: UploadedFile) -> int:
        tries.append(photo.name)
        return len(await read_file(photo))

    async def script(chat: Chat) -> None:
        photo = await chat.ask("photo", "A photo?", file())
        try:
            await chat.call(pass_on, photo, retries=3)
        except CallFailed as failure:
            await chat.say(failure.kind)

    talk = await started(script)
    kept = talk.services.keep_file(JPEG)
    talk.services.files.clear()
    entry = replace(talk.entry(""), attachments=(kept,))
    assert [said.text for said in await talk.send(entry)] == ["FileMissing"]
    assert tries == ["passport.jpg"]


async def test_reading_outside_a_call_is_a_mistake_that_is_named() -> None:
    async def script(chat: Chat) -> None:
        photo = await chat.ask("photo", "A photo?", file())
        await read_file(photo)

    talk = await started(script)
    assert await talk.send_files(JPEG) == [TEXTS.apology]
    assert isinstance(talk.failure, FlowMistake)
    assert "chat.call" in str(talk.failure)


async def test_a_sensitive_file_is_sealed_and_hidden_also_when_it_is_not_the_right_one() -> None:
    async def script(chat: Chat) -> None:
        await chat.ask("photo", "Your passport?", file(types=["image/*"]), sensitive=True)
        await chat.ask("sure", "Sure?")

    for sent in (JPEG, TEXT):
        talk = await started(script)
        await talk.send_files(sent)
        assert talk.outcome is not None
        assert talk.outcome.redact_input
        assert talk.outcome.state is not None
        assert talk.outcome.state.sensitive


async def test_an_ephemeral_file_is_asked_for_again_when_it_is_gone() -> None:
    async def script(chat: Chat) -> None:
        photo = await chat.ask("photo", "A photo?", file(), ephemeral=True)
        await chat.ask("sure", "Sure?")
        await chat.say(photo.name)

    talk = await started(script)
    await talk.send_files(JPEG)
    assert "passport" not in str(talk.state.data)
    talk.services.ephemeral.clear()
    assert await talk.say("yes") == ["A photo?"]
    assert await talk.send_files(JPEG) == ["passport.jpg"]


async def test_a_crash_after_the_file_was_taken_takes_it_again() -> None:
    async def script(chat: Chat) -> None:
        photo = await chat.ask("photo", "A photo?", file())
        await chat.call(lambda name: name, photo)
        await chat.say(photo.name)

    talk = await started(script)
    talk.services.kill_at = {1, 2}
    assert await talk.send_files(JPEG) == ["passport.jpg"]


def test_a_file_on_record_has_its_id_name_type_and_size() -> None:
    written = encode([JPEG, {"a": replace(PDF, name="Übersicht \U0001f600.pdf")}], "x")
    assert written[0] == {"$": "file", "v": [str(JPEG.id), "passport.jpg", "image/jpeg", 12_345]}
    assert decode(written) == [JPEG, {"a": replace(PDF, name="Übersicht \U0001f600.pdf")}]


@pytest.mark.parametrize(
    ("types", "words"),
    [
        (["image/*"], "a picture"),
        (["image/*", "application/pdf", "audio/*"], "a picture, a PDF or a recording"),
        (["image/png", "text/csv"], "a .png file or a .csv file"),
        (["*/*"], "a file"),
    ],
)
def test_what_is_taken_is_said_in_words(types: list[str], words: str) -> None:
    with pytest.raises(Rejected) as caught:
        file(types=types)("no")
    assert caught.value.text == f"Please send {words}."


@pytest.mark.parametrize("types", ["image/*", [], ["application/zip"], ["image"]])
def test_types_that_no_file_could_have_are_a_mistake(types: Any) -> None:
    with pytest.raises(FlowMistake, match="file: "):
        file(types=types)


def test_a_message_with_files_is_answered_by_itself_where_messages_are_joined() -> None:
    talk = Conversation(bot_that(ask_for_photo))
    entry = talk.entry("one more thing")
    assert joinable(talk.bot, entry)
    assert not joinable(talk.bot, replace(entry, attachments=(JPEG,)))
    assert entry.kind is EntryKind.MESSAGE
