INLINE double expm1_wide(double x) { double scale, p = exp_parts(x, &scale); return FMA(scale, p, scale - 1.0); }
INLINE float expm1_f32(float x) { return (float)expm1_wide(x); }
INLINE double expm1_f64(double x) { return expm1(x); }
