"""Every error of the product, as one tree.

A person who causes an error is owed a code, a sentence in Chinese and English and a next step. The code is
``area.name``; the sentences stand in ``ledger/wire/messages/<area>.toml`` so that the command, the API and the pages
say the same. An error carries *facts* (sizes, block numbers, codes of places), never a name, an identity number, a key
or a file's content: exceptions end in logs.

The tree::

    LedgerError                 the root; caught at every boundary
    ├── InputError        422   what was handed in is not acceptable; nothing was changed
    │   └── FormatError   422   bytes of a stored or received format are malformed, too long or of another version
    ├── AuthorityError    403   whoever asks may not do this
    ├── NotFoundError     404   looked for and not there (says how far was looked)
    ├── ConflictError     409   true a moment ago, or already done differently
    │   └── RefusedError  409   a contract refused the operation, with the contract's reason code
    ├── UnavailableError  503   try again: carries ``retry_after`` in seconds
    ├── IntegrityError    500   stored bytes are not what they were: nothing is signed or shown over them
    └── SetupError        500   the machine, a key file or the configuration is not in order
"""

from __future__ import annotations

from typing import ClassVar

__all__ = [
    "AuthorityError",
    "ConflictError",
    "FormatError",
    "InputError",
    "IntegrityError",
    "LedgerError",
    "NotFoundError",
    "RefusedError",
    "SetupError",
    "UnavailableError",
]

Fact = str | int | bool | None


class LedgerError(Exception):
    """Root of the tree: a code, and facts that help without naming anybody.

    Args:
        code: ``area.name``, the key of the sentences in the message catalogue.
        facts: values for the placeholders of the sentences; never personal data, keys or content.
    """

    http_status: ClassVar[int] = 500

    def __init__(self, code: str, **facts: Fact) -> None:
        self.code = code
        self.facts = facts
        listed = ", ".join(f"{key}={value}" for key, value in facts.items())
        super().__init__(f"{code} ({listed})" if listed else code)

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle by code and facts, so that errors cross process boundaries whole."""
        return _rebuild, (type(self), self.code, self.facts)


def _rebuild(kind: type[LedgerError], code: str, facts: dict[str, Fact]) -> LedgerError:
    return kind(code, **facts)


class InputError(LedgerError):
    """What was handed in is not acceptable; nothing was changed."""

    http_status = 422


class FormatError(InputError):
    """Bytes of a stored or received format are malformed, too long or of an unknown version."""


class AuthorityError(LedgerError):
    """Whoever asks may not do this."""

    http_status = 403


class NotFoundError(LedgerError):
    """Looked for and not there; the facts say how far was looked."""

    http_status = 404


class ConflictError(LedgerError):
    """True a moment ago, or already done differently."""

    http_status = 409


class RefusedError(ConflictError):
    """A contract refused the operation; ``facts['reason']`` is the contract's reason code."""


class UnavailableError(LedgerError):
    """Not now: ``retry_after`` says in how many seconds to ask again."""

    http_status = 503

    def __init__(self, code: str, *, retry_after: int = 5, **facts: Fact) -> None:
        super().__init__(code, **facts)
        self.retry_after = retry_after

    def __reduce__(self) -> tuple[object, ...]:
        """Keep ``retry_after`` across process boundaries."""
        return _rebuild_unavailable, (self.code, self.retry_after, self.facts)


def _rebuild_unavailable(code: str, retry_after: int, facts: dict[str, Fact]) -> UnavailableError:
    return UnavailableError(code, retry_after=retry_after, **facts)


class IntegrityError(LedgerError):
    """Stored bytes are not what they were: nothing is signed or shown over them."""


class SetupError(LedgerError):
    """The machine, a key file or the configuration is not in order."""
