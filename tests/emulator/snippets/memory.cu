// Memory of each kind.
#define ENTRY extern "C" __global__ void

__constant__ float table[4] = {1.5f, -2.0f, 4.0f, 0.25f};
__device__ int counter = 7;
__device__ long long sums[3];
__device__ int *pointer = &counter;

struct Four { float a, b, c, d; };
struct alignas(16) Wide { float at[4]; };

ENTRY variables(float *out, int *count) {
    out[threadIdx.x] = table[threadIdx.x % 4];
    atomicAdd(&counter, 2);
    atomicAdd((unsigned long long *)&sums[1], 1ull << 33);
    count[threadIdx.x] = *pointer;
}
ENTRY structs(float *out, const Four four, const Wide *wide, int k) {
    const float *p = &four.a;
    out[threadIdx.x] = p[(threadIdx.x + k) % 4] + wide[threadIdx.x].at[2];
    ((Wide *)out)[threadIdx.x + 8] = wide[threadIdx.x];
}
ENTRY locals(int *out, int n, int k) {
    int at[16];
    for (int i = 0; i < 16; i++) at[i] = i * n + threadIdx.x;
    for (int i = 0; i < k; i++) at[(i * 7 + n) % 16] += at[(i * 3) % 16];
    out[threadIdx.x] = at[k % 16];
}
__device__ __noinline__ int either(const int *p, int i) { return p[i]; }  // a generic address
ENTRY spaces(int *out, const int *x, int k) {
    __shared__ int near[32];
    int own[4] = {k, k + 1, k + 2, k + 3};
    near[threadIdx.x] = x[threadIdx.x] * 2;
    __syncthreads();
    const int *p = threadIdx.x % 3 == 0 ? x : threadIdx.x % 3 == 1 ? near : own;
    out[threadIdx.x] = either(p, threadIdx.x % 4);
    out[threadIdx.x + 32] = __isShared(p) + 2 * __isGlobal(p) + 4 * __isLocal(p);
}
ENTRY atomics(unsigned *u, int *s, float *f, double *d, unsigned long long *q) {
    const unsigned t = threadIdx.x;
    atomicAdd(&u[0], t), atomicMax(&u[1], t), atomicMin(&u[2], t + 3), atomicOr(&u[3], 1u << t % 8);
    atomicAnd(&u[4], ~(1u << t % 8)), atomicXor(&u[5], t), atomicInc(&u[6], 9), atomicDec(&u[7], 9);
    u[8 + t] = atomicCAS(&u[72], t, t + 1);
    u[80 + t] = atomicExch(&u[73], t);
    atomicMin(&s[0], (int)t - 5), atomicMax(&s[1], (int)t - 5);
    f[1 + t] = atomicAdd(&f[0], 0.5f);
    atomicAdd(&d[0], 0.25);
    atomicAdd(&q[0], 1ull << 40);
    __shared__ int near;
    if (t == 0) near = 0;
    __syncthreads();
    atomicAdd(&near, 3);
    __syncthreads();
    s[2] = near;
}
ENTRY bytes(unsigned char *out, const signed char *x, const unsigned short *y) {
    const int t = threadIdx.x;
    out[t] = x[t] * 3 + y[t];
    ((uchar4 *)(out + 64))[t] = make_uchar4(t, t + 1, t + 2, t + 3);
    ((short2 *)(out + 256))[t] = make_short2(x[t], (short)y[t]);
}
ENTRY copies(int *out, const int *x) {
    __shared__ alignas(16) int near[64];
    const unsigned to = (unsigned)__cvta_generic_to_shared(near + 4 * threadIdx.x);
    asm volatile("cp.async.ca.shared.global [%0], [%1], 16;" :: "r"(to), "l"(x + 4 * threadIdx.x) : "memory");
    asm volatile("cp.async.commit_group;\ncp.async.wait_group 0;" ::: "memory");
    __syncthreads();
    out[threadIdx.x] = near[63 - threadIdx.x];
}
