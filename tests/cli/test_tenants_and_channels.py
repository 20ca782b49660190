"""`tenant` and `channel`, against servers by URL."""

from __future__ import annotations


def test_a_tenant_is_made_shown_and_listed(deployed):
    made = deployed.run("tenant", "create", "acme", "--name", "Acme Ltd.", "--json").json
    assert made["slug"] == "acme"
    shown = deployed.run("tenant", "show", "acme", "--json").json
    assert (shown["id"], shown["name"], shown["channels"], shown["flows"]) == (
        made["id"],
        "Acme Ltd.",
        [],
        ["answer", "repair_question"],
    )
    assert [each["slug"] for each in deployed.run("tenant", "list", "--json").json] == ["acme"]
    assert "acme  Acme Ltd." in deployed.run("tenant", "list").out


def test_what_cannot_be_done_says_why(deployed):
    deployed.run("tenant", "create", "acme")
    for command, said in (
        ("tenant create acme", "there is a tenant 'acme' already"),
        ("tenant create Acme!", "'Acme!' is no slug"),
        ("tenant show nobody", "there is no tenant 'nobody'; `parley tenant list`"),
        ("channel list --tenant nobody", "there is no tenant 'nobody'"),
        ("channel show web shop --tenant acme", "`parley channel list --tenant acme` shows those it has"),
    ):
        done = deployed.run(*command.split())
        assert done.code == 1
        assert said in done.said


def test_what_a_tenants_models_may_cost_is_set_and_lifted(deployed):
    deployed.run("tenant", "create", "acme")
    changed = deployed.run("tenant", "change", "acme", "--spend-cap-day", "2.50", "--json")
    assert changed.json == {"slug": "acme", "spend_cap_usd_day": "2.50", "spend_cap_usd_month": None}
    deployed.run("tenant", "change", "acme", "--spend-cap-month", "40")
    shown = deployed.run("tenant", "show", "acme", "--json").json
    assert (shown["spend_cap_usd_day"], shown["spend_cap_usd_month"]) == ("2.50", "40")
    deployed.run("tenant", "change", "acme", "--spend-cap-day", "none")
    assert deployed.run("tenant", "show", "acme", "--json").json["spend_cap_usd_day"] is None
    refused = deployed.run("tenant", "change", "acme", "--spend-cap-day", "a lot")
    assert (refused.code, "write a number such as 2.50" in refused.said) == (1, True)
    assert deployed.run("tenant", "change", "acme").code == 2


def test_a_web_channel_from_its_making_to_its_end(deployed):
    deployed.run("tenant", "create", "acme")
    named = ("web", "shop", "--tenant", "acme")
    origins = ["https://a.example", "https://b.example:8443"]
    made = deployed.run(
        *(
            "channel",
            "add",
            *named,
            "--origin",
            origins[0],
            "--origin",
            origins[1],
            "--identity-secret",
            "new",
        ),
        "--json",
    ).json
    assert made["allowed_origins"] == origins
    assert len(made["identity_secret"]) >= 32
    shown = deployed.run("channel", "show", *named, "--json")
    assert shown.json["has_identity_secret"] is True
    assert made["identity_secret"] not in shown.out
    assert "channel already" in deployed.run("channel", "add", *named).said

    given = b"s" * 40 + b"\n"
    changed = deployed.run(
        "channel", "change", *named, "--origin", origins[0], "--identity-secret", "-", "--json", stdin=given
    )
    assert changed.json["allowed_origins"] == origins[:1]
    assert "s" * 40 not in changed.out

    assert deployed.run("channel", "disable", *named, "--json").json["disabled_at"] is not None
    assert deployed.run("channel", "enable", *named, "--json").json["disabled_at"] is None
    [listed] = deployed.run("channel", "list", "--tenant", "acme", "--json").json
    assert (listed["platform"], listed["account"], listed["id"]) == ("web", "shop", made["id"])


def test_a_terminal_channel_has_a_name_only(deployed):
    deployed.run("tenant", "create", "acme")
    made = deployed.run("channel", "add", "terminal", "desk", "--tenant", "acme", "--json").json
    assert (made["platform"], made["account"]) == ("terminal", "desk")


def test_flows_are_listed_without_any_server(shell):
    flows = shell.run("flows", "list", "--json").json
    of_the_bank = {"check_balance", "open_account", "transfer", "loan", "support", "link", "unlink"}
    assert {flow["flow"] for flow in flows} == of_the_bank | {"answer", "repair_question"}
    assert not shell.data_dir.exists()
