"""The portable path's passes: all factors of some sequences, forward and backward, in one call."""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import NamedTuple

from llvmlite import ir

from paramixer_core.mixing.machine_code import INTEGER, POINTER, Code, Machine, load, this_machine
from paramixer_core.mixing.portable_loops import FactorCode

NUMBERS = ("batch", "seq", "factors", "links", "residual", "plane")
SHARE = ("first_sequence", "last_sequence", "first_row", "last_row", "members")
"""What a pass is told in its array `numbers`, in this order, as int64."""


class Passes(NamedTuple):
    """The functions `forward` and `backward` of `MixCode`, which take pointers."""

    forward: Callable[..., None]
    backward: Callable[..., None]


@lru_cache(maxsize=64)
def passes(channels: int, double: bool, machine: Machine | None = None) -> Passes:
    """Machine code for a number of channels, float64 if `double`: made in a quarter of a second."""
    machine = machine or this_machine()
    code = MixCode(channels, double, machine)
    code.write_forward()
    code.write_backward()
    function = load(code.module, machine)
    return Passes(function("forward"), function("backward"))


class MixCode(FactorCode):
    """The module for a number of channels."""

    def write_forward(self) -> None:
        """V_M of some sequences, or, together with others, of some rows of every sequence."""
        written, code = self.function("forward", *[POINTER] * 7)
        numbers, meeting, tables, values, weights, scratch, result = written.args
        call = Call(code, numbers, meeting, self.channels)
        for b in call.sequences():
            read = code.variable(call.sequence(values, b))
            for m in code.each(call.factors):
                final = code.icmp_signed("==", m, code.sub(call.factors, INTEGER(1)))
                between = call.plane_at(scratch, code.and_(m, INTEGER(1)))
                write = code.select(final, call.sequence(result, b), between)
                call.sum_rows(self.sum_rows, write, read, weights, tables, m, b)
        code.ret_void()

    def write_backward(self) -> None:
        """Gradients by V_0 and by the weights; V_1 .. V_{M-1} are computed again on the way."""
        written, code = self.function("backward", *[POINTER] * 10)
        numbers, meeting, tables, turned, grad, values, weights, scratch, *results = written.args
        call = Call(code, numbers, meeting, self.channels)
        inner = code.sub(call.factors, INTEGER(1))
        for b in call.sequences():
            read = code.variable(call.sequence(values, b))
            for m in code.each(inner):
                call.sum_rows(self.sum_rows, call.plane_at(scratch, m), read, weights, tables, m, b)
            back = code.variable(call.sequence(grad, b))
            for done in code.each(call.factors):
                m = code.sub(inner, done)
                first = code.icmp_signed("==", m, INTEGER(0))
                before = call.plane_at(scratch, code.sub(m, INTEGER(1)))
                reached = code.select(first, call.sequence(values, b), before)
                call.dot_products(self.dot_products, results[1], back, reached, tables, m, b)
                between = call.plane_at(scratch, code.add(inner, code.and_(m, INTEGER(1))))
                write = code.select(first, call.sequence(results[0], b), between)
                call.sum_rows(self.sum_rows, write, back, weights, turned, m, b)
        code.ret_void()


class Call:
    """What `forward` and `backward` are told, and how they go on from factor to factor."""

    def __init__(self, code: Code, numbers: ir.Value, meeting: ir.Value, channels: int) -> None:
        self.code, self.meeting, self.channels = code, meeting, INTEGER(channels)
        told = {
            name: code.entry(numbers, INTEGER(place)) for place, name in enumerate(NUMBERS + SHARE)
        }
        self.batch, self.seq, self.factors = told["batch"], told["seq"], told["factors"]
        self.links, self.residual, self.plane = told["links"], told["residual"], told["plane"]
        self.first, self.last = told["first_sequence"], told["last_sequence"]
        self.rows = told["first_row"], told["last_row"]
        self.members = told["members"]

    def sequences(self) -> Iterator[ir.Value]:
        """The sequences of this caller."""
        for b, _ in self.code.blocks(self.first, self.last, (1,)):
            yield b

    def sequence(self, tokens: ir.Value, b: ir.Value) -> ir.Value:
        """Where a sequence begins."""
        return self.code.at(tokens, self.code.product(b, self.seq, self.channels))

    def plane_at(self, scratch: ir.Value, index: ir.Value) -> ir.Value:
        """Where a sequence's values between two factors are kept."""
        return self.code.at(scratch, self.code.mul(index, self.plane))

    def links_at(self, weights: ir.Value, m: ir.Value, b: ir.Value) -> ir.Value:
        """Where a sequence's weights of one factor begin."""
        sequence = self.code.add(self.code.mul(m, self.batch), b)
        return self.code.at(weights, self.code.product(sequence, self.seq, self.links))

    def table_at(self, tables: ir.Value, m: ir.Value) -> ir.Value:
        """The table of one factor."""
        start = self.code.entry(tables, m)
        return self.code.gep(tables, [start], source_etype=INTEGER)

    def sum_rows(
        self,
        function: ir.Function,
        write: ir.Value,
        read: ir.Value,
        weights: ir.Value,
        tables: ir.Value,
        m: ir.Value,
        b: ir.Value,
    ) -> None:
        """Apply a factor to what the variable `read` points to, and point it to the result."""
        table, weight = self.table_at(tables, m), self.links_at(weights, m, b)
        source = self.code.load(read, typ=POINTER)
        self.code.call(
            function, [write, source, weight, table, self.links, self.residual, *self.rows]
        )
        self.code.store(write, read)
        self.meet()

    def dot_products(
        self,
        function: ir.Function,
        write: ir.Value,
        grad: ir.Value,
        values: ir.Value,
        tables: ir.Value,
        m: ir.Value,
        b: ir.Value,
    ) -> None:
        """The gradient by a factor's weights."""
        table, place = self.table_at(tables, m), self.links_at(write, m, b)
        source = self.code.load(grad, typ=POINTER)
        self.code.call(function, [place, source, values, table, self.links, *self.rows])

    def meet(self) -> None:
        """Wait until all who share a sequence's rows have come this far."""
        code = self.code
        with code.if_then(code.icmp_signed(">", self.members, INTEGER(1))):
            ticket = code.atomic_rmw("add", self.meeting, INTEGER(1), "seq_cst")
            round_ = code.add(code.sdiv(ticket, self.members), INTEGER(1))
            wait, after = code.append_basic_block(), code.append_basic_block()
            code.branch(wait)
            code.position_at_end(wait)
            come = code.load_atomic(self.meeting, "seq_cst", 8, typ=INTEGER)
            there = code.icmp_signed(">=", come, code.mul(round_, self.members))
            code.cbranch(there, after, wait)
            code.position_at_end(after)
