// What kernels see of a GPU where they run on a processor, for tests: cuda_host.cpp runs them. No headers of C: those take
// longer to read than kernels take.
#pragma once
#define GPUBP_HOST 1
#define __global__
#define __device__
#define __constant__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __shared__ static
#define INFINITY __builtin_inff()
#define NAN __builtin_nanf("")

typedef __UINT8_TYPE__ uint8_t;
typedef __INT32_TYPE__ int32_t;
typedef __UINT32_TYPE__ uint32_t;
typedef __INT64_TYPE__ int64_t;
typedef __UINT64_TYPE__ uint64_t;

#define FUNCTION(name) double name(double); float name##f(float);
extern "C" {
FUNCTION(fabs) FUNCTION(floor) FUNCTION(sqrt) FUNCTION(sin) FUNCTION(cos)
FUNCTION(exp) FUNCTION(expm1) FUNCTION(log) FUNCTION(log1p) FUNCTION(tanh) FUNCTION(erf)
double pow(double, double);
float powf(float, float);
double fma(double, double, double);
float fmaf(float, float, float);
}
#undef FUNCTION

#pragma GCC visibility push(hidden)  // each library of kernels has threads and memory of its own
struct Triple { unsigned x, y, z; };
extern Triple blockIdx, blockDim, gridDim;

namespace host {
enum State { RUNS, AT_BLOCK, AT_SOME, AT_WARP, DONE };
enum { PRODUCT = -3 };  // the line of a product of a whole warp
struct Thread { unsigned number, mask; State state; int line, barrier, wanted; };
extern Thread *now;
extern char *arena;
extern void *tables, *last;
extern int fault;
extern unsigned char exchanged[1024][32];
void wait(State state, int line);
int run(unsigned grid, unsigned block, bool backwards, bool alone, void (*work)(), unsigned rows = 1);
}  // namespace host
void mma_tf32(float &s0, float &s1, float &s2, float &s3, float a0, float a1, float a2, float a3, float b0, float b1);
#pragma GCC visibility pop

#define threadIdx (Triple{host::now->number, 0, 0})
#define __syncthreads() host::wait(host::AT_BLOCK, __LINE__)
static char *in_register(void *memory) { return (char *)memory; }
template <int NUMBER, int COUNT> static void meet() {
    if (NUMBER < 1 || NUMBER > 15 || COUNT % 32) host::fault = 4;
    host::now->barrier = NUMBER, host::now->wanted = COUNT;
    host::wait(host::AT_SOME, 0);
}
#define __syncwarp(lanes) (host::now->mask = lanes, host::wait(host::AT_WARP, __LINE__))

static void __threadfence() {}  // blocks run one after the other
static unsigned atomicInc(unsigned *at, unsigned most) {
    const unsigned before = *at;
    *at = before >= most ? 0 : before + 1;
    return before;
}
template <class T> static T __shfl_sync(unsigned mask, T value, unsigned from) {
    const unsigned thread = host::now->number, lane = thread % 32;
    if (!(mask >> lane & 1) || !(mask >> from & 1)) host::fault = 3;  // not among those that take part
    __builtin_memcpy(host::exchanged[thread], &value, sizeof(T));
    host::now->mask = mask;
    host::wait(host::AT_WARP, -1);
    T found;
    __builtin_memcpy(&found, host::exchanged[thread - lane + from], sizeof(T));
    host::wait(host::AT_WARP, -2);
    return found;
}
template <class T> static T __shfl_xor_sync(unsigned mask, T value, int other, int width = 32) {
    const unsigned lane = host::now->number % 32, from = lane ^ other;
    return __shfl_sync(mask, value, from / width == lane / width ? from : lane);
}
static bool __any_sync(unsigned mask, bool value) {
    const unsigned thread = host::now->number, lane = thread % 32;
    if (!(mask >> lane & 1)) host::fault = 3;
    host::exchanged[thread][0] = value;
    host::now->mask = mask;
    host::wait(host::AT_WARP, -1);
    bool found = false;
    for (unsigned other = 0; other < 32; other++)
        if (mask >> other & 1 && host::exchanged[thread - lane + other][0]) found = true;
    host::wait(host::AT_WARP, -2);
    return found;
}

static float as_tf32(float x) {
    uint32_t bits;
    __builtin_memcpy(&bits, &x, 4);
    if (x == x) bits = bits + 0x1000 & 0xFFFFE000;  // a carry runs into the exponent
    __builtin_memcpy(&x, &bits, 4);
    return x;
}
