/* exp(x) = 2^k (1 + p), with x = k ln 2 + r, |r| <= ln 2 / 2, p = exp(r) - 1 as its Taylor polynomial. Functions of
   float compute in double and round once: the error is below 0.51 units in the last place; those of double are off by
   less than 3 (exp, log and log1p by less than 1). */
INLINE double exp_parts(double x, double *scale) {
    x = x < -200.0 ? -200.0 : x; /* there a float is 0 or inf; NaN stays */
    x = x > 200.0 ? 200.0 : x;
    double shifted = FMA(x, 1.4426950408889634, 0x1.8p52); /* the whole number k is in the low bits */
    double r = FMA(shifted - 0x1.8p52, -0.6931471805599453, x);
    double q = 1.0 / 362880;
    q = FMA(q, r, 1.0 / 40320);
    q = FMA(q, r, 1.0 / 5040);
    q = FMA(q, r, 1.0 / 720);
    q = FMA(q, r, 1.0 / 120);
    q = FMA(q, r, 1.0 / 24);
    q = FMA(q, r, 1.0 / 6);
    q = FMA(q, r, 0.5);
    *scale = from_bits((int64_t)((uint64_t)bits_of(shifted) << 52) + bits_of(1.0));
    return FMA(r * r, q, r);
}
INLINE double exp_wide(double x) { double scale, p = exp_parts(x, &scale); return FMA(scale, p, scale); }
INLINE float exp_f32(float x) { return (float)exp_wide(x); }
/* For double: r as x - k ln 2 in two pieces, of which k times the first is exact, 13 terms, and 2^k as two factors, for k may lie outside of their range. */
INLINE double exp_halves(double x, double *low, double *high) {
    x = x < -746.0 ? -746.0 : x;
    x = x > 710.0 ? 710.0 : x;
    double k = FMA(x, 1.4426950408889634, 0x1.8p52) - 0x1.8p52, half = FMA(k, 0.5, 0x1.8p52);
    double rest = k - (half - 0x1.8p52) + 0x1.8p52;
    double r = FMA(k, -0x1.a39ef35793c76p-33, FMA(k, -0x1.62e42feep-1, x));
    double q = 1.0 / 6227020800;
    q = FMA(q, r, 1.0 / 479001600);
    q = FMA(q, r, 1.0 / 39916800);
    q = FMA(q, r, 1.0 / 3628800);
    q = FMA(q, r, 1.0 / 362880);
    q = FMA(q, r, 1.0 / 40320);
    q = FMA(q, r, 1.0 / 5040);
    q = FMA(q, r, 1.0 / 720);
    q = FMA(q, r, 1.0 / 120);
    q = FMA(q, r, 1.0 / 24);
    q = FMA(q, r, 1.0 / 6);
    q = FMA(q, r, 0.5);
    *low = from_bits((int64_t)((uint64_t)bits_of(half) << 52) + bits_of(1.0));
    *high = from_bits((int64_t)((uint64_t)bits_of(rest) << 52) + bits_of(1.0));
    return FMA(r * r, q, r);
}
INLINE double exp_f64(double x) {
    double low, high, p = exp_halves(x, &low, &high);
    return FMA(low, p, low) * high;
}
