/* The place of the first of the largest of n numbers, `step` apart; of the first NaN where there is one. */
INLINE int64_t argmax_f32(const float *x, int64_t n, int64_t step) {
    int64_t top = 0;
    for (int64_t i = 1; i < n; i++)
        if (x[i * step] > x[top * step] || (x[i * step] != x[i * step] && x[top * step] == x[top * step])) top = i;
    return top;
}
INLINE int64_t argmax_f64(const double *x, int64_t n, int64_t step) {
    int64_t top = 0;
    for (int64_t i = 1; i < n; i++)
        if (x[i * step] > x[top * step] || (x[i * step] != x[i * step] && x[top * step] == x[top * step])) top = i;
    return top;
}
