/* The sum of n numbers one behind the other: 16 running sums, halved at the end, in pieces of 1024 whose sums are added
   in double. The order depends on n alone. */
INLINE float sum_piece_f32(const float *x, int64_t n) {
    float sums[16] = {0}, total = 0;
    const int64_t whole = n / 16 * 16;
    for (int64_t i = 0; i < whole; i += 16)
        for (int k = 0; k < 16; k++) sums[k] += x[i + k];
    if (whole) {
        for (int k = 0; k < 8; k++) sums[k] += sums[k + 8];
        total = ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7]));
    }
    for (int64_t i = whole; i < n; i++) total += x[i];
    return total;
}
INLINE float sum_f32(const float *x, int64_t n) {
    if (n <= 1024) return sum_piece_f32(x, n);
    double total = 0;
    for (int64_t i = 0; i < n; i += 1024) total += (double)sum_piece_f32(x + i, n - i < 1024 ? n - i : 1024);
    return (float)total;
}
/* The sum of n numbers one behind the other: 8 running sums, halved at the end, in pieces of 1024 whose sums are added
   in double. The order depends on n alone. */
INLINE double sum_piece_f64(const double *x, int64_t n) {
    double sums[8] = {0}, total = 0;
    const int64_t whole = n / 8 * 8;
    for (int64_t i = 0; i < whole; i += 8)
        for (int k = 0; k < 8; k++) sums[k] += x[i + k];
    if (whole) {
        total = ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7]));
    }
    for (int64_t i = whole; i < n; i++) total += x[i];
    return total;
}
INLINE double sum_f64(const double *x, int64_t n) {
    if (n <= 1024) return sum_piece_f64(x, n);
    double total = 0;
    for (int64_t i = 0; i < n; i += 1024) total += (double)sum_piece_f64(x + i, n - i < 1024 ? n - i : 1024);
    return (double)total;
}
