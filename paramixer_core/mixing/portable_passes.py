"""The portable path's passes, as a team of threads runs them.

A pass is a function of one pointer, to an array of 64-bit numbers (`TOLD`), that any number of
threads may call at the same time. Each draws tickets until the work is done: `forward` and
`backward` a sequence at a time, through all factors; `sum_rows_of_all` and `dot_products_of_all`
some rows at a time, of one factor.
"""

from collections.abc import Iterator
from functools import lru_cache

from llvmlite import ir

from paramixer_core.mixing.machine_code import (
    INTEGER,
    POINTER,
    Code,
    Library,
    Machine,
    load,
    this_machine,
)
from paramixer_core.mixing.portable_loops import FactorCode

SIZES = ("batch", "seq", "factors", "links", "residual", "plane", "room", "rows_a_ticket")
DRAWN = ("tickets", "rooms")
"""How many tickets and rooms of scratch memory have been taken: zero before the call."""
TENSORS = ("tables", "turned", "values", "weights", "grad", "scratch")
RESULTS = ("result", "grad_values", "grad_weights")
TOLD = SIZES + DRAWN + TENSORS + RESULTS


@lru_cache(maxsize=64)
def passes(channels: int, double: bool, machine: Machine | None = None) -> Library:
    """All passes for a number of channels, in float64 if `double`, else float32.

    They are made in a third of a second, the first time.
    """
    machine = machine or this_machine()
    code = MixCode(channels, double, machine)
    code.write_forward()
    code.write_backward()
    code.write_sum_rows_of_all()
    code.write_dot_products_of_all()
    names = ("forward", "backward", "sum_rows_of_all", "dot_products_of_all")
    return load(code.module, machine, names)


class MixCode(FactorCode):
    """The module for a number of channels."""

    def write_forward(self) -> None:
        """V_M from V_0."""
        written, code = self.function("forward", POINTER)
        call = Call(code, written.args[0], self)
        call.take_a_room()
        for b in call.tickets(call.batch):
            read = code.variable(call.sequence("values", b))
            for m in code.each(call.factors):
                final = code.icmp_signed("==", m, code.sub(call.factors, INTEGER(1)))
                between = call.plane_at(code.and_(m, INTEGER(1)))
                write = code.select(final, call.sequence("result", b), between)
                call.sum_rows(write, read, "tables", m, b)
        code.ret_void()

    def write_backward(self) -> None:
        """Gradients by V_0 and by the weights; V_1 .. V_{M-1} are computed again on the way."""
        written, code = self.function("backward", POINTER)
        call = Call(code, written.args[0], self)
        call.take_a_room()
        inner = code.sub(call.factors, INTEGER(1))
        for b in call.tickets(call.batch):
            read = code.variable(call.sequence("values", b))
            for m in code.each(inner):
                call.sum_rows(call.plane_at(m), read, "tables", m, b)
            back = code.variable(call.sequence("grad", b))
            for done in code.each(call.factors):
                m = code.sub(inner, done)
                first = code.icmp_signed("==", m, INTEGER(0))
                before = call.plane_at(code.sub(m, INTEGER(1)))
                reached = code.select(first, call.sequence("values", b), before)
                call.dot_products(code.load(back, typ=POINTER), reached, m, b)
                between = call.plane_at(code.add(inner, code.and_(m, INTEGER(1))))
                write = code.select(first, call.sequence("grad_values", b), between)
                call.sum_rows(write, back, "turned", m, b)
        code.ret_void()

    def write_sum_rows_of_all(self) -> None:
        """One factor applied to all sequences: `result` from `values`."""
        written, code = self.function("sum_rows_of_all", POINTER)
        call = Call(code, written.args[0], self)
        for b, rows in call.parts():
            read = code.variable(call.sequence("values", b))
            call.sum_rows(call.sequence("result", b), read, "tables", INTEGER(0), b, rows)
        code.ret_void()

    def write_dot_products_of_all(self) -> None:
        """The gradient by one factor's weights of all sequences, from `grad` and `values`."""
        written, code = self.function("dot_products_of_all", POINTER)
        call = Call(code, written.args[0], self)
        for b, rows in call.parts():
            own, reached = call.sequence("grad", b), call.sequence("values", b)
            call.dot_products(own, reached, INTEGER(0), b, rows)
        code.ret_void()


