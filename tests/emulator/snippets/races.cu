// Threads that write to shared memory and read what others wrote, behind one wait or another. Blocks have 64 threads.
#define WAITS(name, other, ...) \
    extern "C" __global__ void name(int *out) { \
        __shared__ volatile int s[64]; \
        const int t = threadIdx.x; \
        s[t] = t; \
        __VA_ARGS__; \
        out[t] = s[other]; \
    }

WAITS(own, t)
WAITS(block, 63 - t, __syncthreads())
WAITS(warp, t ^ 1, __syncwarp())
WAITS(pairs, t ^ 1, __syncwarp(3u << t % 32 / 2 * 2))
WAITS(named, 63 - t, asm volatile("bar.sync 3, 64;" ::: "memory"))
WAITS(reduced, 63 - t, if (__syncthreads_or(t == 0)) out[t] = 0)
WAITS(nothing, t ^ 1)
WAITS(shuffle, t ^ 1, out[t] = __shfl_xor_sync(0xffffffff, t, 1))
WAITS(vote, t ^ 1, out[t] = __any_sync(0xffffffff, t == 3))
WAITS(other_warp, 63 - t, __syncwarp())
WAITS(other_pair, t ^ 2, __syncwarp(3u << t % 32 / 2 * 2))
WAITS(own_warp, 63 - t, if (t < 32) asm volatile("bar.sync 1, 32;" ::: "memory"); else asm volatile("bar.sync 2, 32;" ::: "memory"))
WAITS(same_value, t, s[0] = 7)
WAITS(written_again, t, __syncthreads(); out[t] = s[63 - t]; s[t] = 1)
