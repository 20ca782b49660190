"""What full text is given to read: PostgreSQL's parser finds words by the spaces between them."""

from __future__ import annotations

import re

# Chinese and Japanese characters, kana and Hangul, with what they are composed of.
_RUN = re.compile(
    "[\u1100-\u11ff\u3005-\u3007\u3041-\u3096\u30a1-\u30fa\u30fc-\u30ff\u3130-\u318f\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\uff66-\uff9d\U00020000-\U0003134f]+"
)


def bigrams(text: str) -> str:
    """The text with runs of Chinese, Japanese and Korean cut into overlapping pairs of characters.

    A question must be cut as the chunks were, or their words never meet.
    """
    return _RUN.sub(_pairs, text)


def _pairs(found: re.Match[str]) -> str:
    run = found[0]
    pairs = (run[at : at + 2] for at in range(max(len(run) - 1, 1)))
    return f" {' '.join(pairs)} "
