"""Conversations as straight-line code: what a flow's author imports."""

from flows import validators
from flows.approval import Approval, anyone, asker, not_the_asker, operators
from flows.chat import Chat
from flows.errors import CallFailed, Rejected, Unanswered
from flows.files import read_file
from flows.flow import Flow
from flows.gone import Gone
from flows.knowledge.answering import Answer
from flows.validators import Validator
from flows.verbs.call import idempotency_key
from flows.verbs.link import Linked
from flows.vocabulary import Card, Choice, Citation, File, Image, Reply
from storage.records import UploadedFile

__all__ = [
    "Answer",
    "Approval",
    "CallFailed",
    "Card",
    "Chat",
    "Choice",
    "Citation",
    "File",
    "Flow",
    "Gone",
    "Image",
    "Linked",
    "Rejected",
    "Reply",
    "Unanswered",
    "UploadedFile",
    "Validator",
    "anyone",
    "asker",
    "idempotency_key",
    "not_the_asker",
    "operators",
    "read_file",
    "validators",
]
