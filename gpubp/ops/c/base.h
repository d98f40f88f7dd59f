#include <math.h>
#include <stdint.h>
#include <string.h>

typedef unsigned char bool8;

/* No element of a loop's result is read by a later turn: the plan gives each value its place so.
   Before version 14, gcc takes a short loop apart, joins its turns to vectors, and then mixes up the lanes of what is
   read under a condition (its bug 114375): there such loops stay whole. */
#if defined(__clang__)
#define EACH _Pragma("clang loop vectorize(assume_safety)")
#elif defined(__GNUC__) && __GNUC__ < 14
#define EACH _Pragma("GCC ivdep") _Pragma("GCC unroll 1")
#elif defined(__GNUC__)
#define EACH _Pragma("GCC ivdep")
#else
#define EACH
#endif

/* Copies of a program that a kernel for several computes side by side, element by element. */
#define LANES 16
typedef float wide_f32 __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef double wide_f64 __attribute__((vector_size(8 * LANES), aligned(8), may_alias));

#define INLINE static inline __attribute__((always_inline))
/* One function for all that call it. */
#define APART static __attribute__((noinline, noclone))

/* A number that kernels are given, of the table `numbers`, in which each takes 8 bytes. */
#define NUMBER(type, k) (*(const type *)((const char *)numbers + 8 * (k)))
