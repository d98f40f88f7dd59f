extern "C" __global__ void __launch_bounds__(128, 1) run_0(
    char *arena, const Tables<1> tables, char *scratch) {
    const float *const x0_at = (const float *)(arena + 0);
    float *const x1_at = (float *)(arena + 716800);
    const float *const x2_at = (const float *)(arena + 1433600);
    float *const t2_at = (float *)(arena + 2329600);
    float *const t4_at = (float *)(arena + 2330624);
    const int slice = threadIdx.x / 8 % 8;
    const int group = blockIdx.x % 8, piece = blockIdx.x / 8 * 2 + threadIdx.x / 64;
    const int column = group * 32 + threadIdx.x % 8 * 4;
    float t2_all[4] = {0, 0, 0, 0};
    float t4_all[4] = {0, 0, 0, 0};
    if (piece < 5) {
        #pragma unroll 2
        for (int row = piece * 8 + slice; row < 700; row += 40) {
            const int i0 = row;
            const int j = column;
            Pack<float, 4> t1_pack;
            const Pack<float, 4> x0_pack0 = *(const Pack<float, 4> *)(&x0_at[i0 * 256 + j]);
            const Pack<float, 4> x1_pack1 = *(const Pack<float, 4> *)(&x1_at[i0 * 256 + j]);
            const Pack<float, 4> x2_pack2 = *(const Pack<float, 4> *)(&x2_at[i0 * 256 + j]);
            #pragma unroll
            for (int v = 0; v < 4; v++) {
                const int jv = j + v;
                const bool8 t0 = x0_pack0.at[v] > 0.0f;
                const float t1 = (t0 ? x1_pack1.at[v] : 0);
                const float t3 = t1 * x2_pack2.at[v];
                t1_pack.at[v] = t1;
                t2_all[v] = t2_all[v] + t1;
                t4_all[v] = t4_all[v] + t3;
            }
            *(Pack<float, 4> *)(&x1_at[i0 * 256 + j]) = t1_pack;
        }
    }
    __shared__ double t2_parts[16][32];
    __shared__ double t4_parts[16][32];
    #pragma unroll
    for (int v = 0; v < 4; v++) {
        t2_parts[threadIdx.x / 8][threadIdx.x % 8 * 4 + v] = t2_all[v];
        t4_parts[threadIdx.x / 8][threadIdx.x % 8 * 4 + v] = t4_all[v];
    }
    __syncthreads();
    if (const int k = threadIdx.x; k < 64) {
        const int column = group * 32 + k % 32;
        if (blockIdx.x / 8 * 2 + k / 32 < 5) {
            double t2_joined = t2_parts[k / 32 * 8 + 0][k % 32];
            double t4_joined = t4_parts[k / 32 * 8 + 0][k % 32];
            for (int s = 1; s < 8; s++) {
                t2_joined = t2_joined + t2_parts[k / 32 * 8 + s][k % 32];
                t4_joined = t4_joined + t4_parts[k / 32 * 8 + s][k % 32];
            }
            ((double *)scratch)[(blockIdx.x / 8 * 2 + k / 32) * 256 + column] = t2_joined;
            ((double *)scratch)[(blockIdx.x / 8 * 2 + k / 32 + 5) * 256 + column] = t4_joined;
        }
    }
    __shared__ bool last;
    __syncthreads();
    if (threadIdx.x == 0) last = last_of((unsigned *)scratch - 2 - group, 3);
    __syncthreads();
    if (!last) return;
    for (int k = threadIdx.x; k < 256; k += 128) {
        const int column = group * 32 + k % 32;
        double t2_joined = 0;
        double t4_joined = 0;
        #pragma unroll 8
        for (int p = k / 32; p < 5; p += 8) {
            t2_joined = t2_joined + (double)((double *)scratch)[(p) * 256 + column];
            t4_joined = t4_joined + (double)((double *)scratch)[(p + 5) * 256 + column];
        }
        t2_parts[k / 32][k % 32] = t2_joined;
        t4_parts[k / 32][k % 32] = t4_joined;
    }
    __syncthreads();
    if (const int k = threadIdx.x; k < 32) {
        const int column = group * 32 + k % 32;
        double t2_joined = t2_parts[0][k % 32];
        double t4_joined = t4_parts[0][k % 32];
        for (int s = 1; s < 8; s++) {
            t2_joined = t2_joined + t2_parts[s][k % 32];
            t4_joined = t4_joined + t4_parts[s][k % 32];
        }
        t2_at[column] = (float)t2_joined;
        t4_at[column] = (float)t4_joined;
    }
}
// run_0: Launch(kernel='run_0', grid=24, block=128)
