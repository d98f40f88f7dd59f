INLINE double log_wide(double x) {
    double k, m = log_parts(x, &k);
    double y = FMA(k, 0.6931471805599453, log_series(m - 1.0));
    y = x > 0.0 ? y : x == 0.0 ? -INFINITY : NAN;
    return x == INFINITY ? x : y;
}
INLINE float log_f32(float x) { return (float)log_wide(x); }
INLINE double log_f64(double x) {
    int tiny = x < 0x1p-1022;
    double k, m = log_parts(tiny ? x * 0x1p54 : x, &k);
    double y = log_joined(m - 1.0, tiny ? k - 54.0 : k, 0.0);
    y = x > 0.0 ? y : x == 0.0 ? -INFINITY : NAN;
    return x == INFINITY ? x : y;
}
INLINE float log_probability_f32(float p) { return log_f32(p >= 0.0f && p < 0x1p-126f ? 0x1p-126f : p); }
INLINE double log_probability_f64(double p) { return log_f64(p >= 0.0 && p < 0x1p-1022 ? 0x1p-1022 : p); }
