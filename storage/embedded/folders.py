"""The layout of the data folder."""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from storage.embedded.account import Account, give
from storage.embedded.errors import DataFolderWrong

# A Unix socket's address holds 108 bytes on Linux and 104 on macOS, one of them the closing zero.
_LONGEST_ADDRESS = 103
_POSTGRES_SOCKET = ".s.PGSQL.5432"


@dataclass(frozen=True, slots=True)
class Folders:
    """`sockets` is private to the servers' account: whoever may enter it may enter the database."""

    root: Path
    cluster: Path
    redis: Path
    sockets: Path
    logs: Path
    lock: Path


def lay_out(root: Path) -> Folders:
    """Make the data folder itself and say where things go in it. Raises DataFolderWrong."""
    root = root.absolute()
    try:
        # Root's servers run as another account, which must be able to pass through.
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        root = root.resolve()
        if os.geteuid() == 0 and root.stat().st_uid == 0:
            root.chmod(root.stat().st_mode | 0o011)
    except OSError as error:
        raise _unusable(root, error) from None
    if not os.access(root, os.W_OK | os.X_OK):
        raise DataFolderWrong(
            f"{root} cannot be written to: give this user access, or set PARLEY_DATA_DIR to another folder"
        )
    return Folders(
        root=root,
        cluster=root / "postgres",
        redis=root / "redis",
        sockets=_sockets(root),
        logs=root / "logs",
        lock=root / "lock",
    )


def prepare(folders: Folders, account: Account | None) -> None:
    """Make the folders that the servers write to, private to their account. Raises DataFolderWrong."""
    try:
        for folder in (folders.logs, folders.redis, folders.sockets):
            folder.mkdir(mode=0o700, exist_ok=True)
            _refuse_strangers(folder, folders.root, account)
            folder.chmod(0o700)
        give(folders.redis, account)
        give(folders.sockets, account)
    except OSError as error:
        raise _unusable(folders.root, error) from None


def _sockets(root: Path) -> Path:
    folder = root / "run"
    if len(os.fsencode(folder / _POSTGRES_SOCKET)) <= _LONGEST_ADDRESS:
        return folder
    digest = hashlib.sha256(os.fsencode(root)).hexdigest()[:16]
    return Path(tempfile.gettempdir()).resolve() / f"parley-{digest}"


def _refuse_strangers(folder: Path, root: Path, account: Account | None) -> None:
    """The fallback for sockets lies where everybody may write, so somebody else may have made it first."""
    ours = {os.geteuid()} | ({account.uid} if account else set())
    trusted = os.geteuid() == 0 and folder.parent == root
    if folder.is_symlink() or not (trusted or folder.lstat().st_uid in ours):
        raise DataFolderWrong(f"{folder} was made by somebody else: remove it and start again")


def _unusable(root: Path, error: OSError) -> DataFolderWrong:
    return DataFolderWrong(
        f"{error.filename or root} cannot be made or used ({error.strerror}): set PARLEY_DATA_DIR to a "
        "folder that this user can write to"
    )
