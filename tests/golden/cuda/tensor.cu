extern "C" __global__ void __launch_bounds__(128, 1) step_0(
    char *arena, const Tables<1> tables, char *scratch) {
    const float *const x2_at = (const float *)(arena + 3083904);
    float *const t2_at = (float *)(arena + 1263616);
    const float *const x0_at = (const float *)(arena + 1003520);
    const float *const x1_at = (const float *)(arena + 1254400);
    const int place = blockIdx.x % 245, own = blockIdx.x / 245 % 1;
    const int top = place / 1 * 32, left = place % 1 * 32;
    const int begin = 0, stop = 72;
    __shared__ Pack<float, 4> rows[2][306];
    __shared__ Pack<float, 4> columns[2][306];
    Pack<float, 4> rows_next[2];
    Pack<float, 4> columns_next[2];
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    const int y = warp / 2 * 8 + lane / 4, x = warp % 2 * 4 + lane % 4;
    float sums[2][4] = {};
    int half = 0;
    for (int next = begin; next < stop + 32; next += 32) {
        if (next < stop) {
            {
                const int t = next + threadIdx.x % 8 * 4;
                const int p0 = t / 24;
                const int p1 = t / 8 % 3;
                const int p2 = t % 8;
                #pragma unroll
                for (int e = 0; e < 2; e++) {
                    const int slot = threadIdx.x + e * 128;
                    const int deep = slot % 8 * 4, at = slot / 8;
                    const int q = top + at;
                    const int i2 = q / 196;
                    const int i3 = q / 14 % 14;
                    const int i4 = q % 14;
                    rows_next[e] = Pack<float, 4>();
                    if (t < stop & (i3 + p0 - 1) >= 0 & (i3 + p0 - 1) < 14 & (i4 + p1 - 1) >= 0 & (i4 + p1 - 1) < 14) rows_next[e] = *(const Pack<float, 4> *)(&x0_at[i2 * 1568 + (i3 + p0 - 1) * 112 + (i4 + p1 - 1) * 8 + p2]);
                }
            }
            #pragma unroll
            for (int e = 0; e < 2; e++) {
                const int slot = threadIdx.x + e * 128;
                const int at = slot % 8 * 4, deep = slot / 8;
                const int q = left + at;
                const int i5 = q;
                const int t = next + deep;
                const int p0 = t / 24;
                const int p1 = t / 8 % 3;
                const int p2 = t % 8;
                columns_next[e] = Pack<float, 4>();
                if (t < stop) columns_next[e] = *(const Pack<float, 4> *)(&x1_at[p0 * 768 + p1 * 256 + p2 * 32 + i5]);
            }
        }
        if (next > begin) {
            #pragma unroll
            for (int t = 0; t < 4; t++) {
                const int deep = t / 2 * 16 + t % 2 * 2 + lane % 4 * 4;
                Pack<float, 2> a[2][1];
                float b[2][2];
                #pragma unroll
                for (int u = 0; u < 2; u++) {
                    #pragma unroll
                    for (int g = 0; g < 1; g++) {
                        a[u][g] = *(const Pack<float, 2> *)(&((float *)rows[half])[deep * 36 + deep / 4 * 8 + deep / 16 * 4 + u * 36 + (y + g * 16) * 2]);
                    }
                    #pragma unroll
                    for (int g = 0; g < 2; g++) {
                        b[u][g] = ((float *)columns[half])[deep * 36 + deep / 4 * 8 + deep / 16 * 4 + u * 36 + (warp % 2 + g * 2) * 8 + lane / 4];
                    }
                }
                #pragma unroll
                for (int r = 0; r < 2; r += 2) {
                    #pragma unroll
                    for (int c = 0; c < 4; c += 2) {
                        mma_tf32(sums[r][c], sums[r][c + 1], sums[r + 1][c], sums[r + 1][c + 1], a[0][r / 2].at[0], a[0][r / 2].at[1], a[1][r / 2].at[0], a[1][r / 2].at[1], b[0][c / 2], b[1][c / 2]);
                    }
                }
            }
        }
        if (next < stop) {
            #pragma unroll
            for (int e = 0; e < 2; e++) {
                const int slot = threadIdx.x + e * 128;
                const int deep = slot % 8 * 4, at = slot / 8;
                for (int v = 0; v < 4; v++) ((float *)rows[1 - half])[deep * 36 + deep / 4 * 8 + deep / 16 * 4 + v * 36 + at] = as_tf32(rows_next[e].at[v]);
            }
            #pragma unroll
            for (int e = 0; e < 2; e++) {
                const int slot = threadIdx.x + e * 128;
                const int at = slot % 8 * 4, deep = slot / 8;
                *(Pack<float, 4> *)(&((float *)columns[1 - half])[deep * 36 + deep / 4 * 8 + deep / 16 * 4 + at]) = as_tf32(columns_next[e]);
            }
        }
        __syncthreads();
        half = 1 - half;
    }
    Pack<float, 2> t2_pack[2][2];
    #pragma unroll
    for (int r = 0; r < 2; r++) {
        const int row = top + r / 2 * 32 + y * 2 + r % 2;
        const int i2 = row / 196;
        const int i3 = row / 14 % 14;
        const int i4 = row % 14;
        #pragma unroll
        for (int c = 0; c < 4; c += 2) {
            const int column = left + c / 2 * 16 + x * 2 + c % 2;
            const int i5 = column;
            const int j = i5;
            const Pack<float, 2> x2_pack0 = *(const Pack<float, 2> *)(&x2_at[j]);
            #pragma unroll
            for (int v = 0; v < 2; v++) {
                const int jv = j + v;
                const float t0 = sums[r][c + v];
                const float t1 = t0 + x2_pack0.at[v];
                const float t2 = (t1 < 0 ? 0 : t1);
                t2_pack[r][c / 2].at[v] = t2;
            }
        }
    }
    #pragma unroll
    for (int r = 0; r < 2; r++) {
        const int row = top + r / 2 * 32 + y * 2 + r % 2;
        const int i2 = row / 196;
        const int i3 = row / 14 % 14;
        const int i4 = row % 14;
        #pragma unroll
        for (int c = 0; c < 4; c += 2) {
            const int column = left + c / 2 * 16 + x * 2 + c % 2;
            const int i5 = column;
            const int j = i5;
            *(Pack<float, 2> *)(&t2_at[i2 * 6272 + i3 * 448 + i4 * 32 + j]) = t2_pack[r][c / 2];
        }
    }
}

