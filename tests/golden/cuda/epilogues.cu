extern "C" __global__ void __launch_bounds__(256, 1) step_0(
    char *arena, const Tables<1> tables, char *scratch) {
    const float *const x2_at = (const float *)(arena + 1099776);
    float *const t2_at = (float *)(arena + 952320);
    const float *const x0_at = (const float *)(arena + 0);
    const float *const x1_at = (const float *)(arena + 614400);
    const int place = blockIdx.x % 24, own = blockIdx.x / 24 % 1;
    const int top = place / 2 * 32, left = place % 2 * 64;
    int piece = blockIdx.x / 24;
    const int begin = piece * 96;
    const int stop = begin + 96 < 400 ? begin + 96 : 400;
    __shared__ Pack<float, 4> rows[2][32][9];
    __shared__ Pack<float, 4> columns[2][32][17];
    {
        Pack<float, 4> rows_next[1];
        Pack<float, 4> columns_next[2];
        const int x = threadIdx.x % 16, y = threadIdx.x / 16 % 8;
        const int slice = threadIdx.x / 128;
        float sums[4][4] = {};
        int half = 0;
        for (int next = begin; next < stop + 32; next += 32) {
            if (next < stop) {
                {
                    const int t = next + threadIdx.x % 4 * 4 + threadIdx.x / 128 * 16;
                    const int p0 = t;
                    #pragma unroll
                    for (int e = 0; e < 1; e++) {
                        const int deep = threadIdx.x % 4 * 4 + threadIdx.x / 128 * 16, at = threadIdx.x / 4 % 32;
                        const int q = top + at;
                        const int i0 = q;
                        rows_next[e] = Pack<float, 4>();
                        if (t < stop) rows_next[e] = *(const Pack<float, 4> *)(&x0_at[i0 * 400 + p0]);
                    }
                }
                #pragma unroll
                for (int e = 0; e < 2; e++) {
                    const int slot = threadIdx.x + e * 256;
                    const int at = slot % 16 * 4, deep = slot / 16;
                    const int q = left + at;
                    const int i1 = q;
                    const int t = next + deep;
                    const int p0 = t;
                    columns_next[e] = Pack<float, 4>();
                    if (q < 96 & t < stop) columns_next[e] = *(const Pack<float, 4> *)(&x1_at[p0 * 96 + i1]);
                }
            }
            if (next > begin) {
                #pragma unroll
                for (int t = 0; t < 16; t++) {
                    Pack<float, 4> a[1], b[1];
                    #pragma unroll
                    for (int g = 0; g < 1; g++) {
                        a[g] = rows[half][t * 2 + slice][y + g * 8];
                    }
                    #pragma unroll
                    for (int g = 0; g < 1; g++) {
                        b[g] = columns[half][t * 2 + slice][x + g * 16];
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
                for (int e = 0; e < 2; e++) {
                    const int slot = threadIdx.x + e * 256;
                    const int at = slot % 16 * 4, deep = slot / 16;
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
                parts[((r / 4 * 32 + y * 4 + r % 4) * 64 + c / 4 * 64 + x * 4) / 4] = partial;
            }
        }
    }
    __syncthreads();
    const int x = threadIdx.x % 16, y = threadIdx.x / 16;
    float sums[2][4] = {};
    #pragma unroll
    for (int r = 0; r < 2; r++) {
        #pragma unroll
        for (int c = 0; c < 4; c += 4) {
            #pragma unroll
            for (int s = 0; s < 1; s++) {
                const Pack<float, 4> partial = ((Pack<float, 4> *)rows + s * 512)[((r / 2 * 32 + y * 2 + r % 2) * 64 + c / 4 * 64 + x * 4) / 4];
                #pragma unroll
                for (int v = 0; v < 4; v++) {
                    sums[r][c + v] += partial.at[v];
                }
            }
            #pragma unroll
            for (int s = 0; s < 1; s++) {
                const Pack<float, 4> partial = ((Pack<float, 4> *)columns + s * 512)[((r / 2 * 32 + y * 2 + r % 2) * 64 + c / 4 * 64 + x * 4) / 4];
                #pragma unroll
                for (int v = 0; v < 4; v++) {
                    sums[r][c + v] += partial.at[v];
                }
            }
        }
    }
    Pack<float, 4> *const partials = (Pack<float, 4> *)scratch + blockIdx.x % 24 * 2560 + threadIdx.x;
    __shared__ bool last;
    for (int step = 1, level = 0; step < 5; step *= 16, level++) {
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
        const int end = first + 16 * step < 5 ? first + 16 * step : 5;
        __syncthreads();
        unsigned *const counter = (unsigned *)scratch - 2 - (first + level) * 24 - blockIdx.x % 24;
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
    Pack<float, 4> t2_pack[2][1];
    #pragma unroll
    for (int r = 0; r < 2; r++) {
        const int row = top + r / 2 * 32 + y * 2 + r % 2;
        const int i0 = row;
        #pragma unroll
        for (int c = 0; c < 4; c += 4) {
            const int column = left + c / 4 * 64 + x * 4 + c % 4;
            if (column < 96) {
                const int i1 = column;
                const int j = i1;
                const Pack<float, 4> x2_pack0 = *(const Pack<float, 4> *)(&x2_at[j]);
                #pragma unroll
                for (int v = 0; v < 4; v++) {
                    const int jv = j + v;
                    const float t0 = sums[r][c + v];
                    const float t1 = t0 + x2_pack0.at[v];
                    const float t2 = (t1 < 0 ? 0 : t1);
                    t2_pack[r][c / 4].at[v] = t2;
                }
            }
        }
    }
    #pragma unroll
    for (int r = 0; r < 2; r++) {
        const int row = top + r / 2 * 32 + y * 2 + r % 2;
        const int i0 = row;
        #pragma unroll
        for (int c = 0; c < 4; c += 4) {
            const int column = left + c / 4 * 64 + x * 4 + c % 4;
            if (column < 96) {
                const int i1 = column;
                const int j = i1;
                *(Pack<float, 4> *)(&t2_at[i0 * 96 + j]) = t2_pack[r][c / 4];
            }
        }
    }
}

extern "C" __global__ void __launch_bounds__(256, 1) step_3(
    char *arena, const Tables<1> tables, char *scratch) {
    const float *const x3_at = (const float *)(arena + 768000);
    float *const t5_at = (float *)(arena + 0);
    const float *const t2_at = (const float *)(arena + 952320);
    const float *const x4_at = (const float *)(arena + 915456);
    const int place = blockIdx.x % 144, own = blockIdx.x / 144 % 1;
    const int top = place / 6 * 16, left = place % 6 * 16;
    const int begin = 0, stop = 96;
    __shared__ Pack<float, 4> rows[2][64][5];
    __shared__ Pack<float, 4> columns[2][64][5];
    {
        Pack<float, 4> rows_next[1];
        Pack<float, 4> columns_next[1];
        const int x = threadIdx.x % 4, y = threadIdx.x / 4 % 4;
        const int slice = threadIdx.x / 16;
        float sums[4][4] = {};
        int half = 0;
        for (int next = begin; next < stop + 64; next += 64) {
            if (next < stop) {
                {
                    const int t = next + threadIdx.x % 4 * 4 + threadIdx.x / 64 * 16;
                    const int p0 = t;
                    #pragma unroll
                    for (int e = 0; e < 1; e++) {
                        const int deep = threadIdx.x % 4 * 4 + threadIdx.x / 64 * 16, at = threadIdx.x / 4 % 16;
                        const int q = top + at;
                        const int i0 = q;
                        rows_next[e] = Pack<float, 4>();
                        if (t < stop) rows_next[e] = *(const Pack<float, 4> *)(&t2_at[i0 * 96 + p0]);
                    }
                }
                #pragma unroll
                for (int e = 0; e < 1; e++) {
                    const int slot = threadIdx.x;
                    const int at = slot % 4 * 4, deep = slot / 4;
                    const int q = left + at;
                    const int i1 = q;
                    const int t = next + deep;
                    const int p0 = t;
                    columns_next[e] = Pack<float, 4>();
                    if (t < stop) columns_next[e] = *(const Pack<float, 4> *)(&x4_at[p0 * 96 + i1]);
                }
            }
            if (next > begin) {
                #pragma unroll
                for (int t = 0; t < 4; t++) {
                    Pack<float, 4> a[1], b[1];
                    #pragma unroll
                    for (int g = 0; g < 1; g++) {
                        a[g] = rows[half][t * 16 + slice][y + g * 4];
                    }
                    #pragma unroll
                    for (int g = 0; g < 1; g++) {
                        b[g] = columns[half][t * 16 + slice][x + g * 4];
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
                    const int deep = threadIdx.x % 4 * 4 + threadIdx.x / 64 * 16, at = threadIdx.x / 4 % 16;
                    for (int v = 0; v < 4; v++) ((float *)rows[1 - half][deep + v])[at] = rows_next[e].at[v];
                }
                #pragma unroll
                for (int e = 0; e < 1; e++) {
                    const int slot = threadIdx.x;
                    const int at = slot % 4 * 4, deep = slot / 4;
                    *(Pack<float, 4> *)(&((float *)columns[1 - half][deep])[at]) = columns_next[e];
                }
            }
            __syncthreads();
            half = 1 - half;
        }
        Pack<float, 4> *const parts = (Pack<float, 4> *)(slice < 8 ? (float *)rows + slice * 256 : (float *)columns + (slice - 8) * 256);
        #pragma unroll
        for (int r = 0; r < 4; r++) {
            #pragma unroll
            for (int c = 0; c < 4; c += 4) {
                Pack<float, 4> partial;
                #pragma unroll
                for (int v = 0; v < 4; v++) {
                    partial.at[v] = sums[r][c + v];
                }
                parts[((r / 4 * 16 + y * 4 + r % 4) * 16 + c / 4 * 16 + x * 4) / 4] = partial;
            }
        }
    }
    __syncthreads();
    const int x = threadIdx.x % 16, y = threadIdx.x / 16;
    float sums[1][1] = {};
    #pragma unroll
    for (int r = 0; r < 1; r++) {
        #pragma unroll
        for (int c = 0; c < 1; c++) {
            #pragma unroll
            for (int s = 0; s < 8; s++) {
                const Pack<float, 1> partial = ((Pack<float, 1> *)rows + s * 256)[((r / 1 * 16 + y * 1 + r % 1) * 16 + c / 1 * 16 + x * 1) / 1];
                #pragma unroll
                for (int v = 0; v < 1; v++) {
                    sums[r][c + v] += partial.at[v];
                }
            }
            #pragma unroll
            for (int s = 0; s < 8; s++) {
                const Pack<float, 1> partial = ((Pack<float, 1> *)columns + s * 256)[((r / 1 * 16 + y * 1 + r % 1) * 16 + c / 1 * 16 + x * 1) / 1];
                #pragma unroll
                for (int v = 0; v < 1; v++) {
                    sums[r][c + v] += partial.at[v];
                }
            }
        }
    }
    Pack<float, 1> t5_pack[1][1];
    #pragma unroll
    for (int r = 0; r < 1; r++) {
        const int row = top + r / 1 * 16 + y * 1 + r % 1;
        const int i0 = row;
        #pragma unroll
        for (int c = 0; c < 1; c++) {
            const int column = left + c / 1 * 16 + x * 1 + c % 1;
            const int i1 = column;
            const int j = i1;
            const Pack<float, 1> x3_pack0 = *(const Pack<float, 1> *)(&x3_at[i0 * 96 + j]);
            #pragma unroll
            for (int v = 0; v < 1; v++) {
                const int jv = j + v;
                const float t3 = sums[r][c + v];
                const bool8 t4 = x3_pack0.at[v] > 0.0f;
                const float t5 = (t4 ? t3 : 0);
                t5_pack[r][c / 1].at[v] = t5;
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
            *(Pack<float, 1> *)(&t5_at[i0 * 96 + j]) = t5_pack[r][c / 1];
        }
    }
}
// step_0: Launch(kernel='step_0', grid=120, block=256)
// step_0: Launch(kernel='step_3', grid=144, block=256)
