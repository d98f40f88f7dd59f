/* Philox4x32-10 (Salmon et al. 2011): the bits of the other backends. The thread `at` of `all` takes every `all`-th block of
   four words. Numbers in [0, 1): 24 bits of one word for float, 53 bits of two for double. */
INLINE void philox(uint32_t block, uint64_t seed, uint64_t step, uint32_t stream, uint32_t *c) {
    uint32_t k0 = (uint32_t)seed, k1 = stream;
    c[0] = block, c[1] = (uint32_t)(seed >> 32), c[2] = (uint32_t)step, c[3] = (uint32_t)(step >> 32);
    for (int i = 0; i < 10; i++) {
        const uint64_t p0 = (uint64_t)c[0] * 0xD2511F53u, p1 = (uint64_t)c[2] * 0xCD9E8D57u;
        const uint32_t a = (uint32_t)(p1 >> 32) ^ c[1] ^ k0, b = (uint32_t)(p0 >> 32) ^ c[3] ^ k1;
        c[0] = a, c[1] = (uint32_t)p1, c[2] = b, c[3] = (uint32_t)p0;
        k0 += 0x9E3779B9u, k1 += 0xBB67AE85u;
    }
}
INLINE void uniform_f32(float *out, int64_t n, int64_t seed, int64_t step, uint32_t stream, int64_t at, int64_t all) {
    for (int64_t i = at; 4 * i < n; i += all) {
        uint32_t c[4];
        philox((uint32_t)i, (uint64_t)seed, (uint64_t)step, stream, c);
        for (int j = 0; j < 4; j++)
            if (4 * i + j < n) out[4 * i + j] = (float)(c[j] >> 8) * 5.9604644775390625e-08f;
    }
}
INLINE void uniform_f64(double *out, int64_t n, int64_t seed, int64_t step, uint32_t stream, int64_t at, int64_t all) {
    for (int64_t i = at; 2 * i < n; i += all) {
        uint32_t c[4];
        philox((uint32_t)i, (uint64_t)seed, (uint64_t)step, stream, c);
        for (int j = 0; j < 2; j++)
            if (2 * i + j < n)
                out[2 * i + j] =
                    (double)(((uint64_t)(c[2 * j] >> 5) << 26) + (c[2 * j + 1] >> 6)) * 1.1102230246251565e-16;
    }
}
