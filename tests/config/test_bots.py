from __future__ import annotations

from pathlib import Path

import pytest

from config.bots import BotConfig, load_bot
from config.errors import ConfigError
from config.settings import Settings


def write(bots_dir: Path, text: str) -> Path:
    folder = bots_dir / "acme"
    folder.mkdir()
    (folder / "bot.toml").write_text(text)
    return folder


def test_a_tenant_without_a_folder_has_the_defaults(tmp_path: Path) -> None:
    assert load_bot(tmp_path, "acme") == BotConfig()


def test_a_folder_without_bot_toml_has_the_defaults_and_its_flows(tmp_path: Path) -> None:
    (tmp_path / "acme").mkdir()
    assert load_bot(tmp_path, "acme") == BotConfig(folder=tmp_path / "acme")


def test_every_key_is_read(tmp_path: Path) -> None:
    folder = write(
        tmp_path,
        """
        name = "Bo"
        default_flow = "welcome"
        greeting = "Hi"
        suggestions = ["a", "b"]
        idle_minutes = 5
        [otp]
        platform = "whatsapp"
        address = "profile.mobile"
        [web]
        allowed_origins = ["https://example.com", "http://localhost:3000"]
        colour = "#a1b2c3"
        [texts]
        cancelled = "Stopped."
        [commands]
        cancel = ["stop", "halt"]
        [phrasings]
        question = []
        """,
    )
    bot = load_bot(tmp_path, "acme")
    assert (bot.name, bot.default_flow, bot.greeting, bot.suggestions) == ("Bo", "welcome", "Hi", ("a", "b"))
    assert (bot.idle_minutes, bot.folder) == (5, folder)
    assert (bot.otp.platform, bot.otp.address) == ("whatsapp", "profile.mobile")
    assert bot.web.allowed_origins == ("https://example.com", "http://localhost:3000")
    assert bot.web.colour == "#a1b2c3"
    assert bot.texts == {"cancelled": "Stopped."}
    assert (bot.commands, bot.phrasings) == ({"cancel": ("stop", "halt")}, {"question": ()})


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("nmae = 'x'", "nmae"),
        ("[otp]\nnumber = 1", "otp.number"),
        ("name = 3", "name"),
        ("name = ''", "name"),
        ("suggestions = 'x'", "suggestions"),
        ("suggestions = [1]", "suggestions"),
        ("idle_minutes = true", "idle_minutes"),
        ("idle_minutes = 0", "idle_minutes"),
        ("idle_minutes = '30'", "idle_minutes"),
        ("web = 1", "web"),
        ("[web]\ncolour = 'red'", "web.colour"),
        ("[web]\nallowed_origins = ['https://example.com/path']", "web.allowed_origins"),
        ("[otp]\naddress = 'phone'", "otp.address"),
        ("texts = 'x'", "texts"),
        ("[texts]\ncancelled = 1", "texts.cancelled"),
        ("[texts]\ncancelled = ' '", "texts.cancelled"),
        ("[texts.cancelled]\nde = 'x'", "texts.cancelled"),
        ("[commands]\ncancel = 'stop'", "commands.cancel"),
        ("[commands]\ncancel = ['']", "commands.cancel"),
        ("[phrasings]\nquestion = '.*'", "phrasings.question"),
        ("[phrasings]\nquestion = [1]", "phrasings.question"),
        ("name = ", "not valid TOML"),
    ],
)
def test_a_wrong_file_is_refused_with_file_and_key(tmp_path: Path, text: str, named: str) -> None:
    folder = write(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load_bot(tmp_path, "acme")
    assert str(folder / "bot.toml") in str(caught.value)
    assert named in str(caught.value)


@pytest.mark.parametrize("slug", ["../acme", "", "A", "a/b", ".", "-a", "a_b"])
def test_a_slug_cannot_leave_the_folder_of_bots(tmp_path: Path, slug: str) -> None:
    with pytest.raises(ConfigError):
        load_bot(tmp_path, slug)


def test_the_demo_bot_loads() -> None:
    bot = load_bot(Settings.model_construct().parley_bots_dir, "demo")
    assert bot.name == "Ada at Parley Bank"
    assert bot.otp.platform == "terminal"
