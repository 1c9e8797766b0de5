/* pYIN's lattice, frame after frame. chalicelib/core/pitch/lattice.py does the same with numpy and
   explains each step; sums and maxima are the same, to the last bit. */

#include <math.h>

#include "kernels.h"

static inline double larger(double a, double b)
{
    return a > b ? a : b;
}

/* Likelihood of each bin's unvoiced state after a move, see chalicelib/core/pitch/lattice.py.
   before: the unvoiced states of the row before; bin j is reached
   from before[j] to before[j + width - 1]
   keep: shape (n_columns / SIDE_BY_SIDE, width, SIDE_BY_SIDE), n_columns and width padded; the move
   to bin j from before[j + d] is keep[j / SIDE_BY_SIDE][d][j % SIDE_BY_SIDE]
   bins, voiced: the n_voiced voiced states of the row before
   table: shape (n_bins, n_bins), the moves from these states
   jump: the least likelihood of every state
   unvoiced: n_columns values; the first n_bins are states */
static void enter_unvoiced(
    const double *before, const double *keep, size_t width, size_t n_columns,
    const int64_t *bins, const double *voiced, size_t n_voiced,
    const double *table, size_t n_bins, double jump, double *unvoiced)
{
    for (size_t j = 0; j < n_columns; j += SIDE_BY_SIDE) {
        double even[SIDE_BY_SIDE], odd[SIDE_BY_SIDE];
        for (size_t i = 0; i < SIDE_BY_SIDE; i++)
            even[i] = odd[i] = before[j + i] + keep[i];
        for (size_t d = 0; d < width; d += 2, keep += 2 * SIDE_BY_SIDE)
            for (size_t i = 0; i < SIDE_BY_SIDE; i++) {
                even[i] = larger(before[j + d + i] + keep[i], even[i]);
                odd[i] = larger(before[j + d + 1 + i] + keep[SIDE_BY_SIDE + i], odd[i]);
            }
        for (size_t i = 0; i < SIDE_BY_SIDE; i++)
            unvoiced[j + i] = larger(even[i], odd[i]);
    }
    for (size_t nth = 0; nth < n_voiced; nth++) {
        const double *moves = table + (size_t)bins[nth] * n_bins;
        for (size_t j = 0; j < n_bins; j++)
            unvoiced[j] = larger(moves[j] + voiced[nth], unvoiced[j]);
    }
    for (size_t j = 0; j < n_bins; j++)
        unvoiced[j] = larger(jump, unvoiced[j]);
}

/* Likelihood of the voiced states of some bins after a move and an observation.
   before, bins, voiced, jump: as above
   band: shape (n_bins, width), width padded; band[j][d] is the move from before[j + d]
   table: shape (n_bins, n_bins), the moves between voiced states
   targets: n_targets bins
   out: likelihood of each observation; the likelihood of the move is added to it */
static void enter_voiced(
    const double *before, const double *band, size_t width,
    const int64_t *bins, const double *voiced, size_t n_voiced,
    const double *table, size_t n_bins, double jump,
    const int64_t *targets, size_t n_targets, double *out)
{
    for (size_t nth = 0; nth < n_targets; nth++) {
        const double *from = before + targets[nth], *moves = band + (size_t)targets[nth] * width;
        double best[SIDE_BY_SIDE];
        for (size_t i = 0; i < SIDE_BY_SIDE; i++)
            best[i] = jump;
        for (size_t d = 0; d < width; d += SIDE_BY_SIDE)
            for (size_t i = 0; i < SIDE_BY_SIDE; i++)
                best[i] = larger(from[d + i] + moves[d + i], best[i]);
        for (size_t i = 0; i < n_voiced; i++)
            best[0] = larger(
                table[(size_t)bins[i] * n_bins + (size_t)targets[nth]] + voiced[i], best[0]);
        for (size_t i = 1; i < SIDE_BY_SIDE; i++)
            best[0] = larger(best[i], best[0]);
        out[nth] += best[0];
    }
}

/* A block of frames. Each row is a frame, row 0 the last one of the block before. */
typedef struct {
    size_t n_bins, reach;
    size_t width;              /* 2 * reach + 1, padded */
    size_t n_columns;          /* n_bins, padded */
    const double *keep_band;   /* shape (n_columns / SIDE_BY_SIDE, width, SIDE_BY_SIDE) */
    const double *switch_band; /* shape (n_bins, width) */
    const double *keep_back;   /* shape (n_bins, 2 * reach + 1): keep_band as numpy has it */
    const double *keep, *change; /* shape (n_bins, n_bins): the tables keep and switch */
    double *reachable;         /* unvoiced states, the first one `reach` values after the row's start */
    size_t row_step;           /* values from one of its rows to the next */
    int64_t *bins;             /* shape (n_rows, n_bins): the voiced states of each row */
    double *voiced;            /* shape (n_rows, n_bins): their likelihoods */
    int64_t *n_voiced;         /* how many each row has */
    double *leader;            /* likelihood of each row's most likely state */
    uint8_t *leader_is_voiced;
    double log_init, log_impossible, best_move, safe_unvoiced, margin;
    int64_t is_pruned;
} lattice;

static double jump_from(const lattice *l, size_t row)
{
    /* The moves of voiced states, impossible ones too, are all in the tables. */
    return l->leader_is_voiced[row] || l->is_pruned ? -INFINITY : l->leader[row] + l->log_impossible;
}

