"""Training of digital networks: by gradients through time, by least squares, by Kalman filter, by construction.

>>> from neurosim.digital.training import Adam, train
>>> run = train(network, (inputs, targets), optimiser=Adam(0.01), epochs=100, batch_size=16)

Readouts of states that are there already: `ridge` (linear, penalty by cross-validation), `logistic` (classes) and
`p_delta` (pools of perceptrons); along a run `RecursiveLeastSquares` and `LeastMeanSquares`; `fit_readout` writes the
weights of a ridge regression into a network.
"""

from neurosim.digital.training.associative import bam, hebb, pseudo_inverse, storkey
from neurosim.digital.training.backpropagation import Training, train
from neurosim.digital.training.intrinsic_plasticity import adapt_intrinsically
from neurosim.digital.training.kalman import KalmanFilter, train_kalman
from neurosim.digital.training.losses import LOSSES, logistic_cross_entropy, mean_squared_error, softmax_cross_entropy
from neurosim.digital.training.online_readouts import LeastMeanSquares, fit_online
from neurosim.digital.training.optimisers import LBFGS, SGD, Adam, clip_by_norm
from neurosim.digital.training.parallel_perceptrons import PerceptronPools, p_delta
from neurosim.digital.training.readouts import Readout, RecursiveLeastSquares, fit_readout, logistic, ridge
from neurosim.digital.training.rtrl import Sensitivities, real_time_gradient, train_online
from neurosim.digital.training.weights import graph_of, load_weights, read_notes, save_weights

__all__ = [
    "LBFGS",
    "LOSSES",
    "SGD",
    "Adam",
    "KalmanFilter",
    "LeastMeanSquares",
    "PerceptronPools",
    "Readout",
    "RecursiveLeastSquares",
    "Sensitivities",
    "Training",
    "adapt_intrinsically",
    "bam",
    "clip_by_norm",
    "fit_online",
    "fit_readout",
    "graph_of",
    "hebb",
    "load_weights",
    "logistic",
    "logistic_cross_entropy",
    "mean_squared_error",
    "p_delta",
    "pseudo_inverse",
    "read_notes",
    "real_time_gradient",
    "ridge",
    "save_weights",
    "softmax_cross_entropy",
    "storkey",
    "train",
    "train_kalman",
    "train_online",
]
