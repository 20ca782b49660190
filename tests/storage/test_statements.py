"""Every named statement is prepared as the role that runs it, and gives the columns that its reader takes."""

from __future__ import annotations

import asyncpg
import pytest

from storage.statements import Statements, tables

DISPATCHED = {
    "queue.due_turns",
    "queue.due_deliveries",
    "queue.due_timers",
    "channels.route_channel",
    "tenants.route_tenant",
    "tenants.list_tenants",
}
STORED_MESSAGE = """id session_id seq change created_change sender_type content content_type sealed status
    in_reply_to created_at"""
SESSION = "id status started_at"
CHANNEL = "id platform external_account_id slug credentials settings created_at updated_at disabled_at"
LISTED_DOCUMENT = "id source source_id title metadata created_at updated_at chunks"
ATTACHMENT = """id user_id message_id file_name file_url file_type size_bytes sha256 status
    created_at"""
STANDING = """session_id user_id channel_id platform external_id thread_key locale profile state_version flow
    flow_version state_name data state_sealed"""
# What each statement that reads returns; one that is not named here returns nothing.
COLUMNS = {
    "messages.last_of_session": STORED_MESSAGE,
    "messages.changed_since": STORED_MESSAGE,
    "messages.one": STORED_MESSAGE,
    "sessions.find_user": "id deleted_at",
    "sessions.find_open": SESSION,
    "sessions.of_user": SESSION,
    "sessions.raise_cancel": "id cancel_seq",
    "sessions.lock_silent": "id",
    "sessions.close": "id end_reason",
    "inbox.following": """entry_id position kind content payload input_sealed message_id reply_id accepted_at
        attempts""",
    "conversation_state.waiting": "flow state_name sessions",
    "conversation_state.live": STANDING,
    "conversation_state.of_session": STANDING,
    "conversation_state.said": """id session_id user_id seq change created_change sender_type content content_type
        is_sealed status in_reply_to created_at""",
    "queue.due_turns": "tenant_id session_id",
    "queue.due_deliveries": "tenant_id session_id",
    "queue.due_timers": "tenant_id session_id",
    "documents.hashes": "source_id content_hash",
    "documents.places": "id source_id root path",
    "documents.take": "id content_hash metadata",
    "documents.create": "id",
    "documents.take_many": "id",
    "documents.list_all": LISTED_DOCUMENT,
    "documents.find": f"{LISTED_DOCUMENT} content",
    "attachments.add_attachment": ATTACHMENT,
    "attachments.claim_attachments": "id",
    "attachments.load_attachment": ATTACHMENT,
    "attachments.of_message": ATTACHMENT,
    "attachments.settle_attachment": "id",
    "attachments.delete_attachment": "file_url",
    "attachments.delete_unclaimed": "file_url",
    "attachments.known_keys": "file_url",
    "outbox.claim": "id channel_id message_id address sealed attempts lease_token possible_duplicate",
    "outbox.content": "user_id thread_key content content_type sealed",
    "outbox.begin_attempt": "answer_lost",
    "outbox.settle_sent": "id",
    "outbox.fail": "settled",
    "llm_calls.settle": "id",
    "spend.reserve": "id",
    "user_flags.of_user": "name value sealed",
    "spend.settle": "count",
    "spend.expire": "count",
    "spend.spent": "reserved settled",
}


def statements():
    return [f"{table}.{name}" for table in tables() for name in Statements(table)]


@pytest.fixture(scope="module")
def described(_runner, template):
    """The columns of each statement, as PostgreSQL describes them."""
    return _runner.run(describe(template))


async def describe(template):
    connections = {
        role: await asyncpg.connect(url)
        for role, url in (("runtime", template.runtime_url), ("dispatch", template.dispatch_url))
    }
    described = {}
    for place in statements():
        table, name = place.split(".")
        role = connections["dispatch" if place in DISPATCHED else "runtime"]
        prepared = await role.prepare(Statements(table)[name])
        described[place] = " ".join(column.name for column in prepared.get_attributes())
    for connection in connections.values():
        await connection.close()
    return described


def test_every_statement_can_be_prepared_by_the_role_that_runs_it(described):
    assert set(described) == set(statements())


@pytest.mark.parametrize("place", sorted(COLUMNS))
def test_a_statement_returns_what_its_reader_takes(described, place):
    assert described[place].split() == COLUMNS[place].split()


@pytest.mark.parametrize("place", statements())
def test_a_statement_says_what_it_is_for(place):
    table, name = place.split(".")
    assert Statements(table)[name].startswith("-- ")
