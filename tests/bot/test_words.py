"""A tenant's own words in its bot.toml, from the file to the conversation."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest
from flow_services import Conversation

from bot.bots import bot_of
from bot.words import commands_of, phrasings_of, texts_of
from config.bots import BotConfig, load_bot
from config.errors import ConfigError
from flows.bot import Bot
from flows.texts import Commands, Phrasings, Texts

GERMAN = """
name = "Bäckerei"

[texts]
menu = "Das kann ich für Sie tun:"
menu_unknown = "Das habe ich nicht verstanden. Das kann ich für Sie tun:"
cancelled = "Gut, wir lassen das."
nothing_to_cancel = "Es gibt nichts abzubrechen."
nothing_before = "Davor gab es keine Frage."
help = 'Bitte beantworten Sie die Frage. Sie können auch "zurück" oder "abbrechen" sagen.'
way_out = 'Sie können auch "zurück", "von vorn", "abbrechen" oder "hilfe" sagen.'
corrected = "Gut, das habe ich geändert."
not_a_choice = "Bitte wählen Sie eines davon."
otp_ask = "Ich habe einen Code an {address} geschickt. Wie lautet er?"
otp_wrong = 'Dieser Code stimmt nicht. Mit "neuer Code" bekommen Sie einen neuen.'
otp_again = "Ein neuer Code ist an {address} unterwegs."
otp_message = "Ihr Code ist {code}."

[commands]
cancel = ["abbrechen", "/abbrechen", "vergiss es"]
start_over = ["von vorn"]
back = ["zurück"]
help = ["hilfe"]
resend = ["neuer Code"]

[phrasings]
correct = ['(?:nein, )?ich meinte (?P<new>.+)', '(?P<old>.+?) soll (?P<new>.+) sein']
perhaps_correct = ['(?:doch|nein)[\\s,]+(?P<new>.+)']
question = ['(?:wer|was|wann|wo|wie|warum) .+']
"""
FLOW = """
from flows import Chat, Flow

bestellung = Flow("bestellung", description="Nimmt Bestellungen auf", phrases=["bestellen"])


@bestellung
async def bestelle(chat: Chat) -> None:
    await chat.ask("sorte", "Welche Sorte?", choices=["Roggen", "Dinkel"])
    await chat.ask("tag", "An welchem Tag?", choices=["Freitag", "Samstag"])
    await chat.verify_otp()
    await chat.say("Vielen Dank.")
