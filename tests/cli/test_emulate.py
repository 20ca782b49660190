"""`parley emulate model` as people start it."""

from __future__ import annotations

import json
import urllib.request


def ask(url, key, question):
    body = {
        "model": "claude-haiku-5-5",
        "max_tokens": 100,
        "messages": [{"role": "user", "content": question}],
    }
    headers = {"x-api-key": key, "anthropic-version": "2026-10-21", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{url}/v1/messages", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read())["content"][0]["text"]


def test_it_prints_what_to_set_answers_and_stops(shell):
    with shell.started("emulate", "model") as emulator:
        url, key = emulator.saw(r"^ANTHROPIC_BASE_URL=(\S+) ANTHROPIC_API_KEY=(\S+)$").groups()
        assert ask(url, key, "Are you there?").endswith("Are you there?")
        assert emulator.stop() == 0
        assert len(emulator.out.splitlines()) == 1
        assert emulator.err == ""


def test_a_port_that_is_taken_is_one_line(shell):
    with shell.started("emulate", "model") as emulator:
        port = emulator.saw(r"127\.0\.0\.1:(\d+)")[1]
        ended = shell.run("emulate", "model", "--port", port)
    assert ended.code == 1
    assert "--port" in ended.said


def test_slack_prints_what_to_set_and_where_to_chat(shell):
    with shell.started("emulate", "slack", "--app-url", "http://127.0.0.1:9") as emulator:
        token = emulator.saw(r"^SLACK_BOT_TOKEN=(xoxb-\S+)$")[1]
        api = emulator.saw(r"^SLACK_API_BASE_URL=(http://127\.0\.0\.1:\d+/api/)$")[1]
        page = emulator.saw(r"^Chat at (\S+)$")[1]
        for name in ("SIGNING_SECRET", "APP_TOKEN", "CLIENT_ID", "CLIENT_SECRET"):
            emulator.saw(rf"^SLACK_{name}=\S+$")
        request = urllib.request.Request(f"{api}auth.test", b"", {"Authorization": f"Bearer {token}"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert json.loads(answer.read())["team"] == "Acme"
        with urllib.request.urlopen(page, timeout=30) as answer:
            assert b"Slack emulator" in answer.read()
        with urllib.request.urlopen(f"{page}emulator/messages", timeout=30) as answer:
            assert json.loads(answer.read()) == []
        assert emulator.stop() == 0
        assert emulator.err == ""


def test_a_port_that_is_taken_is_one_line_for_slack_too(shell):
    with shell.started("emulate", "slack") as emulator:
        port = emulator.saw(r"127\.0\.0\.1:(\d+)")[1]
        ended = shell.run("emulate", "slack", "--port", port)
    assert ended.code == 1
    assert "--port" in ended.said
