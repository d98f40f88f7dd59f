/* The sum of n numbers one behind the other: 16 (8) running sums, halved at the end, in pieces of 1024 whose sums are
   added in double. The order depends on n alone. */
typedef float lanes_f32 __attribute__((vector_size(64), aligned(4), may_alias));
typedef double lanes_f64 __attribute__((vector_size(64), aligned(8), may_alias));

INLINE float lanes_sum_f32(lanes_f32 v) {
    float a[8];
    for (int i = 0; i < 8; i++) a[i] = v[i] + v[i + 8];
    return ((a[0] + a[4]) + (a[2] + a[6])) + ((a[1] + a[5]) + (a[3] + a[7]));
}
INLINE double lanes_sum_f64(lanes_f64 v) { return ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7])); }

INLINE float sum_piece_f32(const float *x, int64_t n) {
    lanes_f32 sums = {0};
    int64_t i = 0;
    for (; i + 16 <= n; i += 16) sums += *(const lanes_f32 *)(x + i);
    float total = n < 16 ? 0.0f : lanes_sum_f32(sums);
    for (; i < n; i++) total += x[i];
    return total;
}
INLINE double sum_piece_f64(const double *x, int64_t n) {
    lanes_f64 sums = {0};
    int64_t i = 0;
    for (; i + 8 <= n; i += 8) sums += *(const lanes_f64 *)(x + i);
    double total = n < 8 ? 0.0 : lanes_sum_f64(sums);
    for (; i < n; i++) total += x[i];
    return total;
}
INLINE float sum_f32(const float *x, int64_t n) {
    if (n <= 1024) return sum_piece_f32(x, n);
    double total = 0.0;
    for (int64_t i = 0; i < n; i += 1024) total += (double)sum_piece_f32(x + i, n - i < 1024 ? n - i : 1024);
    return (float)total;
}
INLINE double sum_f64(const double *x, int64_t n) {
    if (n <= 1024) return sum_piece_f64(x, n);
    double total = 0.0;
    for (int64_t i = 0; i < n; i += 1024) total += sum_piece_f64(x + i, n - i < 1024 ? n - i : 1024);
    return total;
}
