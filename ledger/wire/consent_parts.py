"""A holder's part of a consent: the signatures for the leaves whose keys are theirs, with what any city needs to relay them.

A consent may be over several people's leaves, and over leaves of several cities. Each holder signs the same terms with their
own keys on a machine of their own; the parts go together at whichever city relays. A leaf travels with its 58 bytes and its
path to the batch's root, which only its holder's wallet and the anchoring city have.

Raises:
    FormatError: ``consents.part_form``, ``consents.part_version``; codes of :mod:`ledger.wire.grants` and ``canonical``.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ledger.domain import canonical
from ledger.domain.consents import MAX_LEAVES
from ledger.domain.leaves import ENTRY_BYTES, leaf_text
from ledger.domain.limits import LIMITS
from ledger.wire.grants import GrantedConsent, granted_from
from ledger.wire.strict import Strict

__all__ = ["FORMAT", "ConsentPart", "SignedLeaf", "read_consent_part"]

FORMAT = "tongban/consent-part/1"
_SIGNATURE_BYTES = 65
# A batch has at most 2**20 leaves.
_MOST_STEPS = 20
_READ = Strict("consents.part_form")


@dataclass(frozen=True, slots=True)
class SignedLeaf:
    """A leaf with its holder's signature over the consent."""

    leaf: int
    entry: bytes = field(repr=False)
    path: tuple[bytes, ...] = field(repr=False)
    signature: bytes


@dataclass(frozen=True, slots=True)
class ConsentPart:
    """The consent as it was written down, and the leaves that one holder signed for, in their order."""

    consent: GrantedConsent
    leaves: tuple[SignedLeaf, ...]

    def encode(self) -> bytes:
        """Return its canonical bytes."""
        return canonical.encode(
            {
                "consent": self.consent.document(),
                "format": FORMAT,
                "leaves": [
                    {
                        "entry": each.entry.hex(),
                        "leaf": leaf_text(each.leaf),
                        "path": [step.hex() for step in each.path],
                        "signature": each.signature.hex(),
                    }
                    for each in self.leaves
                ],
            }
        )


def read_consent_part(data: bytes) -> ConsentPart:
    """Read a part strictly; its signatures are not verified here."""
    value = canonical.decode(data, limit=LIMITS.paper_bytes)
    document = _READ.document(value, {"consent", "format", "leaves"}, named=FORMAT, otherwise="consents.part_version")
    consent = granted_from(document["consent"])
    leaves = tuple(_leaf(item) for item in _READ.items(document["leaves"]))
    named = [each.leaf for each in leaves]
    if not 0 < len(leaves) <= MAX_LEAVES or named != sorted(set(named)) or not set(named) <= set(consent.terms.leaves):
        raise _READ.wrong()
    if consent.signatures or consent.attending:
        raise _READ.wrong()
    return ConsentPart(consent, leaves)


def _leaf(value: canonical.JsonValue) -> SignedLeaf:
    item = _READ.fields(value, {"entry", "leaf", "path", "signature"})
    path = tuple(_READ.hex(step, 32) for step in _READ.items(item["path"]))
    if len(path) > _MOST_STEPS:
        raise _READ.wrong()
    return SignedLeaf(
        _READ.leaf(item["leaf"]),
        _READ.hex(item["entry"], ENTRY_BYTES),
        path,
        _READ.hex(item["signature"], _SIGNATURE_BYTES),
    )
