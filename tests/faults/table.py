"""Every fault, in the order of the table: a new kind is one module and one line here."""

from tests.faults import bombs, disk, freeze, kills, queue, removed

FAULTS = (
    *removed.FAULTS,
    *freeze.FAULTS,
    *disk.FAULTS,
    *queue.FAULTS,
    *kills.FAULTS,
    *bombs.FAULTS,
)
