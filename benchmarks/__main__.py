"""`python -m benchmarks [--quick] [--only PART]`."""

from __future__ import annotations

from pathlib import Path

import uvloop

from benchmarks import through_http
from benchmarks.lab import open_lab
from benchmarks.report import Report


async def main():
    report = Report()
    async with open_lab() as lab:
        report.add(*await through_http.measure(lab, clients=[1, 8], rounds=2, seconds=1.5))
    report.close(Path("/tmp/x.json"))


uvloop.run(main())
