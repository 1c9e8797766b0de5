"""Decoding frame by frame finds librosa's path, for any observations."""

from dataclasses import replace

import librosa
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.core.pitch.candidates import Candidates
from chalicelib.core.pitch.compiled_lattice import make_lattice
from chalicelib.core.pitch.parameters import PitchParameters
from chalicelib.core.pitch.survivors import UNVOICED
from chalicelib.core.pitch.transitions import Transitions, local_transitions
from chalicelib.core.pitch.viterbi import BLOCK_FRAMES, Decoder

pytestmark = pytest.mark.usefixtures("each_path")

TINY = np.finfo(np.float64).tiny
COARSE = PitchParameters(sr=22050, resolution=0.5)
NARROW = PitchParameters(sr=22050, resolution=0.5, hop_length=64)
STILL = PitchParameters(sr=22050, resolution=0.5, hop_length=16)
LOOSE = PitchParameters(sr=22050, resolution=0.5, hop_length=200, switch_prob=0.5)
STIFF = PitchParameters(sr=22050, resolution=0.5, hop_length=200, switch_prob=1e-300)
SETTINGS = [COARSE, NARROW, STILL, LOOSE, STIFF]
SETTINGS += [replace(each, transition_min_prob=1e-4) for each in SETTINGS]
SETTINGS += [replace(COARSE, transition_min_prob=0.02), replace(LOOSE, transition_min_prob=1e-300)]


def named(parameters):
    p = parameters
    return f"{p.hop_length}-{p.switch_prob}-{p.transition_min_prob}"


def observed(observations, parameters):
    """Make ``Candidates`` of a list with a dictionary of bin and probability for each frame."""
    n_bins = parameters.n_pitch_bins
    frames = [sorted(frame.items()) for frame in observations]
    probs = np.array([prob for frame in frames for _, prob in frame], np.float64)
    voiced_prob = np.array([min(sum(prob for _, prob in frame), 1.0) for frame in frames])
    return Candidates(
        starts=np.cumsum([0, *map(len, frames)]),
        bins=np.array([each for frame in frames for each, _ in frame], np.intp),
        log_probs=np.log(probs + TINY),
        log_unvoiced=np.log((1 - voiced_prob) / n_bins + TINY),
        voiced_prob=voiced_prob,
    )


def dense_states(observations, parameters):
    n_bins, p = parameters.n_pitch_bins, parameters
    prob = np.zeros((2 * n_bins, len(observations)))
    for t, frame in enumerate(observations):
        for each, value in frame.items():
            prob[each, t] = value
        prob[n_bins:, t] = (1 - min(sum(v for _, v in sorted(frame.items())), 1.0)) / n_bins
    transition = librosa.sequence.transition_local(n_bins, p.transition_width)
    transition = np.kron(librosa.sequence.transition_loop(2, 1 - p.switch_prob), transition)
    p_init = np.ones(2 * n_bins) / (2 * n_bins)
    if p.transition_min_prob:
        return pruned_viterbi(prob, transition, p_init, p.transition_min_prob)
    return librosa.sequence.viterbi(prob, transition, p_init=p_init).astype(int)


def pruned_viterbi(prob, transition, p_init, least):
    """Decode as librosa 1.0 does, which 0.11 cannot be asked for."""
    log_trans, log_prob = np.log(transition + TINY), np.log(prob + TINY).T
    log_trans[log_trans < np.log(least + TINY)] = -np.inf
    value, sources = log_prob[0] + np.log(p_init + TINY), []
    for row in log_prob[1:]:
        costs = value[:, np.newaxis] + log_trans
        sources.append(costs.argmax(axis=0))
        value = row + costs.max(axis=0)
    states = [int(value.argmax())]
    for source in reversed(sources):
        states.append(source[states[-1]])
    return np.array(states[::-1])


def dense_path(observations, parameters):
    states = dense_states(observations, parameters)
    return np.where(states < parameters.n_pitch_bins, states, UNVOICED)


def lattice_states(observations, parameters):
    candidates = observed(observations, parameters)
    lattice = make_lattice(Transitions.of(parameters), n_rows=len(observations))
    for t, log_unvoiced in enumerate(candidates.log_unvoiced.tolist()):
        frame = slice(candidates.starts[t], candidates.starts[t + 1])
        lattice.step(candidates.bins[frame], candidates.log_probs[frame], log_unvoiced)
    states = [int(lattice.states(lattice.row)[lattice.best()])]
    for row in range(lattice.row, 0, -1):
        (source,) = lattice.sources(row, np.array(states[-1:]))
        assert lattice.source(row, states[-1]) == source
        states.append(int(source))
    return states[::-1]


