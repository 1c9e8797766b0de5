/* Calls every kernel with memory of the exact size that it is said to need, so that the sanitizers
   see each access beyond it. What is computed is compared with the plainest loops. */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "kernels.c"
#include "correlation.c"
#include "lattice.c"
#include "yin.c"

static uint32_t state = 1;

static double noise(void)
{
    state = state * 1664525u + 1013904223u;
    return state / 4294967296.0 - 0.5;
}

static void *room(size_t n_bytes)
{
    size_t whole = (n_bytes + sizeof(lanes) - 1) / sizeof(lanes) * sizeof(lanes);
    void *memory = aligned_alloc(sizeof(lanes), whole ? whole : sizeof(lanes));
    if (!memory)
        exit(2);
    return memory;
}

static double *numbers(size_t n)
{
    double *values = malloc(n * sizeof *values);
    for (size_t i = 0; i < n; i++)
        values[i] = noise();
    return values;
}

static void expect(double found, double expected, const char *what)
{
    if (fabs(found - expected) > 2e-5 * (1 + fabs(expected))) {
        printf("%s: %.9g, not %.9g\n", what, found, expected);
        exit(1);
    }
}

static void exercise_mel_spectrum(size_t n_fft, size_t n_frames, size_t hop)
{
    size_t n = n_fft / 2, n_mels = 5, n_samples = (n_frames - 1) * hop + n_fft;
    float *samples = malloc(n_samples * sizeof *samples);
    for (size_t i = 0; i < n_samples; i++)
        samples[i] = (float)noise();
    double *window = numbers(n_fft);
    complex *roots = malloc(n_fft * sizeof *roots);
    for (size_t i = 0; i < n_fft; i++)
        roots[i] = (complex){cos(-2 * M_PI * (double)i / (double)n_fft), sin(-2 * M_PI * (double)i / (double)n_fft)};
    uint32_t *reversed = calloc(n, sizeof *reversed);
    for (size_t bit = 1; bit < n; bit *= 2)
        for (size_t i = 0; i < n; i++)
            if (i & bit)
                reversed[i] |= (uint32_t)(n / (2 * bit));
    /* The last band ends with the last bin, and one band is empty. */
    uint32_t bands[5][2] = {{0, 1}, {0, 0}, {1, 2}, {(uint32_t)n - 1, 2}, {0, (uint32_t)n + 1}};
    size_t n_weights = 0;
    for (size_t band = 0; band < n_mels; band++)
        n_weights += bands[band][1];
    float *weights = malloc(n_weights * sizeof *weights);
    for (size_t i = 0; i < n_weights; i++)
        weights[i] = 1;
    complex_lanes *x = room(n * sizeof *x);
    lanes *power = room((n + 1) * sizeof *power);
    float *mel = malloc(n_frames * n_mels * sizeof *mel);

    mel_spectrum(samples, (ptrdiff_t)hop, n_frames, n_fft, window, roots, reversed, n_mels,
                 (const uint32_t (*)[2])bands, weights, x, power, mel);

    for (size_t frame = 0; frame < n_frames; frame++)
        for (size_t band = 0; band < n_mels; band++) {
            double total = 0;
            for (size_t k = bands[band][0]; k < bands[band][0] + bands[band][1]; k++) {
                double re = 0, im = 0;
                for (size_t i = 0; i < n_fft; i++) {
                    double y = samples[frame * hop + i] * window[i];
                    re += y * roots[i * k % n_fft].re;
                    im += y * roots[i * k % n_fft].im;
                }
                total += re * re + im * im;
            }
            expect(mel[frame * n_mels + band], total, "mel_spectrum");
        }
    free(samples), free(window), free(roots), free(reversed), free(weights);
    free(x), free(power), free(mel);
}

