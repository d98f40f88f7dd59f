extern "C" __global__ void __launch_bounds__(32, 1) step_loop0_enter(
    char *arena, const Tables<4> tables, char *scratch) {
    const double *const b_at = (const double *)tables[1];
    double *const t1_at = (double *)(arena + 1088);
    const int row = blockIdx.x * 32 + threadIdx.x / 1, lane = threadIdx.x % 1;
    if (row >= 1) return;
    const uint32_t mask = 0x1u;
    const double t1 = b_at[0];
    t1_at[0] = t1;
}

extern "C" __global__ void __launch_bounds__(256, 1) step_loop0_0(
    char *arena, const Tables<7> tables, char *scratch) {
    double *const t3_at = (double *)(arena + 0);
    const double *const a_at = (const double *)tables[0];
    const double *const w_2_at = (const double *)tables[3];
    const int place = blockIdx.x % 1, own = blockIdx.x / 1 % 1;
    const int top = place / 1 * 16, left = place % 1 * 16;
    const int begin = 0, stop = 5;
    __shared__ Pack<double, 1> rows[2][16][17];
    __shared__ Pack<double, 1> columns[2][16][17];
    Pack<double, 1> rows_next[1];
    Pack<double, 1> columns_next[1];
    const int x = threadIdx.x % 16, y = threadIdx.x / 16;
    double sums[1][1] = {};
    int half = 0;
    for (int next = begin; next < stop + 16; next += 16) {
        if (next < stop) {
            {
                const int t = next + threadIdx.x % 16;
                const int p0 = t;
                #pragma unroll
                for (int e = 0; e < 1; e++) {
                    const int slot = threadIdx.x;
                    const int deep = slot % 16, at = slot / 16;
                    const int q = top + at;
                    const int i0 = q;
                    rows_next[e] = Pack<double, 1>();
                    if (q < 3 & t < stop) rows_next[e] = *(const Pack<double, 1> *)(&a_at[i0 * 5 + p0]);
                }
            }
            #pragma unroll
            for (int e = 0; e < 1; e++) {
                const int slot = threadIdx.x;
                const int at = slot % 16, deep = slot / 16;
                const int q = left + at;
                const int i1 = q;
                const int t = next + deep;
                const int p0 = t;
                columns_next[e] = Pack<double, 1>();
                if (q < 5 & t < stop) columns_next[e] = *(const Pack<double, 1> *)(&w_2_at[p0 * 5 + i1]);
            }
        }
        if (next > begin) {
            #pragma unroll
            for (int t = 0; t < 16; t++) {
                Pack<double, 1> a[1], b[1];
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
                        sums[r][c] = fma(a[r / 1].at[r % 1], b[c / 1].at[c % 1], sums[r][c]);
                    }
                }
            }
        }
        if (next < stop) {
            #pragma unroll
            for (int e = 0; e < 1; e++) {
                const int slot = threadIdx.x;
                const int deep = slot % 16, at = slot / 16;
                ((double *)rows[1 - half][deep])[at] = rows_next[e].at[0];
            }
            #pragma unroll
            for (int e = 0; e < 1; e++) {
                const int slot = threadIdx.x;
                const int at = slot % 16, deep = slot / 16;
                ((double *)columns[1 - half][deep])[at] = columns_next[e].at[0];
            }
        }
        __syncthreads();
        half = 1 - half;
    }
    Pack<double, 1> t3_pack[1][1];
    #pragma unroll
    for (int r = 0; r < 1; r++) {
        const int row = top + r / 1 * 16 + y * 1 + r % 1;
        if (row < 3) {
            const int i0 = row;
            #pragma unroll
            for (int c = 0; c < 1; c++) {
                const int column = left + c / 1 * 16 + x * 1 + c % 1;
                if (column < 5) {
                    const int i1 = column;
                    const int j = i1;
                    #pragma unroll
                    for (int v = 0; v < 1; v++) {
                        const int jv = j + v;
                        const double t3 = sums[r][c + v];
                        t3_pack[r][c / 1].at[v] = t3;
                    }
                }
            }
        }
    }
    #pragma unroll
    for (int r = 0; r < 1; r++) {
        const int row = top + r / 1 * 16 + y * 1 + r % 1;
        if (row < 3) {
            const int i0 = row;
            #pragma unroll
            for (int c = 0; c < 1; c++) {
                const int column = left + c / 1 * 16 + x * 1 + c % 1;
                if (column < 5) {
                    const int i1 = column;
                    const int j = i1;
                    *(Pack<double, 1> *)(&t3_at[i0 * 5 + j]) = t3_pack[r][c / 1];
                }
            }
        }
    }
}

extern "C" __global__ void __launch_bounds__(32, 1) step_loop0_1(
    char *arena, const Tables<7> tables, char *scratch) {
    const double *const x_2_at = (const double *)tables[2];
    const double *const t3_at = (const double *)(arena + 0);
    double *const t5_at = (double *)tables[4];
    if (const int q = THREAD; q < 15) {
        const int i0 = q / 5;
        const int j = q % 5;
        const double t4 = x_2_at[i0 + j * 3] + t3_at[i0 * 5 + j];
        const double t5 = tanh_f64(t4);
        t5_at[i0 * 5 + j] = t5;
    }
}

