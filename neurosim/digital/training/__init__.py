"""Training of digital networks: by gradients through time, by least squares, by Kalman filter, by construction.

>>> from neurosim.digital.training import Adam, train
>>> run = train(network, (inputs, targets), optimiser=Adam(0.01), epochs=100, batch_size=16)
"""

from neurosim.digital.training.backpropagation import Training, train
from neurosim.digital.training.losses import LOSSES, logistic_cross_entropy, mean_squared_error, softmax_cross_entropy
from neurosim.digital.training.optimisers import LBFGS, SGD, Adam, clip_by_norm
from neurosim.digital.training.weights import graph_of, load_weights, read_notes, save_weights

__all__ = [
    "LBFGS",
    "LOSSES",
    "SGD",
    "Adam",
    "Training",
    "clip_by_norm",
    "graph_of",
    "load_weights",
    "logistic_cross_entropy",
    "mean_squared_error",
    "read_notes",
    "save_weights",
    "softmax_cross_entropy",
    "train",
]