/* Decode random observations with every move written out, and compare each state. */
static void exercise_lattice(size_t n_bins, size_t reach, size_t n_rows, int certain, int is_pruned)
{
    const double impossible = -708;
    size_t plain_width = 2 * reach + 1;
    size_t width = (plain_width + SIDE_BY_SIDE - 1) / SIDE_BY_SIDE * SIDE_BY_SIDE;
    size_t n_columns = (n_bins + SIDE_BY_SIDE - 1) / SIDE_BY_SIDE * SIDE_BY_SIDE;
    size_t step = n_columns + width, n_states = 2 * n_bins;
    double *tables[2], *bands[2];
    for (int which = 0; which < 2; which++) {
        tables[which] = numbers(n_bins * n_bins);
        bands[which] = malloc(n_bins * plain_width * sizeof(double));
        for (size_t i = 0; i < n_bins * plain_width; i++)
            bands[which][i] = -INFINITY;
        for (size_t from = 0; from < n_bins; from++)
            for (size_t to = 0; to < n_bins; to++) {
                double *move = tables[which] + from * n_bins + to;
                *move -= 1 + 3 * which;
                if (from + reach < to || to + reach < from)
                    *move = is_pruned ? -INFINITY : impossible;
                else
                    bands[which][to * plain_width + from + reach - to] = *move;
            }
    }
    double *keep_band = malloc(n_columns * width * sizeof(double));
    double *switch_band = malloc(n_bins * width * sizeof(double));
    for (size_t j = 0; j < n_columns; j++)
        for (size_t d = 0; d < width; d++) {
            int is_there = j < n_bins && d < plain_width;
            keep_band[(j / SIDE_BY_SIDE * width + d) * SIDE_BY_SIDE + j % SIDE_BY_SIDE] =
                is_there ? bands[0][j * plain_width + d] : -INFINITY;
            if (j < n_bins)
                switch_band[j * width + d] = is_there ? bands[1][j * plain_width + d] : -INFINITY;
        }
    double *reachable = malloc(n_rows * step * sizeof(double));
    for (size_t i = 0; i < n_rows * step; i++)
        reachable[i] = -INFINITY;
    lattice l = {
        .n_bins = n_bins, .reach = reach, .width = width, .n_columns = n_columns,
        .keep_band = keep_band, .switch_band = switch_band, .keep_back = bands[0],
        .keep = tables[0], .change = tables[1], .reachable = reachable, .row_step = step,
        .bins = malloc(n_rows * n_bins * sizeof(int64_t)),
        .voiced = malloc(n_rows * n_bins * sizeof(double)),
        .n_voiced = malloc(n_rows * sizeof(int64_t)), .leader = malloc(n_rows * sizeof(double)),
        .leader_is_voiced = malloc(n_rows), .log_init = -3, .log_impossible = impossible,
        .best_move = 0, .safe_unvoiced = is_pruned ? -INFINITY : impossible + 20, .margin = 1,
        .is_pruned = is_pruned,
    };
    size_t n_each = n_bins < 3 ? n_bins : 2;
    int64_t *starts = malloc((n_rows + 1) * sizeof *starts);
    int64_t *bins = malloc(n_rows * n_each * sizeof *bins);
    double *log_probs = numbers(n_rows * n_each), *log_unvoiced = numbers(n_rows);
    starts[0] = 0;
    for (size_t t = 0; t < n_rows; t++) {
        size_t n = t % 3 ? n_each : 0;
        starts[t + 1] = starts[t] + (int64_t)n;
        for (size_t i = 0; i < n; i++)
            bins[starts[t] + (int64_t)i] = (int64_t)((t + i * (n_bins - 1)) % n_bins);
        if (n == 2 && bins[starts[t]] >= bins[starts[t] + 1])
            starts[t + 1]--;
        log_unvoiced[t] = certain && n ? impossible : log_unvoiced[t] - 2;
    }

    add_frames(&l, 0, 1, starts, bins, log_probs, log_unvoiced);
    add_frames(&l, 1, n_rows - 1, starts + 1, bins, log_probs, log_unvoiced + 1);

    double *before = malloc(n_states * sizeof(double)), *now = malloc(n_states * sizeof(double));
    for (size_t t = 0; t < n_rows; t++) {
        for (size_t to = 0; to < n_states; to++) {
            double best = t ? -INFINITY : l.log_init;
            for (size_t from = 0; t && from < n_states; from++) {
                const double *table = tables[(from < n_bins) != (to < n_bins)];
                best = fmax(best, before[from] + table[from % n_bins * n_bins + to % n_bins]);
            }
            double seen = to < n_bins ? impossible : log_unvoiced[t];
            for (int64_t i = starts[t]; i < starts[t + 1]; i++)
                if ((size_t)bins[i] == to)
                    seen = log_probs[i];
            now[to] = best + seen;
        }
        double leader = -INFINITY;
        for (size_t state = 0; state < n_states; state++)
            leader = fmax(leader, now[state]);
        expect(l.leader[t], leader, "the leader");
        for (size_t j = 0; j < n_bins; j++)
            if (isfinite(now[n_bins + j]))
                expect(reachable[t * step + reach + j], now[n_bins + j], "an unvoiced state");
        for (int64_t i = 0; i < l.n_voiced[t]; i++) {
            size_t bin = (size_t)l.bins[t * n_bins + (size_t)i];
            if (isfinite(now[bin]))
                expect(l.voiced[t * n_bins + (size_t)i], now[bin], "a voiced state");
        }
        double *swapped = before;
        before = now;
        now = swapped;
    }

    /* The path back from the best state has the best state's likelihood. */
    int64_t *states = malloc(n_rows * sizeof *states);
    size_t last = n_rows - 1, best = 0;
    for (size_t state = 1; state < n_states; state++)
        if (before[state] > before[best])
            best = state;
    states[last] = (int64_t)best;
    if (trace(&l, last, states) == 0) {
        double total = l.log_init;
        for (size_t t = 0; t < n_rows; t++) {
            size_t to = (size_t)states[t];
            if (t) {
                size_t from = (size_t)states[t - 1];
                const double *table = tables[(from < n_bins) != (to < n_bins)];
                total += table[from % n_bins * n_bins + to % n_bins];
            }
            double seen = to < n_bins ? impossible : log_unvoiced[t];
            for (int64_t i = starts[t]; i < starts[t + 1]; i++)
                if ((size_t)bins[i] == to)
                    seen = log_probs[i];
            total += seen;
        }
        expect(total, before[best], "the path");
    }
    for (int which = 0; which < 2; which++)
        free(tables[which]), free(bands[which]);
    free(keep_band), free(switch_band), free(reachable), free(before), free(now), free(states);
    free(l.bins), free(l.voiced), free(l.n_voiced), free(l.leader), free(l.leader_is_voiced);
    free(starts), free(bins), free(log_probs), free(log_unvoiced);
}

