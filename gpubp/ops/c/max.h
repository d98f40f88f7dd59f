/* The largest of n numbers one behind the other; NaN where there is one. */
INLINE float larger_f32(float a, float b) { return (b > a) | (b != b) ? b : a; }
INLINE double larger_f64(double a, double b) { return (b > a) | (b != b) ? b : a; }
INLINE float max_f32(const float *x, int64_t n) {
    float m[16], top = x[0];
    int64_t i = 1;
    if (n >= 16) {
        for (int j = 0; j < 16; j++) m[j] = x[j];
        for (i = 16; i + 16 <= n; i += 16)
            for (int j = 0; j < 16; j++) m[j] = (x[i + j] <= m[j]) | (m[j] != m[j]) ? m[j] : x[i + j];
        for (int j = 0; j < 16; j++) top = larger_f32(top, m[j]);
    }
    for (; i < n; i++) top = larger_f32(top, x[i]);
    return top;
}
INLINE double max_f64(const double *x, int64_t n) {
    double m[8], top = x[0];
    int64_t i = 1;
    if (n >= 8) {
        for (int j = 0; j < 8; j++) m[j] = x[j];
        for (i = 8; i + 8 <= n; i += 8)
            for (int j = 0; j < 8; j++) m[j] = (x[i + j] <= m[j]) | (m[j] != m[j]) ? m[j] : x[i + j];
        for (int j = 0; j < 8; j++) top = larger_f64(top, m[j]);
    }
    for (; i < n; i++) top = larger_f64(top, x[i]);
    return top;
}
