"""`parley chat`, typed and piped."""

from __future__ import annotations

import re
import signal
import subprocess

from commands import Visitor, servers_of
from terminals import Terminal

CODE = r"Your code is (\d{6})"


def test_a_conversation_can_be_piped_in_and_its_code_appears_there(shell):
    done = shell.run("chat", stdin=b"balance\nSavings\n")
    assert (done.code, done.err) == (0, "")
    assert "bot> Which account?" in done.out
    assert "  2. Savings" in done.out
    code = re.search(CODE, done.out)
    assert code is not None
    assert servers_of(shell.folder) == []


def test_it_goes_on_where_it_was_left_and_each_person_has_their_own(shell):
    shell.run("chat", "--user", "joe", stdin=b"balance\n")
    assert "Your code is" in shell.run("chat", "--user", "joe", stdin=b"Savings\n").out
    assert "Your code is" not in shell.run("chat", "--user", "amy", stdin=b"Savings\n").out


def test_bytes_that_are_no_text_do_not_end_it(shell):
    done = shell.run("chat", stdin=b"\xff\xfe\x00\n\x00\n\n   \nbal\x00ance\n")
    assert (done.code, done.err) == (0, "")
    assert "bot> Which account?" in done.out


def test_an_unknown_tenant_is_refused(shell):
    done = shell.run("chat", "--tenant", "nobody", stdin=b"hello\n")
    assert done.code == 1
    assert "there is no tenant 'nobody'" in done.said


def test_beside_a_run_codes_of_the_chat_appear_in_the_chat_and_those_of_the_page_at_the_run(shell):
    with shell.started("run") as run:
        visitor = Visitor.of(run.url())
        with shell.started("chat", stdin=subprocess.PIPE) as chat:
            chat.write("balance\n")
            chat.saw("Which account")
            chat.write("Savings\n")
            code = chat.saw(CODE)[1]
            visitor.say("balance")
            visitor.say("Savings")
            page_code = run.saw(CODE)[1]
            assert "18,300.00" in visitor.say(page_code)
            chat.write(f"{code}\n")
            chat.saw("18,300.00")
            chat.close_input()
            assert chat.wait() == 0
            assert page_code not in chat.out
            assert chat.err == ""
        assert code not in run.out + run.err
        assert run.stop() == 0
    assert servers_of(shell.folder) == []


def test_a_bot_that_fails_apologises_and_shows_its_author_why(shell):
    flows = shell.folder / "bots" / "demo" / "flows"
    flows.mkdir(parents=True)
    (flows / "broken.py").write_text(
        "from flows import Chat, Flow\n\n"
        'broken = Flow("broken", description="Fails", phrases=["break"])\n\n\n'
        "@broken\n"
        "async def run(chat: Chat) -> None:\n"
        '    raise KeyError("no such thing")\n'
    )
    done = shell.with_environment(PARLEY_BOTS_DIR=str(flows.parents[1])).run("chat", stdin=b"break\n")
    assert done.code == 0
    assert "bot> " in done.out
    assert "no such thing" in done.err
    assert "broken.py" in done.err


def at_a_terminal(shell, end) -> None:
    terminal = Terminal(shell, "chat")
    try:
        terminal.saw("(Ctrl-D ends)")
        terminal.saw("you> ")
        terminal.type("balance\n")
        terminal.saw("2. Savings")
        terminal.saw("you> ")
        end(terminal)
        assert terminal.process.wait(20) == 0
        assert "Traceback" not in terminal.shown
        assert terminal.settings() == terminal.before
    finally:
        terminal.close()
    assert servers_of(shell.folder) == []


def test_ctrl_d_ends_it(shell):
    at_a_terminal(shell, lambda terminal: terminal.type("\x04"))


def test_ctrl_c_ends_it_and_gives_the_terminal_back(shell):
    def end(terminal):
        terminal.type("half a li")
        terminal.process.send_signal(signal.SIGINT)

    at_a_terminal(shell, end)
