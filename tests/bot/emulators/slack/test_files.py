"""Files, both ways."""

from __future__ import annotations

import aiohttp


async def test_the_sdk_uploads_a_file_into_a_thread(slack, end, client, ada):
    asked = ada.writes("The report?")
    answer = await client.files_upload_v2(
        channel=ada.dm.id,
        thread_ts=asked.ts,
        filename="report.csv",
        title="Report",
        content="a,b\n1,2\n",
        initial_comment="Here",
    )
    message = slack.said(ada.dm)[0]
    file = slack.platform.files[message.files[0]]
    assert (message.text, message.thread_ts, message.subtype) == ("Here", asked.ts, "file_share")
    assert (file.name, file.title, file.content) == ("report.csv", "Report", b"a,b\n1,2\n")
    assert answer["file"]["id"] == file.id
    info = (await client.files_info(file=file.id))["file"]
    assert info["shares"]["private"][ada.dm.id][0]["ts"] == message.ts
    await slack.idle()
    assert end.received[-1].event["files"][0]["mimetype"] == "text/csv"


async def test_an_upload_may_be_a_form(slack, client):
    started = await client.files_getUploadURLExternal(filename="a.txt", length=3)
    async with aiohttp.ClientSession() as http:
        form = aiohttp.FormData()
        form.add_field("file", b"abc", filename="a.txt")
        async with http.post(started["upload_url"], data=form) as answer:
            assert (answer.status, await answer.text()) == (200, "OK - 3")
        async with http.post(started["upload_url"], data=b"") as answer:
            assert answer.status == 400
        async with http.post(f"{slack.url}/upload/v1/F0NOWHERE", data=b"x") as answer:
            assert answer.status == 404
    await client.files_completeUploadExternal(files=[{"id": started["file_id"], "title": "A"}])
    # Shared nowhere yet.
    assert slack.messages == ()


async def test_what_was_not_uploaded_is_not_shared(slack, client, refused):
    started = await client.files_getUploadURLExternal(filename="a.txt", length=3)
    for files, error in (
        ([{"id": started["file_id"], "title": "A"}], "file_not_found"),
        ([{"id": "F0NOWHERE", "title": "A"}], "file_not_found"),
        ([], "invalid_arguments"),
    ):
        with refused(error):
            await client.files_completeUploadExternal(files=files, channel_id=slack.general.id)
    with refused("invalid_arguments"):
        await client.files_getUploadURLExternal(filename="a.txt", length=0)


async def test_an_upload_to_nowhere_shares_nothing(slack, client, refused):
    started = await client.files_getUploadURLExternal(filename="a.txt", length=3)
    async with aiohttp.ClientSession() as http, http.post(started["upload_url"], data=b"abc"):
        pass
    with refused("channel_not_found"):
        await client.files_completeUploadExternal(
            files=[{"id": started["file_id"], "title": "A"}], channel_id="C0NOWHERE"
        )
    assert slack.platform.files[started["file_id"]].title == "a.txt"


async def test_a_shared_file_is_read_with_the_token(slack, end, ada):
    ada.shares("note.txt", b"Dear bot", "Look", slack.general)
    await slack.idle()
    event = end.received[-1].event
    assert (event["subtype"], event["text"]) == ("file_share", "Look")
    file = event["files"][0]
    assert (file["name"], file["size"], file["mimetype"]) == ("note.txt", 8, "text/plain")
    async with aiohttp.ClientSession() as http:
        bearer = {"Authorization": f"Bearer {slack.bot_token}"}
        for url in (file["url_private"], file["url_private_download"]):
            async with http.get(url, headers=bearer) as answer:
                assert (answer.content_type, await answer.read()) == ("text/plain", b"Dear bot")


async def test_without_a_token_or_scope_there_is_a_page_to_sign_in(slack, client, ada, refused):
    message = ada.shares("note.txt", b"Dear bot")
    id_ = message.files[0]
    url = (await client.files_info(file=id_))["file"]["url_private"]
    good = slack.bot_token
    slack.configure(scopes=slack.app.scopes - {"files:read"})
    slack.install(slack.app, slack.workspace)
    async with aiohttp.ClientSession() as http:
        for headers in ({}, {"Authorization": "Bearer nonsense"}, {"Authorization": f"Bearer {good}"}):
            async with http.get(url, headers=headers) as answer:
                assert (answer.status, answer.content_type) == (200, "text/html")
                assert "Sign in" in await answer.text()
            async with http.get(url, headers=headers, allow_redirects=False) as answer:
                assert answer.status == 302
    with refused("missing_scope"):
        await client.files_info(file=id_)


async def test_a_file_that_the_app_does_not_see_is_not_found(slack, client, ada, refused):
    other = slack.add_channel(slack.workspace, "other", ada)
    message = ada.shares("note.txt", b"x", "", other)
    for file in (message.files[0], "F0NOWHERE"):
        with refused("file_not_found"):
            await client.files_info(file=file)
