"""Device models, one file each; `device.py` says how a model is declared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neurosim.registry import Registry

if TYPE_CHECKING:
    from neurosim.devices.device import Device

devices: Registry[Device] = Registry("device", "neurosim.devices", "device", "neurosim.devices")
"""All devices by name; third-party packages add theirs by the entry point group ``neurosim.devices``."""
