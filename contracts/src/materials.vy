# pragma version 0.4.3
# pragma optimize codesize
"""
@title Materials: what was anchored, what applicants let be used of it, and every use
@license Apache-2.0
@notice Five parts: `batches` (roots, revocation), `consents` and `papers` (granting and revoking), `readings` (uses and
        erasures), `pointers` (wallets, look-ups). No part knows a person: holders are fresh keys, one for each leaf.
"""

from interfaces import IConsortium
from interfaces import IMaterials
from modules import access
from modules import batches
from modules import consents
from modules import eip712
from modules import papers
from modules import pointers
from modules import readings
from modules import witnesses

initializes: access
initializes: eip712
initializes: batches[access := access]
initializes: consents[access := access, batches := batches, eip712 := eip712]
initializes: witnesses[access := access]
initializes: papers[
    access := access, batches := batches, consents := consents, eip712 := eip712, witnesses := witnesses
]
initializes: readings[access := access, batches := batches, consents := consents]
initializes: pointers[access := access]

implements: IMaterials

exports: (
    batches.anchor,
    batches.revoke,
    batches.batch_of,
    batches.batch_count,
    batches.revoked_at,
    consents.grant,
    consents.confirm_witnessed,
    consents.revoke_consent,
    consents.consent_of,
    consents.spent_by,
    papers.grant_witnessed,
    papers.revoke_witnessed,
    readings.use,
    readings.use_by_duty,
    readings.erase,
    readings.use_count,
    pointers.point,
    pointers.ask,
    pointers.answer,
    pointers.pointed,
    pointers.lookups,
)


@deploy
def __init__(consortium: IConsortium):
    """
    @notice Bind to the network's consortium; the contract takes nothing new until a vote has registered it.
    """
    access.__init__(consortium)
    eip712.__init__()
