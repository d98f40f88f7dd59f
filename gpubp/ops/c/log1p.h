/* log(1 + f) = 2 artanh(f / (2 + f)), for 1 + f from sqrt(1/2) to sqrt(2). */
INLINE double log_series(double f) {
    double s = f / (2.0 + f), z = s * s, q = 1.0 / 15;
    q = FMA(q, z, 1.0 / 13);
    q = FMA(q, z, 1.0 / 11);
    q = FMA(q, z, 1.0 / 9);
    q = FMA(q, z, 1.0 / 7);
    q = FMA(q, z, 1.0 / 5);
    q = FMA(q, z, 1.0 / 3);
    return 2.0 * FMA(s * z, q, s);
}
/* x = 2^k m with m from sqrt(1/2) to sqrt(2). */
INLINE double log_parts(double x, double *k) {
    uint64_t bits = (uint64_t)bits_of(x), above = bits - 0x3fe6a09e667f3bcdu; /* sqrt(1/2) */
    uint64_t biased = ((above >> 52) + 2048) & 4095;                          /* k + 2048 */
    *k = from_bits((int64_t)(0x4330000000000000u | biased)) - (0x1p52 + 2048.0);
    return from_bits((int64_t)(bits - (above & 0xfff0000000000000u)));
}
INLINE double log1p_wide(double x) {
    double k, m = log_parts(1.0 + x, &k);
    int near = x > -0.29 && x < 0.41; /* where 1 + x has lost digits of x */
    double y = log_series(near ? x : m - 1.0);
    y = near ? y : FMA(k, 0.6931471805599453, y);
    y = x > -1.0 ? y : x == -1.0 ? -INFINITY : NAN;
    return x == INFINITY ? x : y;
}
INLINE float log1p_f32(float x) { return (float)log1p_wide(x); }
/* For double: log(2^k (1 + f)) + rest = f - (f^2/2 - s (f^2/2 + R)) + k ln 2 + rest, with R = log(1 + f) / s - 2. */
INLINE double log_joined(double f, double k, double rest) {
    double s = f / (2.0 + f), z = s * s, half = 0.5 * f * f, q = 2.0 / 21;
    q = FMA(q, z, 2.0 / 19);
    q = FMA(q, z, 2.0 / 17);
    q = FMA(q, z, 2.0 / 15);
    q = FMA(q, z, 2.0 / 13);
    q = FMA(q, z, 2.0 / 11);
    q = FMA(q, z, 2.0 / 9);
    q = FMA(q, z, 2.0 / 7);
    q = FMA(q, z, 2.0 / 5);
    q = FMA(q, z, 2.0 / 3);
    double small = FMA(k, 0x1.a39ef35793c76p-33, rest), large = k * 0x1.62e42feep-1; /* ln 2: 32 bits, and the rest */
    return large - ((half - FMA(s, FMA(z, q, half), small)) - f);
}
INLINE double log1p_f64(double x) {
    double u = 1.0 + x, most = u - 1.0, lost = (1.0 - (u - most)) + (x - most);
    double k, m = log_parts(u, &k);
    double y = log_joined(m - 1.0, k, lost / u);
    y = x > -1.0 ? y : x == -1.0 ? -INFINITY : NAN;
    return x == INFINITY ? x : y;
}
