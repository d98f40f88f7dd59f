/* The sum of n numbers one behind the other: 16 running sums, halved at the end, in pieces of 1024 whose sums are added
   in double. The order depends on n alone. */
INLINE float sum_piece_f32(const float *x, int64_t n) {
    float sums[16] = {0}, total = 0;
    const int64_t whole = n / 16 * 16;
    for (int64_t i = 0; i < whole; i += 16)
        for (int k = 0; k < 16; k++) sums[k] += x[i + k];
    if (whole) {
        for (int wide = 16 / 2; wide; wide /= 2)
            for (int k = 0; k < wide; k++) sums[k] += sums[k + wide];
        total = sums[0];
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
