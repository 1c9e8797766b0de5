/* The inner loops of the feature extractor. chalicelib/core does the same with numpy if this is not
   installed, and explains each step; this file is only faster. */

#include "kernels.h"
#ifdef __x86_64__
#include <cpuid.h>
#endif

/* Four frames are transformed at once, one in each lane of a vector. No value moves between lanes,
   so the arithmetic is the same as in a scalar transform. */
typedef double lanes __attribute__((vector_size(LANES * sizeof(double))));
typedef struct { lanes re, im; } complex_lanes;
typedef struct { double re, im; } complex;

/* The caller compares these with its own before it calls: chalicelib/core/dsp/kernels.py. */
const int32_t kernels_layout[] = {ABI, LANES, SIDE_BY_SIDE, FRAMES_AT_ONCE};

/* Return 1 if this processor and its operating system have the instructions used below. */
int kernels_run_here(void)
{
#ifdef __x86_64__
    enum { VECTOR_REGISTERS_ARE_KEPT = 0x6 };
    const unsigned needed = bit_OSXSAVE | bit_FMA;
    unsigned eax, ebx, ecx, edx, kept, unused;
    if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || (ecx & needed) != needed)
        return 0;
    __asm__("xgetbv" : "=a"(kept), "=d"(unused) : "c"(0));
    if ((kept & VECTOR_REGISTERS_ARE_KEPT) != VECTOR_REGISTERS_ARE_KEPT)
        return 0;
    return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) && (ebx & bit_AVX2);
#else
    return 1;
#endif
}

static inline complex_lanes add(complex_lanes a, complex_lanes b)
{
    return (complex_lanes){a.re + b.re, a.im + b.im};
}

static inline complex_lanes subtract(complex_lanes a, complex_lanes b)
{
    return (complex_lanes){a.re - b.re, a.im - b.im};
}

static inline complex_lanes over_i(complex_lanes a)
{
    return (complex_lanes){a.im, -a.re};
}

static inline complex_lanes multiply(complex_lanes a, complex b)
{
    return (complex_lanes){a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}

static inline lanes power_of(complex_lanes a)
{
    return a.re * a.re + a.im * a.im;
}

/* Transform n values in place, n a power of two. Bin k is left at the index with k's bits reversed.
   Radix 4, decimation in frequency (W. M. Gentleman and G. Sande, "Fast Fourier transforms: for
   fun and profit", 1966). Each quarter is finished before the next one starts, so that all passes
   except the first ones stay in the first-level cache. roots[i * step] is exp(-2 pi i / n). */
static void transform(complex_lanes *x, size_t n, const complex *roots, size_t step)
{
    if (n == 2) {
        complex_lanes a = x[0], b = x[1];
        x[0] = add(a, b);
        x[1] = subtract(a, b);
        return;
    }
    size_t quarter = n / 4;
    for (size_t i = 0; i < quarter; i++) {
        complex_lanes a = x[i], b = x[i + quarter], c = x[i + 2 * quarter], d = x[i + 3 * quarter];
        complex_lanes even = add(a, c), odd = subtract(a, c);
        complex_lanes even_too = add(b, d), odd_too = over_i(subtract(b, d));
        x[i] = add(even, even_too);
        x[i + quarter] = multiply(subtract(even, even_too), roots[2 * i * step]);
        x[i + 2 * quarter] = multiply(add(odd, odd_too), roots[i * step]);
        x[i + 3 * quarter] = multiply(subtract(odd, odd_too), roots[3 * i * step]);
    }
    if (quarter > 1)
        for (size_t i = 0; i < 4; i++)
            transform(x + i * quarter, quarter, roots, 4 * step);
}

/* Power spectra of n_fft real samples. Each pair of samples was taken as one complex value, and the
   n_fft / 2 complex values were transformed. */
static void power_spectrum(
    const complex_lanes *x, size_t n_fft, const complex *roots, const uint32_t *reversed,
    lanes *power)
{
    size_t n = n_fft / 2;
    lanes sum = x[0].re + x[0].im, difference = x[0].re - x[0].im;
    power[0] = sum * sum;
    power[n] = difference * difference;
    for (size_t k = 1; k <= n / 2; k++) {
        complex_lanes a = x[reversed[k]], b = x[reversed[n - k]];
        complex_lanes conjugate = {b.re, -b.im};
        complex_lanes even = add(a, conjugate), odd = over_i(subtract(a, conjugate));
        complex_lanes turned = multiply(odd, roots[k]);
        power[k] = power_of(add(even, turned)) * 0.25;
        power[n - k] = power_of(subtract(even, turned)) * 0.25;
    }
}

/* Mel spectra of n_frames > 0 frames, which start `stride` samples apart.
   window, roots: n_fft values, a power of two from 4; roots[i] is exp(-2 pi i / n_fft)
   reversed: n_fft / 2 indices, each with its bits in the opposite order
   bands: first bin and number of bins of each band; weights: for all bins of all bands
   x: room for n_fft / 2 complex_lanes; power: room for n_fft / 2 + 1 lanes
   mel: shape (n_frames, n_mels) */
void mel_spectrum(
    const float *frames, ptrdiff_t stride, size_t n_frames, size_t n_fft, const double *window,
    const complex *roots, const uint32_t *reversed, size_t n_mels, const uint32_t (*bands)[2],
    const float *weights, complex_lanes *x, lanes *power, float *mel)
{
    for (size_t first = 0; first < n_frames; first += LANES) {
        /* If the last group is not full, the last frame is repeated. */
        const float *frame[LANES];
        for (size_t lane = 0; lane < LANES; lane++) {
            size_t nth = first + lane < n_frames ? first + lane : n_frames - 1;
            frame[lane] = frames + (ptrdiff_t)nth * stride;
        }
        lanes *samples = (lanes *)x;
        for (size_t i = 0; i < n_fft; i++) {
            lanes some = {frame[0][i], frame[1][i], frame[2][i], frame[3][i]};
            samples[i] = some * window[i];
        }
        transform(x, n_fft / 2, roots, 2);
        power_spectrum(x, n_fft, roots, reversed, power);
        const float *weight = weights;
        for (size_t band = 0; band < n_mels; band++) {
            lanes total = {0};
            for (uint32_t i = 0; i < bands[band][1]; i++)
                total += power[bands[band][0] + i] * (double)*weight++;
            for (size_t lane = 0; lane < LANES && first + lane < n_frames; lane++)
                mel[(first + lane) * n_mels + band] = (float)total[lane];
        }
    }
}
