int step_0(char *arena, void *const *tables) {
    /* p: softmax */
    {
        float *const x_2_at = (float *)(arena + 0);
        const float *const bias_at = (const float *)tables[0];
        for (int64_t i0 = 0; i0 < 3; i0++) {
            float t0_row[5];
            float r3_row[5];
            EACH
            for (int64_t j = 0; j < 5; j++) {
                const float t0 = x_2_at[i0 * 5 + j] + bias_at[j];
                t0_row[j] = t0;
            }
            const float r1 = max_f32(t0_row, 5);
            EACH
            for (int64_t j = 0; j < 5; j++) {
                const float r2 = t0_row[j] - r1;
                const float r3 = exp_f32(r2);
                r3_row[j] = r3;
            }
            const float r4 = sum_f32(r3_row, 5);
            EACH
            for (int64_t j = 0; j < 5; j++) {
                const float t1 = r3_row[j] / r4;
                x_2_at[i0 * 5 + j] = t1;
            }
        }
    }
    return 0;
}
