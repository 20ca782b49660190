"""Where the documents of a source were read from, and what a file's document is called."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from uuid import UUID

from bot.knowledge.folders import Listing
from storage.documents import Place


class Places:
    """The documents of a source, by the files that they were read from."""

    def __init__(self, names: Mapping[str, bytes], places: Sequence[Place]) -> None:
        self._of_path = {place.path: place for place in places}
        # A document that was read from no file keeps its name.
        self._taken = dict.fromkeys(names, "") | {place.source_id: place.path for place in places}
        self._folders = {place.root for place in places if place.root != place.path}

    def moved(self, listing: Listing) -> list[str]:
        """Folders that are no more, whose documents a folder of the same name takes over."""
        if not listing.is_folder or str(listing.root) in self._folders:
            return []
        gone = (each for each in sorted(self._folders) if Path(each).name == listing.root.name)
        return [each for each in gone if not Path(each).exists()][:1]

    def root_of(self, listing: Listing) -> Path:
        """The folder that names begin below: the outermost that was given before, else the path itself."""
        around = [each for each in self._folders if listing.root.is_relative_to(each)]
        return Path(min(around, key=len)) if around else listing.root

    def name(self, path: Path, root: Path) -> str:
        """What the document of a file is called: as before, else by the shortest name that is free."""
        names = list(tails(path, root))
        known = self._of_path.get(str(path))
        if known is not None and known.source_id in names:
            return known.source_id
        name = next(each for each in names if self._taken.get(each, str(path)) == str(path))
        self._taken[name] = str(path)
        return name

    def misnamed(self, listing: Listing, root: Path) -> list[UUID]:
        """Documents of a folder that are called otherwise than they are to be: it was given in another way."""
        return [
            place.document_id
            for place in self._below(listing)
            if place.source_id not in tails(Path(place.path), root)
        ]

    def gone(self, listing: Listing, present: set[Path]) -> list[UUID]:
        """Documents of a folder whose files are not there any more, as far as one could look."""
        return [
            place.document_id
            for place in self._below(listing)
            if Path(place.path) not in present
            and not any(Path(place.path).is_relative_to(folder) for folder in listing.unread)
        ]

    def _below(self, listing: Listing) -> list[Place]:
        if not listing.is_folder:
            return []
        return [place for place in self._of_path.values() if Path(place.path).is_relative_to(listing.root)]


def tails(path: Path, root: Path) -> Iterator[str]:
    """Names for a file, the shortest first: its path below the root, then with the folders above that."""
    start = len(root.parts) if path != root else len(path.parts) - 1
    for first in range(start, 0, -1):
        yield "/".join(path.parts[first:])
    yield path.as_posix()
