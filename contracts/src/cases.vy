# pragma version 0.4.3
# pragma optimize codesize
"""
@title Cases: how a case 办件 is submitted, handled, decided, delivered and rated, and what happens to its result
@license Apache-2.0
@notice Four parts: `docket` (what is kept, limits), `transitions` (the law's rows), `filings` (applicants), `handling`
        (offices and regulators). Each step moves the head of the case's hash chain and is emitted with it.
"""

from interfaces import ICases
from interfaces import IConsortium
from modules import access
from modules import docket
from modules import eip712
from modules import filings
from modules import handling
from modules import transitions
from modules import witnesses

initializes: access
initializes: eip712
initializes: docket[access := access]
initializes: transitions[access := access, docket := docket]
initializes: witnesses[access := access]
initializes: filings[
    access := access, docket := docket, eip712 := eip712, transitions := transitions, witnesses := witnesses
]
initializes: handling[access := access, docket := docket, transitions := transitions]

implements: ICases

exports: (
    docket.case_of,
    docket.reading,
    docket.limits,
    filings.assent,
    filings.open,
    filings.act,
    handling.step,
    handling.settle,
    handling.hand_over,
    handling.supervise,
    handling.record,
)


@deploy
def __init__(consortium: IConsortium, actions: uint256[32], kinds: uint256[2]):
    """
    @notice Bind to the network's consortium and take the tables of the law; nothing new until a vote has registered it.
    """
    access.__init__(consortium)
    eip712.__init__()
    transitions.__init__(actions)
    handling.__init__(kinds)
