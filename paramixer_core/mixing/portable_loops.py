"""The loops of the portable path: one factor, and the gradient by its weights.

A row of values is a few whole vector registers, so the loops name the registers themselves. They
read from a table (`tables.table_of`) where the links of a factor lead.
"""

from collections.abc import Iterator, Sequence

from llvmlite import ir

from paramixer_core.mixing.machine_code import INTEGER, NOTHING, POINTER, Code, Machine

ROWS_AT_ONCE = 32
"""Rows that are taken through all links' dot products while they are in the first-level cache."""


class FactorCode:
    """The functions `sum_rows` and `dot_products` for a number of channels, in a module."""

    def __init__(self, channels: int, double: bool, machine: Machine) -> None:
        self.channels, self.size = channels, 8 if double else 4
        self.scalar: ir.Type = ir.DoubleType() if double else ir.FloatType()
        self.lanes, self.registers = machine.vector_bytes // self.size, machine.registers
        self.module = ir.Module()
        self.sum_rows = self.write_sum_rows()
        self.dot_products = self.write_dot_products()

    def function(self, name: str, *arguments: ir.Type) -> tuple[ir.Function, Code]:
        """A function that returns nothing, and its code, as yet empty."""
        written = ir.Function(self.module, ir.FunctionType(NOTHING, arguments), name)
        return written, Code(written, self.scalar, self.size)

    def stretches(
        self, code: Code, table: ir.Value, links: ir.Value, first: ir.Value, last: ir.Value
    ) -> Iterator[tuple[ir.Value, ir.Value, ir.Value]]:
        """The table's stretches, cut to rows first..last: where its links stand, from, to."""
        width = code.total(links, links, INTEGER(2))
        end = code.mul(code.entry(table, INTEGER(0)), width)
        for here, _ in code.blocks(INTEGER(0), end, (1,), by=width):
            line = code.add(here, INTEGER(1))
            row = code.larger(code.entry(table, line), first)
            until = code.smaller(code.entry(table, line, INTEGER(1)), last)
            with code.if_then(code.icmp_signed("<", row, until)):
                yield code.add(line, INTEGER(2)), row, until

    def ahead(self, code: Code, table: ir.Value, *place: ir.Value) -> ir.Value:
        """How far a link's value lies ahead, in numbers."""
        return code.mul(code.entry(table, *place), INTEGER(self.channels))

    def columns(self, code: Code, most: int) -> Iterator[tuple[ir.Value, list[int]]]:
        """All channels, at most `most` registers at a time: the first column, the widths."""
        step = most * self.lanes
        whole = self.channels - self.channels % step
        if whole:
            for column, _ in code.blocks(INTEGER(0), INTEGER(whole), (step,)):
                yield column, [self.lanes] * most
        widths, rest = [], self.channels - whole
        for width in (self.lanes >> halvings for halvings in range(self.lanes.bit_length())):
            widths += [width] * (rest // width)
            rest %= width
        if widths:
            yield INTEGER(whole), widths

    def write_sum_rows(self) -> ir.Function:
        """out[i] = sum_k weights_k[i] values[i + ahead_k] (+ values[i]), rows first..last."""
        written, code = self.function("sum_rows", *[POINTER] * 4, *[INTEGER] * 4)
        out, values, weights, table, links, residual, first, last = written.args
        for line, start, until in self.stretches(code, table, links, first, last):
            for column, widths in self.columns(code, 4):
                most = min(4, self.registers // (2 * len(widths)))
                for row, rows in code.blocks(start, until, (most, 1)):
                    place = code.add(code.mul(row, INTEGER(self.channels)), column)
                    sums = Sums(code, rows, self.channels, widths)
                    with code.if_then(code.icmp_signed("!=", residual, INTEGER(0))):
                        sums.set(code.at(values, place))
                    for k in code.each(links):
                        value = code.at(values, place, self.ahead(code, table, line, k))
                        shift = code.entry(table, line, links, k)
                        sums.add(code.at(weights, code.mul(row, links), shift), links, value)
                    sums.put(code.at(out, place))
        code.ret_void()
        return written

    def write_dot_products(self) -> ir.Function:
        """out[i, k] = grad[i] . values[i + ahead_k], rows first..last."""
        written, code = self.function("dot_products", *[POINTER] * 4, *[INTEGER] * 3)
        out, grad, values, table, links, first, last = written.args
        for line, start, until in self.stretches(code, table, links, first, last):
            over = code.add(until, INTEGER(ROWS_AT_ONCE - 1))
            for low, _ in code.blocks(start, over, (ROWS_AT_ONCE,)):
                high = code.smaller(code.add(low, INTEGER(ROWS_AT_ONCE)), until)
                for column, widths in self.columns(code, 8):
                    for k, some in code.blocks(INTEGER(0), links, (min(4, self.lanes), 2, 1)):
                        for row, rows in code.blocks(low, high, (self.lanes // some, 1)):
                            place = code.add(code.mul(row, INTEGER(self.channels)), column)
                            reads = [
                                code.at(
                                    values, place, self.ahead(code, table, line, k, INTEGER(each))
                                )
                                for each in range(some)
                            ]
                            dots = self.dots(code, code.at(grad, place), reads, rows, widths)
                            for r in range(rows):
                                at = code.at(out, code.mul(code.add(row, INTEGER(r)), links), k)
                                mine = code.pick(dots, dots, range(r * some, (r + 1) * some))
                                before = code.lanes(at, some)
                                later = code.icmp_signed(">", column, INTEGER(0))
                                both = code.plus(before, mine)
                                code.put(code.select(later, both, mine), at)
        code.ret_void()
        return written

    def dots(
        self, code: Code, own: ir.Value, reads: Sequence[ir.Value], rows: int, widths: Sequence[int]
    ) -> ir.Value:
        """A register of dot products, of some rows with some links: link after link, row after row.

        A tree of folds sums as many products at once as a register has lanes.
        """

        def product(row: int, read: ir.Value) -> ir.Value:
            total = code.zero(self.lanes)
            for p, width in enumerate(widths):
                step = INTEGER(row * self.channels + sum(widths[:p]))
                left, right = (code.lanes(code.at(place, step), width) for place in (own, read))
                filled = [*range(width), *[width] * (self.lanes - width)]
                found = code.pick(code.times(left, right), code.zero(width), filled)
                total = code.plus(total, found) if p else found
            return total

        def tree(first: int, count: int) -> ir.Value:
            if count == 1:
                row, link = divmod(first, len(reads))
                return product(min(row, rows - 1), reads[link])
            half = count // 2
            left, right = tree(first, half), tree(first + half, half)
            odd = [lane // half % 2 for lane in range(self.lanes)]
            kept = [lane + self.lanes * odd[lane] for lane in range(self.lanes)]
            sent = [lane + (self.lanes - half if odd[lane] else half) for lane in range(self.lanes)]
            return code.plus(code.pick(left, right, kept), code.pick(left, right, sent))

        return tree(0, self.lanes)


class Sums:
    """Sums of some rows that stay in registers: a register for each part of each row."""

    def __init__(self, code: Code, rows: int, channels: int, widths: Sequence[int]) -> None:
        self.code = code
        self.parts = [
            (row, INTEGER(row * channels + sum(widths[:part])), code.variable(code.zero(width)))
            for row in range(rows)
            for part, width in enumerate(widths)
        ]

    def set(self, values: ir.Value) -> None:
        """Begin with rows from memory."""
        for _, step, total in self.parts:
            self.code.store(self.read(values, step, total), total)

    def add(self, weights: ir.Value, links: ir.Value, values: ir.Value) -> None:
        """Add rows from memory, each times its weight; weights lie `links` apart."""
        code = self.code
        for row, step, total in self.parts:
            weight = code.at(weights, code.mul(links, INTEGER(row)))
            factor = code.spread(weight, total.allocated_type.count)
            added = code.times(factor, self.read(values, step, total))
            code.store(code.plus(code.load(total, typ=added.type), added), total)

    def put(self, out: ir.Value) -> None:
        """Write them to memory."""
        for _, step, total in self.parts:
            self.code.put(self.code.load(total, typ=total.allocated_type), self.code.at(out, step))

    def read(self, values: ir.Value, step: ir.Value, total: ir.Value) -> ir.Value:
        """A row's part from memory."""
        return self.code.lanes(self.code.at(values, step), total.allocated_type.count)
