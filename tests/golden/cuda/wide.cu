extern "C" __global__ void __launch_bounds__(256, 1) step_0(
    char *arena, const Tables<2> tables, char *scratch) {
    float *const t1_at = (float *)(arena + 12288);
    const float *const x_2_at = (const float *)(arena + 0);
    const float *const t0_at = (const float *)tables[1];
    const int place = blockIdx.x % 24, own = blockIdx.x / 24 % 1;
    const int top = place / 6 * 16, left = place % 6 * 16;
    const int begin = 0, stop = 48;
    __shared__ Pack<float, 1> rows[2][16][17];
    __shared__ Pack<float, 1> columns[2][16][17];
    Pack<float, 4> rows_next[1];
    Pack<float, 4> columns_next[1];
    const int x = threadIdx.x % 16, y = threadIdx.x / 16;
    float sums[1][1] = {};
    int half = 0;
    for (int next = begin; next < stop + 16; next += 16) {
        if (next < stop) {
            {
                const int t = next + threadIdx.x % 4 * 4;
                const int p0 = t;
                #pragma unroll
                for (int e = 0; e < 1; e++) {
                    const int slot = threadIdx.x;
                    if (slot >= 64) break;
                    const int deep = slot % 4 * 4, at = slot / 4;
                    const int q = top + at;
                    const int i0 = q;
                    rows_next[e] = *(const Pack<float, 4> *)(&x_2_at[i0 * 48 + p0]);
                }
            }
            #pragma unroll
            for (int e = 0; e < 1; e++) {
                const int slot = threadIdx.x;
                if (slot >= 64) break;
                const int at = slot % 4 * 4, deep = slot / 4;
                const int q = left + at;
                const int i1 = q;
                const int t = next + deep;
                const int p0 = t;
                columns_next[e] = *(const Pack<float, 4> *)(&t0_at[p0 * 96 + i1]);
            }
        }
        if (next > begin) {
            #pragma unroll
            for (int t = 0; t < 16; t++) {
                Pack<float, 1> a[1], b[1];
                #pragma unroll
                for (int g = 0; g < 1; g++) {
                    a[g] = rows[half][t][y + g * 16];
                }
                #pragma unroll
                for (int g = 0; g < 1; g++) {
                    b[g] = columns[half][t][x + g * 16];
                }
                #pragma unroll
                for (int r = 0; r < 1; r++) {
                    #pragma unroll
                    for (int c = 0; c < 1; c++) {
                        sums[r][c] = fmaf(a[r / 1].at[r % 1], b[c / 1].at[c % 1], sums[r][c]);
                    }
                }
            }
        }
        if (next < stop) {
            #pragma unroll
            for (int e = 0; e < 1; e++) {
                const int slot = threadIdx.x;
                if (slot >= 64) break;
                const int deep = slot % 4 * 4, at = slot / 4;
                for (int v = 0; v < 4; v++) ((float *)rows[1 - half][deep + v])[at] = rows_next[e].at[v];
            }
            #pragma unroll
            for (int e = 0; e < 1; e++) {
                const int slot = threadIdx.x;
                if (slot >= 64) break;
                const int at = slot % 4 * 4, deep = slot / 4;
                for (int v = 0; v < 4; v++) ((float *)columns[1 - half][deep])[at + v] = columns_next[e].at[v];
            }
        }
        __syncthreads();
        half = 1 - half;
    }
    Pack<float, 1> t1_pack[1][1];
    #pragma unroll
    for (int r = 0; r < 1; r++) {
        const int row = top + r / 1 * 16 + y * 1 + r % 1;
        const int i0 = row;
        #pragma unroll
        for (int c = 0; c < 1; c++) {
            const int column = left + c / 1 * 16 + x * 1 + c % 1;
            const int i1 = column;
            const int j = i1;
            #pragma unroll
            for (int v = 0; v < 1; v++) {
                const int jv = j + v;
                const float t1 = sums[r][c + v];
                t1_pack[r][c / 1].at[v] = t1;
            }
        }
    }
    #pragma unroll
    for (int r = 0; r < 1; r++) {
        const int row = top + r / 1 * 16 + y * 1 + r % 1;
        const int i0 = row;
        #pragma unroll
        for (int c = 0; c < 1; c++) {
            const int column = left + c / 1 * 16 + x * 1 + c % 1;
            const int i1 = column;
            const int j = i1;
            *(Pack<float, 1> *)(&t1_at[i0 * 96 + j]) = t1_pack[r][c / 1];
        }
    }
}

