/* Tensor cores, with factors of TF32: numbers of float of which the last 13 bits are not looked at. */
#pragma once
#include "ptx_memory.h"
#include "ptx_math.h"

/* cvt.rna: the nearest, of two the one away from zero. */
static uint32_t tf32(float x) {
    if (x != x) return 0x7FFFFFFF;
    return (bits_f32(x) + 0x1000) & 0xFFFFE000;  /* a carry runs into the exponent */
}
/* What a lane gets of mma.m16n8k8, of the threads in `group`, which must be all; by the fragments of the manual. In which order hardware adds and how it rounds is not
   documented; here the sum is one of double, rounded once. */
static void multiply_tf32(struct thread *warp, unsigned lane, uint32_t group) {
    now = &warp[lane];
    for (unsigned i = 0; i < 32; i++)
        if (!(group >> i & 1) || warp[i].line != now->line)
            fault(FAILED, now->line, "a product by tensor cores that not all threads of the warp come to");
    for (unsigned k = 0; k < 4; k++) {
        const unsigned row = lane / 4 + k / 2 * 8, column = lane % 4 * 2 + k % 2;
        double sum = now->sums[k];
        for (unsigned term = 0; term < 8; term++) {
            const uint32_t a = warp[row % 8 * 4 + term % 4].factors[row / 8 + term / 4 * 2];
            const uint32_t b = warp[column * 4 + term % 4].factors[4 + term / 4];
            sum += (double)as_f32(a & 0xFFFFE000) * as_f32(b & 0xFFFFE000);
        }
        now->sums[k] = (float)sum;
    }
}
