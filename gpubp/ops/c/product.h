/* Products of matrices for which a call of the BLAS costs more than it brings. A tile of the result stays in registers
   while it is summed; what it needs of the right matrix is packed, BLOCK rows at a time. */
#define BLOCK 512
/* Four of the eight numbers of two vectors, by their places. */
typedef float four_f32 __attribute__((vector_size(16), aligned(4), may_alias));
typedef double four_f64 __attribute__((vector_size(32), aligned(8), may_alias));
#ifdef __clang__
#define PICK(T, a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
typedef int32_t places_f32 __attribute__((vector_size(16)));
typedef int64_t places_f64 __attribute__((vector_size(32)));
#define PICK(T, a, b, ...) __builtin_shuffle(a, b, (places_##T){__VA_ARGS__})
#endif
/* tile: `sums` of TILE rows of `wide` vectors and the product of `depth` columns of a, row i of which begins at a[i], its
   column p at at[p] behind that, and as many packed rows of b. It has nothing else to keep in registers.
   row: copies `width` numbers; turned: four rows of four as columns.
   product: c = a b, or with `add` c += a b, of m rows, n columns and k terms, which are rounded once each and taken in
   their order (with `add` in blocks). The element (i, p) of a is at rows[i] + columns[p], or without them i row + p
   column; that of b (p, j) at p b_row + j b_column, that of c (i, j) at i c_row + j. */
