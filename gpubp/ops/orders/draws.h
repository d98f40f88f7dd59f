/* What gpubp.seeds.shuffled draws, in C and in CUDA: numpy's permutations, whose parts these are. */

/* Both halves of a product; the upper one is returned. */
INLINE uint64_t product(uint64_t a, uint64_t b, uint64_t *low) {
#if defined(__SIZEOF_INT128__) && !defined(__CUDACC__)
    const unsigned __int128 both = (unsigned __int128)a * b;
    *low = (uint64_t)both;
    return (uint64_t)(both >> 64);
#else
    const uint64_t a0 = (uint32_t)a, a1 = a >> 32, b0 = (uint32_t)b, b1 = b >> 32;
    const uint64_t right = a0 * b1 + (a0 * b0 >> 32), middle = a1 * b0 + (uint32_t)right;
    *low = a * b;
    return a1 * b1 + (right >> 32) + (middle >> 32);
#endif
}

/* Philox4x64-10 (Salmon, Moraes, Dror, Shaw 2011): key (seed, 3), which is Purpose.SHUFFLE of gpubp.seeds, counter
   (block, 0, 0, epoch). Numpy takes blocks from 1 on. The lower half of each number is used before the upper. */
INLINE void philox64(uint64_t block, uint64_t seed, uint64_t epoch, uint32_t *words) {
    uint64_t k0 = seed, k1 = 3, c0 = block, c1 = 0, c2 = 0, c3 = epoch;
    for (int i = 0; i < 10; i++) {
        uint64_t low0, low1;
        const uint64_t high0 = product(0xD2E7470EE14C6C93u, c0, &low0);
        const uint64_t high1 = product(0xCA5A826395121157u, c2, &low1);
        c0 = high1 ^ c1 ^ k0, c1 = low1, c2 = high0 ^ c3 ^ k1, c3 = low0;
        k0 += 0x9E3779B97F4A7C15u, k1 += 0xBB67AE8584CAA73Bu;
    }
    words[0] = (uint32_t)c0, words[1] = (uint32_t)(c0 >> 32), words[2] = (uint32_t)c1, words[3] = (uint32_t)(c1 >> 32);
    words[4] = (uint32_t)c2, words[5] = (uint32_t)(c2 >> 32), words[6] = (uint32_t)c3, words[7] = (uint32_t)(c3 >> 32);
}

/* As many bits as `last` has, all 1. A word that is larger than `last` in these is left out, and the next one taken: so
   numpy draws a number up to `last` (its random_interval). */
INLINE uint32_t bits_of(uint32_t last) {
    for (int shift = 1; shift < 32; shift *= 2) last |= last >> shift;
    return last;
}
