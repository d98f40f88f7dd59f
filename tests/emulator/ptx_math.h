/* The arithmetic of PTX where C has no operator of the same meaning. */
#pragma once
#include "ptx_memory.h"

#define CALLED static __attribute__((noinline))

typedef unsigned __int128 uint128_t;
typedef __int128 int128_t;

INLINE uint32_t bits_f32(float x) { uint32_t b; memcpy(&b, &x, 4); return b; }
INLINE uint64_t bits_f64(double x) { uint64_t b; memcpy(&b, &x, 8); return b; }
INLINE float as_f32(uint32_t b) { float x; memcpy(&x, &b, 4); return x; }
INLINE double as_f64(uint64_t b) { double x; memcpy(&x, &b, 8); return x; }

/* Whole numbers ---------------------------------------------------------------------------------------------------- */
/* By zero PTX promises nothing; hardware gives ones. */
#define DIVIDES(T, S) \
    INLINE T div_##S(T a, T b) { return b == 0 ? (T)-1 : b == (T)-1 && (T)-1 < 0 ? (T)(0 - a) : (T)(a / b); } \
    INLINE T rem_##S(T a, T b) { return b == 0 ? a : b == (T)-1 && (T)-1 < 0 ? 0 : (T)(a % b); } \
    INLINE T min_##S(T a, T b) { return a < b ? a : b; } \
    INLINE T max_##S(T a, T b) { return a > b ? a : b; } \
    INLINE T abs_##S(T a) { return a < 0 ? (T)(0 - a) : a; } \
    INLINE T shr_##S(T a, uint32_t n) { return n < sizeof(T) * 8 ? (T)(a >> n) : (T)(a < 0 ? -1 : 0); } \
    INLINE T shl_##S(T a, uint32_t n) { return n < sizeof(T) * 8 ? (T)(a << n) : 0; } \
    CALLED T bfe_##S(T a, uint32_t from, uint32_t count) { \
        const int most = sizeof(T) * 8 - 1; \
        from &= 0xFF, count &= 0xFF; \
        const int last = (int)(from + count) - 1 < most ? (int)(from + count) - 1 : most; \
        const int sign = (T)-1 > 0 || !count ? 0 : a >> last & 1; \
        T d = 0; \
        for (int i = 0; i <= most; i++) \
            d |= (T)((T)(i < (int)count && (int)from + i <= most ? a >> (from + i) & 1 : sign) << i); \
        return d; \
    } \
    CALLED uint32_t bfind_##S(T a, int shifts) { \
        const int most = sizeof(T) * 8 - 1; \
        for (int i = most; i >= 0; i--) if ((a < 0 ? ~a : a) >> i & 1) return shifts ? most - i : i; \
        return ~0u; \
    }
DIVIDES(int16_t, s16) DIVIDES(uint16_t, u16) DIVIDES(int32_t, s32) DIVIDES(uint32_t, u32) DIVIDES(int64_t, s64) DIVIDES(uint64_t, u64)
CALLED uint64_t bfi(uint64_t a, uint64_t b, uint32_t from, uint32_t count, uint32_t width) {
    from &= 0xFF, count &= 0xFF;
    if (from >= width || !count) return b;
    const uint64_t ones = (count >= 64 ? ~0ull : (1ull << count) - 1) << from;
    return (b & ~ones) | (a << from & ones);
}
CALLED uint64_t brev(uint64_t a, int width) {
    uint64_t d = 0;
    for (int i = 0; i < width; i++) d |= (a >> i & 1) << (width - 1 - i);
    return d;
}
CALLED uint32_t prmt(uint32_t a, uint32_t b, uint32_t pick) {
    const uint64_t both = (uint64_t)b << 32 | a;
    uint32_t d = 0;
    for (int i = 0; i < 4; i++) {
        const uint32_t byte = both >> (pick >> (4 * i) & 7) * 8 & 0xFF;
        d |= (pick >> (4 * i + 3) & 1 ? (byte & 0x80 ? 0xFFu : 0) : byte) << 8 * i;
    }
    return d;
}
INLINE uint32_t shf(int left, int wraps, uint32_t a, uint32_t b, uint32_t n) {
    n = wraps ? n & 31 : n < 32 ? n : 32;
    const uint64_t both = (uint64_t)b << 32 | a;
    return left ? (uint32_t)((n == 32 ? (uint64_t)a << 32 : both << n) >> 32) : (uint32_t)(both >> n);
}
CALLED uint32_t lop3(uint32_t a, uint32_t b, uint32_t c, uint32_t table) {
    uint32_t d = 0;
    for (int k = 0; k < 8; k++) if (table >> k & 1) d |= (k & 4 ? a : ~a) & (k & 2 ? b : ~b) & (k & 1 ? c : ~c);
    return d;
}
/* Four products of bytes, or two of 16 bits with those of b, and a sum. */
CALLED int32_t dp(uint32_t a, int sa, uint32_t b, int sb, int32_t c, int count, int from) {
    for (int i = 0; i < count; i++) {
        const int wide = count == 2 ? 16 : 8;
        const int32_t x = sa ? (wide == 16 ? (int16_t)(a >> 16 * i) : (int8_t)(a >> 8 * i)) : (int32_t)(a >> wide * i & ((1u << wide) - 1));
        const uint32_t byte = b >> 8 * (i + from);
        c += x * (sb ? (int8_t)byte : (int32_t)(byte & 0xFF));
    }
    return c;
}

