"""Conversations as straight-line code: what a flow's author imports."""

from flows import validators
from flows.chat import Chat
from flows.errors import CallFailed, Rejected, Unanswered
from flows.flow import Flow
from flows.gone import Gone
from flows.knowledge.answering import Answer
from flows.validators import Validator
from flows.verbs.call import idempotency_key
from flows.vocabulary import Card, Choice, Citation, File, Image, Reply

__all__ = [
    "Answer",
    "CallFailed",
    "Card",
    "Chat",
    "Choice",
    "Citation",
    "File",
    "Flow",
    "Gone",
    "Image",
    "Rejected",
    "Reply",
    "Unanswered",
    "Validator",
    "idempotency_key",
    "validators",
]
