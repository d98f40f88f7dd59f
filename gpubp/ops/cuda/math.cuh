/* The functions that C forms call, by CUDA's own of the same precision, not by its quicker ones (__expf): within 1.8
   units in the last place, where hardware's ex2 is as near as a float can be (tests/emulator/test_ptx_maths.py). */
INLINE float exp_f32(float x) { return expf(x); }
INLINE double exp_f64(double x) { return exp(x); }
INLINE float expm1_f32(float x) { return expm1f(x); }
INLINE double expm1_f64(double x) { return expm1(x); }
INLINE float log_f32(float x) { return logf(x); }
INLINE double log_f64(double x) { return log(x); }
INLINE float log1p_f32(float x) { return log1pf(x); }
INLINE double log1p_f64(double x) { return log1p(x); }
INLINE float tanh_f32(float x) { return tanhf(x); }
INLINE double tanh_f64(double x) { return tanh(x); }
INLINE float erf_f32(float x) { return erff(x); }
INLINE double erf_f64(double x) { return erf(x); }
INLINE float larger_f32(float a, float b) { return b > a || b != b ? b : a; }
INLINE double larger_f64(double a, double b) { return b > a || b != b ? b : a; }
/* Where the exponential is inf its inverse is 0; NaN stays. */
INLINE float sigmoid_f32(float x) { return 1.0f / (1.0f + expf(-x)); }
INLINE double sigmoid_f64(double x) { return 1.0 / (1.0 + exp(-x)); }
INLINE float logaddexp_f32(float a, float b) {
    const float d = a == b ? 0.0f : -fabsf(a - b), top = a > b ? a : b;
    return d != d ? d : top + log1pf(expf(d));
}
INLINE double logaddexp_f64(double a, double b) {
    const double d = a == b ? 0.0 : -fabs(a - b), top = a > b ? a : b;
    return d != d ? d : top + log1p(exp(d));
}
INLINE float log_probability_f32(float p) {
    const float smallest = 1.1754943508222875e-38f;
    return logf(p >= 0.0f && p < smallest ? smallest : p);
}
INLINE double log_probability_f64(double p) {
    const double smallest = 2.2250738585072014e-308;
    return log(p >= 0.0 && p < smallest ? smallest : p);
}
