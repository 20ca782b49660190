"""A conversation test that cannot be understood is refused in one line with its place."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest

from flows.rehearsal.reading import read_file, read_text
from flows.rehearsal.script import NOON, Reply, Returned, ScriptMistake, Sending, Texted, Typing
from storage.records import UploadedFile


def test_a_file_holds_several_tests(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("name: one\ntalk: [user: a]\n---\nname: two\nnow: 2030-01-02 03:04\ntalk: [user: b]\n")
    one, two = read_file(file)
    assert (one.name, one.line, one.now) == ("one", 1, NOON)
    assert (two.name, two.line, two.now) == ("two", 4, datetime(2030, 1, 2, 3, 4, tzinfo=UTC))


def test_what_is_said_is_text_however_it_looks() -> None:
    [script] = read_text("name: x\ntalk:\n  - user: yes\n  - bot: 1.50\n  - user: 007\n", Path("x"))
    assert script.talk == (Typing(3, "yes"), Reply(4, Texted("exact", "1.50")), Typing(5, "007"))


def test_files_are_sent_with_as_much_as_the_test_says_of_them() -> None:
    lines = """
- user: {file: a.JPEG}
- user: {file: b, type: text/csv, size: 7, text: 12}
- user: {files: [{file: c.pdf}]}"""
    [script] = read_text(f"name: x\ntalk:{lines}", Path("x"))
    assert script.talk == (
        Sending(3, (UploadedFile(UUID(int=0), "a.JPEG", "image/jpeg", 10_000),)),
        Sending(4, (UploadedFile(UUID(int=0), "b", "text/csv", 7),), "12"),
        Sending(5, (UploadedFile(UUID(int=0), "c.pdf", "application/pdf", 10_000),)),
    )


def test_answers_of_calls_are_values_of_the_record() -> None:
    answers = (
        "{a: !decimal 1.50, b: !uuid 00000000-0000-0000-0000-000000000007, c: {value: {error: x}}, d: [1]}"
    )
    [script] = read_text(f"name: x\ngiven: {{calls: {answers}}}\ntalk: [user: a]", Path("x"))
    assert {name: given for name, (given,) in script.given.calls.items()} == {
        "a": Returned(Decimal("1.50")),
        "b": Returned(UUID(int=7)),
        "c": Returned({"error": "x"}),
        "d": Returned([1]),
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name: x\ntalks: []", "x.yaml:2: a test has no 'talks'; it has name, now, given, talk"),
        ("name: x", "x.yaml:1: a test needs a `talk:`"),
        ("name: x\ntalk: []", "x.yaml:2: nothing is said in this test"),
        (
            "name: x\ntalk:\n  - bot: hello",
            "x.yaml:3: before anything is expected somebody must do something",
        ),
        ("name: x\ntalk:\n  - bott: hello", "x.yaml:3: a line of the talk has no 'bott'; it has user, press"),
        ("name: x\ntalk:\n  - {user: a, bot: b}", "x.yaml:3: a line of the talk is one of user, press"),
        ("name: x\ntalk:\n  - user: a\n  - bot: {starts: b}", "x.yaml:4: a reply has no 'starts'"),
        ("name: x\ntalk:\n  - user: a\n  - bot: {pattern: '('}", "x.yaml:4: this pattern is not valid"),
        (
            "name: x\ntalk:\n  - user: a\n  - state: {flw: b}",
            "x.yaml:4: a state has no 'flw'; it has flow, waiting",
        ),
        ("name: x\ntalk:\n  - user: [a]", "x.yaml:3: what is typed is a text; put it in quotes"),
        ("name: x\ntalk:\n  - user: a\n  - later: soon", "x.yaml:4: 'soon' is no time: write `3 days`"),
        ("name: x\nname: y\ntalk: [user: a]", "x.yaml:2: 'name' stands here twice"),
        ("name: x\nnow: soon\ntalk: [user: a]", "x.yaml:2: 'soon' is no time"),
        ("name: x\ngiven: {call: {}}\ntalk: [user: a]", "x.yaml:2: `given:` has no 'call'"),
        ("name: x\ngiven: {otp: none}\ntalk: [user: a]", "x.yaml:2: codes are refused for no_address"),
        ("name: x\ngiven: {calls: {a: !decimal b}}\ntalk: [user: a]", "x.yaml:2: this value cannot be read"),
        (
            "name: x\ntalk: [user: a, calls: [{store_photo: }]]",
            "x.yaml:2: a call's arguments are a list: write `store_photo: [2]`, `store_photo: []` where there are none",
        ),
        (
            "name: x\ngiven: {model: [{error: tired}]}\ntalk: [user: a]",
            "x.yaml:2: 'tired' is no error of a model",
        ),
        (
            "name: x\ngiven: {model: [{text: a, cites: [b]}]}\ntalk: [user: a]",
            "x.yaml:2: there is no document 'b'",
        ),
        ("name: x\ntalk: [user: a: b]", "x.yaml:2: this is not YAML"),
        ("name: x\ntalk:\n  - user: {fil: a}", "x.yaml:3: what is sent has no 'fil'; it has file, files"),
        ("name: x\ntalk:\n  - user: {text: a}", "x.yaml:3: what is sent has a `file:`, or several `files:`"),
        ("name: x\ntalk:\n  - user: {files: []}", "x.yaml:3: name at least one file"),
        (
            "name: x\ntalk:\n  - user: {files: [{file: a.pdf}], size: 1}",
            "x.yaml:3: `type:` and `size:` stand",
        ),
        ("name: x\ntalk:\n  - user: {files: [{size: 1}]}", "x.yaml:3: a file needs its name"),
        ("name: x\ntalk:\n  - user: {file: a}", "x.yaml:3: the name 'a' does not tell the file's type"),
        ("name: x\ntalk:\n  - user: {file: a, type: a/b}", "x.yaml:3: no file of type 'a/b' is taken"),
        ("name: x\ntalk:\n  - user: {file: a.pdf, size: 0}", "x.yaml:3: a size is a number of bytes"),
        ("name: x\ntalk:\n  - user: {file: a.pdf, size: many}", "x.yaml:3: a size is a number of bytes"),
    ],
)
def test_what_cannot_be_understood_is_refused_with_its_place(text: str, said: str) -> None:
    with pytest.raises(ScriptMistake) as refused:
        read_text(text, Path("x.yaml"))
    assert str(refused.value).startswith(said)
    assert "\n" not in str(refused.value)


def test_a_file_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    with pytest.raises(ScriptMistake, match="cannot be read"):
        read_file(tmp_path / "none.yaml")
    (tmp_path / "odd.yaml").write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(ScriptMistake, match="not UTF-8"):
        read_file(tmp_path / "odd.yaml")
