/* YIN's difference function, its troughs, and pYIN's prior of each trough.
   chalicelib/core/pitch/yin.py and candidates.py do the same with numpy and explain each step.
   Every operation has numpy's precision and order, because a trough is compared with thresholds and
   the last bit can decide: so no product may be fused with a sum. */

#include <float.h>
#include <math.h>
#include <string.h>

#include "kernels.h"

#pragma STDC FP_CONTRACT OFF

/* The cumulative mean normalised difference function of n_frames frames.
   correlations: lags from 0 to stop - 1 of each frame's autocorrelation, `step` values apart
   frames: their samples, which start `stride` samples apart
   first, stop: the lags that are wanted, first > 0
   yin: shape (n_frames, stop - first) */
void difference(
    const float *correlations, size_t step, const float *frames, ptrdiff_t stride, size_t n_frames,
    size_t first, size_t stop, double *yin)
{
    for (size_t t = 0; t < n_frames; t++, correlations += step, frames += stride) {
        float energy = frames[0] * frames[0], sum = 0;
        for (size_t lag = 1; lag < stop; lag++) {
            if (lag > 1) {
                float square = frames[lag - 1] * frames[lag - 1];
                energy = energy + square;
            }
            float twice = 2 * (correlations[0] - correlations[lag]);
            float apart = twice - (lag > 1 ? energy : 0);
            sum = sum + apart;
            if (lag >= first) {
                double mean = (double)sum / (double)lag;
                *yin++ = (double)apart / (mean + DBL_MIN);
            }
        }
    }
}

/* Find the lags at which difference functions have a local minimum, and locate it between lags.
   yin: shape (n_frames, n_lags), n_lags > 1
   frame, lag, height, shift: of each minimum; room for n_frames * (n_lags / 2 + 1) of each
   Returns how many there are. */
size_t find_troughs(
    const double *yin, size_t n_frames, size_t n_lags, int64_t *frame, int64_t *lag, double *height,
    double *shift)
{
    size_t n = 0, last = n_lags - 1;
    for (size_t t = 0; t < n_frames; t++, yin += n_lags)
        for (size_t i = 0; i < n_lags; i++) {
            if (i > 0 ? !(yin[i] < yin[i - 1]) : !(yin[0] < yin[1]))
                continue;
            double by = 0;
            if (i > 0 && i < last) {
                if (!(yin[i] <= yin[i + 1]))
                    continue;
                double curvature = yin[i + 1] + yin[i - 1] - 2 * yin[i];
                double slope = (yin[i + 1] - yin[i - 1]) / 2;
                if (fabs(slope) < fabs(curvature))
                    by = -slope / curvature;
            }
            frame[n] = (int64_t)t;
            lag[n] = (int64_t)i;
            height[n] = yin[i];
            shift[n++] = by;
        }
    return n;
}

/* The prior of each trough at each threshold; zero if the trough is not below it.
   n_above: how many thresholds are not above each trough
   starts: frame t has the troughs starts[t] to starts[t + 1]
   table: table[n * table_width + k] is the prior of the k-th of n troughs
   n_below, rank: room for n_thresholds each
   prior: shape (number of troughs, n_thresholds) */
void trough_priors(
    const int64_t *n_above, const int64_t *starts, size_t n_frames, size_t n_thresholds,
    const double *table, size_t table_width, size_t *n_below, size_t *rank, double *prior)
{
    for (size_t t = 0; t < n_frames; t++) {
        for (size_t i = 0; i < n_thresholds; i++)
            n_below[i] = rank[i] = 0;
        for (int64_t k = starts[t]; k < starts[t + 1]; k++)
            for (size_t i = (size_t)n_above[k]; i < n_thresholds; i++)
                n_below[i] += 1;
        for (int64_t k = starts[t]; k < starts[t + 1]; k++, prior += n_thresholds) {
            size_t above = (size_t)n_above[k];
            if (above > n_thresholds)
                above = n_thresholds;
            memset(prior, 0, above * sizeof *prior);
            for (size_t i = above; i < n_thresholds; i++)
                prior[i] = table[n_below[i] * table_width + ++rank[i]];
        }
    }
}
