/* The sums of LANES rows of n numbers each, which lie element by element; in the order of sum_f32, sum_f64: in pieces of
   1024, whose sums are added in double, 16 (8) running sums, halved at the end, then what is left. */
INLINE void sum_lanes_piece_f32(const float *x, int64_t n, float *out) {
    const wide_f32 *v = (const wide_f32 *)x;
    wide_f32 total = {0};
    int64_t i = 0;
    if (n >= 16) {
        wide_f32 a[16] = {{0}};
        for (; i + 16 <= n; i += 16)
            for (int j = 0; j < 16; j++) a[j] += v[i + j];
        for (int j = 0; j < 8; j++) a[j] += a[j + 8];
        total = ((a[0] + a[4]) + (a[2] + a[6])) + ((a[1] + a[5]) + (a[3] + a[7]));
    }
    for (; i < n; i++) total += v[i];
    *(wide_f32 *)out = total;
}
INLINE void sum_lanes_piece_f64(const double *x, int64_t n, double *out) {
    const wide_f64 *v = (const wide_f64 *)x;
    wide_f64 total = {0};
    int64_t i = 0;
    if (n >= 8) {
        wide_f64 a[8] = {{0}};
        for (; i + 8 <= n; i += 8)
            for (int j = 0; j < 8; j++) a[j] += v[i + j];
        total = ((a[0] + a[4]) + (a[2] + a[6])) + ((a[1] + a[5]) + (a[3] + a[7]));
    }
    for (; i < n; i++) total += v[i];
    *(wide_f64 *)out = total;
}
INLINE void sum_lanes_f32(const float *x, int64_t n, float *out) {
    double total[LANES] = {0};
    if (n <= 1024) sum_lanes_piece_f32(x, n, out);
    else {
        for (int64_t i = 0; i < n; i += 1024) {
            sum_lanes_piece_f32(x + i * LANES, n - i < 1024 ? n - i : 1024, out);
            for (int l = 0; l < LANES; l++) total[l] += (double)out[l];
        }
        for (int l = 0; l < LANES; l++) out[l] = (float)total[l];
    }
}
INLINE void sum_lanes_f64(const double *x, int64_t n, double *out) {
    double total[LANES] = {0};
    if (n <= 1024) sum_lanes_piece_f64(x, n, out);
    else {
        for (int64_t i = 0; i < n; i += 1024) {
            sum_lanes_piece_f64(x + i * LANES, n - i < 1024 ? n - i : 1024, out);
            for (int l = 0; l < LANES; l++) total[l] += (double)out[l];
        }
        for (int l = 0; l < LANES; l++) out[l] = (double)total[l];
    }
}
