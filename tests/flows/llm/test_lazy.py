from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_the_sdk_is_not_imported_before_it_is_needed():
    script = (
        "import sys; import bot.models, bot.emulators.model.server, bot.runtime; "
        "from flows.llm.anthropic import Anthropic; Anthropic('key'); "
        "print([name for name in ('anthropic', 'httpx2') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")
