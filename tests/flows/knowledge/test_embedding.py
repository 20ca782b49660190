"""The embedded model: vectors that say what they should, made off the event loop."""

from __future__ import annotations

import asyncio
import hashlib
import math
import re
import subprocess
import sys

import pytest

from flows.knowledge.embedding import FOLDER, MiniLm


@pytest.fixture(scope="module")
def embedder():
    embedder = MiniLm()
    yield embedder
    embedder.close()


def cosine(one, other):
    return sum(a * b for a, b in zip(one, other, strict=True))


async def test_vectors_have_length_one_and_alike_texts_are_near(embedder):
    card, also, tree = await embedder.embed(
        [
            "How much is a new card?",
            "What does it cost to get another card?",
            "Trees grow slowly in the north.",
        ]
    )
    assert len(card) == MiniLm.dimensions
    assert math.hypot(*card) == pytest.approx(1, abs=1e-4)
    assert cosine(card, also) > 0.6 > 0.2 > cosine(card, tree)


async def test_a_text_has_the_same_vector_whatever_is_beside_it(embedder):
    texts = ["short", "a longer text about cards and limits " * 8, "", "日本語", "x" * 5000]
    together = await embedder.embed(texts)
    for text, vector in zip(texts, together, strict=True):
        assert await embedder.embed([text]) == [vector]


async def test_no_texts_have_no_vectors(embedder):
    assert await embedder.embed([]) == []


async def test_the_loop_goes_on_meanwhile(embedder):
    work = asyncio.ensure_future(embedder.embed(["a text of some words " * 20] * 64))
    beats = 0
    while not work.done():
        await asyncio.sleep(0)
        beats += 1
    assert beats > 100
    assert len(await work) == 64


def test_nothing_is_loaded_before_it_is_needed():
    """By a process of its own, since this one has loaded it."""
    code = (
        "import sys; from flows.knowledge.embedding import MiniLm; e = MiniLm(); "
        "print(e.is_loaded, 'onnxruntime' in sys.modules, 'numpy' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.split() == ["False"] * 3


def test_the_files_are_those_that_the_readme_names():
    sums = dict(re.findall(r"`([\w.]+)` \| [\d,]+ \| `([0-9a-f]{64})`", (FOLDER / "README.md").read_text()))
    assert set(sums) == {"model.onnx", "tokenizer.json"}
    for name, digest in sums.items():
        assert hashlib.sha256((FOLDER / name).read_bytes()).hexdigest() == digest
