"""Networks of memristive devices as dynamical systems: the Caravelli-Traversa-Di Ventra equation and its relatives."""
