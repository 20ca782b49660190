"""`parley ingest` and `parley documents`, from outside."""

from __future__ import annotations

import pytest


@pytest.fixture
def acme(deployed):
    """A deployment with the tenant `acme` and a folder of documents."""
    folder = deployed.folder / "handbook"
    (folder / "sub").mkdir(parents=True)
    (folder / "refunds.md").write_text("# Refunds\n\nA refund takes three days.")
    (folder / "sub" / "page.html").write_text("<title>Page</title><p>About parcels<script>x()</script>")
    (folder / "picture.png").write_bytes(b"\x89PNG")
    assert deployed.run("tenant", "create", "acme").code == 0
    return deployed


def test_a_folder_is_taken_in_listed_shown_and_deleted(acme):
    first = acme.run(
        "ingest", "handbook", "--tenant", "acme", "--url-prefix", "https://acme.example/h/", "--json"
    )
    assert (first.code, first.err) == (0, "")
    assert {key: first.json[key] for key in ("created", "changed", "unchanged", "deleted", "chunks")} == {
        "created": 2,
        "changed": 0,
        "unchanged": 0,
        "deleted": 0,
        "chunks": 2,
    }
    [skipped] = first.json["skipped"]
    assert skipped["path"].endswith("handbook/picture.png")
    assert "make it Markdown" in skipped["reason"]

    again = acme.run("ingest", "./handbook/", "--tenant", "acme", "--url-prefix", "https://acme.example/h")
    assert again.code == 0
    assert "unchanged: 2" in again.out
    assert again.err.startswith("skipped ")

    listed = acme.run("documents", "list", "--tenant", "acme", "--json").json
    assert [(each["source_id"], each["title"], each["chunks"]) for each in listed] == [
        ("refunds.md", "Refunds", 1),
        ("sub/page.html", "Page", 1),
    ]
    assert listed[0]["url"] == "https://acme.example/h/refunds.md"

    shown = acme.run("documents", "show", "refunds.md", "--tenant", "acme")
    assert "# Refunds\n\nA refund takes three days." in shown.out
    assert (
        acme.run("documents", "show", listed[1]["id"], "--tenant", "acme", "--json").json["content"]
        == "About parcels"
    )

    assert acme.run("documents", "delete", "refunds.md", "--tenant", "acme", "--json").json == {"deleted": 1}
    missing = acme.run("documents", "show", "refunds.md", "--tenant", "acme")
    assert (missing.code, "parley documents list" in missing.said) == (1, True)


def test_nothing_to_read_and_no_such_path_are_failures(acme):
    nothing = acme.run("ingest", "handbook/picture.png", "--tenant", "acme")
    assert nothing.code == 1
    assert "nothing could be read" in nothing.err
    missing = acme.run("ingest", "nowhere", "--tenant", "acme")
    assert (missing.code, missing.said) == (1, "there is no nowhere: give files or folders that exist")
    assert acme.run("ingest", "handbook", "--tenant", "nobody").code == 1


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("handbook",),
        ("handbook", "--tenant", "acme", "--source", "a b"),
        ("handbook", "--tenant", "acme", "--url-prefix", "javascript:x"),
    ],
)
def test_a_wrong_call_is_told_so(shell, arguments):
    ended = shell.run("ingest", *arguments)
    assert ended.code == 2
    assert ended.said


def test_documents_are_taken_in_beside_a_running_parley(shell):
    (shell.folder / "new.md").write_text("The office opens at seven.")
    with shell.started("run") as running:
        running.url()
        ended = shell.run("ingest", "new.md", "--tenant", "demo", "--source", "faq", "--json")
        assert (ended.code, ended.json["created"]) == (0, 1)
        assert (
            shell.run("documents", "list", "--tenant", "demo", "--source", "faq", "--json").json[0]["chunks"]
            == 1
        )
        assert running.stop() == 0
