extern "C" __global__ void __launch_bounds__(128, 1) step_0(
    char *arena, const Tables<1> tables, char *scratch) {
    float *const t0_at = (float *)(arena + 184320);
    const float *const x_2_at = (const float *)(arena + 0);
    const float *const w_2_at = (const float *)tables[0];
    const int place = blockIdx.x % 90, own = blockIdx.x / 90 % 1;
    const int top = place / 1 * 64, left = place % 1 * 32;
    const int begin = 0, stop = 72;
    __shared__ Pack<float, 4> rows[2][16][17];
    Pack<float, 4> rows_next[2];
    __shared__ Pack<float, 4> columns[2][16][9];
    Pack<float, 4> columns_next[1];
    const int x = threadIdx.x % 8, y = threadIdx.x / 8;
    float sums[4][4] = {};
    int half = 0;
    for (int next = begin; next < stop + 16; next += 16) {
        if (next < stop) {
            #pragma unroll
            for (int e = 0; e < 2; e++) {
                const int slot = threadIdx.x + e * 128;
                const int deep = slot % 4 * 4, at = slot / 4;
                const int q = top + at, t = next + deep;
                rows_next[e] = Pack<float, 4>();
                if (q < 5760 && t < stop) {
                    const int i0 = q / 144;
                    const int i1 = q / 12 % 12;
                    const int i2 = q % 12;
                    const int p0 = t / 24;
                    const int p1 = t / 8 % 3;
                    const int p2 = t % 8;
                    if ((i1 + p0 - 1) >= 0 && (i1 + p0 - 1) < 12 && (i2 + p1 - 1) >= 0 && (i2 + p1 - 1) < 12) rows_next[e] = *(const Pack<float, 4> *)(&x_2_at[i0 * 1152 + (i1 + p0 - 1) * 96 + (i2 + p1 - 1) * 8 + p2]);
                }
            }
            #pragma unroll
            for (int e = 0; e < 1; e++) {
                const int slot = threadIdx.x;
                const int at = slot % 8 * 4, deep = slot / 8;
                const int q = left + at, t = next + deep;
                columns_next[e] = Pack<float, 4>();
                if (q < 32 && t < stop) {
                    const int j0 = q;
                    const int p0 = t / 24;
                    const int p1 = t / 8 % 3;
                    const int p2 = t % 8;
                    columns_next[e] = *(const Pack<float, 4> *)(&w_2_at[p0 * 768 + p1 * 256 + p2 * 32 + j0]);
                }
            }
        }
        if (next > begin) {
            #pragma unroll
            for (int t = 0; t < 16; t++) {
                Pack<float, 4> a[1], b[1];
                #pragma unroll
                for (int g = 0; g < 1; g++) {
                    a[g] = rows[half][t][y + g * 16];
                }
                #pragma unroll
                for (int g = 0; g < 1; g++) {
                    b[g] = columns[half][t][x + g * 8];
                }
                #pragma unroll
                for (int r = 0; r < 4; r++) {
                    #pragma unroll
                    for (int c = 0; c < 4; c++) {
                        sums[r][c] = fmaf(a[r / 4].at[r % 4], b[c / 4].at[c % 4], sums[r][c]);
                    }
                }
            }
        }
        if (next < stop) {
            #pragma unroll
            for (int e = 0; e < 2; e++) {
                const int slot = threadIdx.x + e * 128;
                const int deep = slot % 4 * 4, at = slot / 4;
                for (int v = 0; v < 4; v++) ((float *)rows[1 - half][deep + v])[at] = rows_next[e].at[v];
            }
            #pragma unroll
            for (int e = 0; e < 1; e++) {
                const int slot = threadIdx.x;
                const int at = slot % 8 * 4, deep = slot / 8;
                *(Pack<float, 4> *)(&((float *)columns[1 - half][deep])[at]) = columns_next[e];
            }
        }
        __syncthreads();
        half = 1 - half;
    }
    #pragma unroll
    for (int r = 0; r < 4; r++) {
        const int row = top + r / 4 * 64 + y * 4 + r % 4;
        if (row < 5760) {
            const int i0 = row / 144;
            const int i1 = row / 12 % 12;
            const int i2 = row % 12;
            #pragma unroll
            for (int c = 0; c < 4; c += 4) {
                const int column = left + c / 4 * 32 + x * 4 + c % 4;
                if (column < 32) {
                    const int j0 = column;
                    Pack<float, 4> found;
                    #pragma unroll
                    for (int v = 0; v < 4; v++) {
                        found.at[v] = sums[r][c + v];
                    }
                    *(Pack<float, 4> *)(&t0_at[i0 * 4608 + i1 * 384 + i2 * 32 + j0]) = found;
                }
            }
        }
    }
}

