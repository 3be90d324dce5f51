"""Device models, one file each; `device.py` says how a model is declared."""

from neurosim.devices.device import Device
from neurosim.registry import Registry

devices: Registry[Device] = Registry("device", "neurosim.devices", "device", "neurosim.devices")
"""All devices by name; third-party packages add theirs by the entry point group ``neurosim.devices``."""
