"""Networks of memristors, resistors and sources as one dynamical system of the states of the memristors."""
