/* log(exp(a) + exp(b)). */
INLINE float logaddexp_f32(float a, float b) {
    double d = a == b ? 0.0 : -fabs((double)a - (double)b), top = a > b ? a : b;
    return (float)(top + log1p_wide(exp_wide(d)));
}
INLINE double logaddexp_f64(double a, double b) {
    double d = a == b ? 0.0 : -fabs(a - b), top = a > b ? a : b;
    return top + log1p_f64(exp_f64(d));
}