#define PRODUCT(T, type, LONG)                                                                                         \
    INLINE void tile_##T(int wide, int64_t depth, const type *const *a, const int64_t *at, const type *b,              \
                         vector_##T *c) {                                                                              \
        vector_##T sums[TILE][2];                                                                                      \
        UNROLLED                                                                                                       \
        for (int i = 0; i < TILE; i++)                                                                                 \
            UNROLLED                                                                                                   \
            for (int v = 0; v < wide; v++) sums[i][v] = c[i * wide + v];                                               \
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
        UNROLLED                                                                                                       \
        for (int i = 0; i < TILE; i++)                                                                                 \
            UNROLLED                                                                                                   \
            for (int v = 0; v < wide; v++) c[i * wide + v] = sums[i][v];                                               \
    }                                                                                                                  \
    APART void pair_##T(int64_t depth, const type *const *a, const int64_t *at, const type *b, vector_##T *c) {        \
        tile_##T(2, depth, a, at, b, c);                                                                               \
    }                                                                                                                  \
    APART void single_##T(int64_t depth, const type *const *a, const int64_t *at, const type *b, vector_##T *c) {      \
        tile_##T(1, depth, a, at, b, c);                                                                               \
    }                                                                                                                  \
    INLINE void row_##T(type *to, const type *from, int64_t width) {                                                   \
        if (width == 2 * LONG) memcpy(to, from, 2 * LONG * sizeof(type));                                              \
        else                                                                                                           \
            for (int64_t j = 0; j < width; j++) to[j] = from[j];                                                       \
    }                                                                                                                  \
    INLINE void turned_##T(type *to, int64_t to_row, const type *from, int64_t from_row) {                             \
        const four_##T *a = (const four_##T *)from, *b = (const four_##T *)(from + from_row),                          \
                       *c = (const four_##T *)(from + 2 * from_row), *d = (const four_##T *)(from + 3 * from_row);     \
        const four_##T low = PICK(T, *a, *b, 0, 4, 1, 5), high = PICK(T, *a, *b, 2, 6, 3, 7),                          \
                       low_ = PICK(T, *c, *d, 0, 4, 1, 5), high_ = PICK(T, *c, *d, 2, 6, 3, 7);                        \
        *(four_##T *)to = PICK(T, low, low_, 0, 1, 4, 5);                                                              \
        *(four_##T *)(to + to_row) = PICK(T, low, low_, 2, 3, 6, 7);                                                   \
        *(four_##T *)(to + 2 * to_row) = PICK(T, high, high_, 0, 1, 4, 5);                                             \
        *(four_##T *)(to + 3 * to_row) = PICK(T, high, high_, 2, 3, 6, 7);                                             \
    }                                                                                                                  \
    APART void product_##T(                                                                                            \
        int64_t m, int64_t n, int64_t k, const type *a, const int64_t *rows, const int64_t *columns, int64_t row,      \
        int64_t column, const type *b, int64_t b_row, int64_t b_column, type *c, int64_t c_row, bool8 add) {           \
        _Alignas(64) type packed[BLOCK * 2 * LONG], sums[TILE * 2 * LONG];                                             \
        int64_t at[BLOCK];                                                                                             \
        const int64_t blocks = (k + BLOCK - 1) / BLOCK, most = (k + blocks - 1) / blocks;                              \
        for (int64_t j0 = 0; j0 < n; j0 += 2 * LONG) {                                                                 \
            const int64_t width = n - j0 < 2 * LONG ? n - j0 : 2 * LONG, full = width > LONG ? 2 * LONG : LONG;        \
            for (int64_t p0 = 0; p0 < k; p0 += most) {                                                                 \
                const int64_t depth = k - p0 < most ? k - p0 : most;                                                   \
                const type *from = b + p0 * b_row + j0 * b_column;                                                     \
                for (int64_t p = 0; p < depth; p++) at[p] = columns ? columns[p0 + p] : (p0 + p) * column;             \
                if (width < full) memset(packed, 0, depth * full * sizeof(type));                                      \
                if (b_column == 1)                                                                                     \
                    for (int64_t p = 0; p < depth; p++) row_##T(packed + p * full, from + p * b_row, width);           \
                else                                                                                                   \
                    for (int64_t p1 = 0; p1 < depth; p1 += LONG) { /* so few rows of it stay in the first cache */     \
                        const int64_t end = depth - p1 < LONG ? depth : p1 + LONG;                                     \
                        for (int64_t j = 0, step; j < width; j += step) {                                              \
                            int64_t p = p1;                                                                            \
                            step = b_row == 1 && j + 4 <= width ? 4 : 1;                                               \
                            if (step == 4)                                                                             \
                                for (; p + 4 <= end; p += 4)                                                           \
                                    turned_##T(packed + p * full + j, full, from + p + j * b_column, b_column);        \
                            for (; p < end; p++)                                                                       \
                                for (int64_t i = j; i < j + step; i++)                                                 \
                                    packed[p * full + i] = from[p * b_row + i * b_column];                             \
                        }                                                                                              \
                    }                                                                                                  \
                for (int64_t i0 = 0; i0 < m; i0 += TILE) {                                                             \
                    const int64_t count = m - i0 < TILE ? m - i0 : TILE;                                               \
                    const type *first[TILE];                                                                           \
                    UNROLLED                                                                                           \
                    for (int i = 0; i < TILE; i++) {                                                                   \
                        const int64_t own = i0 + (i < count ? i : count - 1);                                          \
                        first[i] = a + (rows ? rows[own] : own * row);                                                 \
                    }                                                                                                  \
                    type *to = c + i0 * c_row + j0;                                                                    \
                    const bool8 more = p0 && !add;                                                                     \
                    if (!more || count < TILE || width < full) memset(sums, 0, sizeof sums);                           \
                    if (more)                                                                                          \
                        for (int64_t i = 0; i < count; i++) row_##T(sums + i * full, to + i * c_row, width);           \
                    if (full > LONG) pair_##T(depth, first, at, packed, (vector_##T *)sums);                           \
                    else single_##T(depth, first, at, packed, (vector_##T *)sums);                                     \
                    for (int64_t i = 0; i < count; i++)                                                                \
                        if (add)                                                                                       \
                            for (int64_t j = 0; j < width; j++) to[i * c_row + j] += sums[i * full + j];               \
                        else row_##T(to + i * c_row, sums + i * full, width);                                          \
                }                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
    }
PRODUCT(f32, float, (VECTOR / 4))
PRODUCT(f64, double, (VECTOR / 8))
