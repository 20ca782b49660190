"""Which files are meant by the paths that somebody gives."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from bot.errors import Failed

# Not a person's documents, however they are named inside.
_IGNORED = frozenset({"node_modules", "__pycache__", "Thumbs.db", "desktop.ini"})
# An index of PostgreSQL has no room for more.
_LONGEST_PATH = 1_000


@dataclass(slots=True)
class Listing:
    """The files of a folder, or the one that was given; `unread` are folders that could not be looked into."""

    root: Path
    is_folder: bool
    files: list[Path] = field(default_factory=list)
    skipped: list[tuple[Path, str]] = field(default_factory=list)
    unread: list[Path] = field(default_factory=list)


def list_files(path: Path) -> Listing:
    """What a path means, in order. Links are followed for the path itself, and never out of a folder.

    Raises Failed when nothing is there.
    """
    try:
        root = path.resolve(strict=True)
    except (OSError, RuntimeError):
        raise Failed(f"there is no {path}: give files or folders that exist") from None
    if not root.is_dir():
        listing = Listing(root, is_folder=False)
        _take(listing, root)
        return listing
    listing = Listing(root, is_folder=True)

    def unreadable(error: OSError) -> None:
        folder = Path(error.filename)
        listing.unread.append(folder)
        listing.skipped.append((folder, f"it cannot be looked into: {error.strerror}"))

    for folder, folders, names in os.walk(root, onerror=unreadable):
        folders[:] = sorted(name for name in folders if not _ignored(name))
        here = Path(folder)
        for name in folders:
            if (here / name).is_symlink() and not (here / name).resolve().is_relative_to(root):
                listing.skipped.append(
                    (here / name, "it is a link out of the folder: give where it leads to")
                )
        for name in sorted(names):
            if not _ignored(name):
                _take(listing, here / name)
    return listing


def _take(listing: Listing, path: Path) -> None:
    if listing.is_folder and path.is_symlink():
        # A link to another file of the folder is that file once more.
        if not path.resolve().is_relative_to(listing.root):
            listing.skipped.append((path, "it is a link out of the folder: give where it leads to"))
    elif not path.is_file():
        listing.skipped.append((path, "it is no ordinary file"))
    elif len(os.fsencode(path.relative_to(listing.root))) > _LONGEST_PATH:
        listing.skipped.append((path, "its path is too long: move it further up"))
    elif not _is_text(str(path)):
        listing.skipped.append((path, "its name is not UTF-8: rename it"))
    else:
        listing.files.append(path)


def _ignored(name: str) -> bool:
    return name.startswith((".", "~$")) or name.endswith("~") or name in _IGNORED


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
