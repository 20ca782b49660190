from __future__ import annotations

import base64
import os
import re
from pathlib import Path

import pytest

from config.errors import ConfigError
from config.settings import Settings

KEY = bytes(range(32))
ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)


def refusal() -> str:
    with pytest.raises(ConfigError) as caught:
        Settings.load()
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_nothing_set_gives_the_documented_defaults() -> None:
    settings = Settings.load()
    assert (settings.port, settings.parley_data_dir) == (8080, Path("var"))
    assert settings.database_url is None
    assert settings.public_url == "http://localhost:8080"
    assert (settings.parley_bots_dir / "demo" / "bot.toml").is_file()
    assert settings.secret_keys == ()


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "")
    assert Settings.load().port == 8080


def test_dotenv_is_read_and_the_environment_wins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PORT=9001\nREDIS_URL=redis://one\nUNRELATED=x\n")
    monkeypatch.setenv("REDIS_URL", "redis://two")
    settings = Settings.load()
    assert (settings.port, settings.redis_url) == (9001, "redis://two")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "http"),
        ("PORT", "65536"),
        ("PORT", "-1"),
        ("PORT", "٨٠٨٠"),
        ("DATABASE_URL", "mysql://u:hunter2@h/d"),
        ("DATABASE_URL", "postgresql://u:hunter2@h:port/d"),
        ("DATABASE_URL", "hunter2"),
        ("DATABASE_OWNER_URL", "http://hunter2"),
        ("REDIS_URL", "localhost:6379/hunter2"),
        ("REDIS_URL", "redis://"),
        ("OBJECT_STORE_URL", "ftp://hunter2"),
        ("PARLEY_PUBLIC_URL", "bot.example.com"),
        ("PARLEY_SINGLE_ROLE", "maybe"),
        ("PARLEY_LOG_FORMAT", "xml"),
        ("PARLEY_SECRET_KEY", "hunter2"),
        ("PARLEY_SECRET_KEY", base64.b64encode(KEY[:31]).decode()),
        ("PARLEY_SECRET_KEY", base64.b64encode(KEY).decode() + ","),
        ("PARLEY_SECRET_KEY", "zz" * 32),
        ("SLACK_API_BASE_URL", "https://slack.com"),
        ("SLACK_BOT_TOKEN", "hunter2"),
        ("SLACK_BOT_TOKEN", "xoxp-hunter2-hunter2"),
        ("SLACK_BOT_TOKEN", "xoxe.xoxb-1-hunter2"),
        ("SLACK_APP_TOKEN", "xoxb-hunter2-hunter2"),
        ("SLACK_SIGNING_SECRET", "hunter2"),
        ("SLACK_SIGNING_SECRET", "5" * 32 + ","),
        ("SLACK_CLIENT_ID", "hunter2"),
        ("SLACK_CLIENT_SECRET", "hunter2"),
    ],
)
def test_a_wrong_value_is_refused_by_name_and_a_secret_one_is_not_repeated(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    text = refusal()
    assert text.startswith(f"{name} ")
    assert "hunter2" not in text


def test_every_wrong_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "x")
    monkeypatch.setenv("REDIS_URL", "x")
    text = refusal()
    assert "PORT" in text
    assert "REDIS_URL" in text


@pytest.mark.parametrize("text", [KEY.hex(), KEY.hex().upper(), base64.b64encode(KEY).decode()])
def test_a_secret_key_is_read_in_hex_and_in_base64(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("PARLEY_SECRET_KEY", text)
    assert Settings.load().secret_keys == (KEY,)


def test_several_secret_keys_keep_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    old = bytes(32)
    monkeypatch.setenv("PARLEY_SECRET_KEY", f"{KEY.hex()}, {base64.urlsafe_b64encode(old).decode()}")
    assert Settings.load().secret_keys == (KEY, old)


def test_a_database_without_redis_is_fine_until_a_command_needs_redis(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://u@/d?host=/run/x")
    settings = Settings.load()
    settings.require("DATABASE_URL")
    with pytest.raises(ConfigError, match=r"^REDIS_URL is not set"):
        settings.require("DATABASE_URL", "REDIS_URL")
    with pytest.raises(ConfigError, match=r"^DATABASE_OWNER_URL and REDIS_URL are not set"):
        settings.require("DATABASE_OWNER_URL", "REDIS_URL")


def test_the_repr_shows_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "VOYAGE_API_KEY", "TWILIO_AUTH_TOKEN"):
        monkeypatch.setenv(name, "hunter2")
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-1234-hunter2")
    monkeypatch.setenv("SLACK_APP_TOKEN", "xapp-1-A1-hunter2")
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:hunter2@h/d")
    assert "hunter2" not in repr(Settings.load())


def test_several_signing_secrets_are_candidates_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings.load().slack_signing_secrets == ()
    monkeypatch.setenv("SLACK_SIGNING_SECRET", f"{'a' * 32},{'b' * 32}")
    assert Settings.load().slack_signing_secrets == ("a" * 32, "b" * 32)


@pytest.mark.parametrize(
    ("given", "value", "missing"),
    [
        ("SLACK_CLIENT_ID", "12.34", "SLACK_CLIENT_SECRET"),
        ("SLACK_CLIENT_SECRET", "c" * 32, "SLACK_CLIENT_ID"),
    ],
)
def test_client_id_and_secret_go_together(
    monkeypatch: pytest.MonkeyPatch, given: str, value: str, missing: str
) -> None:
    monkeypatch.setenv(given, value)
    text = refusal()
    assert text.startswith(f"{missing} is not set")
    assert value not in text


def test_a_dotenv_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"PORT=\xff\xfe\n")
    assert refusal().startswith(".env ")


def test_the_example_file_lists_exactly_the_settings() -> None:
    listed = re.findall(r"^([A-Z_]+)=$", (ROOT / ".env.example").read_text(), re.MULTILINE)
    assert sorted(listed) == sorted(name.upper() for name in Settings.model_fields)


def test_the_example_file_can_be_used_as_it_is(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes((ROOT / ".env.example").read_bytes())
    assert Settings.load() == Settings.model_construct()
    assert "PORT" not in os.environ
