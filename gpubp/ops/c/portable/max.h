INLINE float larger_f32(float a, float b) { return b > a || b != b ? b : a; }
/* The largest of n numbers one behind the other; NaN where there is one. Of equal ones, 0 and -0, the order says which:
   16 side by side, from 8 such rows on four rows at a time, joined at the end. */
INLINE float max_f32(const float *x, int64_t n) {
    const int64_t count = n / 16;
    const int rows = count >= 8 ? 4 : 1;
    float tops[4][16], top = x[0];
    int64_t i = 1;
    if (count) {
        memcpy(tops, x, (size_t)rows * sizeof tops[0]);
        int64_t k = rows;
        for (; k + rows <= count; k += rows)
            for (int r = 0; r < rows; r++)
                for (int j = 0; j < 16; j++) tops[r][j] = larger_f32(tops[r][j], x[(k + r) * 16 + j]);
        if (rows == 4)
            for (int j = 0; j < 16; j++)
                tops[0][j] = larger_f32(larger_f32(tops[0][j], tops[1][j]), larger_f32(tops[2][j], tops[3][j]));
        for (; k < count; k++)
            for (int j = 0; j < 16; j++) tops[0][j] = larger_f32(tops[0][j], x[k * 16 + j]);
        for (int wide = 16 / 2; wide; wide /= 2)
            for (int j = 0; j < wide; j++) tops[0][j] = larger_f32(tops[0][j], tops[0][j + wide]);
        top = tops[0][0];
        i = count * 16;
    }
    for (; i < n; i++) top = larger_f32(top, x[i]);
    return top;
}
