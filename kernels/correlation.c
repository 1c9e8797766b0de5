/* Autocorrelations by the arithmetic of pocketfft, which numpy uses for its transforms: the same
   radix-4 passes over the same numbers in the same order, so that every bit is numpy's. The caller
   compares both before it uses this. pocketfft is M. Reinecke's (after P. N. Swarztrauber's
   FFTPACK):
   https://gitlab.mpcdf.mpg.de/mtr/pocketfft. */

#include "kernels.h"

#pragma STDC FP_CONTRACT OFF

/* Eight frames at once, one in each lane of a vector. No value moves between lanes. */
typedef float some __attribute__((vector_size(FRAMES_AT_ONCE * sizeof(float))));

enum { RADIX = 4 };

/* A pass of the transform of real values, as FFTPACK's radf4: l1 transforms of 4 * ido values. */
static void forward(size_t ido, size_t l1, const some *cc, some *ch, const float *wa)
{
    const float half_sqrt = 0.707106781186547524400844362104849f;
    const some *c0 = cc, *c1 = cc + ido * l1, *c2 = c1 + ido * l1, *c3 = c2 + ido * l1;
    for (size_t k = 0; k < l1; k++, c0 += ido, c1 += ido, c2 += ido, c3 += ido, ch += RADIX * ido) {
        some *h0 = ch, *h1 = h0 + ido, *h2 = h1 + ido, *h3 = h2 + ido;
        some tr1 = c3[0] + c1[0], tr2 = c0[0] + c2[0];
        h2[0] = c3[0] - c1[0];
        h1[ido - 1] = c0[0] - c2[0];
        h0[0] = tr2 + tr1;
        h3[ido - 1] = tr2 - tr1;
        if (ido % 2 == 0) {
            some ti = -half_sqrt * (c1[ido - 1] + c3[ido - 1]);
            some tr = half_sqrt * (c1[ido - 1] - c3[ido - 1]);
            h0[ido - 1] = c0[ido - 1] + tr;
            h2[ido - 1] = c0[ido - 1] - tr;
            h3[0] = ti + c2[ido - 1];
            h1[0] = ti - c2[ido - 1];
        }
        const float *w1 = wa, *w2 = w1 + (ido - 1), *w3 = w2 + (ido - 1);
        for (size_t i = 2; i < ido; i += 2) {
            size_t ic = ido - i;
            some cr2 = w1[i - 2] * c1[i - 1] + w1[i - 1] * c1[i];
            some ci2 = w1[i - 2] * c1[i] - w1[i - 1] * c1[i - 1];
            some cr3 = w2[i - 2] * c2[i - 1] + w2[i - 1] * c2[i];
            some ci3 = w2[i - 2] * c2[i] - w2[i - 1] * c2[i - 1];
            some cr4 = w3[i - 2] * c3[i - 1] + w3[i - 1] * c3[i];
            some ci4 = w3[i - 2] * c3[i] - w3[i - 1] * c3[i - 1];
            some a1 = cr4 + cr2, a4 = cr4 - cr2, b1 = ci2 + ci4, b4 = ci2 - ci4;
            some a2 = c0[i - 1] + cr3, a3 = c0[i - 1] - cr3;
            some b2 = c0[i] + ci3, b3 = c0[i] - ci3;
            h0[i - 1] = a2 + a1;
            h3[ic - 1] = a2 - a1;
            h0[i] = b1 + b2;
            h3[ic] = b1 - b2;
            h2[i - 1] = a3 + b4;
            h1[ic - 1] = a3 - b4;
            h2[i] = a4 + b3;
            h1[ic] = a4 - b3;
        }
    }
}

