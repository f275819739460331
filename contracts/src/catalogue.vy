# pragma version 0.4.3
"""
@title Catalogue: what each member offers, and what members have agreed to handle for each other
@license Apache-2.0
@notice Two parts that share nothing but the consortium: `matters` (versions, limit rules, delegations) and `agreements`.
        A case asks both when it is opened and keeps what it was told.
"""

from interfaces import ICatalogue
from interfaces import IConsortium
from modules import access
from modules import agreements
from modules import drafts
from modules import matters

initializes: access
initializes: drafts[access := access]
initializes: agreements[access := access, drafts := drafts]
initializes: matters[access := access]

implements: ICatalogue

exports: (
    matters.publish,
    matters.withdraw,
    matters.delegate,
    matters.latest,
    matters.rule,
    matters.digest,
    matters.delegated,
    agreements.draft,
    agreements.accept,
    agreements.end,
    agreements.covers,
    agreements.agreement_version,
    agreements.agreement_head,
    agreements.parents,
    agreements.predecessors,
)


@deploy
def __init__(consortium: IConsortium):
    """
    @notice Bind to the network's consortium; the contract takes nothing new until a vote has registered it.
    """
    access.__init__(consortium)