static void exercise_yin(size_t first, size_t stop, size_t n_frames, size_t hop)
{
    size_t n_lags = stop - first, n_samples = (n_frames - 1) * hop + stop - 1;
    float *samples = malloc(n_samples * sizeof *samples);
    float *correlations = malloc(n_frames * stop * sizeof *correlations);
    for (size_t i = 0; i < n_samples; i++)
        samples[i] = (float)noise();
    for (size_t i = 0; i < n_frames * stop; i++)
        correlations[i] = i % stop ? (float)noise() : 40;
    double *yin = malloc(n_frames * n_lags * sizeof *yin);

    difference(correlations, stop, samples, (ptrdiff_t)hop, n_frames, first, stop, yin);

    for (size_t t = 0; t < n_frames; t++) {
        double energy = 0, sum = 0;
        for (size_t lag = 1; lag < stop; lag++) {
            double y = samples[t * hop + lag - 1], y_first = samples[t * hop];
            energy += y * y + (lag == 2 ? y_first * y_first : 0);
            if (lag == 1)
                energy = 0;
            double apart = 2 * (40 - (double)correlations[t * stop + lag]) - energy;
            sum += apart;
            if (lag >= first)
                expect(yin[t * n_lags + lag - first], apart * (double)lag / sum, "difference");
        }
    }

    for (size_t i = 0; i < n_frames * n_lags; i++)
        yin[i] = floor(8 * noise()); /* with equal neighbours */
    size_t most = n_frames * (n_lags / 2 + 1), n_thresholds = 7;
    int64_t *frame = malloc(most * sizeof *frame), *lag = malloc(most * sizeof *lag);
    double *height = malloc(most * sizeof *height), *shift = malloc(most * sizeof *shift);
    size_t n = find_troughs(yin, n_frames, n_lags, frame, lag, height, shift), nth = 0;
    int64_t *starts = calloc(n_frames + 1, sizeof *starts);
    for (size_t t = 0; t < n_frames; t++) {
        for (size_t i = 0; i < n_lags; i++) {
            const double *y = yin + t * n_lags;
            int falls = i ? y[i] < y[i - 1] : y[0] < y[1];
            if (!falls || (i && i + 1 < n_lags && y[i] > y[i + 1]))
                continue;
            expect((double)frame[nth], (double)t, "the frame of a trough");
            expect((double)lag[nth], (double)i, "the lag of a trough");
            expect(height[nth], y[i], "the height of a trough");
            expect(fabs(shift[nth]) < 1, 1, "a shift within a lag");
            nth++;
        }
        starts[t + 1] = (int64_t)nth;
    }
    expect((double)n, (double)nth, "the number of troughs");

    size_t table_width = n_lags / 2 + 2;
    double *table = numbers(table_width * table_width);
    int64_t *n_above = malloc((n ? n : 1) * sizeof *n_above);
    for (size_t k = 0; k < n; k++)
        n_above[k] = (int64_t)(k * 5 % (n_thresholds + 1));
    size_t *n_below = malloc(n_thresholds * sizeof *n_below);
    size_t *rank = malloc(n_thresholds * sizeof *rank);
    double *prior = malloc((n ? n : 1) * n_thresholds * sizeof *prior);
    trough_priors(n_above, starts, n_frames, n_thresholds, table, table_width, n_below, rank, prior);
    for (size_t k = 0; k < n; k++)
        for (size_t i = 0; i < n_thresholds; i++) {
            size_t below = 0, place = 0;
            for (int64_t each = starts[frame[k]]; each < starts[frame[k] + 1]; each++)
                if ((size_t)n_above[each] <= i) {
                    below++;
                    place += (size_t)each <= k;
                }
            int is_below = (size_t)n_above[k] <= i;
            expect(prior[k * n_thresholds + i],
                   is_below ? table[below * table_width + place] : 0, "a prior");
        }
    free(samples), free(correlations), free(yin), free(frame), free(lag), free(height);
    free(shift), free(starts), free(table), free(n_above), free(n_below), free(rank), free(prior);
}

