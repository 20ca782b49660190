"""What somebody sees who does not know the commands yet, or mistypes them."""

from __future__ import annotations

import pytest

SESSION = "01900000-0000-7000-8000-000000000001"
COMMANDS = [
    "run",
    "web",
    "worker",
    "clock",
    "migrate",
    "doctor",
    "chat",
    "tenant",
    "tenant create",
    "tenant list",
    "tenant show",
    "tenant change",
    "channel",
    "channel add",
    "channel change",
    "channel list",
    "channel show",
    "channel disable",
    "channel enable",
    "slack",
    "slack manifest",
    "slack install-link",
    "flows",
    "flows list",
    "operator",
    "operator add",
    "operator list",
    "operator revoke",
    "sessions",
    "sessions list",
    "sessions show",
    "sessions take",
    "sessions reply",
    "sessions resume",
    "sessions close",
    "sessions event",
    "approvals",
    "approvals list",
    "approvals show",
    "approvals decide",
    "ingest",
    "documents",
    "documents list",
    "documents show",
    "documents delete",
    "ask",
    "eval",
    "eval retrieval",
    "replay",
    "emulate",
    "emulate model",
    "emulate slack",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(shell, command):
    done = shell.run(*command.split(), "--help")
    assert done.code == 0, done.err
    assert done.out.startswith(f"Usage: parley {command}")
    assert done.err == ""


def test_without_a_command_all_are_shown(shell):
    done = shell.run()
    assert done.code == 2
    for command in COMMANDS:
        assert f"  {command.split()[0]} " in done.err


def test_the_version_is_told(shell):
    done = shell.run("--version")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("parley 0.")


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("nope", "No such command 'nope'; see `parley --help`"),
        ("run --nope", "No such option: --nope; see `parley run --help`"),
        ("tenant nope", "No such command 'nope'; see `parley tenant --help`"),
        ("tenant create", "Missing argument 'SLUG'; see `parley tenant create --help`"),
        ("channel list", "Missing option '--tenant'; see `parley channel list --help`"),
        ("worker --monitor-port 99999", "Invalid value for '--monitor-port'"),
        ("channel add whatsapp x --tenant demo", "'whatsapp' is no platform of this version"),
        ("channel add slack x --tenant demo", "the token says which it is"),
        ("channel add slack --tenant demo", "give --token"),
        ("channel add slack --tenant demo --token xoxp-123456789", "copy the one that begins with xoxb-"),
        ("channel add slack --tenant demo --token xoxe.xoxb-1-abcdefgh", "is a token with an end"),
        ("channel add slack --tenant demo --token xoxb-12345678 --signing-secret no", "is no signing secret"),
        ("channel add slack --tenant demo --token xoxb-12345678 --app-token no", "is no app-level token"),
        ("channel add web --tenant demo", "a web channel needs an ACCOUNT"),
        ("channel add web shop --tenant demo --token xoxb-12345678", "are for slack channels"),
        ("slack install-link --hours 0", "Invalid value for '--hours'"),
        ("channel add web a/b --tenant demo", "'a/b' is no site key"),
        ("channel add web shop --tenant demo --origin example.com", "'example.com' is no origin"),
        ("channel add terminal x --tenant demo --identity-secret new", "are for web channels"),
        ("channel add web shop --tenant demo --identity-secret hunter2", "where others see it"),
        ("channel change web shop --tenant demo", "nothing to change"),
        ("operator add x --role king", "Invalid value for '--role'"),
        ("operator add x --expires-days 0", "Invalid value for '--expires-days'"),
        ("sessions show 5", "Invalid value for 'SESSION': this is no id; one looks like 0"),
        ("flows record foo", "Invalid value for 'SESSION': this is no id; one looks like 0"),
        ("worker --monitor-port abc", "Invalid value for '--monitor-port': this is no whole number"),
        ("worker --monitor-port 99999", "Invalid value for '--monitor-port': give at most 65535"),
        (f"sessions event {SESSION} paid --value {{", "--value is JSON"),
        (f"sessions event {SESSION} paid --key é", "--key is 1 to 128 printable ASCII"),
        (f"approvals decide {SESSION}", "say --approve or --reject"),
        (f"approvals decide {SESSION} --reject", "there is no terminal to ask at: give --hash, or --yes"),
        (f"approvals decide {SESSION} --approve --hash 12", "--hash is 64 hexadecimal digits"),
        ("sessions list --cursor x", "a cursor is what the list before has printed"),
    ],
)
def test_a_command_asked_wrongly_says_so_in_one_line(shell, command, said):
    done = shell.run(*command.split())
    assert done.code == 2
    assert said in done.said
    assert not shell.data_dir.exists()


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("PORT", "abc", "PORT is 'abc'"),
        ("PORT", "70000", "PORT is '70000'"),
        ("DATABASE_URL", "mysql://x/y", "DATABASE_URL has the wrong scheme"),
        ("REDIS_URL", "http://x", "REDIS_URL has the wrong scheme"),
        ("PARLEY_SECRET_KEY", "short", "PARLEY_SECRET_KEY is not a key of 32 bytes"),
        ("PARLEY_LOG_FORMAT", "xml", "PARLEY_LOG_FORMAT has an unknown value"),
        ("PARLEY_SINGLE_ROLE", "maybe", "PARLEY_SINGLE_ROLE is 'maybe'"),
    ],
)
def test_a_wrong_setting_is_named_in_one_line(shell, name, value, said):
    done = shell.with_environment(**{name: value}).run("run")
    assert done.code == 1
    assert said in done.said
    assert not shell.data_dir.exists()


@pytest.mark.parametrize("command", ["web", "worker", "clock"])
def test_what_a_deployed_process_lacks_is_named_at_once(shell, command):
    done = shell.run(command)
    assert done.code == 1
    assert "DATABASE_URL and REDIS_URL and PARLEY_SECRET_KEY are not set" in done.said


def test_migrate_says_what_it_lacks(shell):
    done = shell.run("migrate")
    assert done.code == 1
    assert "DATABASE_OWNER_URL and DATABASE_URL are not set" in done.said
