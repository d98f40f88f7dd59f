/* As many numbers as the widest registers hold, and rows of a product's tile whose sums fit into all of them. */
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
/* So that the sums stay in registers; a checked build has no use for so much code. */
#ifdef __SANITIZE_ADDRESS__
#define UNROLLED
#elif defined(__clang__)
#define UNROLLED _Pragma("clang loop unroll(full)")
#else
#define UNROLLED _Pragma("GCC unroll 8")
#endif
#define VECTORS(T, type, LONG, fma)                                                                                    \
    typedef type vector_##T __attribute__((vector_size(VECTOR), aligned(sizeof(type)), may_alias));                    \
    INLINE vector_##T vector_fma_##T(vector_##T a, vector_##T b, vector_##T c) {                                       \
        for (int l = 0; l < LONG; l++) c[l] = fma(a[l], b[l], c[l]);                                                   \
        return c;                                                                                                      \
    }
VECTORS(f32, float, (VECTOR / 4), FMAF)
VECTORS(f64, double, (VECTOR / 8), FMA)
