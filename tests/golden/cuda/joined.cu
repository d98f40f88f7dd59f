INLINE void step_0(char *arena, const Tables<1> &tables, char *scratch, int block, int thread) {
    float *const t0_at = (float *)(arena + 64);
    const float *const table_at = (const float *)tables[0];
    const int64_t *const labels_at = (const int64_t *)(arena + 0);
    for (int q = (block * 32 + thread); q < 12; q += 32) {
        const int i0 = q / 3;
        const int i1 = q % 3;
        t0_at[i0 * 3 + i1] = table_at[index_within(labels_at[i0], 6) * 3 + i1];
    }
}

INLINE void step_1(char *arena, const Tables<1> &tables, char *scratch, int block, int thread) {
    float *const t1_at = (float *)(arena + 128);
    const int64_t *const labels_at = (const int64_t *)(arena + 0);
    for (int q = (block * 32 + thread); q < 12; q += 32) {
        const int i0 = q / 3;
        const int i1 = q % 3;
        t1_at[i0 * 3 + i1] = (labels_at[i0] == i1);
    }
}

INLINE void step_2(char *arena, const Tables<1> &tables, char *scratch, int block, int thread) {
    const float *const t1_at = (const float *)(arena + 128);
    const float *const t0_at = (const float *)(arena + 64);
    float *const t3_at = (float *)(arena + 192);
    for (int q = (block * 32 + thread); q < 3; q += 32) {
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

INLINE void step_4(char *arena, const Tables<1> &tables, char *scratch, int block, int thread) {
    float *const t4_at = (float *)(arena + 0);
    const float *const t3_at = (const float *)(arena + 192);
    const int column = thread % 4, slice = thread / 4;
    const int row = block % 1 * 4 + column;
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

extern "C" __global__ void __launch_bounds__(32, 1) step_0_to_4(
    char *arena, const Tables<1> tables, char *scratch) {
    const int thread = threadIdx.x;
    if (blockIdx.x < 1) {
        step_0(arena, tables, scratch, blockIdx.x, thread);
    } else {
        step_1(arena, tables, scratch, blockIdx.x - 1, thread);
    }
    if (!comes_last((unsigned *)scratch - 1, gridDim.x)) return;
    step_2(arena, tables, scratch, thread / 32, thread % 32);
    __syncthreads();
    step_4(arena, tables, scratch, 0, thread);
}