extern "C" __global__ void __launch_bounds__(256, 1) step_1(
    char *arena, const Tables<2> tables, char *scratch) {
    float *const t1_at = (float *)(arena + 12288);
    const float *const bias_at = (const float *)tables[0];
    float *const t4_at = (float *)(arena + 36864);
    if (const int q = THREAD; q < 1536) {
        const int i0 = q / 24;
        const int p = q % 24;
        const int j = p * 4;
        Pack<float, 4> t3_pack;
        Pack<float, 4> t4_pack;
        const Pack<float, 4> t1_pack0 = *(const Pack<float, 4> *)(&t1_at[i0 * 96 + j]);
        const Pack<float, 4> bias_pack1 = *(const Pack<float, 4> *)(&bias_at[j]);
        #pragma unroll
        for (int v = 0; v < 4; v++) {
            const int jv = j + v;
            const float t2 = t1_pack0.at[v] + bias_pack1.at[v];
            const float t3 = tanh_f32(t2);
            const float t4 = t3 * t3;
            t3_pack.at[v] = t3;
            t4_pack.at[v] = t4;
        }
        *(Pack<float, 4> *)(&t1_at[i0 * 96 + j]) = t3_pack;
        *(Pack<float, 4> *)(&t4_at[i0 * 96 + j]) = t4_pack;
    }
}

extern "C" __global__ void __launch_bounds__(256, 1) step_4a(
    char *arena, const Tables<2> tables, char *scratch) {
    const float *const t4_at = (const float *)(arena + 36864);
    float *const t5_at = (float *)(arena + 0);
    const uint32_t mask = 0xffffffffu;
    const int row = blockIdx.x / 2, lane = threadIdx.x;
    float t5_all = 0;
    #pragma unroll 12
    for (int k = 0; k < 12; k++) {
        const int j = blockIdx.x % 2 * 256 + threadIdx.x + k * 512;
        if (j < 6144) {
            t5_all = t5_all + t4_at[j];
        }
    }
    for (int m = 16; m; m /= 2) t5_all = t5_all + __shfl_xor_sync(mask, t5_all, m, 32);
    __shared__ float t5_parts[8];
    if (threadIdx.x % 32 == 0) t5_parts[threadIdx.x / 32] = t5_all;
    __syncthreads();
    t5_all = t5_parts[0];
    for (int w = 1; w < 8; w++) t5_all = t5_all + t5_parts[w];
    if (lane == 0) {
        ((double *)scratch)[0 + blockIdx.x] = t5_all;
    }
}

extern "C" __global__ void __launch_bounds__(256, 1) step_4b(
    char *arena, const Tables<2> tables, char *scratch) {
    const float *const t4_at = (const float *)(arena + 36864);
    float *const t5_at = (float *)(arena + 0);
    const uint32_t mask = 0xffffffffu;
    const int row = blockIdx.x, lane = threadIdx.x;
    float t5_all = 0;
    for (int p = threadIdx.x; p < 2; p += 256) {
        t5_all = t5_all + (float)((double *)scratch)[0 + row * 2 + p];
    }
    for (int m = 16; m; m /= 2) t5_all = t5_all + __shfl_xor_sync(mask, t5_all, m, 32);
    __shared__ float t5_parts[8];
    if (threadIdx.x % 32 == 0) t5_parts[threadIdx.x / 32] = t5_all;
    __syncthreads();
    t5_all = t5_parts[0];
    for (int w = 1; w < 8; w++) t5_all = t5_all + t5_parts[w];
    const float t5 = t5_all;
    if (lane == 0) {
        t5_at[0] = t5;
    }
}

extern "C" __global__ void __launch_bounds__(256, 1) step_5(
    char *arena, const Tables<2> tables, char *scratch) {
    float *const t6_at = (float *)(arena + 64);
    const float *const t3_at = (const float *)(arena + 12288);
    const int slice = threadIdx.x / 32;
    const int group = blockIdx.x % 3, piece = blockIdx.x / 3;
    const int column = group * 32 + threadIdx.x % 32;
    float total_all[1] = {0};
    #pragma unroll 4
    for (int row = piece * 8 + slice; row < 64; row += 8) {
        const int i0 = column;
        const int r0 = row;
        #pragma unroll
        for (int v = 0; v < 1; v++) {
            total_all[v] = total_all[v] + t3_at[i0 + r0 * 96];
        }
    }
    __shared__ float total_parts[8][32];
    #pragma unroll
    for (int v = 0; v < 1; v++) {
        total_parts[threadIdx.x / 32][threadIdx.x % 32] = total_all[v];
    }
    __syncthreads();
    if (const int k = threadIdx.x; k < 32) {
        const int column = group * 32 + k % 32;
        float total_joined = total_parts[0][k % 32];
        for (int s = 1; s < 8; s++) {
            total_joined = total_joined + total_parts[s][k % 32];
        }
        const int i0 = column;
        t6_at[i0] = (float)total_joined;
    }
}
// step_0: Launch(kernel='step_0', grid=24, block=256)
// step_1: Launch(kernel='step_1', grid=6, block=256)
// step_2: Launch(kernel='step_4a', grid=2, block=256)
// step_2: Launch(kernel='step_4b', grid=1, block=256)
// step_3: Launch(kernel='step_5', grid=3, block=256)
