"""Contracts' code run as Python: each basic block is translated once and then executed in one call.

py-evm interprets: for each of the two thousand instructions of one step of a case it looks up an object, checks the
types of the stack and counts gas in a method of its own, which takes ten times as long as the work itself. Here a block
(what is certainly executed one after another, through jumps whose destination is known) becomes one Python function in which the stack's top is
local variables and gas is counted once. Whatever touches state, other contracts, logs or the transaction is still
py-evm's own instruction, called with exact gas, stack and memory.

What makes this the same machine: inside a frame, an instruction that fails takes all of the frame's gas and undoes all
it did, whichever of a block's instructions it is; so the checks of a block (gas, depth of the stack) may come before the
block instead of before each instruction. Gas is exact wherever it can be seen: before every instruction of py-evm's, and
so at GAS, at calls and at REVERT. A test holds random programs and the real contracts to py-evm's own results.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeAlias, cast

from eth.exceptions import FullStack, Halt, InsufficientStack, InvalidJumpDestination, OutOfGas
from eth.vm.forks.prague.computation import PragueComputation
from eth.vm.logic.invalid import InvalidOpcode
from eth_hash.auto import keccak

if TYPE_CHECKING:
    from eth.abc import ComputationAPI, MessageAPI, StateAPI, TransactionContextAPI

__all__ = ["CompiledComputation", "Program"]

# Takes the computation, its stack, gas meter and memory, and answers where to go on.
_Block: TypeAlias = Callable[[Any, list[int], Any, Any], int]

# Programs kept translated: the network's four contracts in all generations, with room for others' experiments.
_PROGRAMS = 64
_STACK = 1_024
# A block of strange code is cut here, so that no function grows without bound.
_LINES = 1_000
# Where memory is; written after every instruction that may have moved it, and left out of a block that needs none.
_MEMORY: Final = "B = M._bytes"
_WORD: Final = 2**256 - 1
_SIGN: Final = 2**255
_JUMP, _JUMPI, _JUMPDEST, _PC = 0x56, 0x57, 0x5B, 0x58
_PUSH0, _PUSH32, _DUP1, _DUP16, _SWAP1, _SWAP16 = 0x5F, 0x7F, 0x80, 0x8F, 0x90, 0x9F
_POP, _MLOAD, _MSTORE, _MCOPY, _SHA3, _CALLDATALOAD = 0x50, 0x51, 0x52, 0x5E, 0x20, 0x35
_ENDS: Final = frozenset({0x00, 0xF3, 0xFD, 0xFE, 0xFF})

# Instructions of two operands and of one as Python; {a} is the top of the stack.
_BINARY: Final[dict[int, tuple[str, int]]] = {
    0x01: ("({a} + {b}) & WORD", 3),
    0x02: ("({a} * {b}) & WORD", 5),
    0x03: ("({a} - {b}) & WORD", 3),
    0x04: ("{a} // {b} if {b} else 0", 5),
    0x06: ("{a} % {b} if {b} else 0", 5),
    0x10: ("1 if {a} < {b} else 0", 3),
    0x11: ("1 if {a} > {b} else 0", 3),
    0x12: ("1 if {a} ^ SIGN < {b} ^ SIGN else 0", 3),
    0x13: ("1 if {a} ^ SIGN > {b} ^ SIGN else 0", 3),
    0x14: ("1 if {a} == {b} else 0", 3),
    0x16: ("{a} & {b}", 3),
    0x17: ("{a} | {b}", 3),
    0x18: ("{a} ^ {b}", 3),
    0x1A: ("{b} >> (248 - 8 * {a}) & 255 if {a} < 32 else 0", 3),
    0x1B: ("{b} << {a} & WORD if {a} < 256 else 0", 3),
    0x1C: ("{b} >> {a} if {a} < 256 else 0", 3),
}
_UNARY: Final[dict[int, tuple[str, int]]] = {0x15: ("0 if {a} else 1", 3), 0x19: ("WORD - {a}", 3)}
# How many operands py-evm's own instructions take from the stack and leave on it.
_TAKES: Final[dict[int, tuple[int, int]]] = {
    **dict.fromkeys((0x05, 0x07, 0x0A, 0x0B, 0x1D), (2, 1)),
    **dict.fromkeys((0x08, 0x09), (3, 1)),
    **dict.fromkeys((0x30, 0x32, 0x33, 0x34, 0x36, 0x38, 0x3A, 0x3D, 0x59, 0x5A, 0x4A, *range(0x41, 0x49)), (0, 1)),
    **dict.fromkeys((0x31, 0x3B, 0x3F, 0x40, 0x49, 0x54, 0x5C), (1, 1)),
    **dict.fromkeys((0x37, 0x39, 0x3E), (3, 0)),
    **dict.fromkeys((0x53, 0x55, 0x5D, 0xF3, 0xFD), (2, 0)),
    **{0xA0 + topics: (2 + topics, 0) for topics in range(5)},
    0x3C: (4, 0), 0x00: (0, 0), 0xFE: (0, 0), 0xFF: (1, 0),
    0xF0: (3, 1), 0xF1: (7, 1), 0xF2: (7, 1), 0xF4: (6, 1), 0xF5: (4, 1), 0xFA: (6, 1),
}  # fmt: skip


class Program:
    """One contract's code; its blocks are translated when they are first reached.

    Args:
        code: the deployed bytecode.
    """

    def __init__(self, code: bytes) -> None:
        self.code = code
        self.blocks: dict[int, _Block] = {}
        self.targets = _targets(code)

    def block(self, at: int) -> _Block:
        """The block that begins at a place which is the code's beginning, a target, or follows a block."""
        block = self.blocks[at] = _Writer(self, at).block()
        return block

    def run(self, computation: Any) -> None:  # noqa: ANN401  # py-evm's computation with its private parts
        """Execute from the beginning.

        Raises:
            Halt: at its end, as py-evm's instructions do.
            VMError: what py-evm would raise, of the same effect.
        """
        blocks, at = self.blocks, 0
        stack, meter, memory = computation._stack.values, computation._gas_meter, computation._memory  # noqa: SLF001  # the machine's parts
        while True:
            block = blocks.get(at)
            if block is None:
                block = self.block(at)
            at = block(computation, stack, meter, memory)


