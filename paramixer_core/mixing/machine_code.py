"""Machine code without a compiler on the machine: functions written in LLVM's language.

`Code` writes one function: loops, places in arrays, vectors. `load` has LLVM optimise a module for
a processor and says where its functions are.
"""

import threading
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import llvmlite.binding as llvm
from llvmlite import ir

INTEGER, LANE, POINTER, NOTHING = ir.IntType(64), ir.IntType(32), ir.PointerType(), ir.VoidType()

one_at_a_time = threading.Lock()  # LLVM's global state bears one thread


class Machine(NamedTuple):
    """What code is written for."""

    vector_bytes: int
    registers: int
    features: str  # as LLVM names them


@lru_cache(maxsize=1)
def this_machine() -> Machine:
    """The widest vectors of this processor."""
    features = llvm.get_host_cpu_features()
    if features.get("avx512f"):
        return Machine(64, 32, features.flatten())
    return Machine(32 if features.get("avx") else 16, 16, features.flatten())


class Library(NamedTuple):
    """A loaded module: where its functions are, as long as this is kept."""

    addresses: dict[str, int]
    engine: Any  # whose memory they are in


def load(module: ir.Module, machine: Machine, names: Sequence[str]) -> Library:
    """Optimise a module for a machine and load it."""
    with one_at_a_time:
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        target = llvm.Target.from_default_triple().create_target_machine(
            cpu=llvm.get_host_cpu_name(), features=machine.features, opt=3
        )
        module.triple = target.triple
        read = llvm.parse_assembly(str(module))
        read.verify()
        passes = llvm.create_pass_builder(target, llvm.create_pipeline_tuning_options(3))
        passes.getModulePassManager().run(read, passes)
        engine = llvm.create_mcjit_compiler(read, target)
        engine.finalize_object()
        return Library({name: engine.get_function_address(name) for name in names}, engine)


class Code(ir.IRBuilder):  # type: ignore[misc]
    """A function being written. Indices count elements, not bytes."""

    def __init__(self, function: ir.Function, scalar: ir.Type, align: int) -> None:
        super().__init__(function.append_basic_block())
        self.scalar, self.align = scalar, align

    def variable(self, first: ir.Value) -> ir.Value:
        """A place on the stack, which LLVM turns into a register."""
        with self.goto_entry_block():
            place = self.alloca(first.type)
        self.store(first, place)
        return place

    def blocks(
        self, first: ir.Value, last: ir.Value, sizes: Sequence[int], by: ir.Value | None = None
    ) -> Iterator[tuple[ir.Value, int]]:
        """Loops, one for each size: `for (; i + size <= last; i += size)`, i going on from first.

        What is written while a pair (i, size) is held is that loop's body.
        """
        place = self.variable(first)
        for size in dict.fromkeys(sizes):
            test, body, after = (self.append_basic_block() for _ in range(3))
            self.branch(test)
            self.position_at_end(test)
            index = self.load(place, typ=INTEGER)
            onward = self.add(index, by or INTEGER(size))
            self.cbranch(self.icmp_signed("<=", onward, last), body, after)
            self.position_at_end(body)
            yield index, size
            self.store(onward, place)
            self.branch(test)
            self.position_at_end(after)

    def each(self, last: ir.Value) -> Iterator[ir.Value]:
        """`for (i = 0; i < last; i++)`."""
        for index, _ in self.blocks(INTEGER(0), last, (1,)):
            yield index

    def total(self, *terms: ir.Value) -> ir.Value:
        """The sum of indices."""
        result = terms[0]
        for term in terms[1:]:
            result = self.add(result, term)
        return result

    def product(self, *terms: ir.Value) -> ir.Value:
        """The product of indices."""
        result = terms[0]
        for term in terms[1:]:
            result = self.mul(result, term)
        return result

    def larger(self, left: ir.Value, right: ir.Value) -> ir.Value:
        """The larger of two indices."""
        return self.select(self.icmp_signed(">", left, right), left, right)

    def smaller(self, left: ir.Value, right: ir.Value) -> ir.Value:
        """The smaller of two indices."""
        return self.select(self.icmp_signed("<", left, right), left, right)

    def at(self, array: ir.Value, *terms: ir.Value) -> ir.Value:
        """The place of the element whose index is the sum of the terms."""
        return self.gep(array, [self.total(*terms)], source_etype=self.scalar)

    def entry(self, table: ir.Value, *terms: ir.Value) -> ir.Value:
        """A number of a table of indices."""
        place = self.gep(table, [self.total(*terms)], source_etype=INTEGER)
        return self.load(place, typ=INTEGER)

    def lanes(self, place: ir.Value, width: int) -> ir.Value:
        """A vector from memory."""
        return self.load(place, typ=ir.VectorType(self.scalar, width), align=self.align)

    def put(self, vector: ir.Value, place: ir.Value) -> None:
        """A vector into memory."""
        self.store(vector, place, align=self.align)

    def zero(self, width: int) -> ir.Constant:
        """A vector of zeros."""
        return ir.Constant(ir.VectorType(self.scalar, width), None)

    def pick(self, left: ir.Value, right: ir.Value, order: Sequence[int]) -> ir.Value:
        """Lanes of two vectors laid end to end."""
        mask = ir.Constant(ir.VectorType(LANE, len(order)), list(order))
        return self.shuffle_vector(left, right, mask)

    def spread(self, place: ir.Value, width: int) -> ir.Value:
        """A number from memory in every lane."""
        one = self.lanes(place, 1)
        return self.pick(one, one, [0] * width)

    def plus(self, left: ir.Value, right: ir.Value) -> ir.Value:
        """Their sum, lane by lane; with a product it may become one operation."""
        return self.fadd(left, right, flags=("contract",))

    def times(self, left: ir.Value, right: ir.Value) -> ir.Value:
        """Their product, lane by lane."""
        return self.fmul(left, right, flags=("contract",))
