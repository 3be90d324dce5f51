"""How time is made discrete, one file a rule; found by their module-level object ``rule``."""

from neurosim.digital.rule import Rule
from neurosim.registry import Registry

rules: Registry[Rule] = Registry("rule", "neurosim.digital.rules", "rule", "neurosim.rules")