class CompiledComputation(PragueComputation):
    """Prague's computation over translated programs; code that creates contracts runs once and is interpreted."""

    @classmethod
    def apply_computation(
        cls,
        state: StateAPI,
        message: MessageAPI,
        transaction_context: TransactionContextAPI,
        parent_computation: ComputationAPI | None = None,
    ) -> ComputationAPI:
        """Execute a message, as py-evm's method of this name does."""
        if message.is_create or message.code_address in cls._precompiles or not message.code:
            return super().apply_computation(state, message, transaction_context, parent_computation)
        with cls(state, message, transaction_context) as computation:
            # What py-evm does at this place for a message that is no creation.
            computation.contracts_created = [] if parent_computation is None else parent_computation.contracts_created
            with contextlib.suppress(Halt):
                _program(message.code).run(computation)
        return computation


@lru_cache(_PROGRAMS)
def _program(code: bytes) -> Program:
    return Program(code)


def _targets(code: bytes) -> frozenset[int]:
    """Where a jump may lead: at JUMPDEST, unless that is the data of a PUSH."""
    found: set[int] = set()
    at = 0
    while at < len(code):
        if code[at] == _JUMPDEST:
            found.add(at)
        at += 1 + (code[at] - _PUSH0 if _PUSH0 < code[at] <= _PUSH32 else 0)
    return frozenset(found)


