"""The operator's own files and folders, as sources read them. Raises `SourceError`."""

from __future__ import annotations

from pathlib import Path

from newsletter.errors import SourceError


def read_bytes(path: Path, *, max_bytes: int) -> bytes:
    """A file of the operator's. Raises `SourceError`."""
    try:
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
    except OSError as error:
        raise SourceError(f"{path} cannot be read ({error.strerror or error}); check the path.") from error
    if len(data) > max_bytes:
        raise SourceError(f"{path} is larger than {max_bytes // 1024 // 1024} MiB; is it the right file?")
    return data


def files_inside(folder: Path, suffixes: tuple[str, ...], *, limit: int) -> list[Path]:
    """The files of a folder and its subfolders, by name, at most `limit`; none that a link leads out of the folder.

    Names that begin with a dot or an underscore are skipped. Raises `SourceError`.
    """
    if not folder.is_dir():
        raise SourceError(f"The folder {folder} does not exist; make it or correct the path.")
    found = [file for file in sorted(folder.rglob("*")) if file.suffix.lower() in suffixes and file.is_file()]
    shown = [
        file
        for file in found
        if not any(part.startswith((".", "_")) for part in file.relative_to(folder).parts)
        and file.resolve().is_relative_to(folder.resolve())
    ]
    if len(shown) > limit:
        what = f"The folder {folder} holds {len(shown)} files"
        raise SourceError(f"{what}; more than {limit} are not read. Move old ones away.")
    return shown