class Call:
    """What a pass is told, and how it goes on from sequence to sequence and factor to factor."""

    def __init__(self, code: Code, told: ir.Value, loops: FactorCode) -> None:
        self.code, self.told, self.loops = code, told, loops
        self.batch, self.seq, self.factors = map(self.number, ("batch", "seq", "factors"))
        self.links, self.channels = self.number("links"), INTEGER(loops.channels)

    def place(self, name: str) -> ir.Value:
        """Where a number stands that is told."""
        return self.code.gep(self.told, [INTEGER(TOLD.index(name))], source_etype=INTEGER)

    def number(self, name: str) -> ir.Value:
        """A number that is told."""
        return self.code.load(self.place(name), typ=INTEGER)

    def pointer(self, name: str) -> ir.Value:
        """A tensor's memory."""
        return self.code.load(self.place(name), typ=POINTER)

    def draw(self, name: str) -> ir.Value:
        """A number that no other thread has: 0, 1, 2 ..."""
        return self.code.atomic_rmw("add", self.place(name), INTEGER(1), "seq_cst")

    def tickets(self, count: ir.Value) -> Iterator[ir.Value]:
        """A loop over those of `count` tickets that this thread draws."""
        code = self.code
        draw, body, after = (code.append_basic_block() for _ in range(3))
        code.branch(draw)
        code.position_at_end(draw)
        ticket = self.draw("tickets")
        code.cbranch(code.icmp_signed("<", ticket, count), body, after)
        code.position_at_end(body)
        yield ticket
        code.branch(draw)
        code.position_at_end(after)

    def parts(self) -> Iterator[tuple[ir.Value, tuple[ir.Value, ir.Value]]]:
        """A loop over sequences and some rows of each: as many as a ticket is for."""
        code, many = self.code, self.number("rows_a_ticket")
        each = code.sdiv(code.sub(code.add(self.seq, many), INTEGER(1)), many)
        for ticket in self.tickets(code.mul(self.batch, each)):
            first = code.mul(code.srem(ticket, each), many)
            last = code.smaller(code.add(first, many), self.seq)
            yield code.sdiv(ticket, each), (first, last)

    def take_a_room(self) -> None:
        """Find scratch memory that is this thread's alone."""
        room = self.code.mul(self.draw("rooms"), self.number("room"))
        self.scratch = self.code.at(self.pointer("scratch"), room)

    def plane_at(self, index: ir.Value) -> ir.Value:
        """Where a sequence's values between two factors are kept."""
        return self.code.at(self.scratch, self.code.mul(index, self.number("plane")))

    def sequence(self, name: str, b: ir.Value) -> ir.Value:
        """Where a sequence of a tensor of tokens begins."""
        return self.code.at(self.pointer(name), self.code.product(b, self.seq, self.channels))

    def links_of(self, name: str, m: ir.Value, b: ir.Value) -> ir.Value:
        """Where a sequence's links of one factor begin, in the weights or their gradient."""
        sequence = self.code.add(self.code.mul(m, self.batch), b)
        return self.code.at(self.pointer(name), self.code.product(sequence, self.seq, self.links))

    def table(self, name: str, m: ir.Value) -> ir.Value:
        """The table of one factor."""
        tables = self.pointer(name)
        return self.code.gep(tables, [self.code.entry(tables, m)], source_etype=INTEGER)

    def sum_rows(
        self,
        write: ir.Value,
        read: ir.Value,
        tables: str,
        m: ir.Value,
        b: ir.Value,
        rows: tuple[ir.Value, ir.Value] | None = None,
    ) -> None:
        """Apply a factor to what the variable `read` points to, and point it to the result."""
        table = self.table(tables, m)
        places = [write, self.code.load(read, typ=POINTER), self.links_of("weights", m, b), table]
        numbers = [self.links, self.number("residual"), *(rows or (INTEGER(0), self.seq))]
        self.code.call(self.loops.sum_rows, [*places, *numbers])
        self.code.store(write, read)

    def dot_products(
        self,
        grad: ir.Value,
        values: ir.Value,
        m: ir.Value,
        b: ir.Value,
        rows: tuple[ir.Value, ir.Value] | None = None,
    ) -> None:
        """The gradient by a factor's weights."""
        table = self.table("tables", m)
        places = [self.links_of("grad_weights", m, b), grad, values, table]
        numbers = [self.links, *(rows or (INTEGER(0), self.seq))]
        self.code.call(self.loops.dot_products, [*places, *numbers])
