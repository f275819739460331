# pragma version 0.4.3
"""
@title EIP-712: what people and officers sign, and whose key signed it
@license Apache-2.0
@notice One domain for each contract. A signature counts only in its one canonical form: s in the lower half of the
        order (EIP-2), v 27 or 28, an address that is not zero.
"""

DOMAIN_TYPE: constant(bytes32) = keccak256(
    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
)
NAME: constant(bytes32) = keccak256("Tongban Ledger")
VERSION: constant(bytes32) = keccak256("1")
HALF_ORDER: constant(uint256) = 57896044618658097711785492504343953926418782139537452191302581570759080747168

CHAIN: immutable(uint256)
SEPARATOR: immutable(bytes32)


@deploy
def __init__():
    """
    @notice Compute the separator of this contract on this chain.
    """
    CHAIN = chain.id
    SEPARATOR = keccak256(abi_encode(DOMAIN_TYPE, NAME, VERSION, chain.id, self))


@internal
@view
def _digest(struct_hash: bytes32) -> bytes32:
    """
    @notice The digest that is signed for a struct.
    @custom:security A copy of the chain under another number gives other digests: nothing signed here counts there.
    """
    assert chain.id == CHAIN, "eip712: another chain"
    return keccak256(concat(x"1901", SEPARATOR, struct_hash))


@internal
@pure
def _signer(digest: bytes32, r: uint256, s: uint256, v: uint256) -> address:
    """
    @notice Whose key signed the digest; zero address where the signature is not in its canonical form.
    """
    if s > HALF_ORDER or (v != 27 and v != 28):
        return empty(address)
    return ecrecover(digest, v, r, s)
