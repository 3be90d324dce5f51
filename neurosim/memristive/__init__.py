"""Networks of memristors as dynamical systems on a graph, and the linear systems behind them."""
