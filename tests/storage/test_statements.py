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
    "channels.route_platform",
    "tenants.route_tenant",
    "tenants.list_tenants",
}
STORED_MESSAGE = """id session_id seq change created_change sender_type content content_type sealed status
    in_reply_to created_at files"""
SESSION = "id status started_at"
CHANNEL = "id platform external_account_id slug credentials settings created_at updated_at disabled_at"
LISTED_DOCUMENT = "id source source_id title metadata created_at updated_at chunks"
ATTACHMENT = """id user_id message_id file_name file_url file_type size_bytes sha256 status
    created_at sensitive"""
STANDING = """session_id user_id channel_id platform external_id thread_key locale profile state_version flow
    flow_version state_name data state_sealed"""
OPERATOR = "id name role created_at expires_at last_used_at revoked_at"
APPROVAL = """id session_id user_id flow action shown sealed shown_hash by_asker by_operators status decided_by
    reason sealed_reason created_at expires_at decided_at used_at"""
INSTALLATION = """id channel_id app_id enterprise_id team_id team_name bot_user_id bot_id scopes credentials
    token_version token_expires_at refresh_at refresh_error installed_by installed_at revoked_at"""
SAID = "id session_id content sealed raw_payload user_id seals_input"
LINE = """id seq sender_type sender_id content content_type sealed status in_reply_to created_at delivery
    possible_duplicate files"""
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
        attempts files""",
    "conversation_state.waiting": "flow state_name sessions",
    "conversation_state.live": STANDING,
    "conversation_state.of_session": STANDING,
    "conversation_state.said": """id session_id user_id seq change created_change sender_type content content_type
        is_sealed status in_reply_to created_at files""",
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
    "approvals.list_approvals": APPROVAL,
    "approvals.pending_approvals": APPROVAL,
    "approvals.load_approval": APPROVAL,
    "attachments.add_attachment": ATTACHMENT,
    "attachments.claim_attachments": "id",
    "attachments.load_attachment": ATTACHMENT,
    "attachments.of_message": ATTACHMENT,
    "attachments.settle_attachment": "id",
    "attachments.delete_attachment": "file_url",
    "attachments.delete_unclaimed": "file_url",
    "attachments.count_unclaimed": "count",
    "attachments.known_keys": "file_url",
    "outbox.claim": """id channel_id message_id address sealed attempts lease_token possible_duplicate
        created_at external_message_id""",
    "outbox.content": "user_id thread_key content content_type sealed came_to_nothing",
    "outbox.begin_attempt": "answer_lost opening failures",
    "outbox.settle_sent": "id",
    "outbox.fail": "settled",
    "llm_calls.settle": "id",
    "spend.reserve": "id",
    "turn_results.of_session": """position message_id created_at flow run path kind name digest status value sealed
        ordinal""",
    "user_flags.of_user": "name value sealed user_id",
    "identity_links.selves": "id platform external_id profile remembered",
    "identity_links.linked": "user_id",
    "identity_links.known": "id",
    "identity_links.parked": f"{STANDING} updated_at",
    "identity_links.standing": f"{STANDING} updated_at",
    "operators.create_operator": OPERATOR,
    "operators.list_operators": OPERATOR,
    "operators.load_operator": OPERATOR,
    "operators.revoke_operator": OPERATOR,
    "session_views.open_page": "id at",
    "session_views.handoff_page": "id at",
    "session_views.closed_page": "id at",
    "session_views.user_page": "id at",
    "session_views.views": """id status platform channel_id account thread_key user_id external_id locale profile
        started_at last_active_at ended_at end_reason owner handed_over_at handoff_reason resolved last_seq flow
        flow_version state_name""",
    "session_views.trouble": "message_id status possible_duplicate error at",
    "session_views.dead_letters": "dead",
    "transcripts.user_of": "user_id",
    "transcripts.lines_before": LINE,
    "transcripts.lines_after": LINE,
    "slack_installations.own_channel": "id",
    "slack_installations.hold_channel": "external_account_id",
    "slack_installations.own_installation": "id",
    "slack_installations.of_channel": INSTALLATION,
    "slack_installations.list_all": INSTALLATION,
    "slack_installations.revoke": "id",
    "slack_installations.claim_refresh": INSTALLATION,
    "slack_installations.replace_tokens": "channel_id",
    "slack_installations.note_failure": "channel_id",
    "slack_messages.is_engaged": "engaged",
    "slack_messages.has_open": "open",
    "slack_messages.shown": "id content sealed user_id thread_key external_id",
    "slack_messages.said_under_key": SAID,
    "slack_messages.said_in_thread": SAID,
    "slack_messages.lock_session": "last_change seals_input",
    "slack_messages.read_again": "content sealed raw_payload",
    "slack_messages.raise_cancel": "id",
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
