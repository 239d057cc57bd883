"""Every fault, in the order of the table: a new kind is one module and one line here."""

from tests.faults import bombs, disk, freeze, half_sent, kills, queue, removed

FAULTS = (
    *removed.FAULTS,
    *freeze.FAULTS,
    *disk.FAULTS,
    *queue.FAULTS,
    *half_sent.FAULTS,
    *kills.FAULTS,
    *bombs.FAULTS,
)
