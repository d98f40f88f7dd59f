/* The largest of n numbers one behind the other; NaN where there is one. Several at a time, by masks: compilers leave the
   choice between two numbers of an array scalar. */
typedef float tops_f32 __attribute__((vector_size(64), aligned(4), may_alias));
typedef double tops_f64 __attribute__((vector_size(64), aligned(8), may_alias));
typedef int32_t choice_f32 __attribute__((vector_size(64)));
typedef int64_t choice_f64 __attribute__((vector_size(64)));
INLINE float larger_f32(float a, float b) { return (b > a) | (b != b) ? b : a; }
INLINE double larger_f64(double a, double b) { return (b > a) | (b != b) ? b : a; }
#define MAX(T, type, COUNT)                                                                                            \
    INLINE tops_##T larger_tops_##T(tops_##T a, tops_##T b) {                                                          \
        const choice_##T kept = (b <= a) | (a != a);                                                                   \
        return (tops_##T)(((choice_##T)a & kept) | ((choice_##T)b & ~kept));                                           \
    }                                                                                                                  \
    INLINE type max_##T(const type *x, int64_t n) {                                                                    \
        type top = x[0];                                                                                               \
        int64_t i = 1;                                                                                                 \
        if (n >= COUNT) {                                                                                              \
            const tops_##T *v = (const tops_##T *)x;                                                                   \
            tops_##T tops = v[0];                                                                                      \
            const int64_t count = n / COUNT;                                                                           \
            int64_t k = 1;                                                                                             \
            if (count >= 8) { /* four at a time, none of which waits for another */                                    \
                tops_##T own[4] = {v[0], v[1], v[2], v[3]};                                                            \
                for (k = 4; k + 4 <= count; k += 4)                                                                    \
                    for (int j = 0; j < 4; j++) own[j] = larger_tops_##T(own[j], v[k + j]);                            \
                tops = larger_tops_##T(larger_tops_##T(own[0], own[1]), larger_tops_##T(own[2], own[3]));              \
            }                                                                                                          \
            for (; k < count; k++) tops = larger_tops_##T(tops, v[k]);                                                 \
            i = count * COUNT;                                                                                         \
            type half[COUNT];                                                                                          \
            memcpy(half, &tops, sizeof half);                                                                          \
            for (int w = COUNT / 2; w; w /= 2)                                                                         \
                for (int j = 0; j < w; j++) half[j] = larger_##T(half[j], half[j + w]);                                \
            top = half[0];                                                                                             \
        }                                                                                                              \
        for (; i < n; i++) top = larger_##T(top, x[i]);                                                                \
        return top;                                                                                                    \
    }
MAX(f32, float, 16)
MAX(f64, double, 8)
