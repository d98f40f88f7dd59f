// What threads do together. One warp or several; `out` has an element for each thread.
#define ALL 0xffffffffu
#define ENTRY extern "C" __global__ void

ENTRY shuffles(int *out, const int *x) {
    const int t = threadIdx.x;
    out[t] = __shfl_sync(ALL, x[t], 5);
    out[t + 32] = __shfl_sync(ALL, x[t], t % 8 + 3, 8);
    out[t + 64] = __shfl_up_sync(ALL, x[t], 3);
    out[t + 96] = __shfl_up_sync(ALL, x[t], 2, 16);
    out[t + 128] = __shfl_down_sync(ALL, x[t], 7);
    out[t + 160] = __shfl_down_sync(ALL, x[t], 1, 4);
    out[t + 192] = __shfl_xor_sync(ALL, x[t], 21);
    out[t + 224] = __shfl_xor_sync(ALL, x[t], 2, 4);
    out[t + 256] = t < 16 ? __shfl_xor_sync(0xffffu, x[t], 8) : __shfl_xor_sync(0xffff0000u, x[t], 1);
}
ENTRY votes(unsigned *out, const int *x) {
    const int t = threadIdx.x;
    out[t] = __ballot_sync(ALL, x[t] > 2);
    out[t + 32] = __any_sync(ALL, x[t] > 5) + 2 * __all_sync(ALL, x[t] >= 0) + 4 * __any_sync(ALL, x[t] > 99);
    out[t + 64] = __match_any_sync(ALL, x[t]);
    int same;
    out[t + 96] = __match_all_sync(ALL, x[t], &same) + same;
    out[t + 128] = __match_all_sync(ALL, x[t] >= 0, &same) - same;
    out[t + 160] = __reduce_add_sync(ALL, x[t]);
    out[t + 192] = __reduce_max_sync(ALL, x[t] - 3);
    out[t + 224] = __reduce_min_sync(ALL, (unsigned)(x[t] - 3));
    out[t + 256] = __reduce_xor_sync(ALL, x[t]);
    if (x[t] > 3) out[t + 288] = __activemask();
    else out[t + 288] = 0;
}
ENTRY barriers(int *out, const int *x) {
    const int t = threadIdx.x;
    out[t] = __syncthreads_count(x[t] > 2);
    out[t + 128] = __syncthreads_and(x[t] >= 0) + 2 * __syncthreads_and(x[t] > 0);
    out[t + 256] = __syncthreads_or(x[t] > 5) + 2 * __syncthreads_or(x[t] > 99);
    // Two groups of two warps, each at a barrier of its own; the first tells a third of its coming.
    __shared__ int kept[128];
    kept[t] = x[t];
    if (t < 64) {
        asm volatile("bar.sync 1, 64;" ::: "memory");
        out[t + 384] = kept[63 - t];
        asm volatile("bar.arrive 3, 128;" ::: "memory");
    } else {
        asm volatile("bar.sync 2, 64;" ::: "memory");
        kept[t] += kept[t ^ 1] * 0 + 1;
        asm volatile("bar.sync 3, 128;" ::: "memory");
        out[t + 384] = kept[t - 64];
    }
}
// A sum by halves: a block of any power of two of threads.
ENTRY total(float *out, const float *x, int n) {
    extern __shared__ float parts[];
    float sum = 0;
    for (int i = threadIdx.x; i < n; i += blockDim.x) sum += x[i];
    parts[threadIdx.x] = sum;
    __syncthreads();
    for (int half = blockDim.x / 2; half; half /= 2) {
        if (threadIdx.x < half) parts[threadIdx.x] += parts[threadIdx.x + half];
        __syncthreads();
    }
    if (threadIdx.x == 0) out[blockIdx.x] = parts[0];
}
ENTRY where(int *out) {
    const int block = blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
    const int thread = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
    int lane;
    asm("mov.u32 %0, %%laneid;" : "=r"(lane));
    out[block * blockDim.x * blockDim.y * blockDim.z + thread] = block * 10000 + thread * 10 + (lane == thread % 32);
}
// A thread waits for what one that runs after it writes, in either order.
ENTRY turns(volatile int *flag, int *out) {
    if (threadIdx.x == 0) { while (flag[0] == 0) {} out[0] = flag[0]; flag[1] = 2; }
    if (threadIdx.x == 40) { flag[0] = 1; while (flag[1] == 0) {} out[1] = flag[1]; }
    __syncthreads();
}
