/* tanh(x) = (exp(2x) - 1) / (exp(2x) + 1). */
INLINE float tanh_f32(float x) {
    double e = expm1_wide(2.0 * (double)x);
    return (float)(e / (e + 2.0));
}
INLINE double tanh_f64(double x) {
    double e = expm1_f64(x > 30.0 ? 60.0 : 2.0 * x);
    return e / (e + 2.0);
}
