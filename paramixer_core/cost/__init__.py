"""What a network costs, in closed form: multiply-adds, parameters and bytes, part by part.

Counted are the multiply-adds of matrix products and of mixing (1 multiply-add = 2 FLOP).
Biases, activation functions, softmax, layer norm and residual additions are left out, as
`torch.utils.flop_counter` leaves them out; the tests hold both equal.
"""

from paramixer_core.cost.blocks import BLOCK_COSTS
from paramixer_core.cost.report import CostReport, Quantity, cost_report
from paramixer_core.cost.shape import CostShape, PartCost

__all__ = ["BLOCK_COSTS", "CostReport", "CostShape", "PartCost", "Quantity", "cost_report"]