static void exercise_autocorrelate(size_t frame_length, size_t n_frames, size_t hop)
{
    size_t n = 2 * frame_length, n_samples = (n_frames - 1) * hop + frame_length, n_lags = 0;
    float *samples = malloc(n_samples * sizeof *samples);
    for (size_t i = 0; i < n_samples; i++)
        samples[i] = (float)noise();
    size_t n_twiddles = 0;
    for (size_t ido = n / RADIX; ido >= 1; ido /= RADIX)
        n_twiddles += 3 * (ido - 1);
    float *twiddles = malloc((n_twiddles ? n_twiddles : 1) * sizeof *twiddles), *at = twiddles;
    for (size_t apart = 1; apart < n; apart *= RADIX) {
        size_t ido = n / (RADIX * apart);
        for (size_t j = 1; j < RADIX; j++, at += ido - 1)
            for (size_t i = 1; i <= (ido - 1) / 2; i++) {
                at[2 * i - 2] = (float)cos(2 * M_PI * (double)(j * apart * i) / (double)n);
                at[2 * i - 1] = (float)sin(2 * M_PI * (double)(j * apart * i) / (double)n);
            }
    }
    n_lags = frame_length;
    some *a = room(n * sizeof *a), *b = room(n * sizeof *b);
    float *found = malloc(n_frames * n_lags * sizeof *found);

    autocorrelate(samples, (ptrdiff_t)hop, n_frames, frame_length, twiddles, a, b, n_lags, n_lags,
                  found);

    for (size_t t = 0; t < n_frames; t++)
        for (size_t lag = 0; lag < n_lags; lag++) {
            double sum = 0;
            for (size_t i = 0; i + lag < frame_length; i++)
                sum += (double)samples[t * hop + i] * samples[t * hop + i + lag];
            expect(found[t * n_lags + lag], sum, "autocorrelate");
        }
    free(samples), free(twiddles), free(a), free(b), free(found);
}

int main(void)
{
    if (!kernels_run_here())
        return 0;
    for (size_t n_fft = 4; n_fft <= 256; n_fft *= 2)
        for (size_t n_frames = 1; n_frames <= 9; n_frames++)
            exercise_mel_spectrum(n_fft, n_frames, n_frames % 3 ? 3 : 2 * n_fft);
    for (size_t n_bins = 1; n_bins <= 40; n_bins += n_bins < 10 ? 1 : 6)
        for (size_t reach = 0; reach < 12 && reach < n_bins; reach += 3)
            for (int kind = 0; kind < 4; kind++)
                exercise_lattice(n_bins, reach, 8, kind & 1, kind / 2);
    for (size_t first = 1; first < 6; first += 2)
        for (size_t n_lags = 2; n_lags < 40; n_lags += 5)
            for (size_t n_frames = 1; n_frames < 4; n_frames++)
                exercise_yin(first, first + n_lags, n_frames, 3 * n_frames);
    for (size_t n = 4; n <= 256; n *= 4)
        for (size_t n_frames = 1; n_frames <= 17; n_frames += 4)
            exercise_autocorrelate(n / 2, n_frames, n_frames % 8 ? 3 : n);
    puts("all kernels");
    return 0;
}
