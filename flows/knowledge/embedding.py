"""Embeddings: texts as vectors of length one, whose inner product says how alike they are.

The embedded model needs no key and no network; `model/README.md` says what it is.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

FOLDER = Path(__file__).parent / "model"
MAX_TOKENS = 256
_AT_ONCE = 2
# One more than many texts take at once, so that a question need not wait behind somebody's documents.
_THREADS = _AT_ONCE + 1


class Embedder(Protocol):
    """Makes vectors of texts. `model` names it in `document_embeddings`."""

    @property
    def model(self) -> str: ...

    @property
    def dimensions(self) -> int: ...

    @property
    def languages(self) -> frozenset[str]:
        """Those that it knows."""

    @property
    def is_loaded(self) -> bool:
        """Whether it is in memory already."""

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """A vector for each text, in their order."""


class MiniLm:
    """The embedded model; loaded when first needed, run in threads of its own.

    Only the first 256 tokens of a text count, about 1,000 characters of English.
    """

    model = "all-MiniLM-L6-v2-int8"
    dimensions = 384
    languages = frozenset({"en"})

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="embedding")
        self._loading = threading.Lock()
        self._loaded: tuple[Any, Any] | None = None

    @property
    def is_loaded(self) -> bool:
        return self._loaded is not None

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """A vector for each text, in their order."""
        loop = asyncio.get_running_loop()
        left = iter(enumerate(texts))
        vectors: list[list[float]] = [[]] * len(texts)

        async def work() -> None:
            for index, text in left:
                vectors[index] = await loop.run_in_executor(self._threads, self._embed, text)

        await asyncio.gather(*(work() for _ in range(_AT_ONCE)))
        return vectors

    def close(self) -> None:
        """End the threads; what is under way is finished first."""
        self._threads.shutdown()

    def _embed(self, text: str) -> list[float]:
        """One text alone: its neighbours in a batch would change its vector (the model scales what it computes by the
        largest value of a batch), and several at once are no quicker on a processor.
        """
        import numpy

        session, tokenizer = self._model()
        encoded = tokenizer.encode(text)
        inputs = {
            "input_ids": numpy.array([encoded.ids], dtype=numpy.int64),
            "attention_mask": numpy.array([encoded.attention_mask], dtype=numpy.int64),
        }
        vector: list[float] = session.run(["embedding"], inputs)[0][0].tolist()
        return vector

    def _model(self) -> tuple[Any, Any]:
        with self._loading:
            if self._loaded is None:
                # Imported here: a process that answers no question from documents never pays for them.
                import onnxruntime
                import tokenizers

                options = onnxruntime.SessionOptions()
                options.intra_op_num_threads = 1
                options.inter_op_num_threads = 1
                session = onnxruntime.InferenceSession(
                    FOLDER / "model.onnx", options, providers=["CPUExecutionProvider"]
                )
                tokenizer = tokenizers.Tokenizer.from_file(str(FOLDER / "tokenizer.json"))
                # Its file asks for texts padded to 128 tokens, which a text alone does not need.
                tokenizer.no_padding()
                tokenizer.enable_truncation(MAX_TOKENS)
                self._loaded = (session, tokenizer)
            return self._loaded