class _Writer:
    """Writes one block: ``top`` names what lies above the stack that the block has found, the last on top."""

    def __init__(self, program: Program, start: int) -> None:
        self.program, self.start, self.at = program, start, start
        # The destinations that the block has gone through; it comes to none of them a second time.
        self.passed: set[int] = set()
        self.lines: list[str] = []
        self.top: list[str] = []
        self.names = 0
        # Gas of the instructions written since the line at which it is to be taken.
        self.gas, self.gas_line = 0, 0
        # Height against the block's beginning: of what is written, the highest, and how much is taken from below.
        self.height = self.highest = self.lowest = 0
        self.called: dict[str, Any] = {}
        self.memory = False

    def block(self) -> _Block:
        """Translate and load."""
        self._begin_gas()
        while self._instruction():
            pass
        self._end_gas()
        name = f"block_{self.start}"
        head = [
            f"def {name}(c, S, G, M):",
            f" if not {-self.lowest} <= len(S) <= {_STACK - self.highest}: bad_stack(S, {-self.lowest})",
        ]
        lines = [_MEMORY, *self.lines] if self.memory else [line for line in self.lines if line != _MEMORY]
        scope: dict[str, Any] = _SCOPE | self.called | {"targets": self.program.targets}
        exec("\n".join(head + [f" {line}" for line in lines]), scope)  # noqa: S102  # our own text; of the code only numbers
        return cast("_Block", scope[name])

    # ---- instructions -----------------------------------------------------------------------------------------------

    def _instruction(self) -> bool:
        """Write the next one; answers whether the block goes on after it."""
        code = self.program.code
        if self.at >= len(code):
            return self._own(0x00)
        op = code[self.at]
        if (op == _JUMPDEST and self.at in self.passed) or len(self.lines) > _LINES:
            self._flush()
            self._write(f"return {self.at}")
            return False
        self.at += 1
        if _PUSH0 <= op <= _PUSH32:
            size = op - _PUSH0
            data = code[self.at : self.at + size].ljust(size, b"\0")
            self.at += size
            self._take(2 if size == 0 else 3)
            self._push(str(int.from_bytes(data, "big")))
        elif _DUP1 <= op <= _DUP16:
            self._take(3)
            self._push(self._peek(op - _DUP1 + 1))
        elif _SWAP1 <= op <= _SWAP16:
            self._take(3)
            self._swap(op - _SWAP1 + 1)
        elif op in _BINARY:
            text, gas = _BINARY[op]
            self._take(gas)
            self._push(self._name(text.format(a=self._pop(), b=self._pop())))
        elif op in _UNARY:
            text, gas = _UNARY[op]
            self._take(gas)
            self._push(self._name(text.format(a=self._pop())))
        else:
            return self._other(op)
        return True

    def _other(self, op: int) -> bool:
        if op == _POP:
            self._take(2)
            self._pop()
        elif op == _JUMPDEST:
            self.passed.add(self.at - 1)
            self._take(1)
        elif op == _PC:
            self._take(2)
            self._push(str(self.at - 1))
        elif op == _CALLDATALOAD:
            self._take(3)
            place = self._pop()
            self._push(self._name(f"word(c.msg.data_as_bytes[{place}:{place} + 32].ljust(32, NONE), 'big')"))
        elif op in {_MLOAD, _MSTORE, _MCOPY, _SHA3}:
            self._on_memory(op)
        elif op == _JUMP:
            self._take(8)
            return self._follow(self._pop())
        elif op == _JUMPI:
            self._take(10)
            target, condition = self._pop(), self._pop()
            self._jump(target, f"if {condition}: ")
            self._write(f"return {self.at}")
            return False
        else:
            return self._own(op)
        return True

    def _on_memory(self, op: int) -> None:
        self.memory = True
        place = self._pop()
        if op == _SHA3:
            size = self._pop()
            self._take(30)
            self._write(f"if {size}:")
            self._write(f" if {place} + {size} > len(B): B = grow(M, G, {place} + {size})")
            self._write(f" G.consume_gas(({size} + 31) // 32 * 6, 'SHA3')")
            self._push(self._name(f"word(keccak(bytes(B[{place}:{place} + {size}])), 'big')"))
            return
        self._take(3)
        if op == _MCOPY:
            source, size = self._pop(), self._pop()
            self._write(f"if {size}:")
            self._write(
                f" if max({place}, {source}) + {size} > len(B): B = grow(M, G, max({place}, {source}) + {size})"
            )
            self._write(f" G.consume_gas(({size} + 31) // 32 * 3, 'MCOPY')")
            self._write(f" B[{place}:{place} + {size}] = B[{source}:{source} + {size}]")
            return
        self._write(f"if {place} + 32 > len(B): B = grow(M, G, {place} + 32)")
        if op == _MSTORE:
            self._write(f"B[{place}:{place} + 32] = ({self._pop()}).to_bytes(32, 'big')")
        else:
            self._push(self._name(f"word(B[{place}:{place} + 32], 'big')"))

    def _own(self, op: int) -> bool:
        """Let py-evm do it: on the real stack, with exact gas."""
        own = PragueComputation.opcodes.get(op) or InvalidOpcode(op)
        takes, leaves = _TAKES.get(op, (0, 0))
        self._flush()
        self._end_gas()
        self.called[f"op_{op}"] = own
        self._reach(takes)
        self._write(f"op_{op}(computation=c)")
        self.height += leaves - takes
        self.highest = max(self.highest, self.height)
        if op in _ENDS or op not in _TAKES:
            # It has raised; this line says so to whoever reads the text.
            self._write("raise AssertionError")
            return False
        if leaves:
            name = self._name("S.pop()")
            self._write(f"if {name}.__class__ is not int: {name} = word({name}, 'big')")
            self.top.append(name)
        self._write(_MEMORY)
        self._begin_gas()
        return True

    def _follow(self, target: str) -> bool:
        """Go on where a jump certainly leads, in the same block; else leave it."""
        if target.isdigit() and int(target) in self.program.targets:
            self.at = int(target)
            return True
        self._jump(target, "")
        return False

    def _jump(self, target: str, condition: str) -> None:
        self._flush()
        if target.isdigit():
            known = int(target) in self.program.targets
            self._write(condition + (f"return {target}" if known else "bad_jump()"))
        elif condition:
            self._write(condition.rstrip())
            self._write(f" if {target} not in targets: bad_jump()")
            self._write(f" return {target}")
        else:
            self._write(f"if {target} not in targets: bad_jump()")
            self._write(f"return {target}")

    # ---- the stack --------------------------------------------------------------------------------------------------

    def _reach(self, depth: int) -> None:
        """Note that the block needs so many values below the present height."""
        self.lowest = min(self.lowest, self.height - depth)

    def _push(self, value: str) -> None:
        self.top.append(value)
        self.height += 1
        self.highest = max(self.highest, self.height)

    def _pop(self) -> str:
        self._reach(1)
        self.height -= 1
        return self.top.pop() if self.top else self._name("S.pop()")

    def _peek(self, depth: int) -> str:
        self._reach(depth)
        return self.top[-depth] if depth <= len(self.top) else self._name(f"S[{len(self.top) - depth}]")

    def _swap(self, depth: int) -> None:
        self._reach(depth + 1)
        if not self.top:
            self.top.append(self._name("S.pop()"))
        if depth < len(self.top):
            self.top[-1], self.top[-1 - depth] = self.top[-1 - depth], self.top[-1]
            return
        place = f"S[{len(self.top) - depth - 1}]"
        below = self._name(place)
        self._write(f"{place} = {self.top[-1]}")
        self.top[-1] = below

    def _flush(self) -> None:
        """Put what is held in names onto the real stack."""
        if len(self.top) == 1:
            self._write(f"S.append({self.top[0]})")
        elif self.top:
            self._write(f"S += ({', '.join(self.top)})")
        self.top.clear()

    # ---- lines and gas ----------------------------------------------------------------------------------------------

    def _write(self, line: str) -> None:
        self.lines.append(line)

    def _name(self, expression: str) -> str:
        """A new name for a value; names are never given twice, so that they may be held on to."""
        self.names += 1
        name = f"v{self.names}"
        self._write(f"{name} = {expression}")
        return name

    def _take(self, gas: int) -> None:
        self.gas += gas

    def _begin_gas(self) -> None:
        self.gas, self.gas_line = 0, len(self.lines)

    def _end_gas(self) -> None:
        if self.gas:
            self.lines[self.gas_line : self.gas_line] = [
                f"G.gas_remaining -= {self.gas}",
                f"if G.gas_remaining < 0: out_of_gas(G, {self.gas})",
            ]
        self.gas = 0


