extern "C" __global__ void __launch_bounds__(32, 1) step_0(
    char *arena, const Tables<1> tables, char *scratch) {
    float *const t0_at = (float *)(arena + 64);
    const float *const table_at = (const float *)tables[0];
    const int64_t *const labels_at = (const int64_t *)(arena + 0);
    for (int q = THREAD; q < 12; q += THREADS) {
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
    for (int q = THREAD; q < 12; q += THREADS) {
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
    for (int q = THREAD; q < 3; q += THREADS) {
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
    const int column = threadIdx.x % 4, slice = threadIdx.x / 4;
    const int row = blockIdx.x % 1 * 4 + column;
    __shared__ float parts[8][4];
    float found = 0;
    if (row < 3) {
        const int i0 = row;
        float total_all = 0;
        #pragma unroll 4
        for (int r = slice; r < 4; r += 8) {
            const int r0 = r;
            total_all = total_all + t3_at[i0 + r0 * 3];
        }
        found = total_all;
    }
    parts[slice][column] = found;
    __syncthreads();
    if (slice == 0 && row < 3) {
        float total_all = parts[0][column];
        for (int s = 1; s < 8; s++) total_all = total_all + parts[s][column];
        const int i0 = row;
        const float total = total_all;
        t4_at[i0] = total;
    }
}
// step_0: Launch(kernel='step_0', grid=1, block=32)
// step_1: Launch(kernel='step_1', grid=1, block=32)
// step_2: Launch(kernel='step_2', grid=1, block=32)
// step_3: Launch(kernel='step_4', grid=1, block=32)
