/* Products of matrices for which a call of the BLAS costs more than it brings. A tile of the result stays in registers
   while it is summed; what it needs of the right matrix is packed, BLOCK rows at a time. */
#if defined(__AVX512F__)
#define VECTOR 64
#define TILE 8
#elif defined(__AVX__)
#define VECTOR 32
#define TILE 6
#else
#define VECTOR 16
#define TILE 4
#endif
#define BLOCK 128
/* So that the sums stay in registers; a checked build has no use for so much code. */
#ifdef __SANITIZE_ADDRESS__
#define UNROLLED
#elif defined(__clang__)
#define UNROLLED _Pragma("clang loop unroll(full)")
#else
#define UNROLLED _Pragma("GCC unroll 8")
#endif
typedef float vector_f32 __attribute__((vector_size(VECTOR), aligned(4), may_alias));
typedef double vector_f64 __attribute__((vector_size(VECTOR), aligned(8), may_alias));

INLINE vector_f32 vector_fma_f32(vector_f32 a, vector_f32 b, vector_f32 c) {
    for (int l = 0; l < VECTOR / 4; l++) c[l] = FMAF(a[l], b[l], c[l]);
    return c;
}
INLINE vector_f64 vector_fma_f64(vector_f64 a, vector_f64 b, vector_f64 c) {
    for (int l = 0; l < VECTOR / 8; l++) c[l] = FMA(a[l], b[l], c[l]);
    return c;
}

/* tile: `count` rows and `width` columns of c from `depth` columns of a, row i of which begins at a[i], its column p at
   at[p] behind that, and the packed rows of b. `more`: c holds the sum so far; `add`: the sum is added to c.
   product: c = a b, or with `add` c += a b, of m rows, n columns and k terms, which are rounded once each and taken in
   their order (with `add` in blocks). The element (i, p) of a is at rows[i] + columns[p], or without them i row + p
   column; that of b (p, j) at p b_row + j b_column, that of c (i, j) at i c_row + j. */
#define PRODUCT(T, type, LONG)                                                                                         \
    INLINE void tile_##T(int wide, int64_t depth, const type *const *a, const int64_t *at, const type *b, type *c,     \
                         int64_t c_row, int64_t count, int64_t width, bool8 more, bool8 add) {                         \
        vector_##T sums[TILE][2];                                                                                      \
        const bool8 whole = count == TILE && width == wide * LONG;                                                     \
        UNROLLED                                                                                                       \
        for (int i = 0; i < TILE; i++)                                                                                 \
            UNROLLED                                                                                                   \
            for (int v = 0; v < wide; v++) sums[i][v] = (vector_##T){0};                                               \
        if (more && !add)                                                                                              \
            for (int64_t i = 0; i < count; i++) memcpy(sums[i], c + i * c_row, width * sizeof(type));                  \
        for (int64_t p = 0; p < depth; p++) {                                                                          \
            const int64_t here = at[p];                                                                                \
            vector_##T row[2];                                                                                         \
            UNROLLED                                                                                                   \
            for (int v = 0; v < wide; v++) row[v] = *(const vector_##T *)(b + (p * wide + v) * LONG);                  \
            UNROLLED                                                                                                   \
            for (int i = 0; i < TILE; i++) {                                                                           \
                const vector_##T x = a[i][here] - (vector_##T){0};                                                     \
                UNROLLED                                                                                               \
                for (int v = 0; v < wide; v++) sums[i][v] = vector_fma_##T(x, row[v], sums[i][v]);                     \
            }                                                                                                          \
        }                                                                                                              \
        if (whole && !add)                                                                                             \
            UNROLLED                                                                                                   \
            for (int i = 0; i < TILE; i++)                                                                             \
                UNROLLED                                                                                               \
                for (int v = 0; v < wide; v++) *(vector_##T *)(c + i * c_row + v * LONG) = sums[i][v];                 \
        else                                                                                                           \
            for (int64_t i = 0; i < count; i++)                                                                        \
                for (int64_t j = 0; j < width; j++)                                                                    \
                    c[i * c_row + j] = (add ? c[i * c_row + j] : 0) + ((const type *)sums[i])[j];                      \
    }                                                                                                                  \
    APART void pair_##T(int64_t depth, const type *const *a, const int64_t *at, const type *b, type *c, int64_t c_row, \
                        int64_t count, int64_t width, bool8 more, bool8 add) {                                         \
        tile_##T(2, depth, a, at, b, c, c_row, count, width, more, add);                                               \
    }                                                                                                                  \
    APART void single_##T(int64_t depth, const type *const *a, const int64_t *at, const type *b, type *c,              \
                          int64_t c_row, int64_t count, int64_t width, bool8 more, bool8 add) {                        \
        tile_##T(1, depth, a, at, b, c, c_row, count, width, more, add);                                               \
    }                                                                                                                  \
    APART void product_##T(                                                                                            \
        int64_t m, int64_t n, int64_t k, const type *a, const int64_t *rows, const int64_t *columns, int64_t row,      \
        int64_t column, const type *b, int64_t b_row, int64_t b_column, type *c, int64_t c_row, bool8 add) {           \
        type packed[BLOCK * 2 * LONG];                                                                                 \
        int64_t at[BLOCK];                                                                                             \
        for (int64_t j0 = 0; j0 < n; j0 += 2 * LONG) {                                                                 \
            const int64_t width = n - j0 < 2 * LONG ? n - j0 : 2 * LONG, full = width > LONG ? 2 * LONG : LONG;        \
            for (int64_t p0 = 0; p0 < k; p0 += BLOCK) {                                                                \
                const int64_t depth = k - p0 < BLOCK ? k - p0 : BLOCK;                                                 \
                const type *from = b + p0 * b_row + j0 * b_column;                                                     \
                for (int64_t p = 0; p < depth; p++) at[p] = columns ? columns[p0 + p] : (p0 + p) * column;             \
                if (width < full) memset(packed, 0, depth * full * sizeof(type));                                      \
                if (b_column == 1)                                                                                     \
                    for (int64_t p = 0; p < depth; p++)                                                                \
                        for (int64_t j = 0; j < width; j++) packed[p * full + j] = from[p * b_row + j];                \
                else                                                                                                   \
                    for (int64_t j = 0; j < width; j++)                                                                \
                        for (int64_t p = 0; p < depth; p++) packed[p * full + j] = from[p * b_row + j * b_column];     \
                for (int64_t i0 = 0; i0 < m; i0 += TILE) {                                                             \
                    const int64_t count = m - i0 < TILE ? m - i0 : TILE;                                               \
                    const type *first[TILE];                                                                           \
                    UNROLLED                                                                                           \
                    for (int i = 0; i < TILE; i++) {                                                                   \
                        const int64_t own = i0 + (i < count ? i : count - 1);                                          \
                        first[i] = a + (rows ? rows[own] : own * row);                                                 \
                    }                                                                                                  \
                    type *to = c + i0 * c_row + j0;                                                                    \
                    if (full > LONG) pair_##T(depth, first, at, packed, to, c_row, count, width, p0 > 0, add);         \
                    else single_##T(depth, first, at, packed, to, c_row, count, width, p0 > 0, add);                   \
                }                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
    }
PRODUCT(f32, float, (VECTOR / 4))
PRODUCT(f64, double, (VECTOR / 8))
