extern "C" __global__ void __launch_bounds__(256, 1) step_0(
    char *arena, const Tables<1> tables, char *scratch) {
    float *const t0_at = (float *)(arena + 184320);
    const float *const x_2_at = (const float *)(arena + 0);
    const float *const w_2_at = (const float *)tables[0];
    const int place = blockIdx.x % 180, own = blockIdx.x / 180 % 1;
    const int top = place / 1 * 32, left = place % 1 * 32;
    const int begin = 0, stop = 72;
    __shared__ Pack<float, 4> rows[2][32][9];
    __shared__ Pack<float, 4> columns[2][32][9];
    {
        Pack<float, 4> rows_next[1];
        Pack<float, 4> columns_next[1];
        const int x = threadIdx.x % 8, y = threadIdx.x / 8 % 8;
        const int slice = threadIdx.x / 64;
        float sums[4][4] = {};
        int half = 0;
        for (int next = begin; next < stop + 32; next += 32) {
            if (next < stop) {
                {
                    const int t = next + threadIdx.x % 4 * 4 + threadIdx.x / 128 * 16;
                    const int p0 = t / 24;
                    const int p1 = t / 8 % 3;
                    const int p2 = t % 8;
                    #pragma unroll
                    for (int e = 0; e < 1; e++) {
                        const int deep = threadIdx.x % 4 * 4 + threadIdx.x / 128 * 16, at = threadIdx.x / 4 % 32;
                        const int q = top + at;
                        const int i2 = q / 144;
                        const int i3 = q / 12 % 12;
                        const int i4 = q % 12;
                        rows_next[e] = Pack<float, 4>();
                        if (t < stop & (i3 + p0 - 1) >= 0 & (i3 + p0 - 1) < 12 & (i4 + p1 - 1) >= 0 & (i4 + p1 - 1) < 12) rows_next[e] = *(const Pack<float, 4> *)(&x_2_at[i2 * 1152 + (i3 + p0 - 1) * 96 + (i4 + p1 - 1) * 8 + p2]);
                    }
                }
                #pragma unroll
                for (int e = 0; e < 1; e++) {
                    const int slot = threadIdx.x;
                    const int at = slot % 8 * 4, deep = slot / 8;
                    const int q = left + at;
                    const int i5 = q;
                    const int t = next + deep;
                    const int p0 = t / 24;
                    const int p1 = t / 8 % 3;
                    const int p2 = t % 8;
                    columns_next[e] = Pack<float, 4>();
                    if (t < stop) columns_next[e] = *(const Pack<float, 4> *)(&w_2_at[p0 * 768 + p1 * 256 + p2 * 32 + i5]);
                }
            }
            if (next > begin) {
                #pragma unroll
                for (int t = 0; t < 8; t++) {
                    Pack<float, 4> a[1], b[1];
                    #pragma unroll
                    for (int g = 0; g < 1; g++) {
                        a[g] = rows[half][t * 4 + slice][y + g * 8];
                    }
                    #pragma unroll
                    for (int g = 0; g < 1; g++) {
                        b[g] = columns[half][t * 4 + slice][x + g * 8];
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
                for (int e = 0; e < 1; e++) {
                    const int deep = threadIdx.x % 4 * 4 + threadIdx.x / 128 * 16, at = threadIdx.x / 4 % 32;
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
        Pack<float, 4> *const parts = (Pack<float, 4> *)(slice < 2 ? (float *)rows + slice * 1024 : (float *)columns + (slice - 2) * 1024);
        #pragma unroll
        for (int r = 0; r < 4; r++) {
            #pragma unroll
            for (int c = 0; c < 4; c += 4) {
                Pack<float, 4> partial;
                #pragma unroll
                for (int v = 0; v < 4; v++) {
                    partial.at[v] = sums[r][c + v];
                }
                parts[((r / 4 * 32 + y * 4 + r % 4) * 32 + c / 4 * 32 + x * 4) / 4] = partial;
            }
        }
    }
    __syncthreads();
    const int x = threadIdx.x % 8, y = threadIdx.x / 8;
    float sums[1][4] = {};
    #pragma unroll
    for (int r = 0; r < 1; r++) {
        #pragma unroll
        for (int c = 0; c < 4; c += 4) {
            #pragma unroll
            for (int s = 0; s < 2; s++) {
                const Pack<float, 4> partial = ((Pack<float, 4> *)rows + s * 256)[((r / 1 * 32 + y * 1 + r % 1) * 32 + c / 4 * 32 + x * 4) / 4];
                #pragma unroll
                for (int v = 0; v < 4; v++) {
                    sums[r][c + v] += partial.at[v];
                }
            }
            #pragma unroll
            for (int s = 0; s < 2; s++) {
                const Pack<float, 4> partial = ((Pack<float, 4> *)columns + s * 256)[((r / 1 * 32 + y * 1 + r % 1) * 32 + c / 4 * 32 + x * 4) / 4];
                #pragma unroll
                for (int v = 0; v < 4; v++) {
                    sums[r][c + v] += partial.at[v];
                }
            }
        }
    }
    Pack<float, 4> t0_pack[1][1];
    #pragma unroll
    for (int r = 0; r < 1; r++) {
        const int row = top + r / 1 * 32 + y * 1 + r % 1;
        const int i2 = row / 144;
        const int i3 = row / 12 % 12;
        const int i4 = row % 12;
        #pragma unroll
        for (int c = 0; c < 4; c += 4) {
            const int column = left + c / 4 * 32 + x * 4 + c % 4;
            const int i5 = column;
            const int j = i5;
            #pragma unroll
            for (int v = 0; v < 4; v++) {
                const int jv = j + v;
                const float t0 = sums[r][c + v];
                t0_pack[r][c / 4].at[v] = t0;
            }
        }
    }
    #pragma unroll
    for (int r = 0; r < 1; r++) {
        const int row = top + r / 1 * 32 + y * 1 + r % 1;
        const int i2 = row / 144;
        const int i3 = row / 12 % 12;
        const int i4 = row % 12;
        #pragma unroll
        for (int c = 0; c < 4; c += 4) {
            const int column = left + c / 4 * 32 + x * 4 + c % 4;
            const int i5 = column;
            const int j = i5;
            *(Pack<float, 4> *)(&t0_at[i2 * 4608 + i3 * 384 + i4 * 32 + j]) = t0_pack[r][c / 4];
        }
    }
}

extern "C" __global__ void __launch_bounds__(256, 1) step_1(
    char *arena, const Tables<1> tables, char *scratch) {
    float *const t1_at = (float *)(arena + 1715712);
    const float *const x_2_at = (const float *)(arena + 0);
    const float *const t0_at = (const float *)(arena + 184320);
    const int place = blockIdx.x % 2, own = blockIdx.x / 2 % 1;
    const int top = place / 1 * 64, left = place % 1 * 32;
    int piece = blockIdx.x / 2;
    const int begin = piece * 96;
    const int stop = begin + 96 < 5760 ? begin + 96 : 5760;
    __shared__ Pack<float, 4> rows[2][32][17];
    __shared__ Pack<float, 4> columns[2][32][9];
    {
        Pack<float, 4> rows_next[2];
        Pack<float, 4> columns_next[1];
        const int x = threadIdx.x % 8, y = threadIdx.x / 8 % 16;
        const int slice = threadIdx.x / 128;
        float sums[4][4] = {};
        int half = 0;
        for (int next = begin; next < stop + 32; next += 32) {
            if (next < stop) {
                #pragma unroll
                for (int e = 0; e < 2; e++) {
                    const int slot = threadIdx.x + e * 256;
                    const int at = slot % 16 * 4, deep = slot / 16;
                    const int q = top + at;
                    const int i2 = q / 24;
                    const int i3 = q / 8 % 3;
                    const int i4 = q % 8;
                    const int t = next + deep;
                    const int p0 = t / 144;
                    const int p1 = t / 12 % 12;
                    const int p2 = t % 12;
                    rows_next[e] = Pack<float, 4>();
                    if (q < 72 & (p1 + i2 - 1) >= 0 & (p1 + i2 - 1) < 12 & (p2 + i3 - 1) >= 0 & (p2 + i3 - 1) < 12) rows_next[e] = *(const Pack<float, 4> *)(&x_2_at[p0 * 1152 + (p1 + i2 - 1) * 96 + (p2 + i3 - 1) * 8 + i4]);
                }
                #pragma unroll
                for (int e = 0; e < 1; e++) {
                    const int slot = threadIdx.x;
                    const int at = slot % 8 * 4, deep = slot / 8;
                    const int q = left + at;
                    const int i5 = q;
                    const int t = next + deep;
                    const int p0 = t / 144;
                    const int p1 = t / 12 % 12;
                    const int p2 = t % 12;
                    columns_next[e] = *(const Pack<float, 4> *)(&t0_at[p0 * 4608 + p1 * 384 + p2 * 32 + i5]);
                }
            }
            if (next > begin) {
                #pragma unroll
                for (int t = 0; t < 16; t++) {
                    Pack<float, 4> a[1], b[1];
                    #pragma unroll
                    for (int g = 0; g < 1; g++) {
                        a[g] = rows[half][t * 2 + slice][y + g * 16];
                    }
                    #pragma unroll
                    for (int g = 0; g < 1; g++) {
                        b[g] = columns[half][t * 2 + slice][x + g * 8];
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
                    const int slot = threadIdx.x + e * 256;
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
        Pack<float, 4> *const parts = (Pack<float, 4> *)(slice < 1 ? (float *)rows + slice * 2048 : (float *)columns + (slice - 1) * 2048);
        #pragma unroll
        for (int r = 0; r < 4; r++) {
            #pragma unroll
            for (int c = 0; c < 4; c += 4) {
                Pack<float, 4> partial;
                #pragma unroll
                for (int v = 0; v < 4; v++) {
                    partial.at[v] = sums[r][c + v];
                }
                parts[((r / 4 * 64 + y * 4 + r % 4) * 32 + c / 4 * 32 + x * 4) / 4] = partial;
            }
        }
    }
    __syncthreads();
    const int x = threadIdx.x % 8, y = threadIdx.x / 8;
    float sums[2][4] = {};
    #pragma unroll
    for (int r = 0; r < 2; r++) {
        #pragma unroll
        for (int c = 0; c < 4; c += 4) {
            #pragma unroll
            for (int s = 0; s < 1; s++) {
                const Pack<float, 4> partial = ((Pack<float, 4> *)rows + s * 512)[((r / 2 * 64 + y * 2 + r % 2) * 32 + c / 4 * 32 + x * 4) / 4];
                #pragma unroll
                for (int v = 0; v < 4; v++) {
                    sums[r][c + v] += partial.at[v];
                }
            }
            #pragma unroll
            for (int s = 0; s < 1; s++) {
                const Pack<float, 4> partial = ((Pack<float, 4> *)columns + s * 512)[((r / 2 * 64 + y * 2 + r % 2) * 32 + c / 4 * 32 + x * 4) / 4];
                #pragma unroll
                for (int v = 0; v < 4; v++) {
                    sums[r][c + v] += partial.at[v];
                }
            }
        }
    }
    Pack<float, 4> *const partials = (Pack<float, 4> *)scratch + blockIdx.x % 2 * 30720 + threadIdx.x;
    __shared__ bool last;
    for (int step = 1, level = 0; step < 60; step *= 16, level++) {
        #pragma unroll
        for (int r = 0; r < 2; r++) {
            #pragma unroll
            for (int c = 0; c < 1; c++) {
                Pack<float, 4> partial;
                #pragma unroll
                for (int v = 0; v < 4; v++) {
                    partial.at[v] = sums[r][c * 4 + v];
                }
                partials[piece * 512 + (r * 1 + c) * 256] = partial;
            }
        }
        const int first = piece / (16 * step) * (16 * step);
        const int end = first + 16 * step < 60 ? first + 16 * step : 60;
        __syncthreads();
        unsigned *const counter = (unsigned *)scratch - 2 - (first + level) * 2 - blockIdx.x % 2;
        if (threadIdx.x == 0) last = last_of(counter, (end - first + step - 1) / step);
        __syncthreads();
        if (!last) return;
        #pragma unroll
        for (int r = 0; r < 2; r++) {
            #pragma unroll
            for (int c = 0; c < 1; c++) {
                #pragma unroll
                for (int v = 0; v < 4; v++) {
                    sums[r][c * 4 + v] = 0;
                }
            }
        }
        #pragma unroll 8
        for (int from = first; from < end; from += step) {
            #pragma unroll
            for (int r = 0; r < 2; r++) {
                #pragma unroll
                for (int c = 0; c < 1; c++) {
                    const Pack<float, 4> partial = partials[from * 512 + (r * 1 + c) * 256];
                    #pragma unroll
                    for (int v = 0; v < 4; v++) {
                        sums[r][c * 4 + v] += partial.at[v];
                    }
                }
            }
        }
        piece = first;
    }
    Pack<float, 4> t1_pack[2][1];
    #pragma unroll
    for (int r = 0; r < 2; r++) {
        const int row = top + r / 2 * 64 + y * 2 + r % 2;
        if (row < 72) {
            const int i2 = row / 24;
            const int i3 = row / 8 % 3;
            const int i4 = row % 8;
            #pragma unroll
            for (int c = 0; c < 4; c += 4) {
                const int column = left + c / 4 * 32 + x * 4 + c % 4;
                const int i5 = column;
                const int j = i5;
                #pragma unroll
                for (int v = 0; v < 4; v++) {
                    const int jv = j + v;
                    const float t1 = sums[r][c + v];
                    t1_pack[r][c / 4].at[v] = t1;
                }
            }
        }
    }
    #pragma unroll
    for (int r = 0; r < 2; r++) {
        const int row = top + r / 2 * 64 + y * 2 + r % 2;
        if (row < 72) {
            const int i2 = row / 24;
            const int i3 = row / 8 % 3;
            const int i4 = row % 8;
            #pragma unroll
            for (int c = 0; c < 4; c += 4) {
                const int column = left + c / 4 * 32 + x * 4 + c % 4;
                const int i5 = column;
                const int j = i5;
                *(Pack<float, 4> *)(&t1_at[i2 * 768 + i3 * 256 + i4 * 32 + j]) = t1_pack[r][c / 4];
            }
        }
    }
}
// step_0: Launch(kernel='step_0', grid=180, block=256)
// step_1: Launch(kernel='step_1', grid=120, block=256)
