"""A disk that loses power: what was not forced to it may be gone, torn, or there after all."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["LOSSES", "Disk", "PowerCut"]

# What becomes of writes that were not forced to the disk when the power fails.
LOSSES = ("lost", "kept", "torn", "mixed")


class PowerCut(BaseException):
    """The power failed; not an Exception, so that nothing on the way may catch it."""


@dataclass
class Disk:
    """Files in memory behind the store's port, with names and contents that are volatile until forced.

    ``cut`` is the number of the operation before whose end the power fails; 0 for never.
    """

    cut: int = 0
    loss: str = "lost"
    operations: int = 0
    contents: dict[str, bytes] = field(default_factory=dict)
    _durable: dict[str, bytes] = field(default_factory=dict)

    def read(self, path: str) -> bytes | None:
        """Read, which changes nothing."""
        return self.contents.get(path)

    def create(self, path: str, data: bytes) -> None:
        """Write and force the content; the name is certain once its directory is forced."""
        if self._is_cut():
            # The file was being written: some of it, or all of it without its name.
            self._fail({path: data[: len(data) // 2] if self.loss == "torn" else data})
        self.contents[path] = data

    def rename(self, source: str, target: str) -> None:
        """Replace a name."""
        data = self.contents[source]
        if self._is_cut():
            self._fail({target: data})
        del self.contents[source]
        self.contents[target] = data

    def sync_directory(self, path: str) -> None:
        """Force the names of a directory."""
        if self._is_cut():
            self._fail({})
        for known in {*self.contents, *self._durable}:
            if known.rpartition("/")[0] == path:
                self._force(known)

    def remove(self, path: str) -> None:
        """Remove a file or the files of a directory."""
        if self._is_cut():
            self._fail({})
        for known in [known for known in self.contents if known == path or known.startswith(path + "/")]:
            del self.contents[known]

    def after_power_cut(self) -> Disk:
        """The disk as it is found when the power is back."""
        return Disk(contents=dict(self.contents), _durable=dict(self.contents))

    def _is_cut(self) -> bool:
        self.operations += 1
        return self.operations == self.cut

    def _force(self, path: str) -> None:
        if path in self.contents:
            self._durable[path] = self.contents[path]
        else:
            self._durable.pop(path, None)

    def _fail(self, pending: dict[str, bytes]) -> None:
        if self.loss == "lost":
            self.contents = dict(self._durable)
        else:
            self.contents |= pending
        if self.loss == "mixed":
            # Of the names not yet forced, some made it and some did not.
            names = {*self.contents, *self._durable}
            chosen = {name: self.contents if sum(name.encode()) % 2 else self._durable for name in names}
            self.contents = {name: disk[name] for name, disk in chosen.items() if name in disk}
        raise PowerCut