def _out_of_gas(meter: Any, needed: int) -> NoReturn:  # noqa: ANN401  # py-evm's meter
    meter.gas_remaining += needed
    raise OutOfGas(f"Out of gas: Needed {needed} - Remaining {meter.gas_remaining}")


def _grow(memory: Any, meter: Any, end: int) -> bytearray:  # noqa: ANN401  # py-evm's own
    """Let memory reach so far, against gas (yellow paper, appendix H: three a word and a quadratic part)."""
    before, after = len(memory) // 32, (end + 31) // 32
    meter.consume_gas(3 * (after - before) + after * after // 512 - before * before // 512, "memory")
    memory.extend(0, end)
    grown: bytearray = memory._bytes  # noqa: SLF001  # the machine's memory, see ``Program.run``
    return grown


def _bad_stack(stack: list[int], needed: int) -> NoReturn:
    raise InsufficientStack("Too few stack items") if len(stack) < needed else FullStack("Stack limit reached")


def _bad_jump() -> NoReturn:
    raise InvalidJumpDestination("Invalid Jump Destination")


# What the text of a block may name.
_SCOPE: Final[dict[str, Any]] = {
    "WORD": _WORD, "NONE": b"\0", "SIGN": _SIGN, "word": int.from_bytes, "keccak": keccak, "bad_stack": _bad_stack,
    "bad_jump": _bad_jump, "out_of_gas": _out_of_gas, "grow": _grow,
}  # fmt: skip