"""


def tenant(bots_dir: Path, toml: str, flow: str = FLOW) -> BotConfig:
    folder = bots_dir / "acme"
    (folder / "flows").mkdir(parents=True)
    (folder / "bot.toml").write_text(toml, encoding="utf-8")
    (folder / "flows" / "bestellung.py").write_text(flow, encoding="utf-8")
    return load_bot(bots_dir, "acme")


@pytest.fixture
def talk(tmp_path: Path) -> Conversation:
    return Conversation(bot_of(tenant(tmp_path, GERMAN)))


async def test_a_german_bot_speaks_and_understands_german_only(talk: Conversation) -> None:
    assert await talk.say("abbrechen") == ["Es gibt nichts abzubrechen."]
    assert await talk.say("hilfe") == ["Das kann ich für Sie tun:\n- Bestellung: Nimmt Bestellungen auf"]
    assert await talk.say("Bestellen!") == ["Welche Sorte?"]
    assert await talk.say("zurück") == ["Davor gab es keine Frage.", "Welche Sorte?"]
    assert await talk.say("Weizen") == ["Bitte wählen Sie eines davon."]
    assert await talk.say("Mais") == [
        'Bitte wählen Sie eines davon.\nSie können auch "zurück", "von vorn", "abbrechen" oder "hilfe" sagen.'
    ]
    assert await talk.say("Roggen") == ["An welchem Tag?"]
    assert await talk.say("Nein, ich meinte Dinkel.") == ["Gut, das habe ich geändert.", "An welchem Tag?"]
    assert await talk.say("Freitag") == ["Ich habe einen Code an …0961 geschickt. Wie lautet er?"]
    assert talk.outcome is not None
    [sent] = talk.outcome.dispatches
    assert sent.content == "Ihr Code ist 100001."
    assert await talk.say("999999") == [
        'Dieser Code stimmt nicht. Mit "neuer Code" bekommen Sie einen neuen.'
    ]
    assert await talk.say("Neuer Code") == ["Ein neuer Code ist an …0961 unterwegs."]
    assert await talk.say("100002") == ["Vielen Dank."]


async def test_the_tenants_word_cancels_and_the_engines_own_no_longer_does(talk: Conversation) -> None:
    await talk.say("bestellen")
    assert await talk.say("cancel") == ["Bitte wählen Sie eines davon."]
    assert await talk.say("Abbrechen") == ["Gut, wir lassen das."]
    assert talk.state.flow is None


async def test_a_correction_in_the_tenants_words_names_what_it_corrects(talk: Conversation) -> None:
    await talk.say("bestellen")
    await talk.say("Roggen")
    assert await talk.say("Roggen soll Dinkel sein") == ["Gut, das habe ich geändert.", "An welchem Tag?"]


def test_a_bot_without_words_of_its_own_has_the_engines(tmp_path: Path) -> None:
    for config in (BotConfig(), tenant(tmp_path, "")):
        words = texts_of(config), commands_of(config), phrasings_of(config)
        assert words == (Texts(), Commands(), Phrasings())


def test_what_is_not_given_stays_the_engines(tmp_path: Path) -> None:
    config = tenant(tmp_path, "[texts]\nmenu = 'Hm?'\n[commands]\nback = ['zurück']")
    assert texts_of(config).menu == "Hm?"
    assert texts_of(config).help == Texts().help
    assert (commands_of(config).back, commands_of(config).cancel) == (("zurück",), Commands().cancel)


@pytest.mark.parametrize("standard", [Texts(), Commands(), Phrasings()])
def test_every_one_of_the_engines_words_may_be_repeated_in_a_bot_toml(
    standard: Texts | Commands | Phrasings,
) -> None:
    """So whatever is added to them is settable, too."""
    given = {field.name: getattr(standard, field.name) for field in fields(standard)}
    match standard:
        case Texts():
            assert texts_of(BotConfig(texts=given)) == standard
        case Commands():
            assert commands_of(BotConfig(commands=given)) == standard
        case Phrasings():
            assert phrasings_of(BotConfig(phrasings=given)) == standard


def test_an_empty_list_switches_a_command_or_a_phrasing_off(tmp_path: Path) -> None:
    bot = bot_of(tenant(tmp_path, "[commands]\nback = []\n[phrasings]\nquestion = []"))
    assert bot.command("back") is None
    assert bot.questions == []


def test_doubled_braces_are_braces_where_a_text_is_filled_in(tmp_path: Path) -> None:
    config = tenant(tmp_path, "[texts]\notp_message = '{{{code}}}'")
    assert texts_of(config).otp_message.format(code=7) == "{7}"


@pytest.mark.parametrize(
    ("toml", "key", "advice"),
    [
        ("[texts]\ncanceled = 'x'", "texts.canceled", "unknown key"),
        ("[commands]\nstop = ['x']", "commands.stop", "there are cancel, start_over"),
        ("[phrasings]\ncorrected = ['x']", "phrasings.corrected", "unknown key"),
        ("[texts]\notp_message = 'Your code'", "texts.otp_message", "write {code} where it belongs"),
        ("[texts]\notp_message = '{code} {address}'", "texts.otp_message", "no other braces"),
        ("[texts]\notp_message = '{code.__class__}'", "texts.otp_message", "write {code}"),
        ("[texts]\notp_message = '{code!r}'", "texts.otp_message", "write {code}"),
        ("[texts]\notp_message = '{code:>9}'", "texts.otp_message", "write {code}"),
        ("[texts]\notp_message = '{code'", "texts.otp_message", "write {code}"),
        ("[texts]\notp_ask = 'Code?'", "texts.otp_ask", "write {address}"),
        ("[texts]\ncancelled = 'Bye {name}'", "texts.cancelled", "leave out its braces"),
        ("[texts]\ncancelled = 'Bye {{name}}'", "texts.cancelled", "leave out its braces"),
        ("[texts]\nweekdays = 'Montag Dienstag'", "texts.weekdays", "write 7 words"),
        ("[commands]\ncancel = ['…']", "commands.cancel", "has no letter"),
        ("[commands]\ncancel = ['stop']\nback = ['Stop!']", "commands.back", "stands for cancel too"),
        ("[commands]\nback = ['cancel']", "commands.back", "stands for cancel too"),
        ("[commands]\ncancel = ['back']", "commands.cancel", "stands for back too"),
        ("[phrasings]\nquestion = ['(']", "phrasings.question", "is no regular expression"),
        ("[phrasings]\nquestion = ['a{99999999999}']", "phrasings.question", "is no regular expression"),
        ("[phrasings]\ncorrect = ['ich meinte .+']", "phrasings.correct", "needs a group (?P<new>…)"),
        ("[phrasings]\nperhaps_correct = ['(?P<old>.+)']", "phrasings.perhaps_correct", "(?P<new>…)"),
    ],
)
def test_words_that_cannot_be_used_are_refused_in_one_line(
    toml: str, key: str, advice: str, tmp_path: Path
) -> None:
    config = tenant(tmp_path, toml)
    with pytest.raises(ConfigError) as caught:
        bot_of(config)
    told = str(caught.value)
    assert told.startswith(f"{tmp_path / 'acme' / 'bot.toml'}: ")
    assert key in told
    assert advice in told
    assert "\n" not in told


async def test_a_correction_to_nothing_is_an_answer_like_any_other() -> None:
    phrasings = Phrasings(correct=(r"doch(?P<new>.*)", r"(?:ich meinte (?P<new>.+))?"), perhaps_correct=())
    talk = Conversation(Bot([], phrasings=phrasings))
    menu = await talk.say("hello")
    assert await talk.say("doch") == await talk.say("!") == menu