extern "C" __global__ void __launch_bounds__(128, 1) step_1a(
    char *arena, const Tables<1> tables, char *scratch) {
    float *const t1_at = (float *)(arena + 1715712);
    const float *const x_2_at = (const float *)(arena + 0);
    const float *const t0_at = (const float *)(arena + 184320);
    const int place = blockIdx.x % 2, own = blockIdx.x / 2 % 1;
    const int top = place / 1 * 64, left = place % 1 * 32;
    const int begin = blockIdx.x / 2 * 272;
    const int stop = begin + 272 < 5760 ? begin + 272 : 5760;
    __shared__ Pack<float, 4> rows[2][16][17];
    Pack<float, 4> rows_next[2];
    __shared__ Pack<float, 4> columns[2][16][9];
    Pack<float, 4> columns_next[1];
    const int x = threadIdx.x % 8, y = threadIdx.x / 8;
    float sums[4][4] = {};
    int half = 0;
    for (int next = begin; next < stop + 16; next += 16) {
        if (next < stop) {
            #pragma unroll
            for (int e = 0; e < 2; e++) {
                const int slot = threadIdx.x + e * 128;
                const int at = slot % 16 * 4, deep = slot / 16;
                const int q = top + at, t = next + deep;
                rows_next[e] = Pack<float, 4>();
                if (q < 72 && t < stop) {
                    const int i0 = q / 24;
                    const int i1 = q / 8 % 3;
                    const int i2 = q % 8;
                    const int p0 = t / 144;
                    const int p1 = t / 12 % 12;
                    const int p2 = t % 12;
                    if ((p1 + i0 - 1) >= 0 && (p1 + i0 - 1) < 12 && (p2 + i1 - 1) >= 0 && (p2 + i1 - 1) < 12) rows_next[e] = *(const Pack<float, 4> *)(&x_2_at[p0 * 1152 + (p1 + i0 - 1) * 96 + (p2 + i1 - 1) * 8 + i2]);
                }
            }
            #pragma unroll
            for (int e = 0; e < 1; e++) {
                const int slot = threadIdx.x;
                const int at = slot % 8 * 4, deep = slot / 8;
                const int q = left + at, t = next + deep;
                columns_next[e] = Pack<float, 4>();
                if (q < 32 && t < stop) {
                    const int j0 = q;
                    const int p0 = t / 144;
                    const int p1 = t / 12 % 12;
                    const int p2 = t % 12;
                    columns_next[e] = *(const Pack<float, 4> *)(&t0_at[p0 * 4608 + p1 * 384 + p2 * 32 + j0]);
                }
            }
        }
        if (next > begin) {
            #pragma unroll
            for (int t = 0; t < 16; t++) {
                Pack<float, 4> a[1], b[1];
                #pragma unroll
                for (int g = 0; g < 1; g++) {
                    a[g] = rows[half][t][y + g * 16];
                }
                #pragma unroll
                for (int g = 0; g < 1; g++) {
                    b[g] = columns[half][t][x + g * 8];
                }
                #pragma unroll
                for (int r = 0; r < 4; r++) {
                    #pragma unroll
                    for (int c = 0; c < 4; c++) {
                        sums[r][c] = fmaf(a[r / 4].at[r % 4], b[c / 4].at[c % 4], sums[r][c]);
                    }
                }
            }
        }
        if (next < stop) {
            #pragma unroll
            for (int e = 0; e < 2; e++) {
                const int slot = threadIdx.x + e * 128;
                const int at = slot % 16 * 4, deep = slot / 16;
                *(Pack<float, 4> *)(&((float *)rows[1 - half][deep])[at]) = rows_next[e];
            }
            #pragma unroll
            for (int e = 0; e < 1; e++) {
                const int slot = threadIdx.x;
                const int at = slot % 8 * 4, deep = slot / 8;
                *(Pack<float, 4> *)(&((float *)columns[1 - half][deep])[at]) = columns_next[e];
            }
        }
        __syncthreads();
        half = 1 - half;
    }
    #pragma unroll
    for (int r = 0; r < 4; r++) {
        const int row = top + r / 4 * 64 + y * 4 + r % 4;
        if (row < 72) {
            #pragma unroll
            for (int c = 0; c < 4; c += 4) {
                const int column = left + c / 4 * 32 + x * 4 + c % 4;
                if (column < 32) {
                    Pack<float, 4> found;
                    #pragma unroll
                    for (int v = 0; v < 4; v++) {
                        found.at[v] = sums[r][c + v];
                    }
                    *(Pack<float, 4> *)(&((float *)scratch)[((blockIdx.x / 2 * 1 + own) * 72 + row) * 32 + column]) = found;
                }
            }
        }
    }
}

extern "C" __global__ void __launch_bounds__(256, 1) step_1b(
    char *arena, const Tables<1> tables, char *scratch) {
    float *const t1_at = (float *)(arena + 1715712);
    const float *const x_2_at = (const float *)(arena + 0);
    const float *const t0_at = (const float *)(arena + 184320);
    for (int q = THREAD; q < 2304; q += THREADS) {
        const int i0 = q / 768;
        const int i1 = q / 256 % 3;
        const int i2 = q / 32 % 8;
        const int j0 = q % 32;
        double total = 0;
        #pragma unroll 4
        for (int piece = 0; piece < 22; piece++) total += ((const float *)scratch)[piece * 2304 + q];
        t1_at[i0 * 768 + i1 * 256 + i2 * 32 + j0] = (float)total;
    }
}
// step_0: Launch(kernel='step_0', grid=90, block=128)
// step_1: Launch(kernel='step_1a', grid=44, block=128)
// step_1: Launch(kernel='step_1b', grid=9, block=256)