def decoded(candidates, parameters):
    decoder = Decoder(parameters)
    pitches, probs = decoder.push(candidates)
    last_pitches, last_probs = decoder.finish()
    np.testing.assert_array_equal(np.concatenate([probs, last_probs]), candidates.voiced_prob)
    return np.concatenate([pitches, last_pitches])


def frames_of(parameters):
    """Draw a frame: nothing, doubtful or certain candidates, evenly likely ones among them."""
    last = parameters.n_pitch_bins - 1
    bins = st.sampled_from([0, 1, 3, last // 2, last - 1, last])
    doubtful = st.dictionaries(bins, st.sampled_from([1e-60, 1e-9, 0.01, 0.1, 0.25]), max_size=4)
    certain = st.dictionaries(bins, st.just(1), min_size=1, max_size=4).map(
        lambda frame: dict.fromkeys(frame, 1 / len(frame))
    )
    nearly = bins.map(lambda each: {each: 1 - 2**-53})
    return st.one_of(st.just({}), doubtful, certain, nearly)


@pytest.mark.slow
@settings(max_examples=150)
@given(st.data())
def test_the_path_is_that_of_a_dense_search(data):
    parameters = data.draw(st.sampled_from(SETTINGS))
    runs = data.draw(
        st.lists(st.tuples(frames_of(parameters), st.integers(1, 12)), min_size=1, max_size=12)
    )
    observations = [frame for frame, n in runs for _ in range(n)]

    path = decoded(observed(observations, parameters), parameters)

    np.testing.assert_array_equal(path, dense_path(observations, parameters))
    assert (
        lattice_states(observations, parameters) == dense_states(observations, parameters).tolist()
    )


@pytest.mark.parametrize(
    "observations",
    [
        # Certain of a pitch that cannot be reached: the path stays in an unvoiced state.
        [{3: 1.0}, {60: 1.0}, {3: 1.0}],
        [{3: 1.0}, {60: 1.0}],
        [{3: 1.0}] * 5 + [{60: 1.0}] * 2 + [{3: 1.0}] * 5,
        [{3: 1.0}] * 300 + [{}] * 2 + [{60: 1.0}] * 3 + [{}] * 40 + [{30: 1.0}],
        [{3: 0.5, 60: 0.5}] * 20,
        [{10: 0.5, 12: 0.5}, {11: 1.0}] * 20,
        [{}] * 30 + [{35: 0.1}] * 3 + [{}] * 30,
        # As likely as each of the 71 unvoiced states.
        [{35: 1 / 72}] * 6,
    ],
)
@pytest.mark.parametrize("parameters", SETTINGS, ids=named)
def test_the_states_of_a_hard_case_are_those_of_a_dense_search(parameters, observations):
    states = lattice_states(observations, parameters)

    assert states == dense_states(observations, parameters).tolist()


@pytest.mark.parametrize("parameters", SETTINGS, ids=named)
@pytest.mark.parametrize("n_frames", [1, 2, BLOCK_FRAMES, BLOCK_FRAMES + 1, BLOCK_FRAMES + 2, 700])
def test_the_path_is_that_of_a_dense_search_at_every_length(parameters, n_frames):
    rng = np.random.default_rng(n_frames)
    observations = [
        dict(zip(rng.integers(0, parameters.n_pitch_bins, 3).tolist(), probs, strict=True))
        for probs in rng.choice([0.01, 0.2, 0.3, 1 / 3], (n_frames, 3)).tolist()
    ]

    path = decoded(observed(observations, parameters), parameters)

    np.testing.assert_array_equal(path, dense_path(observations, parameters))


def test_two_equally_likely_pitches_wait_for_the_end():
    observations = [{3: 0.5, 60: 0.5}] * (3 * BLOCK_FRAMES) + [{60: 1.0}]
    candidates = observed(observations, COARSE)

    decoder = Decoder(COARSE)
    pitches, _ = decoder.push(candidates)
    last, _ = decoder.finish()

    assert len(pitches) == 0
    np.testing.assert_array_equal(last, dense_path(observations, COARSE))


def test_silence_is_decided_at_once():
    decoder = Decoder(COARSE)

    pitches, _ = decoder.push(observed([{}] * (2 * BLOCK_FRAMES + 1), COARSE))

    assert len(pitches) == 2 * BLOCK_FRAMES + 1


@pytest.mark.parametrize(("n_bins", "width"), [(36, 1), (36, 2), (37, 4), (36, 5), (37, 37)])
def test_transitions_are_those_of_librosa(n_bins, width):
    expected = librosa.sequence.transition_local(n_bins, width)

    np.testing.assert_array_equal(local_transitions(n_bins, width), expected)
