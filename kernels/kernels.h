/* Numbers that the compiled functions and their caller share. */

#ifndef KERNELS_H
#define KERNELS_H

#include <stddef.h>
#include <stdint.h>

/* Number of this interface. It grows with each change: a caller with another one must not call. */
enum { ABI = 3 };

/* Frames that are transformed at once. */
enum { LANES = 4 };

/* Frames whose autocorrelations are computed at once. */
enum { FRAMES_AT_ONCE = 8 };

/* Number of maxima that are computed side by side, in registers. Tables are padded with minus
   infinity to a multiple of it. Minus infinity is never the largest, so the values of `before` that
   are added to it do not matter. */
enum { SIDE_BY_SIDE = 8 };

#endif
