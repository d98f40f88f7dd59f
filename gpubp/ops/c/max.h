/* The largest of n numbers one behind the other; NaN where there is one. Several at a time, by masks: compilers leave the
   choice between two numbers of an array scalar. */
typedef float tops_f32 __attribute__((vector_size(64), aligned(4), may_alias));
typedef double tops_f64 __attribute__((vector_size(64), aligned(8), may_alias));
typedef int32_t choice_f32 __attribute__((vector_size(64)));
typedef int64_t choice_f64 __attribute__((vector_size(64)));
INLINE float larger_f32(float a, float b) { return (b > a) | (b != b) ? b : a; }
INLINE double larger_f64(double a, double b) { return (b > a) | (b != b) ? b : a; }
#define MAX(T, type, COUNT)                                                                                            \
    INLINE type max_##T(const type *x, int64_t n) {                                                                    \
        type top = x[0];                                                                                               \
        int64_t i = 1;                                                                                                 \
        if (n >= COUNT) {                                                                                              \
            tops_##T tops = *(const tops_##T *)x;                                                                      \
            for (i = COUNT; i + COUNT <= n; i += COUNT) {                                                              \
                const tops_##T own = *(const tops_##T *)(x + i);                                                       \
                const choice_##T kept = (own <= tops) | (tops != tops);                                                \
                tops = (tops_##T)(((choice_##T)tops & kept) | ((choice_##T)own & ~kept));                              \
            }                                                                                                          \
            for (int j = 0; j < COUNT; j++) top = larger_##T(top, tops[j]);                                            \
        }                                                                                                              \
        for (; i < n; i++) top = larger_##T(top, x[i]);                                                                \
        return top;                                                                                                    \
    }
MAX(f32, float, 16)
MAX(f64, double, 8)
