extern "C" __global__ void __launch_bounds__(32, 1) step_0(
    char *arena, const Tables<1> tables, char *scratch) {
    float *const t0_at = (float *)(arena + 64);
    const float *const table_at = (const float *)tables[0];
    const int64_t *const labels_at = (const int64_t *)(arena + 0);
    if (const int q = THREAD; q < 12) {
        const int i0 = q / 3;
        const int j = q % 3;
        const float t0 = table_at[index_within(labels_at[i0], 6) * 3 + j];
        t0_at[i0 * 3 + j] = t0;
    }
}

extern "C" __global__ void __launch_bounds__(32, 1) step_1(
    char *arena, const Tables<1> tables, char *scratch) {
    float *const t1_at = (float *)(arena + 128);
    const int64_t *const labels_at = (const int64_t *)(arena + 0);
    if (const int q = THREAD; q < 12) {
        const int i0 = q / 3;
        const int j = q % 3;
        const float t1 = (labels_at[i0] == j);
        t1_at[i0 * 3 + j] = t1;
    }
}

extern "C" __global__ void __launch_bounds__(32, 1) step_2(
    char *arena, const Tables<1> tables, char *scratch) {
    const float *const t1_at = (const float *)(arena + 128);
    const float *const t0_at = (const float *)(arena + 64);
    float *const t3_at = (float *)(arena + 192);
    if (const int q = THREAD; q < 3) {
        const int j = q * 4;
        Pack<float, 4> t3_pack;
        const Pack<float, 4> t1_pack0 = *(const Pack<float, 4> *)(&t1_at[j]);
        const Pack<float, 4> t0_pack1 = *(const Pack<float, 4> *)(&t0_at[j]);
        #pragma unroll
        for (int v = 0; v < 4; v++) {
            const int jv = j + v;
            const bool8 t2 = t1_pack0.at[v] > t0_pack1.at[v];
            const float t3 = (t2 ? t1_pack0.at[v] : (-0.5f));
            t3_pack.at[v] = t3;
        }
        *(Pack<float, 4> *)(&t3_at[j]) = t3_pack;
    }
}

extern "C" __global__ void __launch_bounds__(32, 1) step_4(
    char *arena, const Tables<1> tables, char *scratch) {
    float *const t4_at = (float *)(arena + 0);
    const float *const t3_at = (const float *)(arena + 192);
    const int slice = threadIdx.x / 4;
    const int group = blockIdx.x % 1, piece = blockIdx.x / 1;
    const int column = group * 4 + threadIdx.x % 4;
    float total_all[1] = {0};
    if (column < 3) {
        #pragma unroll 4
        for (int row = piece * 8 + slice; row < 4; row += 8) {
            const int i0 = column;
            const int r0 = row;
            #pragma unroll
            for (int v = 0; v < 1; v++) {
                total_all[v] = total_all[v] + t3_at[i0 + r0 * 3];
            }
        }
    }
    __shared__ float total_parts[8][4];
    #pragma unroll
    for (int v = 0; v < 1; v++) {
        total_parts[threadIdx.x / 4][threadIdx.x % 4] = total_all[v];
    }
    __syncthreads();
    if (const int k = threadIdx.x; k < 4) {
        const int column = group * 4 + k % 4;
        if (column < 3) {
            float total_joined = total_parts[0][k % 4];
            for (int s = 1; s < 8; s++) {
                total_joined = total_joined + total_parts[s][k % 4];
            }
            const int i0 = column;
            t4_at[i0] = (float)total_joined;
        }
    }
}
// step_0: Launch(kernel='step_0', grid=1, block=32)
// step_1: Launch(kernel='step_1', grid=1, block=32)
// step_2: Launch(kernel='step_2', grid=1, block=32)
// step_3: Launch(kernel='step_4', grid=1, block=32)