/* Floats ----------------------------------------------------------------------------------------------------------- */
INLINE float ftz(float x) { return fabsf(x) < 0x1p-126f ? copysignf(0.0f, x) : x; }
INLINE float sat_f32(float x) { return x > 0.0f ? (x < 1.0f ? x : 1.0f) : 0.0f; }
INLINE double sat_f64(double x) { return x > 0.0 ? (x < 1.0 ? x : 1.0) : 0.0; }
#define FLOATS(T, S, F) \
    INLINE T min_##S(T a, T b) { return a != a ? b : b != b ? a : a == b ? (signbit(a) ? a : b) : a < b ? a : b; } \
    INLINE T max_##S(T a, T b) { return a != a ? b : b != b ? a : a == b ? (signbit(a) ? b : a) : a > b ? a : b; } \
    INLINE T minnan_##S(T a, T b) { return a != a || b != b ? (T)NAN : min_##S(a, b); } \
    INLINE T maxnan_##S(T a, T b) { return a != a || b != b ? (T)NAN : max_##S(a, b); } \
    CALLED T add_##S##_to(int mode, T a, T b) { \
        volatile T x = a, y = b; fesetround(mode); volatile T d = x + y; fesetround(FE_TONEAREST); return d; } \
    CALLED T mul_##S##_to(int mode, T a, T b) { \
        volatile T x = a, y = b; fesetround(mode); volatile T d = x * y; fesetround(FE_TONEAREST); return d; } \
    CALLED T div_##S##_to(int mode, T a, T b) { \
        volatile T x = a, y = b; fesetround(mode); volatile T d = x / y; fesetround(FE_TONEAREST); return d; } \
    CALLED T fma_##S##_to(int mode, T a, T b, T c) { \
        volatile T x = a, y = b, z = c; fesetround(mode); volatile T d = fma##F(x, y, z); fesetround(FE_TONEAREST); return d; } \
    CALLED T sqrt_##S##_to(int mode, T a) { \
        volatile T x = a; fesetround(mode); volatile T d = sqrt##F(x); fesetround(FE_TONEAREST); return d; }
FLOATS(float, f32, f) FLOATS(double, f64, )
#define FROM(T, S, I, N) \
    CALLED T N##_##S##_to(int mode, I a) { \
        volatile I x = a; fesetround(mode); volatile T d = x; fesetround(FE_TONEAREST); return d; }
FROM(float, f32, double, f64) FROM(float, f32, int64_t, s64) FROM(float, f32, uint64_t, u64)
FROM(double, f64, int64_t, s64) FROM(double, f64, uint64_t, u64)
INLINE double whole(int mode, double x) {
    return mode == FE_TONEAREST ? rint(x) : mode == FE_TOWARDZERO ? trunc(x) : mode == FE_DOWNWARD ? floor(x) : ceil(x);
}
INLINE int testp(int what, double x, double tiny) {
    const double a = fabs(x);
    switch (what) {
    case 0: return a < INFINITY;
    case 1: return a == INFINITY;
    case 2: return x == x;
    case 3: return x != x;
    case 4: return a >= tiny && a < INFINITY;
    default: return a < tiny && a > 0;
    }
}
/* Whole numbers out of floats: those that do not fit become the nearest that does, NaN as the manual says (cvt). */
#define INTO(T, S, LEAST, MOST, OVER) \
    CALLED T into_##S(double x, int wide) { \
        if (x != x) return wide ? (T)(1ull << (sizeof(T) * 8 - 1)) : 0; \
        return x >= OVER ? MOST : x <= (double)LEAST ? LEAST : (T)x; \
    }