extern "C" __global__ void __launch_bounds__(128, 1) step_3(
    char *arena, const Tables<1> tables, char *scratch) {
    float *const t3_at = (float *)(arena + 1254400);
    const float *const x0_at = (const float *)(arena + 1003520);
    const float *const x3_at = (const float *)(arena + 0);
    const int place = blockIdx.x % 2, own = blockIdx.x / 2 % 1;
    const int top = place / 1 * 64, left = place % 1 * 32;
    int piece = blockIdx.x / 2;
    const int begin = piece * 64;
    const int stop = begin + 64 < 7840 ? begin + 64 : 7840;
    __shared__ Pack<float, 4> rows[2][562];
    __shared__ Pack<float, 4> columns[2][306];
    Pack<float, 4> rows_next[4];
    Pack<float, 4> columns_next[2];
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    const int y = warp / 2 * 8 + lane / 4, x = warp % 2 * 4 + lane % 4;
    float sums[4][4] = {};
    int half = 0;
    for (int next = begin; next < stop + 32; next += 32) {
        if (next < stop) {
            #pragma unroll
            for (int e = 0; e < 4; e++) {
                const int slot = threadIdx.x + e * 128;
                const int at = slot % 16 * 4, deep = slot / 16;
                const int q = top + at;
                const int i2 = q / 24;
                const int i3 = q / 8 % 3;
                const int i4 = q % 8;
                const int t = next + deep;
                const int p0 = t / 196;
                const int p1 = t / 14 % 14;
                const int p2 = t % 14;
                rows_next[e] = Pack<float, 4>();
                if (q < 72 & (p1 + i2 - 1) >= 0 & (p1 + i2 - 1) < 14 & (p2 + i3 - 1) >= 0 & (p2 + i3 - 1) < 14) rows_next[e] = *(const Pack<float, 4> *)(&x0_at[p0 * 1568 + (p1 + i2 - 1) * 112 + (p2 + i3 - 1) * 8 + i4]);
            }
            #pragma unroll
            for (int e = 0; e < 2; e++) {
                const int slot = threadIdx.x + e * 128;
                const int at = slot % 8 * 4, deep = slot / 8;
                const int q = left + at;
                const int i5 = q;
                const int t = next + deep;
                const int p0 = t / 196;
                const int p1 = t / 14 % 14;
                const int p2 = t % 14;
                columns_next[e] = *(const Pack<float, 4> *)(&x3_at[p0 * 6272 + p1 * 448 + p2 * 32 + i5]);
            }
        }
        if (next > begin) {
            #pragma unroll
            for (int t = 0; t < 4; t++) {
                const int deep = t / 2 * 16 + t % 2 * 2 + lane % 4 * 4;
                Pack<float, 2> a[2][2];
                float b[2][2];
                #pragma unroll
                for (int u = 0; u < 2; u++) {
                    #pragma unroll
                    for (int g = 0; g < 2; g++) {
                        a[u][g] = *(const Pack<float, 2> *)(&((float *)rows[half])[deep * 68 + deep / 4 * 8 + deep / 16 * 4 + u * 68 + (y + g * 16) * 2]);
                    }
                    #pragma unroll
                    for (int g = 0; g < 2; g++) {
                        b[u][g] = ((float *)columns[half])[deep * 36 + deep / 4 * 8 + deep / 16 * 4 + u * 36 + (warp % 2 + g * 2) * 8 + lane / 4];
                    }
                }
                #pragma unroll
                for (int r = 0; r < 4; r += 2) {
                    #pragma unroll
                    for (int c = 0; c < 4; c += 2) {
                        mma_tf32(sums[r][c], sums[r][c + 1], sums[r + 1][c], sums[r + 1][c + 1], a[0][r / 2].at[0], a[0][r / 2].at[1], a[1][r / 2].at[0], a[1][r / 2].at[1], b[0][c / 2], b[1][c / 2]);
                    }
                }
            }
        }
        if (next < stop) {
            #pragma unroll
            for (int e = 0; e < 4; e++) {
                const int slot = threadIdx.x + e * 128;
                const int at = slot % 16 * 4, deep = slot / 16;
                *(Pack<float, 4> *)(&((float *)rows[1 - half])[deep * 68 + deep / 4 * 8 + deep / 16 * 4 + at]) = as_tf32(rows_next[e]);
            }
            #pragma unroll
            for (int e = 0; e < 2; e++) {
                const int slot = threadIdx.x + e * 128;
                const int at = slot % 8 * 4, deep = slot / 8;
                *(Pack<float, 4> *)(&((float *)columns[1 - half])[deep * 36 + deep / 4 * 8 + deep / 16 * 4 + at]) = as_tf32(columns_next[e]);
            }
        }
        __syncthreads();
        half = 1 - half;
    }
    Pack<float, 2> *const partials = (Pack<float, 2> *)scratch + blockIdx.x % 2 * 125952 + threadIdx.x;
    __shared__ bool last;
    for (int step = 1, level = 0; step < 123; step *= 16, level++) {
        #pragma unroll
        for (int r = 0; r < 4; r++) {
            #pragma unroll
            for (int c = 0; c < 2; c++) {
                Pack<float, 2> partial;
                #pragma unroll
                for (int v = 0; v < 2; v++) {
                    partial.at[v] = sums[r][c * 2 + v];
                }
                partials[piece * 1024 + (r * 2 + c) * 128] = partial;
            }
        }
        const int first = piece / (16 * step) * (16 * step);
        const int end = first + 16 * step < 123 ? first + 16 * step : 123;
        __syncthreads();
        unsigned *const counter = (unsigned *)scratch - 2 - (first + level) * 2 - blockIdx.x % 2;
        if (threadIdx.x == 0) last = last_of(counter, (end - first + step - 1) / step);
        __syncthreads();
        if (!last) return;
        #pragma unroll
        for (int r = 0; r < 4; r++) {
            #pragma unroll
            for (int c = 0; c < 2; c++) {
                #pragma unroll
                for (int v = 0; v < 2; v++) {
                    sums[r][c * 2 + v] = 0;
                }
            }
        }
        #pragma unroll 4
        for (int from = first; from < end; from += step) {
            #pragma unroll
            for (int r = 0; r < 4; r++) {
                #pragma unroll
                for (int c = 0; c < 2; c++) {
                    const Pack<float, 2> partial = partials[from * 1024 + (r * 2 + c) * 128];
                    #pragma unroll
                    for (int v = 0; v < 2; v++) {
                        sums[r][c * 2 + v] += partial.at[v];
                    }
                }
            }
        }
        piece = first;
    }
    Pack<float, 2> t3_pack[4][2];
    #pragma unroll
    for (int r = 0; r < 4; r++) {
        const int row = top + r / 2 * 32 + y * 2 + r % 2;
        if (row < 72) {
            const int i2 = row / 24;
            const int i3 = row / 8 % 3;
            const int i4 = row % 8;
            #pragma unroll
            for (int c = 0; c < 4; c += 2) {
                const int column = left + c / 2 * 16 + x * 2 + c % 2;
                const int i5 = column;
                const int j = i5;
                #pragma unroll
                for (int v = 0; v < 2; v++) {
                    const int jv = j + v;
                    const float t3 = sums[r][c + v];
                    t3_pack[r][c / 2].at[v] = t3;
                }
            }
        }
    }
    #pragma unroll
    for (int r = 0; r < 4; r++) {
        const int row = top + r / 2 * 32 + y * 2 + r % 2;
        if (row < 72) {
            const int i2 = row / 24;
            const int i3 = row / 8 % 3;
            const int i4 = row % 8;
            #pragma unroll
            for (int c = 0; c < 4; c += 2) {
                const int column = left + c / 2 * 16 + x * 2 + c % 2;
                const int i5 = column;
                const int j = i5;
                *(Pack<float, 2> *)(&t3_at[i2 * 768 + i3 * 256 + i4 * 32 + j]) = t3_pack[r][c / 2];
            }
        }
    }
}
// step_0: Launch(kernel='step_0', grid=245, block=128)
// step_0: Launch(kernel='step_3', grid=246, block=128)
