/* The largest of n numbers for each lane, from four running ones; NaN where there is one. */
typedef int32_t mask_f32 __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
INLINE wide_f32 larger_wide_f32(wide_f32 a, wide_f32 b) {
    mask_f32 take = (b > a) | (b != b);
    return (wide_f32)(((mask_f32)b & take) | ((mask_f32)a & ~take));
}
INLINE void max_lanes_f32(const float *x, int64_t n, float *out) {
    const wide_f32 *v = (const wide_f32 *)x;
    wide_f32 top[4] = {v[0], v[0], v[0], v[0]};
    int64_t i = 0;
    for (; i + 4 <= n; i += 4)
        for (int j = 0; j < 4; j++) top[j] = larger_wide_f32(top[j], v[i + j]);
    for (; i < n; i++) top[0] = larger_wide_f32(top[0], v[i]);
    *(wide_f32 *)out = larger_wide_f32(larger_wide_f32(top[0], top[1]), larger_wide_f32(top[2], top[3]));
}
typedef int64_t mask_f64 __attribute__((vector_size(8 * LANES), aligned(8), may_alias));
INLINE wide_f64 larger_wide_f64(wide_f64 a, wide_f64 b) {
    mask_f64 take = (b > a) | (b != b);
    return (wide_f64)(((mask_f64)b & take) | ((mask_f64)a & ~take));
}
INLINE void max_lanes_f64(const double *x, int64_t n, double *out) {
    const wide_f64 *v = (const wide_f64 *)x;
    wide_f64 top[4] = {v[0], v[0], v[0], v[0]};
    int64_t i = 0;
    for (; i + 4 <= n; i += 4)
        for (int j = 0; j < 4; j++) top[j] = larger_wide_f64(top[j], v[i + j]);
    for (; i < n; i++) top[0] = larger_wide_f64(top[0], v[i]);
    *(wide_f64 *)out = larger_wide_f64(larger_wide_f64(top[0], top[1]), larger_wide_f64(top[2], top[3]));
}
