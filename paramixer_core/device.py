"""Which device computes: CUDA, else Apple's MPS, else the CPU."""

import torch

from paramixer_core.config import DeviceChoice
from paramixer_core.errors import ParamixerError


def available_devices() -> tuple[DeviceChoice, ...]:
    """The devices of this machine, best first; the CPU is always there."""
    devices = []
    if torch.cuda.is_available():
        devices.append(DeviceChoice.CUDA)
    if torch.backends.mps.is_available():
        devices.append(DeviceChoice.MPS)
    return (*devices, DeviceChoice.CPU)


def choose_device(wanted: str = DeviceChoice.AUTO) -> torch.device:
    """The wanted device, or the best one for "auto"; raises ParamixerError if it is not here."""
    here = available_devices()
    if wanted == DeviceChoice.AUTO:
        return torch.device(here[0].value)
    if wanted not in here:
        names = [device.value for device in here]
        raise ParamixerError(
            f"a device of this machine, {names} or 'auto'", wanted, "choose one of them"
        )
    return torch.device(wanted)
