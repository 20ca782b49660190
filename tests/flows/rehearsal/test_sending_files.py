"""Files in conversation tests: sent, shown, read by calls that are really made, drawn."""

from __future__ import annotations

from pathlib import Path

import pytest
from written_tests import bot_from, differences, played, script_of

from flows.bot import Bot
from flows.checking.repeating import check
from flows.drawing.mermaid import mermaid
from flows.drawing.tracing import trace

FLOWS = """
import flows
from flows import Chat, Flow, UploadedFile, read_file, validators
from flows.validators import file, integer

identify = Flow("identify", phrases=["who am I"])

async def recognise(photo: UploadedFile) -> str:
    return f"{photo.name} of {len(await read_file(photo))} bytes"

@identify
async def be_identified(chat: Chat) -> None:
    photo = await chat.ask("photo", "A photo of you?", file(types=["image/*"]))
    await chat.say(await chat.call(recognise, photo))
    other = await chat.ask("other", "Another one?", type=validators.file())
    last = await chat.ask("last", "A last one?", UploadedFile)
    age = await chat.ask("age", "How old are you?", integer())
"""


@pytest.fixture(scope="module")
def bot(tmp_path_factory: pytest.TempPathFactory) -> Bot:
    folder: Path = tmp_path_factory.mktemp("flows")
    return bot_from(folder, FLOWS)


TEST = """
    name: a photo
    given: {run: [recognise]}
    talk:
      - user: who am I
      - bot: A photo of you?
      - user: {file: me.pdf}
      - bot: {contains: Please send a picture.}
      - user: {file: me.jpg, size: 123, text: This is me}
      - bot: me.jpg of 123 bytes
      - bot: Another one?
      - state: {waiting: other}
      - user: {files: [{file: a.txt}, {file: a.png, type: image/png}]}
      - bot: A last one?
"""


async def test_a_test_sends_files_and_expects_what_comes_of_them(bot: Bot) -> None:
    transcript = await played(bot, TEST)
    assert differences(transcript) == []
    shown = [line.text for line in transcript.lines if line.text.startswith("you>")]
    assert shown == ["you> who am I", "you> (me.pdf)", "you> (me.jpg) This is me", "you> (a.txt, a.png)"]


async def test_a_flow_that_takes_files_comes_the_same_way_each_time(bot: Bot) -> None:
    assert await check(bot, script_of(TEST)) == []


def test_a_drawing_shows_where_a_file_is_asked_for(bot: Bot) -> None:
    flow = bot.registry.newest("identify")
    assert flow is not None
    drawn = mermaid([trace(flow)])
    assert 'identify_1("photo<br/>A photo of you?<br/>(a file)")' in drawn
    assert drawn.count("(a file)") == 3
    assert '("age<br/>How old are you?")' in drawn


async def test_a_file_that_a_call_was_given_is_named_by_its_name(bot: Bot) -> None:
    text = """
        name: a photo
        given: {calls: {recognise: A cat}}
        talk:
          - user: who am I
          - user: {file: me.jpg}
          - calls: [recognise: [CALLED]]
    """
    assert differences(await played(bot, text.replace("CALLED", "me.jpg"))) == []
    [wrong] = differences(await played(bot, text.replace("CALLED", "you.jpg")))
    assert wrong == "! calls: expected recognise('you.jpg'), found recognise('me.jpg')"
