/* Products of a matrix of few rows, which read the right matrix once, where it lies: there is nothing to pack it for.
   strip: `wide` vectors of columns.
   slim: c = a b of m rows (at most 4), n columns (at least 16 that lie dense, of c too) and k terms, which are rounded
   once each and taken in their order. The element (i, p) of a is at i row + p column, that of b (p, j) at p b_row + j,
   that of c (i, j) at i c_row + j. */
#define SLIM(T, type, LONG)                                                                                            \
    INLINE void strip_##T(int m, int wide, int64_t k, const type *a, int64_t row, int64_t column, const type *b,       \
                          int64_t b_row, type *c, int64_t c_row) {                                                     \
        vector_##T sums[4][8];                                                                                         \
        UNROLLED                                                                                                       \
        for (int i = 0; i < m; i++)                                                                                    \
            UNROLLED                                                                                                   \
            for (int v = 0; v < wide; v++) sums[i][v] = (vector_##T){0};                                               \
        for (int64_t p = 0; p < k; p++)                                                                                \
            UNROLLED                                                                                                   \
            for (int v = 0; v < wide; v++) {                                                                           \
                const vector_##T line = *(const vector_##T *)(b + p * b_row + v * LONG);                               \
                UNROLLED                                                                                               \
                for (int i = 0; i < m; i++)                                                                            \
                    sums[i][v] = vector_fma_##T(a[i * row + p * column] - (vector_##T){0}, line, sums[i][v]);          \
            }                                                                                                          \
        UNROLLED                                                                                                       \
        for (int i = 0; i < m; i++)                                                                                    \
            UNROLLED                                                                                                   \
            for (int v = 0; v < wide; v++) *(vector_##T *)(c + i * c_row + v * LONG) = sums[i][v];                     \
    }                                                                                                                  \
    INLINE void slim_##T(int m, int64_t n, int64_t k, const type *a, int64_t row, int64_t column, const type *b,       \
                         int64_t b_row, type *c, int64_t c_row) {                                                      \
        const int wide = m > 2 ? 4 : 8;                                                                                \
        int64_t j = 0;                                                                                                 \
        for (; j + wide * LONG <= n; j += wide * LONG)                                                                 \
            strip_##T(m, wide, k, a, row, column, b + j, b_row, c + j, c_row);                                         \
        for (; j + LONG <= n; j += LONG) strip_##T(m, 1, k, a, row, column, b + j, b_row, c + j, c_row);               \
        j = n - LONG; /* the last columns, some of them once more */                                                   \
        if (n % LONG) strip_##T(m, 1, k, a, row, column, b + j, b_row, c + j, c_row);                                  \
    }
SLIM(f32, float, (VECTOR / 4))
SLIM(f64, double, (VECTOR / 8))
