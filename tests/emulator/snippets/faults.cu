// Each does what a GPU would stop at. `x` has 8 numbers, and `n` is 8; blocks have 40 threads.
#define FAULT(name, ...) extern "C" __global__ void name(int *x, int n) { const int t = threadIdx.x; __VA_ARGS__ }

FAULT(outside, x[t + 5] = 1;)
FAULT(null, if (t == 2) *(int *)(x + 8 - n - ((long long)x >> 2)) = 1;)
FAULT(before, x[t - 3] = 1;)
FAULT(read, x[0] = ((volatile char *)x)[t * 8 + 8];)
FAULT(unaligned, *(int4 *)(x + t) = make_int4(1, 2, 3, 4);)
FAULT(half_a_word, *(short *)((char *)x + n - 5) = 1;)
FAULT(beyond_shared, __shared__ volatile int s[8]; s[t + n] = 1; x[0] = s[t];)
FAULT(beyond_local, volatile int a[4]; for (int i = 0; i < 4; i++) a[i] = i; x[0] = a[n * 1000];)
FAULT(unaligned_shared, __shared__ alignas(16) int s[64]; *(int2 *)&s[t] = make_int2(1, 2); __syncthreads(); x[0] = s[n];)
FAULT(unreached, if (t > 2) __syncthreads();)
FAULT(two_barriers, if (n > t) __syncthreads(); else { x[1] = 2; asm volatile("bar.sync 0;"); })
FAULT(odd_count, asm volatile("bar.sync 1, 40;");)
FAULT(disagreement, if (t < 32) asm volatile("bar.sync 1, 64;"); else asm volatile("bar.sync 1, 96;");)
FAULT(number, asm volatile("bar.sync %0;" :: "r"(n + 8));)
FAULT(not_in_mask, x[0] = __shfl_xor_sync(0xffu, n, 1);)
FAULT(beyond_mask, if (t < 8) x[0] = __shfl_xor_sync(0xffu, n, 8);)
FAULT(lonely, if (t < 8) x[0] = __shfl_xor_sync(0xffffu, n, 1); else if (t < 16) __syncthreads();)
FAULT(endless, while (t == 0 && ((volatile int *)x)[0] == 0) {})
FAULT(endless_together, __syncthreads(); while (t == 0 && ((volatile int *)x)[0] == 0) {})
FAULT(nowhere, ((void (*)(int))((long long)x))(n);)
__constant__ int constant[2] = {1, 2};
FAULT(constant_written,
      x[1] = constant[t % 2]; int *p;
      asm volatile("{.reg .u64 at; mov.u64 at, constant; cvta.const.u64 %0, at;}" : "=l"(p)); *p = 1;)
