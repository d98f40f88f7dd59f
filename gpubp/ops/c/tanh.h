/* tanh(x) = (exp(2x) - 1) / (exp(2x) + 1). */
INLINE float tanh_f32(float x) {
    double y = x;
    y = y < -20.0 ? -20.0 : y;
    y = y > 20.0 ? 20.0 : y;
    double e = expm1_wide(2.0 * y);
    return (float)(e / (e + 2.0));
}
INLINE double tanh_f64(double x) { return tanh(x); }