/* A pass of the inverse transform, as FFTPACK's radb4. */
static void backward(size_t ido, size_t l1, const some *cc, some *ch, const float *wa)
{
    const float sqrt_two = 1.414213562373095048801688724209698f;
    some *h0 = ch, *h1 = ch + ido * l1, *h2 = h1 + ido * l1, *h3 = h2 + ido * l1;
    for (size_t k = 0; k < l1; k++, cc += RADIX * ido, h0 += ido, h1 += ido, h2 += ido, h3 += ido) {
        const some *c0 = cc, *c1 = c0 + ido, *c2 = c1 + ido, *c3 = c2 + ido;
        some tr2 = c0[0] + c3[ido - 1], tr1 = c0[0] - c3[ido - 1];
        some tr3 = 2 * c1[ido - 1], tr4 = 2 * c2[0];
        h0[0] = tr2 + tr3;
        h2[0] = tr2 - tr3;
        h3[0] = tr1 + tr4;
        h1[0] = tr1 - tr4;
        if (ido % 2 == 0) {
            some ti1 = c3[0] + c1[0], ti2 = c3[0] - c1[0];
            some r2 = c0[ido - 1] + c2[ido - 1], r1 = c0[ido - 1] - c2[ido - 1];
            h0[ido - 1] = r2 + r2;
            h1[ido - 1] = sqrt_two * (r1 - ti1);
            h2[ido - 1] = ti2 + ti2;
            h3[ido - 1] = -sqrt_two * (r1 + ti1);
        }
        const float *w1 = wa, *w2 = w1 + (ido - 1), *w3 = w2 + (ido - 1);
        for (size_t i = 2; i < ido; i += 2) {
            size_t ic = ido - i;
            some a2 = c0[i - 1] + c3[ic - 1], a1 = c0[i - 1] - c3[ic - 1];
            some b1 = c0[i] + c3[ic], b2 = c0[i] - c3[ic];
            some a4 = c2[i] + c1[ic], b3 = c2[i] - c1[ic];
            some a3 = c2[i - 1] + c1[ic - 1], b4 = c2[i - 1] - c1[ic - 1];
            some cr3 = a2 - a3, ci3 = b2 - b3;
            some cr4 = a1 + a4, cr2 = a1 - a4, ci2 = b1 + b4, ci4 = b1 - b4;
            h0[i - 1] = a2 + a3;
            h0[i] = b2 + b3;
            h1[i] = w1[i - 2] * ci2 + w1[i - 1] * cr2;
            h1[i - 1] = w1[i - 2] * cr2 - w1[i - 1] * ci2;
            h2[i] = w2[i - 2] * ci3 + w2[i - 1] * cr3;
            h2[i - 1] = w2[i - 2] * cr3 - w2[i - 1] * ci3;
            h3[i] = w3[i - 2] * ci4 + w3[i - 1] * cr4;
            h3[i - 1] = w3[i - 2] * cr4 - w3[i - 1] * ci4;
        }
    }
}

/* Autocorrelations of n_frames > 0 frames, padded with as many zeros.
   frames: frame_length samples each, half a power of 4; they start `stride` samples apart
   twiddles: of each pass of the inverse transform, from the first: 3 * (ido - 1) values
   a, b: room for 2 * frame_length vectors each
   correlations: lags from 0 to n_lags - 1 of each frame, `step` values apart */
void autocorrelate(
    const float *frames, ptrdiff_t stride, size_t n_frames, size_t frame_length,
    const float *twiddles, some *a, some *b, size_t n_lags, size_t step, float *correlations)
{
    size_t n = 2 * frame_length;
    for (size_t first = 0; first < n_frames; first += FRAMES_AT_ONCE) {
        /* If the last group is not full, the last frame is repeated. */
        const float *frame[FRAMES_AT_ONCE];
        for (size_t lane = 0; lane < FRAMES_AT_ONCE; lane++) {
            size_t nth = first + lane < n_frames ? first + lane : n_frames - 1;
            frame[lane] = frames + (ptrdiff_t)nth * stride;
        }
        for (size_t i = 0; i < frame_length; i++)
            a[i] = (some){frame[0][i], frame[1][i], frame[2][i], frame[3][i],
                          frame[4][i], frame[5][i], frame[6][i], frame[7][i]};
        for (size_t i = frame_length; i < n; i++)
            a[i] = (some){0};
        some *from = a, *to = b, *swapped;
        const float *end = twiddles;
        for (size_t ido = n / RADIX; ido >= 1; ido /= RADIX)
            end += 3 * (ido - 1);
        for (size_t ido = 1; ido < n; ido *= RADIX) {
            end -= 3 * (ido - 1);
            forward(ido, n / (RADIX * ido), from, to, end);
            swapped = from, from = to, to = swapped;
        }
        from[0] = from[0] * from[0];
        for (size_t i = 1; i < n - 1; i += 2) {
            some re = from[i] * from[i], im = from[i + 1] * from[i + 1];
            from[i] = re + im;
            from[i + 1] = (some){0};
        }
        from[n - 1] = from[n - 1] * from[n - 1];
        for (size_t ido = n / RADIX; ido >= 1; ido /= RADIX) {
            backward(ido, n / (RADIX * ido), from, to, end);
            end += 3 * (ido - 1);
            swapped = from, from = to, to = swapped;
        }
        float scale = 1 / (float)n;
        for (size_t lane = 0; lane < FRAMES_AT_ONCE && first + lane < n_frames; lane++)
            for (size_t lag = 0; lag < n_lags; lag++)
                correlations[(first + lane) * step + lag] = scale * from[lag][lane];
    }
}
