INLINE double expm1_wide(double x) { double scale, p = exp_parts(x, &scale); return FMA(scale, p, scale - 1.0); }
INLINE float expm1_f32(float x) { return (float)expm1_wide(x); }
INLINE double expm1_f64(double x) {
    double low, high, p = exp_halves(x, &low, &high);
    return FMA(low, p, low - 1.0 / high) * high;
}