/* Make every voiced state a candidate. The states that were none get an impossible observation. */
static void take_every_voiced(
    const lattice *l, size_t row, const int64_t *bins, const double *log_probs, size_t n)
{
    int64_t *kept = l->bins + row * l->n_bins;
    double *values = l->voiced + row * l->n_bins;
    for (size_t j = 0; j < l->n_bins; j++) {
        kept[j] = (int64_t)j;
        values[j] = l->log_impossible;
    }
    for (size_t i = 0; i < n; i++)
        values[bins[i]] = log_probs[i];
    l->n_voiced[row] = (int64_t)l->n_bins;
}

static double voiced_after_a_move(const lattice *l, size_t row)
{
    double *out = l->voiced + row * l->n_bins, best = -INFINITY;
    size_t n = (size_t)l->n_voiced[row];
    const int64_t *targets = l->bins + row * l->n_bins;
    if (row) {
        size_t before = row - 1;
        enter_voiced(
            l->reachable + before * l->row_step, l->switch_band, l->width,
            l->bins + before * l->n_bins, l->voiced + before * l->n_bins,
            (size_t)l->n_voiced[before], l->keep, l->n_bins, jump_from(l, before), targets, n, out);
    } else
        for (size_t i = 0; i < n; i++)
            out[i] += l->log_init;
    for (size_t i = 0; i < n; i++)
        best = larger(out[i], best);
    return best;
}

/* Add frames to the rows from `row` on.
   starts: frame t has the candidates starts[t] to starts[t + 1], with bins that ascend
   log_unvoiced: log probability of each unvoiced state of a frame */
void add_frames(
    const lattice *l, size_t row, size_t n_frames, const int64_t *starts, const int64_t *bins,
    const double *log_probs, const double *log_unvoiced)
{
    for (size_t t = 0; t < n_frames; t++, row++) {
        const int64_t *some = bins + starts[t];
        const double *probs = log_probs + starts[t];
        size_t n = (size_t)(starts[t + 1] - starts[t]);
        double *unvoiced = l->reachable + row * l->row_step + l->reach;
        double ceiling = l->log_init;
        if (row) {
            size_t before = row - 1;
            ceiling = l->leader[before] + l->best_move;
            enter_unvoiced(
                l->reachable + before * l->row_step, l->keep_band, l->width, l->n_columns,
                l->bins + before * l->n_bins, l->voiced + before * l->n_bins,
                (size_t)l->n_voiced[before], l->change, l->n_bins, jump_from(l, before), unvoiced);
        } else
            for (size_t j = 0; j < l->n_bins; j++)
                unvoiced[j] = l->log_init;
        double best_unvoiced = -INFINITY;
        for (size_t j = 0; j < l->n_bins; j++) {
            unvoiced[j] += log_unvoiced[t];
            best_unvoiced = larger(unvoiced[j], best_unvoiced);
        }
        if (l->is_pruned)
            take_every_voiced(l, row, some, probs, n);
        else {
            for (size_t i = 0; i < n; i++) {
                l->bins[row * l->n_bins + i] = some[i];
                l->voiced[row * l->n_bins + i] = probs[i];
            }
            l->n_voiced[row] = (int64_t)n;
        }
        double best_voiced = voiced_after_a_move(l, row);
        double leader = larger(best_unvoiced, best_voiced);
        if (log_unvoiced[t] < l->safe_unvoiced && leader < ceiling + l->best_move + l->margin) {
            take_every_voiced(l, row, some, probs, n);
            best_voiced = voiced_after_a_move(l, row);
            leader = larger(best_unvoiced, best_voiced);
        }
        l->leader[row] = leader;
        l->leader_is_voiced[row] = best_voiced >= best_unvoiced;
    }
}

/* Follow one state back, and write the state of each row before it. Return the row of the last
   state that was found: 0, or the row into which the best move may be an impossible one; then numpy
   decides.
   states: one for each row from 0; states[row] is given */
size_t trace(const lattice *l, size_t row, int64_t *states)
{
    for (; row > 0; row--) {
        size_t before = row - 1, is_voiced = (size_t)states[row] < l->n_bins;
        size_t target = (size_t)states[row] - (is_voiced ? 0 : l->n_bins);
        size_t width = 2 * l->reach + 1;
        const double *moves =
            is_voiced ? l->switch_band + target * l->width : l->keep_back + target * width;
        const double *from = l->reachable + before * l->row_step + target;
        double score = from[0] + moves[0];
        size_t offset = 0;
        for (size_t d = 1; d < width; d++)
            if (from[d] + moves[d] > score) {
                score = from[d] + moves[d];
                offset = d;
            }
        int64_t source = (int64_t)(l->n_bins + target + offset) - (int64_t)l->reach;
        const double *table = is_voiced ? l->keep : l->change;
        int is_from_voiced = 0;
        for (size_t i = 0; i < (size_t)l->n_voiced[before]; i++) {
            int64_t bin = l->bins[before * l->n_bins + i];
            double sum = table[(size_t)bin * l->n_bins + target] + l->voiced[before * l->n_bins + i];
            /* Of equally likely states the lowest is taken, and voiced states come first. */
            if (sum > score || (sum == score && !is_from_voiced)) {
                score = sum;
                source = bin;
                is_from_voiced = 1;
            }
        }
        if (score <= l->leader[before] + l->log_impossible && !l->is_pruned)
            return row;
        states[before] = source;
    }
    return 0;
}
