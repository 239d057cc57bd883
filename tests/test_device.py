"""The device is the best that the machine has, or the wanted one, or a sentence that says why."""

import pytest
import torch

from paramixer_core.device import available_devices, choose_device
from paramixer_core.errors import ParamixerError


@pytest.fixture
def machine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with exactly the accelerators that the test names."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: "cuda" in request.param)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: "mps" in request.param)


@pytest.mark.parametrize(
    ("machine", "devices"),
    [
        ((), ("cpu",)),
        (("cuda",), ("cuda", "cpu")),
        (("mps",), ("mps", "cpu")),
        (("cuda", "mps"), ("cuda", "mps", "cpu")),
    ],
    indirect=["machine"],
    ids=["no accelerator", "cuda", "mps", "both"],
)
@pytest.mark.usefixtures("machine")
def test_auto_takes_the_best_and_each_one_present_can_be_named(devices: tuple[str, ...]) -> None:
    assert available_devices() == devices
    assert choose_device() == choose_device("auto") == torch.device(devices[0])
    for name in devices:
        assert choose_device(name) == torch.device(name)


@pytest.mark.parametrize("machine", [()], indirect=True, ids=["no accelerator"])
@pytest.mark.parametrize("wanted", ["cuda", "mps", "gpu", "cuda:1", ""])
@pytest.mark.usefixtures("machine")
def test_a_device_that_is_not_here_is_refused_with_those_that_are(wanted: str) -> None:
    with pytest.raises(ParamixerError) as caught:
        choose_device(wanted)
    assert str(caught.value) == (
        f"Expected a device of this machine, ['cpu'] or 'auto', got {wanted or 'nothing'}: "
        "choose one of them."
    )
