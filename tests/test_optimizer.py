"""Our Adam is PyTorch's, bit for bit."""

import copy

import pytest
import torch
from torch import nn

from paramixer_core.optimizer import Adam


@pytest.mark.parametrize("fused", [True, False])
def test_every_step_gives_the_weights_and_the_state_of_pytorchs_adam(fused: bool) -> None:
    ours = nn.Linear(5, 3, device="cpu")
    theirs = copy.deepcopy(ours)
    pair = [
        (ours, Adam(ours.parameters(), lr=0.01, fused=fused)),
        (theirs, torch.optim.Adam(theirs.parameters(), lr=0.01, fused=fused)),
    ]
    inputs = torch.randn(7, 5, generator=torch.Generator().manual_seed(0))
    for rate in (0.01, 0.02, 0.005):
        for network, optimizer in pair:
            optimizer.zero_grad()
            optimizer.param_groups[0]["lr"] = rate
            network(inputs).square().sum().backward()
            optimizer.step()
        assert torch.equal(ours.weight, theirs.weight)
    for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        mine, reference = pair[0][1].state[one], pair[1][1].state[other]
        assert mine.keys() == reference.keys()
        assert all(torch.equal(mine[name], reference[name]) for name in mine)


def test_a_learning_rate_schedule_drives_it() -> None:
    weight = nn.Parameter(torch.ones(1))
    optimizer = Adam([weight], lr=1.0)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.5)
    weight.square().sum().backward()
    optimizer.step()
    schedule.step()
    assert optimizer.param_groups[0]["lr"] == 0.5
