from __future__ import annotations

import hashlib
import hmac
from urllib.parse import quote

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.slack.verify import MAX_BODY_BYTES, Account, account_of, document_of, signature_fits

NOW = 1_531_420_618.0
BODY = b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J"
SECRET = "8f742231b10e8888abcd99yyyzzz85a5"


def signed(body: bytes = BODY, timestamp: str = "1531420618", secret: str = SECRET) -> str:
    return (
        "v0="
        + hmac.new(secret.encode(), b"v0:" + timestamp.encode() + b":" + body, hashlib.sha256).hexdigest()
    )


def test_the_example_of_slacks_documentation_fits() -> None:
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
        b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
        b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
        b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    signature = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
    assert signature_fits(["8f742231b10e8888abcd99yyyzzz85a5"], ["1531420618"], [signature], body, NOW)


@pytest.mark.parametrize("age", [299, -299, 300, -300, 0])
def test_a_signature_within_the_window_fits(age: int) -> None:
    timestamp = str(int(NOW) - age)
    assert signature_fits([SECRET], [timestamp], [signed(timestamp=timestamp)], BODY, NOW)


@pytest.mark.parametrize("age", [301, -301, 86_400, -86_400])
def test_a_signature_outside_of_the_window_does_not(age: int) -> None:
    timestamp = str(int(NOW) - age)
    assert not signature_fits([SECRET], [timestamp], [signed(timestamp=timestamp)], BODY, NOW)


@pytest.mark.parametrize(
    "timestamp",
    [
        *(
            "",
            " ",
            "abc",
            "1e9",
            "-1531420618",
            "+1531420618",
            "1531420618.0",
            "nan",
            "0x5b47",
            "1_531_420_618",
        ),
        *(" 1531420618", "1531420618 ", "1531420618\n", "01531420618", "9" * 13, "9" * 5_000),
        *("١٥٣١٤٢٠٦١٨", "𝟏531420618", "\ud800"),
    ],
)
def test_an_odd_timestamp_is_refused_however_it_is_signed(timestamp: str) -> None:
    made = (
        "v0="
        + hmac.new(
            SECRET.encode(), b"v0:" + timestamp.encode("utf-8", "replace") + b":" + BODY, hashlib.sha256
        ).hexdigest()
    )
    assert not signature_fits([SECRET], [timestamp], [made], BODY, NOW)


@pytest.mark.parametrize(
    "change",
    [
        lambda signature: "",
        lambda signature: " ",
        lambda signature: f" {signature}",
        lambda signature: f"{signature} ",
        lambda signature: f"{signature}\n",
        lambda signature: signature.removeprefix("v0="),
        lambda signature: signature.replace("v0=", "v1="),
        lambda signature: signature.upper(),
        lambda signature: signature[:-1],
        lambda signature: signature + "0",
        lambda signature: signature[:-1] + ("0" if signature[-1] != "0" else "1"),
        lambda signature: signature[:-1] + "é",
        lambda signature: signature[:-1] + "\ud800",
        lambda signature: "v0=",
        lambda signature: f"{signature},{signature}",
    ],
)
def test_another_signature_is_refused(change) -> None:
    assert not signature_fits([SECRET], ["1531420618"], [change(signed())], BODY, NOW)


def test_headers_that_are_missing_or_doubled_are_refused() -> None:
    assert signature_fits([SECRET], ["1531420618"], [signed()], BODY, NOW)
    assert not signature_fits([SECRET], [], [signed()], BODY, NOW)
    assert not signature_fits([SECRET], ["1531420618"], [], BODY, NOW)
    assert not signature_fits([SECRET], ["1531420618"] * 2, [signed()], BODY, NOW)
    assert not signature_fits([SECRET], ["1531420618"], [signed()] * 2, BODY, NOW)


def test_one_byte_changed_or_the_same_json_written_otherwise_is_refused() -> None:
    body = b'{"a": 1}'
    signature = [signed(body)]
    assert signature_fits([SECRET], ["1531420618"], signature, body, NOW)
    assert not signature_fits([SECRET], ["1531420618"], signature, b'{"a": 2}', NOW)
    assert not signature_fits([SECRET], ["1531420618"], signature, orjson.dumps(orjson.loads(body)), NOW)


def test_any_of_several_secrets_may_have_signed() -> None:
    for secrets in (["other", SECRET], [SECRET, "other"], ["", SECRET]):
        assert signature_fits(secrets, ["1531420618"], [signed()], BODY, NOW)
    assert not signature_fits(["other", "another"], ["1531420618"], [signed()], BODY, NOW)
    assert not signature_fits([], ["1531420618"], [signed()], BODY, NOW)


def test_the_empty_secret_signs_nothing() -> None:
    assert not signature_fits([""], ["1531420618"], [signed(secret="")], BODY, NOW)


def test_the_body_may_be_any_bytes() -> None:
    body = b"\xff\x00\xfe"
    assert signature_fits([SECRET], ["1531420618"], [signed(body)], body, NOW)


JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("name", "account"),
    [
        ("message_im", Account("A123ABC456", "T123ABC456", None, False)),
        ("message_slack_connect", Account("A123ABC456", "T123ABC456", None, False)),
        ("message_org_wide", Account("A123ABC456", "T5", "E480293PS8", True)),
        ("app_rate_limited", Account("A123ABC456", "T123ABC456", None, None)),
        ("block_actions_button", Account("A123ABC456", "T123ABC456", None, False)),
        ("view_submission", Account("A123ABC456", "T123ABC456", None, False)),
    ],
)
def test_the_account_is_the_installations(name: str, account: Account, payload) -> None:
    raw = orjson.dumps(payload(name))
    assert account_of(JSON, raw) == account
    assert account_of(f"{FORM}; charset=utf-8", b"payload=" + quote(raw).encode()) == account


def test_the_account_of_a_slash_command_is_in_its_form() -> None:
    body = b"api_app_id=A1&team_id=T1&enterprise_id=E1&command=%2Fx&text=&is_enterprise_install=false"
    assert account_of(FORM, body) == Account("A1", "T1", "E1", False)
    assert account_of(FORM, body.replace(b"false", b"true")) == Account("A1", "T1", "E1", True)


def test_a_modal_belongs_to_the_workspace_that_has_the_app() -> None:
    document = {"api_app_id": "A1", "team": {"id": "TTHEIRS"}, "view": {"app_installed_team_id": "TOURS"}}
    assert account_of(JSON, orjson.dumps(document)) == Account("A1", "TOURS", None, None)


def test_an_org_wide_press_has_no_team_but_an_enterprise() -> None:
    document = {"api_app_id": "A1", "team": None, "enterprise": {"id": "E1"}, "is_enterprise_install": True}
    found = account_of(JSON, orjson.dumps(document))
    assert found is not None
    assert found.keys == ("A1/E1",)


def test_keys_name_whom_the_app_may_be_installed_for() -> None:
    assert Account("A1", "T1", "E1", False).keys == ("A1/T1",)
    assert Account("A1", "T1", "E1", True).keys == ("A1/E1",)
    assert Account("A1", "T1", "E1", None).keys == ("A1/T1", "A1/E1")
    assert Account("A1", "T1", None, None).keys == ("A1/T1",)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (JSON, b""),
        (JSON, b"null"),
        (JSON, b"[]"),
        (JSON, b'"x"'),
        (JSON, b"{"),
        (JSON, b"\xff"),
        (JSON, b'{"api_app_id":"A1"}'),
        (JSON, b'{"api_app_id":"A1/../B","team_id":"T1"}'),
        (JSON, b'{"api_app_id":1,"team_id":"T1"}'),
        (JSON, b'{"api_app_id":"A1","team_id":["T1"]}'),
        (JSON, b'{"api_app_id":"A1","team_id":"\xd9\xa1"}'),
        (JSON, b'{"api_app_id":"A1","team_id":"T1","x":' + b"[" * 2_000 + b"]" * 2_000 + b"}"),
        (JSON, b'{"api_app_id":"A1","team_id":"T1","x":"' + b"x" * MAX_BODY_BYTES + b'"}'),
        ("text/plain", b'{"api_app_id":"A1","team_id":"T1"}'),
        ("", b'{"api_app_id":"A1","team_id":"T1"}'),
        (FORM, b'{"api_app_id":"A1","team_id":"T1"}'),
        (FORM, b"api_app_id=A1&api_app_id=A2&team_id=T1"),
        (FORM, b"payload=%7B%7D&payload=%7B%7D"),
        (FORM, b"payload=[]"),
        (FORM, b"payload=%ff"),
        (FORM, b"api_app_id=A1&team_id=\xc3\xa9"),
        (FORM, b"api_app_id=A1&team_id=T1&" + b"&".join(b"f%d=1" % n for n in range(100))),
    ],
)
def test_what_names_no_account_in_bounds_is_none(content_type: str, body: bytes) -> None:
    assert account_of(content_type, body) is None


def test_a_form_is_in_ascii_and_stands_for_utf_8() -> None:
    assert document_of(FORM, b"text=%C3%A9+x") == {"text": "é x"}
    assert document_of(FORM, b"text=%ff") is None
    assert document_of(FORM, b"text=\xc3\xa9") is None


def test_a_form_with_a_payload_is_nothing_but_the_payload() -> None:
    raw = quote('{"api_app_id":"A1","team_id":"T1"}').encode()
    assert document_of(FORM, b"team_id=T2&payload=" + raw) == {"api_app_id": "A1", "team_id": "T1"}


def test_a_million_keys_are_read_within_bounds() -> None:
    body = b'{"api_app_id":"A1","team_id":"T1"' + b"".join(b',"%d":0' % n for n in range(1_000_000)) + b"}"
    assert account_of(JSON, body) is None


@given(st.sampled_from([JSON, FORM, "", "é"]), st.binary(max_size=300))
def test_no_body_raises(content_type: str, body: bytes) -> None:
    account_of(content_type, body)


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)
NAMES = st.sampled_from(
    [
        "authorizations",
        "team",
        "enterprise",
        "view",
        "user",
        "team_id",
        "enterprise_id",
        "is_enterprise_install",
    ]
)


@given(st.dictionaries(NAMES, ANY_JSON))
def test_no_shape_of_what_it_reads_raises(document: dict) -> None:
    try:
        raw = orjson.dumps({**document, "api_app_id": "A1"})
    except orjson.JSONEncodeError:  # half a surrogate pair, which no body can hold either
        return
    found = account_of(JSON, raw)
    assert found is None or all(key.startswith("A1/") for key in found.keys)