extern "C" __global__ void __launch_bounds__(32, 1) step_loop0_3(
    char *arena, const Tables<7> tables, char *scratch) {
    const double *const t5_at = (const double *)tables[4];
    double *const t6_at = (double *)(arena + 0);
    const int row = blockIdx.x * 2 + threadIdx.x / 16, lane = threadIdx.x % 16;
    if (row >= 1) return;
    const uint32_t mask = 0xffffu;
    double t6_all = 0;
    for (int k = 0; k < 1; k++) {
        const int j = lane + k * 16;
        if (j < 15) {
            t6_all = t6_all + t5_at[j];
        }
    }
    for (int m = 8; m; m /= 2) t6_all = t6_all + __shfl_xor_sync(mask, t6_all, m, 16);
    const double t6 = t6_all;
    if (lane == 0) {
        t6_at[0] = t6;
    }
}

extern "C" __global__ void __launch_bounds__(32, 1) step_loop0_4(
    char *arena, const Tables<7> tables, char *scratch) {
    double *const b_at = (double *)tables[1];
    const double *const t6_at = (const double *)(arena + 0);
    double *const t8_at = (double *)tables[5];
    const int row = blockIdx.x * 32 + threadIdx.x / 1, lane = threadIdx.x % 1;
    if (row >= 1) return;
    const uint32_t mask = 0x1u;
    const double t7 = b_at[0] + t6_at[0];
    const double t8 = t7 * 2.0;
    b_at[0] = t7;
    t8_at[0] = t8;
}

extern "C" __global__ void __launch_bounds__(32, 1) step_loop0_6(
    char *arena, const Tables<7> tables, char *scratch) {
    const double *const a_at = (const double *)tables[0];
    double *const a_2_at = (double *)tables[6];
    if (const int q = THREAD; q < 15) {
        const int j = q;
        const double a_2 = a_at[j];
        a_2_at[j] = a_2;
    }
}

extern "C" __global__ void __launch_bounds__(32, 1) step_loop0_leave(
    char *arena, const Tables<4> tables, char *scratch) {
    const double *const t2_at = (const double *)(arena + 0);
    double *const t0_at = (double *)(arena + 896);
    if (const int q = THREAD; q < 15) {
        const int j = q;
        const double t0 = t2_at[j];
        t0_at[j] = t0;
    }
}
// step_0: Launch(kernel='step_loop0_enter', grid=1, block=32)
// step_0: Launch(kernel='step_loop0_0', grid=1, block=256, frame=Frame(arena=768, tables=((0, 0), (None, 1088), (2, 240), (3, 0), (None, 240), (None, 1040), (None, 624))))
// step_0: Launch(kernel='step_loop0_1', grid=1, block=32, frame=Frame(arena=768, tables=((0, 0), (None, 1088), (2, 240), (3, 0), (None, 240), (None, 1040), (None, 624))))
// step_0: Launch(kernel='step_loop0_3', grid=1, block=32, frame=Frame(arena=768, tables=((0, 0), (None, 1088), (2, 240), (3, 0), (None, 240), (None, 1040), (None, 624))))
// step_0: Launch(kernel='step_loop0_4', grid=1, block=32, frame=Frame(arena=768, tables=((0, 0), (None, 1088), (2, 240), (3, 0), (None, 240), (None, 1040), (None, 624))))
// step_0: Launch(kernel='step_loop0_6', grid=1, block=32, frame=Frame(arena=768, tables=((0, 0), (None, 1088), (2, 240), (3, 0), (None, 240), (None, 1040), (None, 624))))
// step_0: Launch(kernel='step_loop0_0', grid=1, block=256, frame=Frame(arena=768, tables=((None, 240), (None, 1088), (2, 120), (3, 0), (None, 120), (None, 1032), (None, 504))))
// step_0: Launch(kernel='step_loop0_1', grid=1, block=32, frame=Frame(arena=768, tables=((None, 240), (None, 1088), (2, 120), (3, 0), (None, 120), (None, 1032), (None, 504))))
// step_0: Launch(kernel='step_loop0_3', grid=1, block=32, frame=Frame(arena=768, tables=((None, 240), (None, 1088), (2, 120), (3, 0), (None, 120), (None, 1032), (None, 504))))
// step_0: Launch(kernel='step_loop0_4', grid=1, block=32, frame=Frame(arena=768, tables=((None, 240), (None, 1088), (2, 120), (3, 0), (None, 120), (None, 1032), (None, 504))))
// step_0: Launch(kernel='step_loop0_6', grid=1, block=32, frame=Frame(arena=768, tables=((None, 240), (None, 1088), (2, 120), (3, 0), (None, 120), (None, 1032), (None, 504))))
// step_0: Launch(kernel='step_loop0_0', grid=1, block=256, frame=Frame(arena=768, tables=((None, 120), (None, 1088), (2, 0), (3, 0), (None, 0), (None, 1024), (None, 384))))
// step_0: Launch(kernel='step_loop0_1', grid=1, block=32, frame=Frame(arena=768, tables=((None, 120), (None, 1088), (2, 0), (3, 0), (None, 0), (None, 1024), (None, 384))))
// step_0: Launch(kernel='step_loop0_3', grid=1, block=32, frame=Frame(arena=768, tables=((None, 120), (None, 1088), (2, 0), (3, 0), (None, 0), (None, 1024), (None, 384))))
// step_0: Launch(kernel='step_loop0_4', grid=1, block=32, frame=Frame(arena=768, tables=((None, 120), (None, 1088), (2, 0), (3, 0), (None, 0), (None, 1024), (None, 384))))
// step_0: Launch(kernel='step_loop0_6', grid=1, block=32, frame=Frame(arena=768, tables=((None, 120), (None, 1088), (2, 0), (3, 0), (None, 0), (None, 1024), (None, 384))))
// step_0: Launch(kernel='step_loop0_leave', grid=1, block=32)
