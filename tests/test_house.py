from __future__ import annotations

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
# These are no part of the stack: Alembic loads the one, `make bench` runs the other.
BESIDE_THE_STACK = {"migrations", "benchmarks"}


def test_every_package_has_its_place_in_the_stack() -> None:
    linter = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    [layers] = [contract["layers"] for contract in linter["contracts"] if contract["type"] == "layers"]
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert layers == ["bot", "adapters", "flows", "storage", "config"]
    assert set(layers) == set(linter["root_packages"]) == packages - BESIDE_THE_STACK


def test_the_locks_name_no_index_and_hash_everything() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        lines = (ROOT / name).read_text().splitlines()
        pins = [line for line in lines if not line.startswith(" ")]
        assert all("==" in pin and pin.endswith("\\") for pin in pins), name
        rest = [line for line in lines if line.startswith(" ")]
        assert all(line.strip().startswith("--hash=sha256:") for line in rest), name


def test_the_production_lock_is_part_of_the_development_lock() -> None:
    locks = [
        {line for line in (ROOT / name).read_text().splitlines() if "==" in line}
        for name in ("requirements.txt", "requirements-dev.txt")
    ]
    assert locks[0] <= locks[1]
