"""Files of each type that is taken: small, and real as far as it goes."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

_OFFICE = "application/vnd.openxmlformats-officedocument."
DOCX = f"{_OFFICE}wordprocessingml.document"


def png(width: int = 1, height: int = 1) -> bytes:
    def chunk(name: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\x00\xff\x00\x00")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def gif(width: int = 1, height: int = 1) -> bytes:
    return (
        b"GIF89a"
        + struct.pack("<HH", width, height)
        + b"\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x01D\x00;"
    )


def archive(*members: str, content: bytes = b"<xml/>") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        for member in members:
            packed.writestr(member, content)
    return file.getvalue()


def declaring(content: bytes, size: int) -> bytes:
    """The archive with another unpacked size in its directory, as a bomb has it."""
    place = content.rindex(b"PK\x01\x02") + 24
    return content[:place] + struct.pack("<I", size) + content[place + 4 :]


def office(member: str, *more: str) -> bytes:
    return archive("[Content_Types].xml", "_rels/.rels", member, *more)


SAMPLES = {
    "image/png": png(),
    "image/jpeg": b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01" + b"\x00" * 20 + b"\xff\xd9",
    "image/gif": gif(),
    "image/webp": b"RIFF\x1a\x00\x00\x00WEBPVP8L\x0d\x00\x00\x00/" + b"\x00" * 13,
    "application/pdf": b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n",
    "text/plain": "Grüße aus Köln – €5\r\n".encode(),
    "text/csv": b"name;town\nAda;London\n",
    "text/markdown": b"# Title\n\nText.\n",
    DOCX: office("word/document.xml"),
    f"{_OFFICE}spreadsheetml.sheet": office("xl/workbook.xml"),
    f"{_OFFICE}presentationml.presentation": office("ppt/presentation.xml"),
    "audio/ogg": b"OggS\x00\x02" + b"\x00" * 30,
    "audio/mpeg": b"\xff\xfb\x90\x00" + b"\x00" * 30,
    "audio/mp4": b"\x00\x00\x00\x20ftypM4A \x00\x00\x00\x00",
    "video/mp4": b"\x00\x00\x00\x20ftypisom\x00\x00\x02\x00",
}
