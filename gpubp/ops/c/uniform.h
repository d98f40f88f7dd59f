/* Philox4x32-10 (Salmon, Moraes, Dror, Shaw 2011): key (seed, stream), counter (block, seed high, step low, step high).
   Numbers in [0, 1): 24 bits of one word for float, 53 bits of two for double. */
INLINE void philox(uint32_t block, uint64_t seed, uint64_t step, uint32_t stream, uint32_t c[4]) {
    uint32_t k0 = (uint32_t)seed, k1 = stream;
    c[0] = block, c[1] = (uint32_t)(seed >> 32), c[2] = (uint32_t)step, c[3] = (uint32_t)(step >> 32);
    for (int i = 0; i < 10; i++) {
        uint64_t p0 = (uint64_t)c[0] * 0xD2511F53u, p1 = (uint64_t)c[2] * 0xCD9E8D57u;
        uint32_t a = (uint32_t)(p1 >> 32) ^ c[1] ^ k0, b = (uint32_t)(p0 >> 32) ^ c[3] ^ k1;
        c[0] = a, c[1] = (uint32_t)p1, c[2] = b, c[3] = (uint32_t)p0;
        k0 += 0x9E3779B9u, k1 += 0xBB67AE85u;
    }
}
static void uniform_f32(float *out, int64_t n, int64_t seed, int64_t step, uint32_t stream) {
    EACH
    for (int64_t i = 0; i < n / 4; i++) {
        uint32_t c[4];
        philox((uint32_t)i, (uint64_t)seed, (uint64_t)step, stream, c);
        out[4 * i] = (float)(int32_t)(c[0] >> 8) * 0x1p-24f;
        out[4 * i + 1] = (float)(int32_t)(c[1] >> 8) * 0x1p-24f;
        out[4 * i + 2] = (float)(int32_t)(c[2] >> 8) * 0x1p-24f;
        out[4 * i + 3] = (float)(int32_t)(c[3] >> 8) * 0x1p-24f;
    }
    if (n % 4) {
        uint32_t c[4];
        philox((uint32_t)(n / 4), (uint64_t)seed, (uint64_t)step, stream, c);
        for (int j = 0; j < n % 4; j++) out[n / 4 * 4 + j] = (float)(c[j] >> 8) * 0x1p-24f;
    }
}
static void uniform_f64(double *out, int64_t n, int64_t seed, int64_t step, uint32_t stream) {
    for (int64_t i = 0; i < (n + 1) / 2; i++) {
        uint32_t c[4];
        philox((uint32_t)i, (uint64_t)seed, (uint64_t)step, stream, c);
        for (int j = 0; j < 2 && 2 * i + j < n; j++)
            out[2 * i + j] = (double)(((uint64_t)(c[2 * j] >> 5) << 26) + (c[2 * j + 1] >> 6)) * 0x1p-53;
    }
}
