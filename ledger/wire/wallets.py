"""The holder's wallet: what an applicant needs in every city, and no city can read.

``tongban/wallet/1``: records, disclosures, receipts, and for each one-time leaf its place, its random bytes, its path to the
batch's root, the number of its key, and the case it was allotted to. With the seed that is all that a consent takes.

RFC 8785 JSON, read strictly; then padded, so that its length says little about how much it holds, and encrypted under a
key from the holder's seed, another for each version.

Raises:
    FormatError: ``wallets.document``, ``wallets.document_version``; codes of ``canonical``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from ledger.domain import canonical, envelopes
from ledger.domain.leaves import BLINDING_BYTES, Randomness, leaf_text
from ledger.domain.limits import LIMITS
from ledger.errors import FormatError, InputError
from ledger.wire.padding import pad, unpad
from ledger.wire.strict import Strict, base64_text

__all__ = [
    "FORMAT",
    "Wallet",
    "WalletLeaf",
    "WalletMaterial",
    "decode_wallet",
    "encode_wallet",
    "open_wallet",
    "seal_wallet",
]

FORMAT = "tongban/wallet/1"

_CONTRACT = re.compile(r"0x[0-9a-f]{40}")
_CASE = re.compile(r"[0-9a-f]{64}")
_ALLOTTED = re.compile(r"[0-9a-f]{64}|")
_MATERIAL = re.compile(r"[0-9A-Za-z_-]{1,64}")
_READ = Strict("wallets.document")


@dataclass(frozen=True, slots=True)
class WalletLeaf:
    """One leaf of the holder's: which (``batch << 32 | index``), the key's place in the account, what opens and proves it.

    ``case`` is the case (hex) that it was allotted to, empty while it is fresh.
    """

    contract: str
    leaf: int
    step: int
    blinding: bytes = field(repr=False)
    proof: tuple[bytes, ...] = field(repr=False, default=())
    case: str = ""

    @property
    def spent(self) -> bool:
        """Whether it was allotted; a leaf whose consent was refused has been seen and counts as well."""
        return bool(self.case)


@dataclass(frozen=True, slots=True)
class WalletMaterial:
    """One material of the holder's, as one of its data subjects.

    ``material`` is its name in the anchoring city, ``account`` the number of its hardened account, ``receipts`` the
    documents that were handed over for it.
    """

    material: str
    account: int
    subject: int
    record: bytes = field(repr=False)
    disclosures: tuple[str, ...] = field(repr=False)
    leaves: tuple[WalletLeaf, ...]
    receipts: tuple[bytes, ...] = field(repr=False, default=())


@dataclass(frozen=True, slots=True)
class Wallet:
    """A holder's wallet in one version; ``cases`` maps a case (hex) to the number of its hardened account.

    ``next_material`` and ``next_case`` are the first accounts that were never handed to anybody: one that was, and whose
    material is not anchored yet, must not be handed over again.
    """

    version: int = 0
    materials: tuple[WalletMaterial, ...] = ()
    cases: tuple[tuple[str, int], ...] = ()
    next_material: int = 0
    next_case: int = 0


def encode_wallet(wallet: Wallet) -> bytes:
    """Write a wallet; see :func:`seal_wallet`."""
    return canonical.encode(
        {
            "cases": dict(wallet.cases),
            "format": FORMAT,
            "materials": [
                {
                    "account": each.account,
                    "disclosures": list(each.disclosures),
                    "leaves": [
                        {
                            "blinding": leaf.blinding.hex(),
                            "case": leaf.case,
                            "contract": leaf.contract,
                            "leaf": leaf_text(leaf.leaf),
                            "proof": [step.hex() for step in leaf.proof],
                            "step": leaf.step,
                        }
                        for leaf in each.leaves
                    ],
                    "material": each.material,
                    "receipts": [base64_text(receipt) for receipt in each.receipts],
                    "record": base64_text(each.record),
                    "subject": each.subject,
                }
                for each in wallet.materials
            ],
            "next_case": wallet.next_case,
            "next_material": wallet.next_material,
            "version": wallet.version,
        }
    )


def seal_wallet(wallet: Wallet, key: bytes, rand: Randomness) -> bytes:
    """Pad and encrypt a wallet under its version's own key (``holders.wallet_content_key``): one envelope.

    Raises:
        InputError: ``wallets.too_large``.
    """
    document = encode_wallet(wallet)
    if len(document) > LIMITS.json_bytes:
        raise InputError("wallets.too_large", size=len(document), limit=LIMITS.json_bytes)
    content = pad(document, LIMITS.wallet_step_bytes)
    return b"".join(envelopes.encrypt([content], key, rand, context=FORMAT.encode()))


def decode_wallet(data: bytes) -> Wallet:
    """Read an opened wallet."""
    document = canonical.decode_object(data, limit=LIMITS.json_bytes)
    if document.get("format") != FORMAT:
        raise FormatError("wallets.document_version", expected=FORMAT)
    _READ.fields(document, {"cases", "format", "materials", "next_case", "next_material", "version"})
    cases = document["cases"]
    if not isinstance(cases, dict) or not all(_CASE.fullmatch(case) for case in cases):
        raise FormatError("wallets.document")
    return Wallet(
        version=_READ.number(document["version"]),
        materials=tuple(_material(each) for each in _READ.items(document["materials"])),
        cases=tuple((case, _READ.number(account)) for case, account in cases.items()),
        next_material=_READ.number(document["next_material"]),
        next_case=_READ.number(document["next_case"]),
    )


def open_wallet(sealed: Iterable[bytes], key: bytes) -> Wallet:
    """Decrypt and read a wallet.

    Raises:
        InputError: ``envelopes.wrong_key`` for another seed or version.
        FormatError, IntegrityError: as :func:`ledger.domain.envelopes.decrypt` and the module.
    """
    held = bytearray()
    limit = LIMITS.json_bytes + LIMITS.wallet_step_bytes
    for piece in envelopes.decrypt(sealed, key, context=FORMAT.encode()):
        held += piece
        if len(held) > limit:
            raise FormatError("canonical.too_long", size=len(held), limit=limit)
    return decode_wallet(unpad(bytes(held), LIMITS.wallet_step_bytes, "wallets.document"))


def _material(value: canonical.JsonValue) -> WalletMaterial:
    item = _READ.fields(value, {"account", "disclosures", "leaves", "material", "receipts", "record", "subject"})
    return WalletMaterial(
        material=_READ.matching(item["material"], _MATERIAL),
        account=_READ.number(item["account"]),
        subject=_READ.number(item["subject"]),
        record=_READ.base64(item["record"]),
        disclosures=tuple(_READ.text(each) for each in _READ.items(item["disclosures"])),
        leaves=tuple(_leaf(each) for each in _READ.items(item["leaves"])),
        receipts=tuple(_READ.base64(each) for each in _READ.items(item["receipts"])),
    )


def _leaf(value: canonical.JsonValue) -> WalletLeaf:
    item = _READ.fields(value, {"blinding", "case", "contract", "leaf", "proof", "step"})
    return WalletLeaf(
        contract=_READ.matching(item["contract"], _CONTRACT),
        leaf=_READ.leaf(item["leaf"]),
        step=_READ.number(item["step"]),
        blinding=_READ.hex(item["blinding"], BLINDING_BYTES),
        proof=tuple(_READ.hex(step, 32) for step in _READ.items(item["proof"])),
        case=_READ.matching(item["case"], _ALLOTTED),
    )
