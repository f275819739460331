"""Where a log's files come from: whoever serves them, a node's folder, a mirror, or a copy of the served files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx2

from ledger.domain.limits import LIMITS
from ledger.domain.policies import Policy, parse_policy
from ledger.errors import FormatError, InputError, NotFoundError, UnavailableError
from ledger.log.files import DirectoryFiles
from ledger.log.store import HEAD
from ledger.log.view import LogView

__all__ = ["fetcher", "log_folder", "policy_file"]

_SECONDS = 30.0


def fetcher(where: str) -> Callable[[str], bytes]:
    """Return what gets a file of a log by its path; nothing that it gets is trusted before it is checked.

    Args:
        where: an address, a node's folder, a mirror's, or a folder with the files as they are served.

    Raises:
        InputError: ``log.no_folder``. What is returned raises ``log.tile_absent``, ``log.no_checkpoint`` (NotFoundError)
            and ``log.unreachable`` (UnavailableError).
    """
    if where.startswith(("http://", "https://")):
        return _from_web(where.rstrip("/"))
    files = DirectoryFiles(log_folder(where))
    if files.read(HEAD) is not None:
        view = LogView(files)
        return lambda path: view.read(path).data

    def fetch(path: str) -> bytes:
        data = files.read(path)
        if data is None:
            raise NotFoundError("log.tile_absent")
        return data

    return fetch


def log_folder(where: str) -> Path:
    """Return the folder with the files: a node's has them in ``log``.

    Raises:
        InputError: ``log.no_folder``.
    """
    folder = Path(where)
    found = folder / "log" if (folder / "node.toml").exists() else folder
    if not found.is_dir():
        raise InputError("log.no_folder")
    return found


def policy_file(path: Path) -> Policy:
    """Read a policy file.

    Raises:
        NotFoundError: ``offline.missing``.
        FormatError: ``log.policy_long``; as ``parse_policy``.
    """
    try:
        data = path.read_bytes()
    except OSError:
        raise NotFoundError("offline.missing", file=path.name) from None
    if len(data) > LIMITS.log_policy_bytes:
        raise FormatError("log.policy_long", limit=LIMITS.log_policy_bytes)
    return parse_policy(data)


def _from_web(base: str) -> Callable[[str], bytes]:
    def fetch(path: str) -> bytes:
        try:
            answer = httpx2.get(f"{base}/{path}", timeout=_SECONDS, trust_env=False)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise UnavailableError("log.unreachable") from error
        if answer.status_code == httpx2.codes.NOT_FOUND:
            raise NotFoundError("log.tile_absent")
        if answer.status_code != httpx2.codes.OK:
            raise UnavailableError("log.unreachable")
        return answer.content

    return fetch
