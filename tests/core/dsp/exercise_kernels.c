/* Calls every kernel with memory of the exact size that it is said to need, so that the sanitizers
   see each access beyond it. What is computed is compared with the plainest loops. */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "kernels.c"

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
    if (fabs(found - expected) > 1e-5 * (1 + fabs(expected))) {
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

static void exercise_lattice(size_t n_bins, size_t reach, size_t n_voiced)
{
    size_t width = 2 * reach + 1;
    size_t padded = (width + SIDE_BY_SIDE - 1) / SIDE_BY_SIDE * SIDE_BY_SIDE;
    size_t n_columns = (n_bins + SIDE_BY_SIDE - 1) / SIDE_BY_SIDE * SIDE_BY_SIDE;
    double *before = numbers(n_columns + padded);
    double *plain = numbers(n_bins * width);
    double *keep = malloc(n_columns * padded * sizeof *keep);
    double *band = malloc(n_bins * padded * sizeof *band);
    for (size_t j = 0; j < n_columns; j++)
        for (size_t d = 0; d < padded; d++) {
            double move = j < n_bins && d < width ? plain[j * width + d] : -INFINITY;
            keep[(j / SIDE_BY_SIDE * padded + d) * SIDE_BY_SIDE + j % SIDE_BY_SIDE] = move;
            if (j < n_bins)
                band[j * padded + d] = move;
        }
    double *table = numbers(n_bins * n_bins), *voiced = numbers(n_voiced);
    int64_t *bins = malloc(n_voiced * sizeof *bins);
    for (size_t i = 0; i < n_voiced; i++)
        bins[i] = (int64_t)(n_bins - 1 - i);
    double *unvoiced = malloc(n_columns * sizeof *unvoiced), *out = calloc(n_voiced, sizeof *out);

    enter_unvoiced(before, keep, padded, n_columns, bins, voiced, n_voiced, table, n_bins, -0.25,
                   unvoiced);
    enter_voiced(before, band, padded, bins, voiced, n_voiced, table, n_bins, -0.25, bins, n_voiced,
                 out);

    for (size_t j = 0; j < n_bins; j++) {
        double near = -0.25, far = -0.25;
        for (size_t d = 0; d < width; d++)
            near = fmax(near, before[j + d] + plain[j * width + d]);
        for (size_t i = 0; i < n_voiced; i++)
            far = fmax(far, table[(size_t)bins[i] * n_bins + j] + voiced[i]);
        expect(unvoiced[j], fmax(near, far), "enter_unvoiced");
        for (size_t i = 0; i < n_voiced; i++)
            if ((size_t)bins[i] == j)
                expect(out[i], fmax(near, far), "enter_voiced");
    }
    free(before), free(plain), free(keep), free(band), free(table), free(voiced), free(bins);
    free(unvoiced), free(out);
}

int main(void)
{
    if (!kernels_run_here())
        return 0;
    for (size_t n_fft = 4; n_fft <= 256; n_fft *= 2)
        for (size_t n_frames = 1; n_frames <= 9; n_frames++)
            exercise_mel_spectrum(n_fft, n_frames, n_frames % 3 ? 3 : 2 * n_fft);
    for (size_t n_bins = 1; n_bins <= 40; n_bins++)
        for (size_t reach = 0; reach < 12; reach += 3)
            for (size_t n_voiced = 0; n_voiced <= n_bins && n_voiced < 4; n_voiced++)
                exercise_lattice(n_bins, reach, n_voiced);
    puts("all kernels");
    return 0;
}
