extern "C" __global__ void __launch_bounds__(32, 1) step_0(
    char *arena, const Tables<1> tables, char *scratch) {
    float *const x_2_at = (float *)(arena + 0);
    const float *const bias_at = (const float *)tables[0];
    const int row = blockIdx.x * 4 + threadIdx.x / 8, lane = threadIdx.x % 8;
    if (row >= 3) return;
    const uint32_t mask = 0xffffffu;
    const int i0 = row;
    float t0_row[1];
    float r3_row[1];
    float r1_all = -INFINITY;
    for (int k = 0; k < 1; k++) {
        const int j = lane + k * 8;
        if (j < 5) {
            const float t0 = x_2_at[i0 * 5 + j] + bias_at[j];
            t0_row[k] = t0;
            r1_all = larger_f32(r1_all, t0);
        }
    }
    for (int m = 4; m; m /= 2) r1_all = larger_f32(r1_all, __shfl_xor_sync(mask, r1_all, m, 8));
    const float r1 = r1_all;
    float r4_all = 0;
    for (int k = 0; k < 1; k++) {
        const int j = lane + k * 8;
        if (j < 5) {
            const float r2 = t0_row[k] - r1;
            const float r3 = exp_f32(r2);
            r3_row[k] = r3;
            r4_all = r4_all + r3;
        }
    }
    for (int m = 4; m; m /= 2) r4_all = r4_all + __shfl_xor_sync(mask, r4_all, m, 8);
    const float r4 = r4_all;
    for (int k = 0; k < 1; k++) {
        const int j = lane + k * 8;
        if (j < 5) {
            const float t1 = r3_row[k] / r4;
            x_2_at[i0 * 5 + j] = t1;
        }
    }
}
// step_0: Launch(kernel='step_0', grid=1, block=32)
