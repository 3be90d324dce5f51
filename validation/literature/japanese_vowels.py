"""Japanese vowels: which of nine men spoke, by an ensemble of small echo state networks. A remark instead where no
package brings the data.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from neurosim.architectures.echo_state import echo_state
from neurosim.datasets import Utterances, japanese_vowels
from neurosim.digital.network import digital
from neurosim.digital.training.readouts import ridge
from neurosim.errors import ParameterError
from validation.case import Case, Context
from validation.figures import curves

SOURCE = (
    "Jaeger et al., Neural Networks 20, 335 (2007): zero test errors (read in the abstract), 1000 nets of 4 units that "
    "vote, leak 0.2, radius 0.2, input scaling 1.5, three points in time, plain regression (recalled); hidden Markov "
    "models 3.8 %: Kudo et al. (1999) (recalled)"
)
UNITS, PARTS, LONGEST = 4, 3, 29


def features(utterances: Utterances, seed: int) -> np.ndarray:
    """States and inputs at the ends of three parts of each utterance, and its length; shape (utterances, features)."""
    sequences = utterances.sequences
    u = np.zeros((LONGEST, len(sequences), 13))
    for k, sequence in enumerate(sequences):
        u[: len(sequence), k, :12], u[: len(sequence), k, 12] = sequence, len(sequence) / LONGEST
    graph = echo_state(13, UNITS, density=1.0, spectral_radius=0.2, input_scaling=1.5, bias_scaling=0.5, seed=seed)
    states = digital(graph, dt=0.2).sequence(u).states
    rows = []
    for k, sequence in enumerate(sequences):
        ends = [part[-1] for part in np.array_split(np.arange(len(sequence)), PARTS)]
        rows.append(np.append(np.hstack([states[ends, k], u[ends, k, :12]]).ravel(), len(sequence) / LONGEST))
    return np.array(rows)


def cases(context: Context) -> Iterator[Case]:
    """Errors of 370 utterances against how many networks vote."""
    try:
        train, test = japanese_vowels()
    except ParameterError as missing:
        context.remarks.append(str(missing))
        return
    nets = 25 if context.fast else 200
    wanted, votes, alone, together = np.eye(9)[train.speakers], np.zeros((len(test.speakers), 9)), [], []
    for seed in range(nets):
        made = ridge(features(train, seed), wanted, 0.0)(features(test, seed))
        votes += made
        alone.append(int((made.argmax(axis=1) != test.speakers).sum()))
        together.append(int((votes.argmax(axis=1) != test.speakers).sum()))
    count = np.arange(1, nets + 1)
    shown = {"each alone": (count, alone, "."), "all so far": (count, together, "-")}
    share = together[-1] / len(test.speakers)
    yield Case(
        "Japanese vowels, speakers told apart", SOURCE,
        f"share of 370 test utterances, {nets} networks of {UNITS} units that vote ({np.mean(alone):.1f} errors alone)",
        "0", f"{together[-1]} errors, {100.0 * share:.2f} %", share, 0.01,
        "three utterances: the scalings of single inputs of the source are not known here",
        context.figure("japanese vowels", curves("networks", "errors of 370", shown)),
    )  # fmt: skip