INTO(int8_t, s8, INT8_MIN, INT8_MAX, 127.0) INTO(uint8_t, u8, 0, UINT8_MAX, 255.0)
INTO(int16_t, s16, INT16_MIN, INT16_MAX, 32767.0) INTO(uint16_t, u16, 0, UINT16_MAX, 65535.0)
INTO(int32_t, s32, INT32_MIN, INT32_MAX, 2147483647.0) INTO(uint32_t, u32, 0, UINT32_MAX, 4294967295.0)
INTO(int64_t, s64, INT64_MIN, INT64_MAX, 0x1p63) INTO(uint64_t, u64, 0, UINT64_MAX, 0x1p64)

/* Half precision --------------------------------------------------------------------------------------------------- */
/* A double as a float of `digits` bits after the point and an exponent of `range` bits. Modes as in fenv.h. */
static uint32_t narrow(int mode, double x, int digits, int range) {
    const uint64_t b = bits_f64(x);
    const uint32_t sign = (uint32_t)(b >> 63) << (digits + range), most = (1u << range) - 1;
    const int bias = (1 << (range - 1)) - 1, least = 1 - bias;
    if (x != x) return (1u << (digits + range)) - 1;
    if (fabs(x) == INFINITY) return sign | most << digits;
    int e;
    frexp(x, &e);
    e = e - 1 < least ? least : e - 1;
    const double scaled = ldexp(fabs(x), digits - e);  /* exact: digits < 52 */
    const int up = mode == FE_DOWNWARD ? b >> 63 : mode == FE_UPWARD ? !(b >> 63) : 0;
    const double kept = mode == FE_TONEAREST ? rint(scaled) : up ? ceil(scaled) : floor(scaled);
    uint64_t d = (uint64_t)kept;
    d = x == 0 || d < 1ull << digits ? d : d + ((uint64_t)(e - least) << digits);  /* a carry runs into the exponent */
    if (d >> digits >= most) d = mode == FE_TONEAREST || up ? (uint64_t)most << digits : ((uint64_t)most << digits) - 1;
    return sign | (uint32_t)d;
}
INLINE float as_f16(uint16_t b) { _Float16 x; memcpy(&x, &b, 2); return x; }
INLINE float as_bf16(uint16_t b) { return as_f32((uint32_t)b << 16); }
INLINE uint16_t bits_f16(float x) { _Float16 h = x; uint16_t b; memcpy(&b, &h, 2); return x != x ? 0x7FFF : b; }
INLINE uint16_t bits_bf16(float x) { return narrow(FE_TONEAREST, x, 7, 8); }
/* A product and a sum of halves, rounded once: a double holds the product, and the sum is rounded to odd, which a second
   rounding to far fewer bits does not see. */
static double odd_sum(double a, double b) {
    const double s = a + b, back = s - a, e = (a - (s - back)) + (b - back);
    return e != 0 && fabs(s) < INFINITY && !(bits_f64(s) & 1) ? nextafter(s, e > 0 ? INFINITY : -INFINITY) : s;
}
static float fma_f16(float a, float b, float c) { return as_f16(narrow(FE_TONEAREST, odd_sum((double)a * b, c), 10, 5)); }
static float fma_bf16(float a, float b, float c) { return as_bf16(narrow(FE_TONEAREST, odd_sum((double)a * b, c), 7, 8)); }

/* Approximations: the nearest float, where hardware may be some units away ------------------------------------------ */
INLINE float ex2_f32(float x) { return (float)exp2((double)x); }
INLINE float lg2_f32(float x) { return (float)log2((double)x); }
INLINE float sin_f32(float x) { return (float)sin((double)x); }
INLINE float cos_f32(float x) { return (float)cos((double)x); }
INLINE float tanh_f32(float x) { return (float)tanh((double)x); }
INLINE float rsqrt_f32(float x) { return (float)(1.0 / sqrt((double)x)); }
INLINE double rsqrt_f64(double x) { return 1.0 / sqrt(x); }
/* Of a double the upper 32 bits alone are read and made. */
INLINE double upper(double x) { return as_f64(bits_f64(x) >> 32 << 32); }
