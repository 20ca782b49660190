"""Play a conversation test on the real engine and compare what comes of it with what is expected."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import assert_never

from flows.bot import Bot
from flows.rehearsal.acting import act, conversation_of
from flows.rehearsal.aligning import align
from flows.rehearsal.conversation import Conversation, NotShown, Said
from flows.rehearsal.forgotten import forgotten
from flows.rehearsal.script import (
    Act,
    Called,
    Choices,
    Expectation,
    Happening,
    Operating,
    Pressing,
    Reached,
    Reply,
    Script,
    Sending,
    Standing,
    Typing,
    Waiting,
)
from flows.rehearsal.standing import where
from flows.rehearsal.transcript import Played, Transcript
from flows.rehearsal.watch import Watch
from storage.records import UploadedFile


async def play(bot: Bot, script: Script) -> Played:
    """One test, from its first line to its last whatever differs on the way."""
    started = time.perf_counter()
    watch = Watch(bot, script.given)
    conversation = conversation_of(bot, script, watch)
    transcript = Played(script=script)
    with forgotten() as unawaited:
        for done, expectations in _groups(script):
            watch.begin()
            transcript.same(_shown(done))
            try:
                replies = await act(conversation, done)
            except NotShown as error:
                transcript.wrong(str(error), done.line)
                replies = []
            _judge(transcript, conversation, watch, replies, expectations)
        conversation.failure = None  # it holds on to what was forgotten
    for each in unawaited:
        transcript.wrong(str(each))
    transcript.milliseconds = (time.perf_counter() - started) * 1000
    return transcript


def _groups(script: Script) -> list[tuple[Act, list[Expectation]]]:
    """Each thing that is done, with what is expected of it."""
    groups: list[tuple[Act, list[Expectation]]] = []
    for line in script.talk:
        if isinstance(line, Act):
            groups.append((line, []))
        else:
            groups[-1][1].append(line)
    return groups


def _judge(
    transcript: Transcript,
    conversation: Conversation,
    watch: Watch,
    replies: Sequence[Said],
    expectations: Sequence[Expectation],
) -> None:
    for problem in watch.problems:
        transcript.wrong(problem)
    for purpose in conversation.services.unanswered:
        transcript.wrong(
            f"the model has nothing to say to a request ({purpose}): add it under `given: model:`"
        )
    conversation.services.unanswered = []
    if conversation.failure is not None and not watch.problems:
        cause = conversation.failure.cause
        transcript.wrong(f"the flow failed: {conversation.failure}: {cause}")
    heard = _compare_replies(transcript, [each for each in expectations if isinstance(each, Reply)], replies)
    latest = replies[-1] if replies else None
    for expected in expectations:
        match expected:
            case Reply():
                latest = heard.get(expected, latest)
            case Choices(line, labels):
                transcript.compare("choices", labels, latest.labels if latest else (), line)
            case Standing():
                _compare_state(transcript, conversation, expected)
            case Called(line, calls):
                made = [
                    (name, None if place < len(calls) and calls[place][1] is None else arguments)
                    for place, (name, arguments) in enumerate(watch.calls)
                ]
                transcript.compare("calls", [_call(*c) for c in calls], [_call(*c) for c in made], line)
            case Reached(line, flow):
                if flow not in watch.reached:
                    transcript.wrong(f"flow: {flow} was not reached; {_listed(watch.reached)}", line)
            case _:
                assert_never(expected)


def _compare_replies(
    transcript: Transcript, expected: Sequence[Reply], replies: Sequence[Said]
) -> dict[Reply, Said]:
    """Write the replies to the transcript; where none is expected, whatever is said is right."""
    if not expected:
        for reply in replies:
            transcript.same(_said(reply))
        return {}
    wanted = [(each, each.expected) for each in expected if each.expected is not None]
    heard = {}
    for i, j in align([texted for _, texted in wanted], replies):
        if i is not None and j is not None:
            heard[wanted[i][0]] = replies[j]
            if wanted[i][1].fits(replies[j].text):
                transcript.same(_said(replies[j]))
                continue
        if i is not None:
            transcript.missing(f"bot> {wanted[i][1]}", wanted[i][0].line)
        if j is not None:
            transcript.unexpected(_said(replies[j]))
    return heard


def _compare_state(transcript: Transcript, conversation: Conversation, expected: Standing) -> None:
    flow, waiting = where(conversation.state)
    if "flow" in expected.checked:
        transcript.compare("state: flow", expected.flow, flow, expected.line)
    if "waiting" in expected.checked:
        transcript.compare("state: waiting", expected.waiting, waiting, expected.line)


def _shown(done: Act) -> str:
    match done:
        case Typing(_, text):
            return f"you> {text}"
        case Sending(_, files, text):
            return f"you> ({', '.join(file.name for file in files)}) {text}".rstrip()
        case Pressing(_, label):
            return f"you> [{label}]"
        case Waiting(_, _, told):
            return f"({told} later)"
        case Operating(_, "reply", by, text):
            return f"{by}> {text}"
        case Operating(_, action, by, why):
            return f"({by}: {action}, because {why})" if why else f"({by}: {action})"
        case Happening(_, name, value):
            return f"(event {name})" if value is None else f"(event {name}: {value})"
        case _:
            assert_never(done)


def _said(reply: Said) -> str:
    labels = f"   [{' | '.join(reply.labels)}]" if reply.labels else ""
    return f"bot> {reply.text}{labels}"


def _call(name: str, arguments: Sequence[object] | None) -> str:
    return name if arguments is None else f"{name}({', '.join(repr(_by_name(each)) for each in arguments)})"


def _by_name(argument: object) -> object:
    """An argument as a test writes it: a file is its name, since its id is another one each time."""
    match argument:
        case UploadedFile():
            return argument.name
        case list():
            return [_by_name(each) for each in argument]
        case dict():
            return {key: _by_name(each) for key, each in argument.items()}
        case _:
            return argument


def _listed(flows: Sequence[str]) -> str:
    return f"those that talked: {', '.join(flows)}" if flows else "no flow talked"
